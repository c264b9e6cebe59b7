//! Prints the JSON Schema of the record with the facts of every tool: `cargo xtask schema` writes it to docs/.

use std::io::Write as _;

use netcheck_record::record::Record;

fn main() -> std::io::Result<()> {
    let checks = [
        check_mail::facts(),
        check_push::facts(),
        check_rtmps::facts(),
        check_tcp::facts(),
        check_udp::facts(),
        check_wss::facts(),
    ];
    std::io::stdout().write_all(Record::schema(&checks).as_bytes())
}
