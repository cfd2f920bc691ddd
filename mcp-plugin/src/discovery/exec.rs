//! `exec`: a command that prints a list of servers. Only the configuration says which; nothing that is found can.

use super::seen;
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    discovery::{Discovery, Habits, Look, NotSeen, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use std::{path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
};

/// What of the gateway's environment a command gets.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];
/// What is read of its complaints.
const COMPLAINTS: usize = 4 << 10;

/// Makes `exec`.
#[derive(Default)]
pub struct Exec;

#[mcp_common::discovery("exec")]
impl DiscoveryFactory for Exec {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(60),
            is_trusted: true,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Printer::read(place, settings, 0).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Printer::read(place, settings, gateway.max_bytes)?))
    }
}

struct Printer {
    command: Vec<Arc<str>>,
    timeout: Duration,
    most: usize,
    last: Option<Bytes>,
}

impl Printer {
    fn read(place: &str, settings: &Settings, most: usize) -> Result<Self, PluginError> {
        let table = Table::new(place, settings, &["command", "timeout"])?;
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
        Ok(Self {
            timeout: Duration::from_secs(table.number("timeout", 1..=600, 30)?),
            command,
            most,
            last: None,
        })
    }

    async fn print(&self) -> Result<Bytes, String> {
        let (program, arguments) = self.command.split_first().ok_or("there is no command")?;
        let mut command = Command::new(&**program);
        command
            .args(arguments.iter().map(|argument| &**argument))
            .env_clear()
            .envs(
                ENVIRONMENT
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command
            .spawn()
            .map_err(|error| format!("`{program}` cannot be started: {error}"))?;
        let mut running = Running(child);
        match tokio::time::timeout(self.timeout, running.output(self.most)).await {
            Ok(printed) => printed.map_err(|reason| format!("`{program}` {reason}")),
            Err(_) => Err(format!("`{program}` did not end within {:?}", self.timeout)),
        }
    }
}

/// A command that runs; it ends with this, and so does what it started.
struct Running(Child);

impl Running {
    async fn output(&mut self, most: usize) -> Result<Bytes, String> {
        let (out, err) = (self.0.stdout.take(), self.0.stderr.take());
        let (printed, complaints) = tokio::join!(drained(out, most + 1), drained(err, COMPLAINTS));
        let status = self.0.wait().await.map_err(|error| error.to_string())?;
        if !status.success() {
            let text = String::from_utf8_lossy(&complaints);
            let last = text
                .lines()
                .rfind(|line| !line.trim().is_empty())
                .unwrap_or_default();
            return Err(format!("ended with {status}: {last}"));
        }
        match printed.len() > most {
            true => Err(format!("printed more than {most} bytes (max_bytes)")),
            false => Ok(printed.into()),
        }
    }
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

#[async_trait]
impl Discovery for Printer {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let printed = self.print().await.map_err(NotSeen::Away)?;
        let program = self.command.first().cloned().unwrap_or_default();
        seen(printed, &mut self.last)
            .map_err(|reason| NotSeen::Broken(format!("what `{program}` printed {reason}")))
    }
}
