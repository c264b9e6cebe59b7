//! The one writer: whole lines, flushed, on a thread of its own, so that a slow reader stops no timer.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::End;
use crate::record::Record;

/// How many batches wait to be written.
const AHEAD: usize = 8;
/// POSIX's least PIPE_BUF is 512, Linux's 4096: a write of no more is whole or not there (pipe(7)).
const WHOLE: usize = 4096;
/// How long a reader may take for what is left when a signal ends the run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing more can be written.
fn end_of(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe { End::Closed } else { End::Unwritable }
}

/// Writes lines to standard output.
pub(super) struct Output {
    sender: Option<mpsc::Sender<Vec<Record>>>,
    thread: Option<JoinHandle<()>>,
    broken: oneshot::Receiver<End>,
    order: Option<Order>,
    left: Left,
}

/// Records whose turn never came, for the writer to write at the end.
type Left = Arc<Mutex<Vec<Record>>>;

/// Tells when the writer has ended.
pub(super) struct Written(Receiver<()>);

impl Written {
    /// Waits until everything is written, or a reader has been too slow.
    pub(super) fn wait(self) {
        // Nothing is ever sent: the writer's end disconnects.
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

/// Records that wait for earlier ones.
#[derive(Default)]
struct Order {
    next: u64,
    waiting: BTreeMap<u64, Record>,
}

impl Output {
    /// Starts the writer; `line` makes a record's line of it, on the writer's thread.
    pub(super) fn start(ordered: bool, line: impl Fn(Record) -> String + Send + 'static) -> (Self, Written) {
        let (sender, receiver) = mpsc::channel::<Vec<Record>>(AHEAD);
        let (tell, broken) = oneshot::channel();
        let (running, written) = channel::<()>();
        let left = Left::default();
        let late = Arc::clone(&left);
        let thread = std::thread::spawn(move || {
            let _running = running;
            if let Err(error) = write(receiver, &late, line) {
                let _ = tell.send(end_of(&error));
            }
        });
        let order = ordered.then(Order::default);
        (Output { sender: Some(sender), thread: Some(thread), broken, order, left }, Written(written))
    }

    /// Writes records, or keeps them until their turn.
    ///
    /// # Errors
    /// Nothing more can be written.
    pub(super) async fn records(&mut self, records: Vec<(u64, Record)>) -> Result<(), End> {
        let Some(order) = &mut self.order else {
            return self.send(records.into_iter().map(|(_, record)| record).collect()).await;
        };
        order.waiting.extend(records);
        let mut turn = Vec::new();
        while let Some(record) = order.waiting.remove(&order.next) {
            order.next += 1;
            turn.push(record);
        }
        if turn.is_empty() { Ok(()) } else { self.send(turn).await }
    }

    /// How many records wait for an earlier one.
    pub(super) fn held(&self) -> usize {
        self.order.as_ref().map_or(0, |order| order.waiting.len())
    }

    async fn send(&mut self, records: Vec<Record>) -> Result<(), End> {
        let Some(sender) = &self.sender else { return Err(End::Closed) };
        if sender.send(records).await.is_ok() {
            return Ok(());
        }
        Err((&mut self.broken).await.unwrap_or(End::Unwritable))
    }

    /// Resolves when the output breaks; never otherwise.
    pub(super) async fn broken(&mut self) -> End {
        match (&mut self.broken).await {
            Ok(end) => end,
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// It could not be.
    pub(super) async fn finish(mut self) -> Result<(), End> {
        self.sender = None;
        // The writer says why it broke; one that is done just drops its end.
        if let Ok(end) = (&mut self.broken).await {
            return Err(end);
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(End::Unwritable),
            _ => Ok(()),
        }
    }
}

impl Drop for Output {
    /// A run that ends early leaves what is finished to the writer, in order.
    fn drop(&mut self) {
        if let Some(order) = &mut self.order {
            let waiting = std::mem::take(&mut order.waiting);
            self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(waiting.into_values());
        }
    }
}

fn write(
    mut batches: mpsc::Receiver<Vec<Record>>,
    left: &Left,
    line: impl Fn(Record) -> String,
) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let taken = || std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner));
    let coming = std::iter::from_fn(|| batches.blocking_recv());
    for batch in coming.chain(std::iter::once_with(taken)) {
        let mut lines = String::new();
        for line in batch.into_iter().map(&line) {
            if !lines.is_empty() && lines.len() + line.len() > WHOLE {
                put(&mut output, &mut lines)?;
            }
            lines.push_str(&line);
        }
        put(&mut output, &mut lines)?;
    }
    Ok(())
}

/// One write of whole lines: a reader never sees half of one, and neither does a file when we are killed.
fn put(output: &mut impl Write, lines: &mut String) -> io::Result<()> {
    output.write_all(lines.as_bytes())?;
    lines.clear();
    output.flush()
}

/// Says one thing on standard error; that it cannot be said is no reason to fail.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
