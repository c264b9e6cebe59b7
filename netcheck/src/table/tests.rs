//! Codes that are wider than their column.

use super::*;

#[test]
fn a_long_code_is_broken_where_a_word_ends() {
    assert_eq!(broken("service_misconfigured", 16), ["service_", "misconfigured"]);
    assert_eq!(broken("firewall_drop", 16), ["firewall_drop"]);
    assert_eq!(broken("tcp.host_unreachable", 16), ["tcp.host_", "unreachable"]);
}
