//! The one writer: whole lines, flushed, on a thread of its own, so that a slow reader stops no timer.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::End;

/// How many lines wait to be written.
const AHEAD: usize = 64;
/// How long a reader may take for what is left when a signal ends the run.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing more can be written.
fn end_of(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::BrokenPipe { End::Closed } else { End::Unwritable }
}

/// Writes lines to standard output.
pub(super) struct Output {
    sender: Option<mpsc::Sender<String>>,
    thread: Option<JoinHandle<()>>,
    broken: oneshot::Receiver<End>,
    order: Option<Order>,
    left: Left,
}

/// Lines whose turn never came, for the writer to write at the end.
type Left = Arc<Mutex<Vec<String>>>;

/// Tells when the writer has ended.
pub(super) struct Written(Receiver<()>);

impl Written {
    /// Waits until everything is written, or a reader has been too slow.
    pub(super) fn wait(self) {
        // Nothing is ever sent: the writer's end disconnects.
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

/// Lines that wait for earlier ones.
#[derive(Default)]
struct Order {
    next: u64,
    waiting: BTreeMap<u64, String>,
}

impl Output {
    /// Starts the writer.
    pub(super) fn start(ordered: bool) -> (Self, Written) {
        let (sender, receiver) = mpsc::channel::<String>(AHEAD);
        let (tell, broken) = oneshot::channel();
        let (running, written) = channel::<()>();
        let left = Left::default();
        let late = Arc::clone(&left);
        let thread = std::thread::spawn(move || {
            let _running = running;
            if let Err(error) = write(receiver, &late) {
                let _ = tell.send(end_of(&error));
            }
        });
        let order = ordered.then(Order::default);
        (Output { sender: Some(sender), thread: Some(thread), broken, order, left }, Written(written))
    }

    /// Writes one line, or keeps it until its turn.
    ///
    /// # Errors
    /// Nothing more can be written.
    pub(super) async fn line(&mut self, number: u64, line: String) -> Result<(), End> {
        let Some(order) = &mut self.order else { return self.send(line).await };
        order.waiting.insert(number, line);
        loop {
            let Some(order) = &mut self.order else { return Ok(()) };
            let Some(line) = order.waiting.remove(&order.next) else { return Ok(()) };
            order.next += 1;
            self.send(line).await?;
        }
    }

    /// How many lines wait for an earlier one.
    pub(super) fn held(&self) -> usize {
        self.order.as_ref().map_or(0, |order| order.waiting.len())
    }

    async fn send(&mut self, line: String) -> Result<(), End> {
        let Some(sender) = &self.sender else { return Err(End::Closed) };
        if sender.send(line).await.is_ok() {
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
        let thread = self.thread.take();
        let joined = tokio::task::spawn_blocking(move || thread.map(JoinHandle::join)).await;
        match (joined, self.broken.try_recv()) {
            (_, Ok(end)) => Err(end),
            (Ok(Some(Err(_))) | Err(_), _) => Err(End::Unwritable),
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

fn write(mut lines: mpsc::Receiver<String>, left: &Left) -> io::Result<()> {
    let mut output = io::stdout().lock();
    let taken = || std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner));
    let coming = std::iter::from_fn(|| lines.blocking_recv());
    for line in coming.chain(std::iter::once_with(taken).flatten()) {
        // One write a line: a reader never sees half of one, and neither does a file when we are killed.
        output.write_all(line.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

/// Says one thing on standard error; that it cannot be said is no reason to fail.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
