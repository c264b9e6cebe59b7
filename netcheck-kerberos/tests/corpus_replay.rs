//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/ccache.rs"]
mod ccache;
#[path = "../fuzz/decoders/keytab.rs"]
mod keytab;
#[path = "../fuzz/decoders/krb5conf.rs"]
mod krb5conf;
#[path = "../fuzz/decoders/reply.rs"]
mod reply;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_caches_are_read_well() {
    replay(HOME, "ccache", ccache::decode);
}

#[test]
fn kept_keytabs_are_read_well() {
    replay(HOME, "keytab", keytab::decode);
}

#[test]
fn kept_configurations_are_read_well() {
    replay(HOME, "krb5conf", krb5conf::decode);
}

#[test]
fn kept_answers_are_read_well() {
    replay(HOME, "reply", reply::decode);
}
