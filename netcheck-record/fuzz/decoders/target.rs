//! What a person writes: what is read as a target is written so that it reads the same again.

use netcheck_record::spec::{Line, Sampling, Spec};

/// Reads it as a line for each tool.
pub fn decode(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let sampling = Sampling { sample: Some(3), seed: 7 };
    for tool in ["tcp", "wss", "rtmps", "udp", "push", "mail"] {
        let Ok(Line::Spec(spec)) = Spec::line(text, tool, sampling) else { continue };
        for target in spec.expand(sampling).take(10) {
            let written = target.to_string();
            let again = Spec::parse(&written, tool, sampling).expect("what was written can be read");
            let again: Vec<String> =
                again.expand(sampling).map(|target| target.to_string()).take(2).collect();
            assert_eq!(again, [written]);
        }
    }
}
