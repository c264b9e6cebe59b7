//! The quality of a line in sentences: its responsiveness, what breaks first, and what limits it.

use std::fmt::Write;

use serde_json::json;

use super::mix::{Figure, Step};
use crate::wrap;

/// Whether every part holds together with the others; without several, whether each holds alone.
pub(super) fn holds(steps: &[Step]) -> bool {
    let media = steps.iter().filter(|step| step.phase != "under load").flat_map(|step| &step.figures);
    let load = steps.iter().flat_map(|step| &step.figures).filter(|figure| figure.part == "load");
    media.chain(load).all(|figure| figure.holds == Some(true))
}

/// The first phase in which a part does not hold, and the parts.
fn first_broken(steps: &[Step]) -> Option<(&'static str, Vec<&Figure>)> {
    steps.iter().find_map(|step| {
        let broken: Vec<&Figure> = step.figures.iter().filter(|figure| figure.holds != Some(true)).collect();
        (!broken.is_empty()).then_some((step.phase, broken))
    })
}

/// What limits a part, as a sentence.
fn limit(figure: &Figure) -> &'static str {
    match figure.limited_by.as_deref() {
        _ if figure.proxied => "A proxy hides what limits it.",
        Some("path") => "Limited by the path: packets wait in a queue or are lost.",
        Some("receiver") => "Limited by the receive window of the server.",
        Some("sender") => "Limited by the sender, not by the line.",
        _ => "What limits it is not known.",
    }
}

/// The first sentences.
fn headline(steps: &[Step]) -> Vec<String> {
    let mut lines = Vec::new();
    match first_broken(steps) {
        None => lines.push("Every part of the mix holds, also while the line is full.".to_owned()),
        Some((phase, broken)) => {
            let names: Vec<&str> = broken.iter().map(|figure| figure.part).collect();
            let when = match phase {
                "alone" => "alone",
                "together" => "together with the others",
                _ => "while downloads fill the line",
            };
            let verb = if names.len() == 1 { "breaks" } else { "break" };
            lines.push(format!("First {} {verb}, {when}.", names.join(" and ")));
            for figure in broken {
                lines.push(format!("{}: {}. {}", figure.part, figure.words, limit(figure)));
            }
        }
    }
    let load = steps.iter().flat_map(|step| &step.figures).find(|figure| figure.rpm.is_some());
    if let Some(figure) = load
        && let (Some(rpm), Some(class)) = (figure.rpm, &figure.class)
    {
        let mut line = format!("Responsiveness under load: {rpm:.0} round trips per minute ({class})");
        if let (Some(added), Some(grade)) = (figure.added_ms, &figure.grade) {
            let _ = write!(line, "; the load adds {added} ms of delay (grade {grade})");
        }
        lines.push(format!("{line}. {}", limit(figure)));
    }
    lines
}

/// The answer as text.
pub(super) fn text(steps: &[Step]) -> String {
    let mut out = String::new();
    headline(steps).iter().for_each(|line| out.push_str(&wrap::hanging("", line)));
    out.push('\n');
    for step in steps {
        for figure in &step.figures {
            let verdict = match figure.holds {
                Some(true) => "holds",
                Some(false) => "does not hold",
                None => "not known",
            };
            let head = format!("{:<11} {:<10} {verdict:<14} ", step.phase, figure.part);
            out.push_str(&wrap::hanging(&head, &figure.words));
        }
    }
    out
}

/// The answer as one JSON object.
pub(super) fn json(steps: &[Step]) -> String {
    format!(
        "{}\n",
        json!({ "v": 1, "holds": holds(steps), "headline": headline(steps).join(" "), "steps": steps })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(part: &'static str, holds: Option<bool>) -> Figure {
        Figure {
            part,
            holds,
            words: "12.0 % lost".into(),
            limited_by: None,
            proxied: false,
            rpm: None,
            class: None,
            added_ms: None,
            grade: None,
        }
    }

    fn steps(together: Option<bool>, loaded: Option<bool>) -> Vec<Step> {
        let load = Figure {
            rpm: Some(212.0),
            class: Some("poor".into()),
            added_ms: Some(480.5),
            grade: Some("F".into()),
            limited_by: Some("path".into()),
            words: "9.6 Mbit/s downloaded".into(),
            ..figure("load", Some(true))
        };
        let datagrams = |holds| figure("datagrams", holds);
        vec![
            Step { phase: "alone", figures: vec![datagrams(Some(true))] },
            Step { phase: "together", figures: vec![datagrams(together), figure("play", Some(true))] },
            Step { phase: "under load", figures: vec![datagrams(loaded), load] },
        ]
    }

    #[test]
    fn the_first_phase_in_which_a_part_fails_is_named() {
        insta::assert_snapshot!(text(&steps(Some(true), Some(false))), @"
        First datagrams breaks, while downloads fill the line.
        datagrams: 12.0 % lost. What limits it is not known.
        Responsiveness under load: 212 round trips per minute (poor); the load adds
        480.5 ms of delay (grade F). Limited by the path: packets wait in a queue or are
        lost.

        alone       datagrams  holds          12.0 % lost
        together    datagrams  holds          12.0 % lost
        together    play       holds          12.0 % lost
        under load  datagrams  does not hold  12.0 % lost
        under load  load       holds          9.6 Mbit/s downloaded
        ");
    }

    #[test]
    fn a_mix_holds_where_it_holds_together_and_a_missing_result_is_none() {
        assert!(holds(&steps(Some(true), Some(false))));
        assert!(!holds(&steps(Some(false), Some(false))));
        assert!(!holds(&steps(None, Some(true))));
        assert_eq!(first_broken(&steps(None, Some(true))).unwrap().0, "together");
        assert_eq!(first_broken(&steps(Some(true), Some(true))), None);
    }
}
