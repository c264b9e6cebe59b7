//! What a person writes: what is read as a target is written so that it reads the same again.

use netcheck_record::scheme::Scheme;
use netcheck_record::spec::{Line, Sampling, Spec};

/// Reads it as a line for the tool of its scheme.
pub fn decode(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // More braces are bounded as well, by a hundred thousand names, which would be all that the fuzzer does.
    if text.matches('{').count() > 3 {
        return;
    }
    let sampling = Sampling { sample: Some(3), seed: 7 };
    let named = text.split("://").next().and_then(|before| Scheme::named(before.rsplit('"').next()?));
    let tool = named.map_or("tcp", |scheme| scheme.tool);
    let Ok(Line::Spec(spec)) = Spec::line(text, tool, sampling) else { return };
    for target in spec.expand(sampling).take(4) {
        let written = target.to_string();
        let again = Spec::parse(&written, tool, sampling).expect("what was written can be read");
        let again: Vec<String> = again.expand(sampling).map(|target| target.to_string()).take(2).collect();
        assert_eq!(again, [written]);
    }
}
