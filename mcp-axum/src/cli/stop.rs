//! `dynmcp stop`: ends the gateway that runs with a configuration on this machine, as SIGTERM does, and waits until it has ended.

use super::{Failure, output::Saying, pid_file, progress::Progress};
use crate::settings::{Layers, Settings};
use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How long a gateway may take beyond what it has for calls in flight.
const GRACE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(super) struct StopArguments {
    /// Do not wait for its end.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    saying: Saying,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &StopArguments) -> Result<(), Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let folder = &settings.app.data_dir;
    let nobody = || {
        Failure::runtime(format_args!(
            "no gateway runs here with this configuration (app.data_dir is {})",
            folder.display()
        ))
    };
    let holder = pid_file::holder(folder)?.ok_or_else(nobody)?;
    let pid = holder.pid;
    // Here that number is somebody else's, or nobody's.
    if !holder.is_here {
        return Err(Failure::runtime(format_args!(
            "the gateway of this configuration is {holder}: stop it where it runs"
        )));
    }
    let process = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(nobody)?;
    kill_process(process, Signal::TERM)
        .map_err(|error| Failure::runtime(format_args!("process {pid}: {error}")))?;
    if arguments.no_wait {
        let done = json!({"process": pid, "done": "told"});
        return arguments
            .saying
            .say(&format!("told the gateway to end (process {pid})"), &done);
    }
    let progress = Progress::of("waiting for calls in flight");
    let deadline = Instant::now() + settings.app.drain_deadline() + GRACE;
    while pid_file::holder(folder)?.as_ref() == Some(&holder) {
        if Instant::now() > deadline {
            return Err(Failure::runtime(format_args!(
                "process {pid} has not ended; its log says why"
            )));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(progress);
    let done = json!({"process": pid, "done": "stopped"});
    arguments.saying.say(&format!("stopped (process {pid})"), &done)
}
