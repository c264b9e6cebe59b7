//! Files that flags name: read to a bound, whatever they are.

use crate::peer::tool;

#[test]
fn a_file_without_end_is_a_usage_error() {
    for (flag, why) in
        [("--public-roots", "larger than 16 MiB"), ("--proxy-credentials", "larger than 64 KiB")]
    {
        let outcome = tool(&[flag, "/dev/zero", "tls://127.0.0.1:9"]).run();
        assert_eq!((outcome.code, outcome.records.len()), (2, 0), "{flag}: {outcome:?}");
        assert!(outcome.stderr.contains(why), "{flag}: {}", outcome.stderr);
    }
}

#[test]
fn a_password_in_the_reference_resolver_is_refused_and_not_repeated() {
    for url in ["https://user:hunter2@dns.test/dns-query", "https//user:hunter2@dns.test", "hunter2"] {
        let outcome = tool(&["--reference-resolver", url, "tcp://127.0.0.1:9"]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{outcome:?}");
        assert!(outcome.stderr.contains("--reference-resolver: "), "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
    }
}
