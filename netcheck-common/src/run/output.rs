//! The one writer: whole lines, flushed, on a thread of its own, so that a slow reader stops no timer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::End;

/// How many batches wait to be written, and how many lines one has when it is handed over at the latest.
const AHEAD: usize = 8;
const BATCH_LINES: usize = 64;
/// POSIX's least PIPE_BUF is 512, Linux's 4096: a write of no more is whole or not there (pipe(7)).
const WHOLE: usize = 4096;
/// How long a reader may take for what is left when a signal ends the run.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long, beyond that, for the rest of a line that is longer than [`WHOLE`].
const REST: Duration = Duration::from_secs(4);

/// Lines one after another, and where each ends, with its target's number.
#[derive(Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    ends: Vec<(u64, usize)>,
}

impl Batch {
    /// Adds the line that `write` appends.
    pub(super) fn add(&mut self, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
        self.ends.push((number, self.text.len()));
    }

    /// How many lines there are.
    fn len(&self) -> usize {
        self.ends.len()
    }

    /// The lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        begins.zip(&self.ends).map(|(begin, (number, end))| (*number, &self.text[begin..*end]))
    }
}

/// Batches that nobody came to hand over, for the writer to write at the end.
type Left = Arc<Mutex<Vec<Batch>>>;

/// A lane's way to the writer. The writer ends when all of them are gone.
#[derive(Clone)]
pub(super) struct Output {
    sender: mpsc::Sender<Batch>,
    left: Left,
}

/// What a lane has finished and not yet handed over. A lane that ends early leaves it to the writer.
pub(super) struct Outbox {
    batch: RefCell<Batch>,
    output: Output,
}

impl Outbox {
    /// An empty outbox in front of `output`.
    pub(super) fn new(output: Output) -> Outbox {
        Outbox { batch: RefCell::default(), output }
    }

    /// Another lane's way to the writer.
    pub(super) fn output(&self) -> Output {
        self.output.clone()
    }

    /// Adds the line that `write` appends.
    pub(super) fn add(&self, number: u64, write: impl FnOnce(&mut Vec<u8>)) {
        self.batch.borrow_mut().add(number, write);
    }

    /// Whether all that is finished was handed over.
    pub(super) fn is_empty(&self) -> bool {
        self.batch.borrow().len() == 0
    }

    /// Whether so much is finished that it should be handed over.
    pub(super) fn is_full(&self) -> bool {
        self.batch.borrow().len() >= BATCH_LINES
    }

    /// Hands over what is finished.
    pub(super) async fn clear(&self) {
        match self.output.sender.reserve().await {
            Ok(place) => place.send(self.batch.take()),
            // The writer has said why: that ends the run.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.output.left.lock().unwrap_or_else(PoisonError::into_inner).push(self.batch.take());
    }
}

/// Whether a run that ends would cut a line: one longer than [`WHOLE`] may be there by half.
#[derive(Default)]
struct WriteGuard {
    /// Such a line is being written.
    down: AtomicBool,
    /// Nothing more is to be begun.
    lifted: AtomicBool,
}

/// The thread that writes to standard output.
pub(super) struct Writer {
    ended: oneshot::Receiver<Option<End>>,
    running: Receiver<()>,
    guard: Arc<WriteGuard>,
    /// The number of the line whose turn it is, where they are written in order.
    pub(super) turn: Option<watch::Receiver<u64>>,
}

impl Writer {
    /// Starts it.
    pub(super) fn start(ordered: bool) -> (Output, Writer) {
        let (sender, batches) = mpsc::channel::<Batch>(AHEAD);
        let left = Left::default();
        let late = Arc::clone(&left);
        let guard = Arc::<WriteGuard>::default();
        let own = Arc::clone(&guard);
        let (tell, ended) = oneshot::channel();
        let (here, running) = channel::<()>();
        let (order, turn) = ordered.then(Order::new).unzip();
        // Without a thread the sender is gone, and the run ends at once.
        let _ = std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            let _here = here;
            let _ = tell.send(write(batches, order, &late, &own).err().map(|error| end_of(&error)));
        });
        (Output { sender, left }, Writer { ended, running, guard, turn })
    }

    /// Resolves when everything is written, or nothing more can be: then with the reason.
    pub(super) async fn ended(&mut self) -> Option<End> {
        (&mut self.ended).await.unwrap_or(Some(End::Bug))
    }

    /// Waits until everything is written, or a reader has been too slow.
    pub(super) fn wait(self) {
        // Nothing is ever sent: the writer's end disconnects.
        if self.running.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            self.guard.lifted.store(true, Ordering::SeqCst);
            if self.guard.down.load(Ordering::SeqCst) {
                let _ = self.running.recv_timeout(REST);
            }
        }
    }
}

/// Why nothing more can be written.
fn end_of(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe { End::Closed } else { End::Unwritable }
}

/// Lines that wait for earlier ones.
struct Order {
    waiting: BTreeMap<u64, Vec<u8>>,
    turn: watch::Sender<u64>,
}

impl Order {
    fn new() -> (Order, watch::Receiver<u64>) {
        let (turn, shown) = watch::channel(0);
        (Order { waiting: BTreeMap::new(), turn }, shown)
    }

