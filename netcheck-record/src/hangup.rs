//! Whether SIGHUP was ignored when this program began: whoever starts it by nohup(1) wants it to outlive the terminal.

use std::fs;

/// The line of proc(5) with the signals that are ignored, as a mask in hexadecimal.
const IGNORED: &str = "SigIgn:";

/// SIGHUP is signal 1: the lowest bit of a mask.
const HANGUP: u64 = 1;

/// Whether it was ignored. To be asked before anything listens to it; where the system does not say, it was not.
#[must_use]
pub fn is_ignored() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| says_ignored(&status))
}

fn says_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix(IGNORED));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP != 0)
}

#[cfg(test)]
mod tests {
    use super::says_ignored;

    #[test]
    fn the_lowest_bit_of_the_mask_is_sighup() {
        let status = |mask| format!("Name:\tcheck-tcp\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(says_ignored(&status("0000000000001001")));
        assert!(!says_ignored(&status("0000000000001000")));
        assert!(!says_ignored("Name:\tcheck-tcp\n"));
    }
}
