//! A hosts file without measure, mounted over this machine's in a namespace that the test makes itself. Needs
//! unshare(1) and mount(8).

use std::fmt::Write;

use netcheck_lab::tool::Tool;
use netcheck_lab::trial::check_beside_healthy;
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server, closed_port};

#[test]
fn of_ten_thousand_addresses_of_one_name_a_few_are_tried() {
    let hosts = (0..10_000_u32).fold("127.0.0.1 good.test\n".to_owned(), |mut hosts, number| {
        let _ = writeln!(hosts, "127.1.{}.{} many.test", number / 250, number % 250 + 1);
        hosts
    });
    let script = "mount --bind hosts /etc/hosts; exec \"$0\" \"$@\"";
    let tool = Tool::new("unshare").file("hosts", hosts).args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-ec",
        script,
        env!("CARGO_BIN_EXE_check-tcp"),
    ]);
    let server = Server::tcp(vec![Act::Stall]);
    let (many, good) =
        (format!("tcp://many.test:{}", closed_port()), format!("tcp://good.test:{}", server.port));
    let record = check_beside_healthy(tool, &many, &good);
    // Refused by this machine itself: that is an idle port, not a filter.
    assert_eq!(observed(&record), "degraded tcp.refused");
    assert_eq!(record["facts"]["dns"]["addresses"].as_array().map(Vec::len), Some(64));
}
