//! Programs that are servers: one message a line on their standard input and output.

mod log;
mod process;

pub(super) use log::Log;
pub use log::LogLine;

use super::{
    error::UpstreamError,
    message::{self, Incoming},
    news::News,
    outgoing::Outgoing,
    settings::HubSettings,
};
use crate::{
    framing::lines::{Line, Lines},
    relay,
};
use bytes::Bytes;
use mcp_common::definition::UpstreamDefinition;
use process::Process;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWriteExt},
    process::{ChildStdin, ChildStdout},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

/// Messages that wait for the program to read them.
const WAITING: usize = 256;
/// How long a program may work on a request that was given up. It need not answer it, so that nothing says when it is over.
const GOES_ON: Duration = Duration::from_secs(60);

type Answer = Result<Bytes, UpstreamError>;

/// A program that runs.
#[derive(Debug)]
pub(super) struct StdioLink {
    outbox: mpsc::Sender<Bytes>,
    pending: Arc<Pending>,
    news: Arc<News>,
    /// Ends the program; the task is over when nothing of it is left.
    stop: tokio_util::sync::CancellationToken,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// Who waits for which answer.
#[derive(Debug, Default)]
struct Pending {
    waiting: Mutex<HashMap<u64, Waiting>>,
    /// When the last request was given up that the program may still work on.
    given_up: Mutex<Option<Instant>>,
}

/// One request whose answer is waited for.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Answer>,
    line: Option<relay::Line>,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of a request, or of the only one that has a client. Nobody's where it may belong to a request that was given
    /// up: a program goes on for a while, and what it says then is not for the next client.
    fn line_of(&self, id: Option<u64>) -> Option<relay::Line> {
        let waiting = self.lock();
        match id {
            Some(id) => waiting.get(&id)?.line.clone(),
            None => {
                let given_up = *self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
                if given_up.is_some_and(|at| at.elapsed() < GOES_ON) {
                    return None;
                }
                let mut lines = waiting.values().filter_map(|one| one.line.as_ref());
                let only = lines.next()?;
                lines.next().is_none().then(|| only.clone())
            }
        }
    }

    fn settle(&self, id: u64, answer: Answer) -> bool {
        let waiting = self.lock().remove(&id);
        waiting.is_some_and(|waiting| waiting.answer.send(answer).is_ok())
    }

    /// Nothing comes any more.
    fn give_up(&self, reason: &str) {
        for (_, waiting) in self.lock().drain() {
            let _ = waiting.answer.send(Err(UpstreamError::Ended(reason.to_owned())));
        }
    }
}

/// A request that is under way. Given up before its answer came, the program is told.
struct Asked<'a> {
    link: &'a StdioLink,
    id: u64,
    may_be_cancelled: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let was_waiting = self.link.pending.lock().remove(&self.id).is_some();
        if was_waiting {
            let mut given_up = self
                .link
                .pending
                .given_up
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *given_up = Some(Instant::now());
        }
        if was_waiting && self.may_be_cancelled {
            let params = format!("\"requestId\":{},\"reason\":\"the client gave it up\"", self.id);
            let text = message::notification("notifications/cancelled", &params);
            // A program that reads nothing will not read this either.
            let _ = self.link.outbox.try_send(line(text));
        }
    }
}

impl StdioLink {
    /// Starts the program, if the operator allows it.
    pub(super) fn start(
        definition: &Arc<UpstreamDefinition>,
        settings: &HubSettings,
        news: Arc<News>,
        log: &Arc<Log>,
    ) -> Result<Arc<Self>, UpstreamError> {
        let (process, pipes) = Process::start(definition, settings)?;
        let most = usize::try_from(definition.limits.max_response_bytes.0).unwrap_or(usize::MAX);
        let (outbox, inbox) = mpsc::channel(WAITING);
        let pending = Arc::new(Pending::default());
        let stop = tokio_util::sync::CancellationToken::new();
        let reading = Reading {
            pending: pending.clone(),
            news: news.clone(),
            log: log.clone(),
            outbox: outbox.clone(),
        };
        let errors = tokio::spawn(drain(pipes.stderr, log.clone()));
        let reader = tokio::spawn(reading.run(pipes.stdout, most));
        let writer = tokio::spawn(write(pipes.stdin, inbox));
        let keeper = Keeper {
            process,
            pending: pending.clone(),
            news: news.clone(),
            log: log.clone(),
            stop: stop.clone(),
            tasks: [reader, writer, errors],
        };
        Ok(Arc::new(Self {
            outbox,
            pending,
            news,
            stop,
            keeper: Mutex::new(Some(tokio::spawn(keeper.run()))),
        }))
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn request(&self, out: Outgoing<'_>) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting {
            answer: sender,
            line: out.line,
        };
        self.pending.lock().insert(out.id, waiting);
        let _asked = Asked {
            link: self,
            id: out.id,
            may_be_cancelled: out.method != "initialize",
        };
        // Looked at after the request is among those that wait: whoever ends the program settles these.
        if self.news.lost.is_cancelled() {
            return Err(self.ended());
        }
        let mut text = out.body.to_vec();
        text.push(b'\n');
        if self.outbox.send(text.into()).await.is_err() {
            return Err(self.ended());
        }
        receiver.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Sends what has no answer.
    pub(super) async fn notify(&self, body: String) -> Result<(), UpstreamError> {
        self.outbox.send(line(body)).await.map_err(|_| self.ended())
    }

    fn ended(&self) -> UpstreamError {
        UpstreamError::Ended(self.news.reason().unwrap_or("the program ended").to_owned())
    }

    /// Ends the program and everything that it started, and waits until it is gone.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
    }
}

