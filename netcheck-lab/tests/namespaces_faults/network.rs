//! What changes while a run goes on: the interface, the address, the resolver.

use crate::fault::fault;

#[test]
fn an_interface_that_goes_down_ends_no_run() {
    let run = fault("default-deny", "(begun; ip link set eth0 down) & check");
    run.ended(1, 15_000);
    run.kept().is_complete();
}

#[test]
fn an_address_that_changes_loses_no_record() {
    let script = "(begun; ip address add 10.20.0.11/24 dev eth0; ip address del 10.20.0.10/24 dev eth0; \
                  ip route replace default via 10.20.0.1) & check";
    let run = fault("default-deny", script);
    run.ended(1, 15_000);
    run.kept().is_complete();
}

#[test]
fn a_resolver_that_changes_loses_no_record() {
    let run = fault("default-deny", "(begun; echo nameserver 10.20.0.99 >/run/lab/resolv.conf) & check");
    run.ended(1, 15_000);
    run.kept().is_complete();
}
