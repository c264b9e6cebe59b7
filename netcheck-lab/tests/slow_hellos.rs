//! Loss, delay, a small MTU, IPv6 and proxies: none makes a browser's ClientHello look as if its size were the reason.

use netcheck_lab::hellos;

#[test]
fn no_healthy_network_is_said_to_lose_large_hellos() {
    let rows = hellos::run(2, |_| Ok(())).unwrap();
    assert_eq!(rows.len(), 9);
    for row in rows {
        assert_eq!(row.false_alarms, Vec::<String>::new(), "{}", row.network);
        let lossless = !row.network.contains("loss");
        assert!(!lossless || row.passed == row.targets, "{row:?}");
    }
}
