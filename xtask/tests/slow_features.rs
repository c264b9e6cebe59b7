//! What proxies of companies need can be left out of a tool when it is built, and it says so where it is asked for.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use netcheck_lab::{Act, Server};
use serde_json::Value;

/// A proxy that asks for a ticket.
const ASKS: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n";

/// check-wss with these features of its own alone.
fn built(features: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("features");
    let build = Command::new("cargo")
        .args(["build", "--offline", "--locked", "--package", "check-wss", "--no-default-features"])
        .args(["--features", features])
        .current_dir(root)
        .env("CARGO_TARGET_DIR", &folder)
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", said(&build));
    folder.join("debug/check-wss")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).env("KRB5CCNAME", "FILE:/nonexistent").output().unwrap()
}

/// What the tool says of a proxy that wants a ticket.
fn asked(program: &Path) -> Value {
    let proxy = Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(ASKS), Act::Close]);
    let url = format!("http://127.0.0.1:{}", proxy.port);
    let output = run(program, &["--format", "json", "--proxy", &url, "wss://service.example"]);
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_tool_is_built_without_kerberos_and_without_pac() {
    let script = ["--proxy", "pac+http://127.0.0.1:9/p.pac", "--list-proxies", "wss://service.example"];
    for (features, has_kerberos, has_pac) in
        [("", false, false), ("kerberos", true, false), ("pac", false, true)]
    {
        let program = built(features);
        let record = asked(&program);
        let detail = record["failure"]["detail"].as_str().unwrap();
        assert_eq!(detail.contains("built without Kerberos"), !has_kerberos, "{features}: {record}");
        let output = run(&program, &script);
        assert_eq!(output.status.code() == Some(2), !has_pac, "{features}: {}", said(&output));
        assert_eq!(said(&output).contains("built without PAC"), !has_pac, "{features}: {}", said(&output));
    }
}
