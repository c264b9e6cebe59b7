//! Whatever a page holds, recognising it ends well and says no more than the marks we know.

use proptest::prelude::*;

use super::*;

fn answer(headers: Vec<(String, String)>, body: Vec<u8>) -> Answer {
    Answer { status: 403, headers, body, ..Answer::default() }
}

proptest! {
    #[test]
    fn any_answer_is_looked_at_without_harm(
        headers in prop::collection::vec((any::<String>(), any::<String>()), 0..20),
        body in any::<Vec<u8>>(),
    ) {
        if let Some(page) = match_page(&answer(headers, body)) {
            prop_assert!(page.mark.len() < 200 && !page.vendor.is_empty());
        }
    }

    #[test]
    fn a_mark_is_found_wherever_it_is(before in any::<Vec<u8>>(), after in any::<Vec<u8>>(), upper in any::<bool>()) {
        let mark = if upper { "POWERED BY FORTIGUARD" } else { "Powered by FortiGuard" };
        let body = [&before[..], mark.as_bytes(), &after].concat();
        prop_assert!(match_page(&answer(Vec::new(), body)).is_some());
    }

    #[test]
    fn any_issuer_is_looked_at_without_harm(issuer in any::<String>()) {
        let _ = vendor_of_issuer(&issuer);
    }

    #[test]
    fn a_page_of_random_bytes_is_nobodys(body in prop::collection::vec(0x80u8..=0xff, 0..2000)) {
        prop_assert_eq!(match_page(&answer(Vec::new(), body)), None);
    }
}
