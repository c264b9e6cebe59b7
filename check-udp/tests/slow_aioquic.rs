//! QUIC and HTTP/3 of aioquic: handshake, versions, answer, and its reason where it refuses. Needs python3; PyPI is asked once.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use netcheck_lab::free_port;
use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Tool;
use serde_json::Value;

/// Answers each request with 200 and `hello`.
const SERVER: &str = r#"
import asyncio, sys
from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated
class Http(QuicConnectionProtocol):
    http = None
    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated) and event.alpn_protocol in H3_ALPN:
            self.http = H3Connection(self._quic)
        for told in self.http.handle_event(event) if self.http else []:
            if isinstance(told, HeadersReceived):
                self.http.send_headers(told.stream_id, [(b":status", b"200"), (b"server", b"aioquic")])
                self.http.send_data(told.stream_id, b"hello", True)
                self.transmit()
async def main():
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain("cert.pem", "key.pem")
    await serve("127.0.0.1", int(sys.argv[1]), configuration=configuration, create_protocol=Http)
    print("serving", flush=True)
    await asyncio.Future()
asyncio.run(main())
"#;

fn ran(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn aioquic(folder: &Path, port: u16) -> Child {
    ran(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder));
    let install = ["install", "--quiet", "--disable-pip-version-check", "aioquic==1.7.2"];
    ran(Command::new(folder.join("venv/bin/pip")).args(install).current_dir(folder));
    let mut child = Command::new(folder.join("venv/bin/python"))
        .args(["-c", SERVER, &port.to_string()])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "serving\n");
    child
}

#[test]
fn aioquic_answers_quic_and_http_3_and_its_refusal_of_an_alpn_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let root = Authority::new("Lab Root");
    let leaf = root.leaf(&["quic.test"]);
    fs::write(folder.path().join("cert.pem"), leaf.chain_pem()).unwrap();
    fs::write(folder.path().join("key.pem"), leaf.key_pem()).unwrap();
    let port = free_port();
    let mut server = aioquic(folder.path(), port);
    let check = |args: &[&str]| {
        let tool = Tool::new(env!("CARGO_BIN_EXE_check-udp")).file("roots.pem", root.pem());
        let common = ["--public-roots", "roots.pem", "--connect-to", "quic.test=127.0.0.1", "--ordered"];
        tool.args(common).args(args).run()
    };
    let (quic, h3) = (format!("quic://quic.test:{port}"), format!("h3://quic.test:{port}/"));
    let answered = check(&[&quic, &h3]);
    let refused = check(&["--alpn", "nosuch", &quic]);
    let _ = server.kill();
    let _ = server.wait();
    let verdicts: Vec<&Value> = answered.records.iter().map(|record| &record["verdict"]).collect();
    assert_eq!(verdicts, ["pass", "pass"], "{answered:#?}");
    assert_eq!(answered.records[0]["facts"]["quic"]["alpn"], "h3", "{answered:#?}");
    let http = &answered.records[1]["facts"]["h3"];
    assert_eq!((&http["status"], &http["server"]), (&200.into(), &"aioquic".into()), "{answered:#?}");
    assert_eq!(refused.one()["failure"]["code"], "tls.alpn", "{refused:#?}");
}
