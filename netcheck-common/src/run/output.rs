//! The one writer: whole lines, flushed, on a thread of its own, so that a slow reader stops no timer.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::End;

/// How many batches wait to be written.
const AHEAD: usize = 8;
/// POSIX's least PIPE_BUF is 512, Linux's 4096: a write of no more is whole or not there (pipe(7)).
const WHOLE: usize = 4096;
/// How long a reader may take for what is left when a signal ends the run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines, each with its target's number.
type Batch = Vec<(u64, String)>;

/// A lane's way to the writer. The writer ends when all of them are gone.
#[derive(Clone)]
pub(super) struct Output(mpsc::Sender<Batch>);

impl Output {
    /// Hands over lines.
    pub(super) async fn lines(&mut self, lines: Batch) {
        if self.0.send(lines).await.is_err() {
            // The writer has said why: that ends the run.
            std::future::pending().await
        }
    }
}

/// The thread that writes to standard output.
pub(super) struct Writer {
    ended: oneshot::Receiver<Option<End>>,
    running: Receiver<()>,
    /// The number of the line whose turn it is, where they are written in order.
    pub(super) turn: Option<watch::Receiver<u64>>,
}

impl Writer {
    /// Starts it.
    pub(super) fn start(ordered: bool) -> (Output, Writer) {
        let (sender, batches) = mpsc::channel::<Batch>(AHEAD);
        let (tell, ended) = oneshot::channel();
        let (here, running) = channel::<()>();
        let (order, turn) = ordered.then(Order::new).unzip();
        std::thread::spawn(move || {
            let _here = here;
            let _ = tell.send(write(batches, order).err().map(|error| end_of(&error)));
        });
        (Output(sender), Writer { ended, running, turn })
    }

    /// Resolves when everything is written, or nothing more can be: then with the reason.
    pub(super) async fn ended(&mut self) -> Option<End> {
        (&mut self.ended).await.unwrap_or(Some(End::Unwritable))
    }

    /// Waits until everything is written, or a reader has been too slow.
    pub(super) fn wait(self) {
        // Nothing is ever sent: the writer's end disconnects.
        let _ = self.running.recv_timeout(PATIENCE);
    }
}

/// Why nothing more can be written.
fn end_of(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe { End::Closed } else { End::Unwritable }
}

/// Lines that wait for earlier ones.
struct Order {
    waiting: BTreeMap<u64, String>,
    turn: watch::Sender<u64>,
}

impl Order {
    fn new() -> (Order, watch::Receiver<u64>) {
        let (turn, shown) = watch::channel(0);
        (Order { waiting: BTreeMap::new(), turn }, shown)
    }

    /// Takes lines in; gives those whose turn has come.
    fn sort(&mut self, batch: Batch) -> Batch {
        self.waiting.extend(batch);
        let mut next = *self.turn.borrow();
        let mut due = Batch::new();
        while let Some(line) = self.waiting.remove(&next) {
            due.push((next, line));
            next += 1;
        }
        if !due.is_empty() {
            self.turn.send_replace(next);
        }
        due
    }
}

fn write(mut batches: mpsc::Receiver<Batch>, mut order: Option<Order>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    while let Some(batch) = batches.blocking_recv() {
        put(
            &mut output,
            match &mut order {
                Some(order) => order.sort(batch),
                None => batch,
            },
        )?;
    }
    // A run that ended early leaves what waited for an earlier one.
    put(&mut output, order.into_iter().flat_map(|order| order.waiting).collect())
}

/// Whole lines in each write: a reader never sees half of one, and neither does a file when we are killed.
fn put(output: &mut impl Write, batch: Batch) -> io::Result<()> {
    let mut lines = String::new();
    for (_, line) in batch {
        if !lines.is_empty() && lines.len() + line.len() > WHOLE {
            flush(output, &mut lines)?;
        }
        lines.push_str(&line);
    }
    flush(output, &mut lines)
}

fn flush(output: &mut impl Write, lines: &mut String) -> io::Result<()> {
    output.write_all(lines.as_bytes())?;
    lines.clear();
    output.flush()
}

/// Says one thing on standard error; that it cannot be said is no reason to fail.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
