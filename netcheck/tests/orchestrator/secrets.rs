//! Secrets of the environment: handed on to the tools, and seen nowhere else.

use std::fs;
use std::process::Stdio;

use crate::fake::{Stage, TOOLS, finish, naming, pass};

const SECRETS: [(&str, &str); 7] = [
    ("https_proxy", "http://user:pw-of-https-proxy@127.0.0.1:9"),
    ("all_proxy", "socks5h://user:pw-of-all-proxy@127.0.0.1:9"),
    ("NETCHECK_PROXY_USER", "nobody"),
    ("NETCHECK_PROXY_PASSWORD", "pw-of-the-variable"),
    ("TURN_PASSWORD", "pw-of-turn"),
    ("RTMP_STREAM_KEY", "pw-of-the-stream"),
    ("TOKEN", "pw-of-the-header"),
];

#[test]
fn a_password_in_the_reference_resolver_starts_no_tool_and_is_not_repeated() {
    let stage = Stage::all(pass);
    let run = stage.check(&["--reference-resolver", "https://user:hunter2@dns.test/dns-query"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    insta::assert_snapshot!(run.stderr, @"netcheck: --reference-resolver: user information does not belong in a target: give credentials in the environment or a file");
    assert!(!stage.journal().exists());
}

#[test]
fn secrets_are_in_no_record_no_message_and_no_process_list() {
    let stage = Stage::all(pass);
    for tool in TOOLS {
        // What a process list shows of the tool and of the orchestrator, and that the secret did arrive.
        stage.script(
            tool,
            &format!(
                "tr '\\0' ' ' < /proc/$$/cmdline > {tool}.line; tr '\\0' ' ' < /proc/$PPID/cmdline > {tool}.parent; \
                 echo \"$RTMP_STREAM_KEY\" > {tool}.got; cat > {tool}.plan; cat {tool}.jsonl; echo \"check-{tool} $*\" >&2"
            ),
        );
    }
    fs::write(stage.dir.path().join("credentials"), "user:pw-of-the-file\n").unwrap();
    let args = ["-v", "--proxy", "env", "--proxy-credentials", "credentials"];
    let mut command = stage.command(&args);
    command.envs(SECRETS).env("RUST_BACKTRACE", "1");
    let run = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let mut texts =
        vec![("standard output".to_owned(), run.stdout), ("standard error".to_owned(), run.stderr)];
    for file in fs::read_dir(stage.dir.path()).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name != "credentials" && !name.ends_with(".got") {
            texts.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(texts.iter().filter(|(name, _)| name.ends_with(".line")).count() == TOOLS.len());
    for (name, text) in &texts {
        assert!(!text.contains("pw-of"), "{name}: {text}");
    }
    let got = fs::read_to_string(stage.dir.path().join("rtmps.got")).unwrap();
    assert_eq!(got.trim(), "pw-of-the-stream");
}

#[test]
fn a_tool_that_dies_shouting_its_environment_is_not_quoted_with_its_secrets() {
    let stage = Stage::all(pass);
    stage.script(
        "mail",
        "cat >/dev/null; echo \"panicked: key $RTMP_STREAM_KEY, $https_proxy\" >&2; exit 101",
    );
    let mut command = stage.command(&["-v", "--row", "mail", "--no-controls"]);
    command.envs(SECRETS);
    let run = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(run.code, Some(2));
    insta::assert_snapshot!(naming(&run.stderr, "panicked"), @"
    check-mail: panicked: key [hidden], http://user:[hidden]@127.0.0.1:9
    netcheck: check-mail ended with exit code 101; its record is missing: panicked: key [hidden], http://user:[hidden]@127.0.0.1:9
    ");
    assert!(!run.stderr.contains("pw-of") && !run.stdout.contains("pw-of"), "{}", run.stderr);
}
