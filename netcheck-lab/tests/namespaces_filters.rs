//! What a filter matches, found out in a network that has one.

use std::path::Path;
use std::thread;

use netcheck_lab::filters::{Score, draw};

#[test]
fn filters_drawn_at_random_are_recovered_and_none_is_called_another() {
    let folder = tempfile::tempdir().unwrap();
    let lab = Path::new(env!("CARGO_BIN_EXE_netcheck-lab"));
    let drawn = draw(11, 8);
    let scores: Vec<(&str, Score)> = thread::scope(|scope| {
        let asked: Vec<_> = drawn
            .iter()
            .enumerate()
            .map(|(number, filter)| {
                let folder = folder.path();
                (filter.matches, scope.spawn(move || filter.score(&filter.ask(lab, folder, number).unwrap())))
            })
            .collect();
        asked.into_iter().map(|(matches, score)| (matches, score.join().unwrap())).collect()
    });
    let wanted: Vec<(&str, Score)> = drawn.iter().map(|filter| (filter.matches, Score::Recovered)).collect();
    assert_eq!(scores, wanted);
}
