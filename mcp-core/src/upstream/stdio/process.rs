//! The process of a program: started with little, ended with all that it started itself.

use super::owner::{Place, Programs};
use crate::upstream::{error::UpstreamError, news::Purpose, settings::HubSettings};
use mcp_common::{definition::UpstreamDefinition, secret::ExposeSecret};
use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

/// What a program gets of the gateway's own environment.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];
/// How long a program may take to end after its input was closed, and again after it was asked to.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is looked whether it has ended by itself.
const LOOK: Duration = Duration::from_millis(250);

/// A program that was started, and with it the group of processes that it leads.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Until the program is reaped its number is nobody else's.
    id: Option<u32>,
    place: Place,
}

/// Its ends.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    pub(super) fn start(
        definition: &UpstreamDefinition,
        settings: &HubSettings,
        (programs, purpose): (&Arc<Programs>, &Purpose),
    ) -> Result<(Self, Pipes), UpstreamError> {
        let command = definition.command.as_deref().unwrap_or_default();
        if !settings.stdio_allow.iter().any(|allowed| allowed == command) {
            return Err(UpstreamError::Refused(format!(
                "the program `{command}` is not started: `stdio.allow` of the gateway's configuration does not name it"
            )));
        }
        let mut place = programs.place(purpose.caller.as_ref())?;
        let mut starting = Command::new(command);
        starting.args(&definition.args).env_clear();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                starting.env(name, value);
            }
        }
        for (name, value) in &definition.env {
            let value = settings
                .secrets
                .find_text(value)
                .map_err(|reason| UpstreamError::Secret(format!("env.{name}: {reason}")))?;
            starting.env(name, value.expose_secret());
        }
        if let Some(cwd) = &definition.cwd {
            starting.current_dir(cwd);
        }
        starting
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        starting.process_group(0);
        let started = starting.spawn();
        let mut child = started.map_err(|error| failed(definition, &error))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(UpstreamError::Refused("the program has no pipes".to_owned()));
        };
        let id = child.id();
        place.taken_by(id, &definition.id, purpose.is_supervised);
        Ok((
            Self { child, id, place },
            Pipes {
                stdin,
                stdout,
                stderr,
            },
        ))
    }

    /// Returns when the program has ended by itself. It is not reaped, so that its group can still be named.
    pub(super) async fn exited(&self) {
        loop {
            if has_exited(self.id) {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Ends the group: the input is closed already, then it is asked, then it is killed. Says how the program ended.
    pub(super) async fn end(&mut self) -> String {
        for signal in [None, Some(Signal::Term)] {
            if let Some(signal) = signal {
                send(self.id, signal);
            }
            if tokio::time::timeout(PATIENCE, self.exited()).await.is_ok() {
                break;
            }
        }
        // Those that the program left behind, too.
        send(self.id, Signal::Kill);
        // Before it is reaped: from then on the number may be that of others.
        self.place.is_left();
        let status = self.child.wait().await;
        self.id = None;
        status.map_or_else(|error| error.to_string(), |status| told(&status))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Where nobody waited for its end, as when the runtime ends.
        send(self.id, Signal::Kill);
    }
}

fn told(status: &ExitStatus) -> String {
    status.to_string()
}

fn failed(definition: &UpstreamDefinition, error: &io::Error) -> UpstreamError {
    let command = definition.command.as_deref().unwrap_or_default();
    let text = match (error.kind(), &definition.cwd) {
        (io::ErrorKind::NotFound, Some(cwd)) if !std::path::Path::new(cwd).is_dir() => {
            format!("the program `{command}` cannot be started: its directory {cwd} is not there (`cwd`)")
        }
        (io::ErrorKind::NotFound, _) => {
            format!(
                "the program `{command}` is not there: PATH of the gateway does not lead to it (`command`)"
            )
        }
        _ => format!("the program `{command}` cannot be started: {error}"),
    };
    UpstreamError::Refused(text)
}

#[derive(Clone, Copy, Debug)]
enum Signal {
    Term,
    Kill,
}

#[cfg(unix)]
fn pid(id: Option<u32>) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(id?.try_into().ok()?)
}

/// To the whole group.
#[cfg(unix)]
fn send(id: Option<u32>, signal: Signal) {
    if let Some(group) = pid(id) {
        let signal = match signal {
            Signal::Term => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        // The group may be gone.
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

#[cfg(unix)]
fn has_exited(id: Option<u32>) -> bool {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let Some(pid) = pid(id) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    // An error says that there is no such child any more.
    !matches!(waitid(WaitId::Pid(pid), options), Ok(None))
}

/// Elsewhere the program alone can be ended, by dropping it.
#[cfg(not(unix))]
fn send(_: Option<u32>, _: Signal) {}

#[cfg(not(unix))]
fn has_exited(id: Option<u32>) -> bool {
    id.is_none()
}
