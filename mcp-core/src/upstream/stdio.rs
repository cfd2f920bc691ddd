//! Programs that are servers: one message a line on their standard input and output.

#[cfg(unix)]
mod input;
mod log;
mod owner;
mod process;

#[cfg(unix)]
pub(super) use input::Input;
pub(super) use log::Log;
pub use log::LogLine;
pub use owner::ProgramCounts;
pub(super) use owner::Programs;

use super::{
    conduit::{Conduit, Outward},
    error::UpstreamError,
    news::{News, Purpose},
    settings::HubSettings,
};
use crate::framing::lines::{Line, Lines};
use mcp_common::definition::UpstreamDefinition;
use process::Process;
use std::{
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    io::AsyncRead,
    process::{ChildStdin, ChildStdout},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// How long is waited for the last words of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Starts the program, if the operator allows it.
pub(super) fn start(
    definition: &Arc<UpstreamDefinition>,
    settings: &HubSettings,
    (programs, purpose): (&Arc<Programs>, &Purpose),
    news: Arc<News>,
    log: &Arc<Log>,
) -> Result<Arc<Conduit>, UpstreamError> {
    let (process, pipes) = Process::start(definition, settings, (programs, purpose))?;
    let most = usize::try_from(definition.limits.max_response_bytes.0).unwrap_or(usize::MAX);
    let (outward, writing) = outward(pipes.stdin)?;
    let conduit = Conduit::new(outward, news.clone(), "program");
    let reading = Reading {
        conduit: Arc::downgrade(&conduit),
        news,
        log: log.clone(),
    };
    let errors = tokio::spawn(drain(pipes.stderr, log.clone()));
    let reader = tokio::spawn(reading.run(pipes.stdout, most));
    let writer = tokio::spawn(writing);
    let keeper = Keeper {
        process,
        conduit: Arc::downgrade(&conduit),
        log: log.clone(),
        stop: conduit.stop(),
        tasks: [reader, writer, errors],
    };
    conduit.kept_by(keeper.run());
    Ok(conduit)
}

/// Where messages to it leave, and who writes those that wait.
#[cfg(unix)]
fn outward(stdin: ChildStdin) -> Result<(Outward, impl Future<Output = ()> + Send), UpstreamError> {
    let opened = Input::open(stdin);
    let (input, writing) =
        opened.map_err(|error| UpstreamError::Refused(format!("the program has no input: {error}")))?;
    Ok((Outward::Program(input), writing))
}

#[cfg(not(unix))]
fn outward(stdin: ChildStdin) -> Result<(Outward, impl Future<Output = ()> + Send), UpstreamError> {
    let (outward, inbox) = super::conduit::queue();
    Ok((outward, write(stdin, inbox)))
}

/// Owns the program until nothing of it is left.
struct Keeper {
    process: Process,
    conduit: Weak<Conduit>,
    log: Arc<Log>,
    stop: CancellationToken,
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
        let _ = tokio::time::timeout(LAST_WORDS, errors).await;
        let reason = match is_wanted {
            false => "the program was ended".to_owned(),
            true => match self.log.last("stderr") {
                Some(last) => format!("the program ended ({status}); it last said: {last}"),
                None => format!("the program ended ({status})"),
            },
        };
        self.log.add("gateway", &reason);
        if let Some(conduit) = self.conduit.upgrade() {
            conduit.over(&reason);
        }
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What reading the program's output needs.
struct Reading {
    conduit: Weak<Conduit>,
    news: Arc<News>,
    log: Arc<Log>,
}

impl Reading {
    async fn run(self, stdout: ChildStdout, most: usize) {
        let mut lines = Lines::new(stdout, most);
        while let Some(read) = lines.next().await {
            match read {
                Line::Whole(text) if text.iter().all(u8::is_ascii_whitespace) => {}
                Line::Whole(text) => {
                    let Some(conduit) = self.conduit.upgrade() else {
                        return;
                    };
                    if conduit.take(&text).await.is_err() {
                        self.log.add("stdout", &String::from_utf8_lossy(&text));
                    }
                }
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
}

#[cfg(not(unix))]
async fn write(mut stdin: ChildStdin, mut inbox: tokio::sync::mpsc::Receiver<bytes::Bytes>) {
    use tokio::io::AsyncWriteExt;
    while let Some(text) = inbox.recv().await {
        // One piece: most pipes take a message whole.
        let line = line(&text);
        if stdin.write_all(&line).await.is_err() {
            return;
        }
        if inbox.is_empty() && stdin.flush().await.is_err() {
            return;
        }
    }
}

/// A message as the line that it has to be. What clients send is passed on as they wrote it; breaks stand between the tokens of
/// JSON alone, and each of them would begin another message.
fn line(text: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(text.len() + 1);
    line.extend_from_slice(text);
    for at in memchr::memchr2_iter(b'\n', b'\r', text) {
        line[at] = b' ';
    }
    line.push(b'\n');
    line
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

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_a_client_wrote_on_several_lines_is_one_message() {
        let text =
            "{\"params\":{\"arguments\":{\"x\":\r\n{\"id\":7,\"method\":\"tools/call\"}\n,\"y\":\"a\\nb\"}}}";
        let line = line(text.as_bytes());
        let breaks = line.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        assert_eq!((breaks, line.last()), (1, Some(&b'\n')));
        let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&line), read(text.as_bytes()));
    }
}
