//! Port numbers as ranges: read from rules, summed for people.

/// Reads `443`, `80,443` or `10000-10050`; `None` when it is something else.
pub(crate) fn parse(text: &str) -> Option<Vec<(u16, u16)>> {
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first > 0 && first <= last).then_some((first, last))
        })
        .collect()
}

/// The numbers as ranges, in rising order, each once.
pub(crate) fn ranges(mut ports: Vec<u16>) -> Vec<(u16, u16)> {
    ports.sort_unstable();
    ports.dedup();
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in ports {
        match ranges.last_mut() {
            Some((_, last)) if port.checked_sub(1) == Some(*last) => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    ranges
}

/// One range as people write it.
pub(crate) fn range((first, last): (u16, u16)) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// `443, 5228-5230`.
pub(crate) fn text(ports: impl IntoIterator<Item = u16>) -> String {
    let ranges = ranges(ports.into_iter().collect());
    ranges.into_iter().map(range).collect::<Vec<_>>().join(", ")
}

/// What became of each port, neighbours of the same outcome as one: `10000-10009 pass · 10010-10050 firewall_drop`.
pub(crate) fn outcomes(outcomes: impl IntoIterator<Item = (u16, String)>) -> String {
    let mut outcomes: Vec<(u16, String)> = outcomes.into_iter().collect();
    outcomes.sort();
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for (port, outcome) in outcomes {
        match runs.last_mut() {
            Some((_, last, same)) if *same == outcome && port <= last.saturating_add(1) => *last = port,
            _ => runs.push((port, port, outcome)),
        }
    }
    let run = |(first, last, outcome): &(u16, u16, String)| format!("{} {outcome}", range((*first, *last)));
    runs.iter().map(run).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_summed_as_ranges() {
        assert_eq!(text([5230, 443, 5228, 5229, 443]), "443, 5228-5230");
        assert_eq!(text([65535, 65534]), "65534-65535");
        assert_eq!(text([]), "");
    }

    #[test]
    fn forty_one_dropped_ports_are_one_run() {
        let outcome =
            |port: u16| (port, if port < 10010 { "pass".to_owned() } else { "firewall_drop".to_owned() });
        let text = outcomes((10000..=10050).map(outcome));
        assert_eq!(text, "10000-10009 pass · 10010-10050 firewall_drop");
    }

    #[test]
    fn a_gap_ends_a_run() {
        let outcomes = outcomes([(443, "pass".to_owned()), (2197, "pass".to_owned())]);
        assert_eq!(outcomes, "443 pass · 2197 pass");
    }

    #[test]
    fn rules_are_read_and_nonsense_is_not() {
        assert_eq!(parse("80,443"), Some(vec![(80, 80), (443, 443)]));
        assert_eq!(parse("10000-10050"), Some(vec![(10000, 10050)]));
        for bad in ["", "0", "9-1", "65536", "https"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
