//! Programs that run for a moment, in a group of their own and with little of the gateway's environment. What they print is bounded, and nothing of them is left
//! when nobody waits for them any more.

use mcp_common::plugin::{PluginError, Table};
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// What of the gateway's environment a program gets.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];
/// How often a program that has closed its output is looked at.
const LOOK: Duration = Duration::from_millis(5);
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
        // Before it is reaped: from then on the number of its group may be that of others, and nobody could end what it started.
        while !has_exited(&self.0) {
            tokio::time::sleep(LOOK).await;
        }
        self.end_group();
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

impl Running {
    /// Also of what the program left behind.
    fn end_group(&self) {
        #[cfg(unix)]
        if let Some(group) = pid(&self.0) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end_group();
    }
}

#[cfg(unix)]
fn pid(child: &Child) -> Option<rustix::process::Pid> {
    child
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(id as i32))
}

/// It is not reaped.
#[cfg(unix)]
fn has_exited(child: &Child) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let Some(pid) = pid(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error says that there is no such child any more.
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Elsewhere the program alone can be ended, by dropping it.
#[cfg(not(unix))]
fn has_exited(_: &Child) -> bool {
    true
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::fs;

    /// Ended ones that nobody has reaped yet do nothing any more.
    fn is_alive(pid: &str) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    #[tokio::test]
    async fn what_a_program_leaves_behind_ends_with_it() {
        let script = "sleep 300 >/dev/null 2>&1 & echo $!";
        let command = ["sh", "-c", script].map(Arc::from);
        let ended = Running::start(&command, &[]).unwrap().ended(100).await.unwrap();
        assert!(ended.status.success());
        let left = String::from_utf8(ended.printed).unwrap();
        let left = left.trim();
        assert!(left.parse::<u32>().is_ok(), "{left}");
        // A signal takes a moment.
        for _ in 0..200 {
            if !is_alive(left) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{left} is alive");
    }
}