    /// Takes lines in; gives those whose turn has come.
    fn sort(&mut self, batch: &Batch) -> Batch {
        self.waiting.extend(batch.lines().map(|(number, line)| (number, line.to_owned())));
        let mut next = *self.turn.borrow();
        let mut due = Batch::default();
        while let Some(line) = self.waiting.remove(&next) {
            due.add(next, |text| text.extend(line));
            next += 1;
        }
        if due.len() > 0 {
            self.turn.send_replace(next);
        }
        due
    }

    /// All that still waits, though an earlier one never came.
    fn rest(self) -> Batch {
        let mut rest = Batch::default();
        self.waiting.into_iter().for_each(|(number, line)| rest.add(number, |text| text.extend(line)));
        rest
    }
}

fn write(
    mut batches: mpsc::Receiver<Batch>,
    mut order: Option<Order>,
    left: &Left,
    guard: &WriteGuard,
) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let mut coming = std::iter::from_fn(|| batches.blocking_recv());
    let late =
        std::iter::once_with(|| std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner)));
    coming.by_ref().chain(late.flatten()).try_for_each(|batch| match &mut order {
        Some(order) => put(&mut output, &order.sort(&batch), guard),
        None => put(&mut output, &batch, guard),
    })?;
    order.map_or(Ok(()), |order| put(&mut output, &order.rest(), guard))
}

/// Whole lines in each write: a reader never sees half of one, and neither does a file when we are killed.
fn put(output: &mut impl Write, batch: &Batch, guard: &WriteGuard) -> io::Result<()> {
    let (mut from, mut to) = (0, 0);
    for (_, end) in &batch.ends {
        if to > from && end - from > WHOLE {
            flush(output, &batch.text[from..to], guard)?;
            from = to;
        }
        to = *end;
    }
    flush(output, &batch.text[from..to], guard)
}

fn flush(output: &mut impl Write, lines: &[u8], guard: &WriteGuard) -> io::Result<()> {
    guard.down.store(lines.len() > WHOLE, Ordering::SeqCst);
    // Looked at only now: either it is seen here, or the one who lifts it sees the line.
    if guard.lifted.load(Ordering::SeqCst) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    output.write_all(lines)?;
    output.flush()
}

/// Says one thing on standard error; that it cannot be said is no reason to fail.
pub(crate) fn report_error(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn what_a_lane_could_not_hand_over_is_left_to_the_writer() {
        let (sender, mut batches) = mpsc::channel(1);
        let left = Left::default();
        let outbox = Outbox::new(Output { sender, left: Arc::clone(&left) });
        outbox.add(0, |text| text.extend(b"first\n"));
        assert!(outbox.clear().now_or_never().is_some());
        outbox.add(1, |text| text.extend(b"second\n"));
        // The writer is slow, and a signal ends the run meanwhile.
        assert!(outbox.clear().now_or_never().is_none());
        drop(outbox);
        let lines =
            |batch: &Batch| batch.lines().map(|(number, line)| (number, line.to_owned())).collect::<Vec<_>>();
        assert_eq!(lines(&batches.try_recv().unwrap()), [(0, b"first\n".to_vec())]);
        let left = left.lock().unwrap();
        assert_eq!(left.iter().flat_map(lines).collect::<Vec<_>>(), [(1, b"second\n".to_vec())]);
    }

    #[test]
    fn a_write_holds_whole_lines_and_no_more_than_a_pipe_takes_at_once() {
        struct Writes(Vec<usize>);
        impl Write for Writes {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                assert!(bytes.ends_with(b"\n"));
                self.0.push(bytes.len());
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut batch = Batch::default();
        for (number, length) in [1500, 1500, 1500, 5000, 10].into_iter().enumerate() {
            batch.add(number as u64, |text| text.extend(vec![b'x'; length - 1].into_iter().chain([b'\n'])));
        }
        let mut writes = Writes(Vec::new());
        put(&mut writes, &batch, &WriteGuard::default()).unwrap();
        assert_eq!(writes.0, [3000, 1500, 5000, 10]);
    }

    /// A reader that takes what is written only when the writer has been told to begin nothing more.
    struct Slow(Arc<WriteGuard>, Vec<u8>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let length = if self.1.is_empty() { WHOLE } else { bytes.len() };
            while !self.1.is_empty() && !self.0.lifted.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            self.1.extend(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_long_line_that_was_begun_is_ended_and_no_other_is_begun() {
        let (guard, (_, ended), (here, running)) =
            (Arc::<WriteGuard>::default(), oneshot::channel(), channel());
        let mut batch = Batch::default();
        for number in 0..2 {
            batch.add(number, |text| text.extend([vec![b'x'; 5000], vec![b'\n']].concat()));
        }
        let own = Arc::clone(&guard);
        let writing = std::thread::spawn(move || {
            let _here = here;
            let mut reader = Slow(Arc::clone(&own), Vec::new());
            let written = put(&mut reader, &batch, &own);
            (reader.1, written.is_err())
        });
        while !guard.down.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        Writer { ended, running, guard, turn: None }.wait();
        let (read, given_up) = writing.join().unwrap();
        assert_eq!((read.len(), read.last(), given_up), (5001, Some(&b'\n'), true));
    }
}
