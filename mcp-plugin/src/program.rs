//! Programs that run for a moment, in a group of their own and with little of the gateway's environment. What they print is bounded, and nothing of them is left
//! when nobody waits for them any more.

use mcp_common::plugin::{PluginError, Table};
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// What of the gateway's environment a program gets.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];
/// What is kept of its complaints.
const COMPLAINTS: usize = 4 << 10;

/// The setting `command`: a program and its arguments.
pub(crate) fn command(table: &Table<'_>) -> Result<Vec<Arc<str>>, PluginError> {
    let command = table.words("command")?;
    let Some(program) = command.first() else {
        return Err(table.wrong("command", "is missing: a program and its arguments, as a list"));
    };
    if program.contains('/') && !Path::new(&**program).is_absolute() {
        return Err(table.wrong(
            "command",
            "must begin with a name that PATH leads to, or an absolute path",
        ));
    }
    if command.iter().any(|word| word.contains('\0')) {
        return Err(table.wrong("command", "must not have the character NUL"));
    }
    Ok(command)
}

/// A program that runs; it ends with this, and so does what it started.
pub(crate) struct Running(Child);

/// What it came to.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The beginning of what it printed, a byte more than it was to be at the most where there was more.
    pub(crate) printed: Vec<u8>,
    complaints: Vec<u8>,
}

impl Running {
    /// With these variables beside those of the gateway.
    pub(crate) fn start(command: &[Arc<str>], variables: &[(&str, &str)]) -> Result<Self, String> {
        let (program, arguments) = command.split_first().ok_or("there is no command")?;
        let mut starting = Command::new(&**program);
        let inherited = ENVIRONMENT.iter();
        starting
            .args(arguments.iter().map(|argument| &**argument))
            .env_clear()
            .envs(inherited.filter_map(|name| Some((name, std::env::var_os(name)?))))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        starting.process_group(0);
        let started = starting.spawn();
        let child = started.map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        Ok(Self(child))
    }

    /// Waits for its end. Of what it prints `most` bytes and one are kept.
    pub(crate) async fn ended(mut self, most: usize) -> Result<Ended, String> {
        let (out, err) = (self.0.stdout.take(), self.0.stderr.take());
        let (printed, complaints) = tokio::join!(drained(out, most + 1), drained(err, COMPLAINTS));
        let status = self.0.wait().await.map_err(|error| error.to_string())?;
        Ok(Ended {
            status,
            printed,
            complaints,
        })
    }
}

impl Ended {
    /// The last line of its complaints that has something in it.
    pub(crate) fn complaint(&self) -> String {
        last_line(&self.complaints)
    }

    /// The same, or of what it printed.
    pub(crate) fn last_words(&self) -> String {
        match self.complaint() {
            none if none.is_empty() => last_line(&self.printed),
            words => words,
        }
    }
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::trim);
    lines
        .rfind(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

impl Drop for Running {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self
            .0
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id as i32))
        {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// Reads to the end, so that nobody waits for a reader, and keeps the beginning.
async fn drained(from: Option<impl AsyncRead + Unpin>, most: usize) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return kept };
    // What cannot be read to its end is what was read; the status says the rest.
    let _ = (&mut from).take(most as u64).read_to_end(&mut kept).await;
    let mut rest = [0; 4096];
    while from.read(&mut rest).await.is_ok_and(|read| read > 0) {}
    kept
}