impl Drop for StdioLink {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn line(mut text: String) -> Bytes {
    text.push('\n');
    text.into()
}

/// Owns the program until nothing of it is left.
struct Keeper {
    process: Process,
    pending: Arc<Pending>,
    news: Arc<News>,
    log: Arc<Log>,
    stop: tokio_util::sync::CancellationToken,
    /// Those that read, write, and read what it complains of.
    tasks: [JoinHandle<()>; 3],
}

impl Keeper {
    async fn run(mut self) {
        let [reader, writer, errors] = &mut self.tasks;
        let is_wanted = tokio::select! {
            () = self.stop.cancelled() => false,
            _ = &mut *reader => true,
            () = self.process.exited() => true,
        };
        // Its standard input is closed with the task that writes to it.
        writer.abort();
        let status = self.process.end().await;
        // What it said last is read, unless somebody else still holds the pipe.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), errors).await;
        let reason = match is_wanted {
            false => "the program was ended".to_owned(),
            true => match self.log.last("stderr") {
                Some(last) => format!("the program ended ({status}); it last said: {last}"),
                None => format!("the program ended ({status})"),
            },
        };
        self.log.add("gateway", &reason);
        self.news.ended(reason.clone());
        self.pending.give_up(&reason);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What reading the program's output needs.
struct Reading {
    pending: Arc<Pending>,
    news: Arc<News>,
    log: Arc<Log>,
    outbox: mpsc::Sender<Bytes>,
}

impl Reading {
    async fn run(self, stdout: ChildStdout, most: usize) {
        let mut lines = Lines::new(stdout, most);
        while let Some(read) = lines.next().await {
            match read {
                Line::Whole(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole(text) => self.take(&text),
                Line::TooLong => {
                    self.news.stray();
                    let text = format!(
                        "a line of more than {most} bytes was passed over (`limits.max_response_bytes`)"
                    );
                    self.log.add("gateway", &text);
                }
            }
        }
    }

    fn take(&self, text: &Bytes) {
        match message::read(text) {
            Ok(Incoming::Answer {
                id: Some(id),
                outcome,
            }) => {
                if !self.pending.settle(id, outcome.map_err(UpstreamError::Rpc)) {
                    self.news.stray();
                }
            }
            Ok(Incoming::Answer { id: None, .. }) => self.news.stray(),
            Ok(Incoming::Request { id, method }) => {
                // A program that asks without reading answers gets none.
                let _ = self.outbox.try_send(line(message::reply(&id, &method)));
            }
            Ok(Incoming::Notification { method, params }) => {
                let line_of = |named| self.pending.line_of(named);
                if let Some(logged) = self.news.told(&method, params, line_of) {
                    // Nobody else may have to wait for a client that reads slowly.
                    logged.try_pass_on();
                }
            }
            Err(_) => {
                self.news.stray();
                self.log.add("stdout", &String::from_utf8_lossy(text));
            }
        }
    }
}

async fn write(mut stdin: ChildStdin, mut inbox: mpsc::Receiver<Bytes>) {
    while let Some(text) = inbox.recv().await {
        if stdin.write_all(&text).await.is_err() {
            return;
        }
        if inbox.is_empty() && stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads what the program complains of, so that it never waits for somebody to read it.
async fn drain(stderr: impl AsyncRead + Unpin, log: Arc<Log>) {
    let mut lines = Lines::new(stderr, log::MOST_BYTES);
    while let Some(read) = lines.next().await {
        match read {
            Line::Whole(text) => log.add("stderr", &String::from_utf8_lossy(&text)),
            Line::TooLong => log.add("gateway", "a long line was passed over"),
        }
    }
}
