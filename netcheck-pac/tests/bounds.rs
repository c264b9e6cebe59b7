//! Scripts that mean no good: each ends in time, and the next one is unharmed.

use std::net::IpAddr;
use std::time::Duration;

use netcheck_pac::{Evaluation, Limits, PacFault, Question, evaluate};
use netcheck_record::clock;

fn ask(script: &str, resolve: impl FnMut(Option<&str>) -> Vec<IpAddr>) -> Evaluation {
    let question = Question { script: script.into(), url: "https://a.test/".into(), host: "a.test".into() };
    evaluate(question, Limits { time: Duration::from_millis(500), ..Limits::default() }, resolve)
}

fn body(body: &str) -> String {
    format!("function FindProxyForURL(url, host) {{ {body} }}")
}

fn answer(script: &str) -> Result<String, PacFault> {
    ask(script, |_| Vec::new()).answer
}

#[test]
fn a_plain_script_answers_by_url_and_host() {
    let script = "count = 1; ".to_owned() + &body("return 'PROXY ' + host + ':' + url.length + count;");
    assert_eq!(answer(&script).unwrap(), "PROXY a.test:151");
}

#[test]
fn scripts_without_end_are_ended() {
    for hostile in [
        "for (;;) ;",
        "try { for (;;) ; } catch (e) { return 'DIRECT'; } finally { for (;;) ; }",
        "return /^(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab') + '';",
        "var list = { length: 9007199254740991 }; Array.prototype.indexOf.call(list, 1); return 'DIRECT';",
    ] {
        let begun = clock::now();
        assert_eq!(answer(&body(hostile)), Err(PacFault::Timeout), "{hostile}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{hostile}");
    }
    assert_eq!(answer(&body("return 'DIRECT';")).unwrap(), "DIRECT");
}

#[test]
fn memory_and_stack_have_an_end() {
    let hungry = [
        "var text = 'x'; for (;;) text += text;",
        "var all = []; for (;;) all.push(new Uint8Array(1 << 20));",
        "return new Array(1e9).join('x');",
        "function deeper() { return deeper() + 1; } return deeper();",
        "var list = []; list.length = 4294967295; list.sort(); return 'DIRECT';",
    ];
    for hostile in hungry {
        let fault = answer(&body(hostile)).unwrap_err();
        assert!(!matches!(fault, PacFault::NoFunction | PacFault::NoText(_)), "{hostile}: {fault:?}");
    }
}

#[test]
fn what_is_no_script_is_named() {
    for (script, fault) in [
        ("<html><body>404</body></html>", "the script failed: unexpected token in expression: '<'"),
        ("throw 'no';", "the script failed: no"),
        ("var a = 1;", "the script has no function FindProxyForURL"),
        ("FindProxyForURL = 5;", "the script has no function FindProxyForURL"),
        (&body("return null;"), "FindProxyForURL returned null instead of a string"),
        (&body("return nothing.at.all;"), "the script failed: nothing is not defined"),
        (&body(""), "FindProxyForURL returned undefined instead of a string"),
    ] {
        assert_eq!(answer(script).unwrap_err().to_string(), fault, "{script}");
    }
}

#[test]
fn a_script_finds_no_file_no_network_and_no_process() {
    let names =
        "['require','process','std','os','fetch','XMLHttpRequest','WebSocket','load','print','setTimeout']";
    let script =
        body(&format!("return {names}.map(function (n) {{ return typeof globalThis[n]; }}).join();"));
    let types = answer(&script).unwrap();
    assert!(types.split(',').all(|kind| kind == "undefined"), "{types}");
    assert!(answer("import x from 'x';").is_err());
}

#[test]
fn names_are_asked_once_and_no_more_than_twenty() {
    let mut asked = Vec::new();
    let script =
        body("for (var i = 0; i < 100; i++) { dnsResolve('n' + (i % 50)); } return dnsResolve('n3') + '';");
    let evaluation = ask(&script, |name| {
        asked.push(name.unwrap_or_default().to_owned());
        vec!["192.0.2.7".parse().unwrap()]
    });
    assert_eq!(evaluation.answer.as_deref(), Ok("192.0.2.7"));
    assert_eq!(asked.len(), 20);
    assert_eq!(evaluation.names, asked);
}
