//! The one writer: whole lines, flushed, on a thread of its own, so that a slow reader stops no timer.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::End;

/// How many lines wait to be written.
const AHEAD: usize = 64;

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
}

/// Lines that wait for earlier ones.
#[derive(Default)]
struct Order {
    next: u64,
    waiting: BTreeMap<u64, String>,
}

impl Output {
    /// Starts the writer.
    pub(super) fn start(ordered: bool) -> Self {
        let (sender, receiver) = mpsc::channel::<String>(AHEAD);
        let (tell, broken) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            if let Err(error) = write(receiver) {
                let _ = tell.send(end_of(&error));
            }
        });
        let order = ordered.then(Order::default);
        Output { sender: Some(sender), thread: Some(thread), broken, order }
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

fn write(mut lines: mpsc::Receiver<String>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
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
