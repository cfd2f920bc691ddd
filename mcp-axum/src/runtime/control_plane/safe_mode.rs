//! Where what is being compiled is written down, and where suspects are tried.

use super::parts;
use crate::settings::Settings;
use mcp_common::{
    bounds::Bounds,
    key::Key,
    private_file,
    safe_mode::{SafeMode, Trial, Verdict},
};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// The command of `dynmcp` that compiles one document.
const TRY_DEFINITION: &str = "try-definition";

/// The data source that forgets: what killed is gone at the next start.
const FORGETFUL: &str = "memory";

/// What is compiled takes milliseconds. What does not end in this time would keep a start from ending, too.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(2);

/// Without a folder for it the gateway goes on: it would only not know what a process died of.
pub(super) fn of_gateway(settings: &Settings) -> Option<Arc<SafeMode>> {
    open(settings, settings.work.program.clone())
}

fn open(settings: &Settings, program: Option<PathBuf>) -> Option<Arc<SafeMode>> {
    if settings.app.data_source == FORGETFUL {
        return None;
    }
    let own_process = |program| Arc::new(OwnProcess::new(program, settings)) as Arc<dyn Trial>;
    let trial = program.map(own_process);
    let directory = &settings.app.data_dir;
    let opened = private_file::create_folder(directory).and_then(|()| SafeMode::open(directory, trial));
    opened.map(Arc::new).map_or_else(
        |error| {
            let directory = directory.display();
            tracing::warn!(
                %error,
                "nothing can be written to `{directory}` (app.data_dir): it would not be known which definition a process died of"
            );
            None
        },
        Some,
    )
}

/// For commands beside a gateway: they learn from it, and it from them, but they make no folder.
pub(super) fn of_command(settings: &Settings) -> Option<Arc<SafeMode>> {
    if !settings.app.data_dir.is_dir() {
        return None;
    }
    open(settings, crate::cli::own_program())
}

/// Compiles a document in a process of its own, which is this program once more.
struct OwnProcess {
    program: PathBuf,
    /// What decides how far compiling goes.
    options: Vec<String>,
}

impl OwnProcess {
    fn new(program: PathBuf, settings: &Settings) -> Self {
        let (bounds, defaults) = (parts::bounds(settings), Bounds::default());
        let mut options = Vec::new();
        for (bound, default) in bounds.iter().zip(defaults.iter()) {
            if bound != default {
                options.push(format!("--bound={}={}", bound.key, bound.most));
            }
        }
        for header in parts::request_headers(settings) {
            options.push(format!("--request-header={}", header.name()));
        }
        Self { program, options }
    }

    /// `None`: it did not end.
    fn compile(&self, key: &Key, body: &[u8]) -> io::Result<Option<ExitStatus>> {
        let mut child = Command::new(&self.program)
            .arg(TRY_DEFINITION)
            .args(&self.options)
            .args([key.kind.as_str(), "--", &key.id])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // One that has died already reads nothing.
            let _ = input.write_all(body);
        }
        wait(&mut child)
    }
}

impl Trial for OwnProcess {
    fn run(&self, key: &Key, body: &[u8]) -> Verdict {
        match self.compile(key, body) {
            Ok(Some(status)) if status.success() => Verdict::Survived,
            // A signal. Whoever dies by himself says so with a code, and is not this program.
            Ok(Some(status)) if status.code().is_none() => Verdict::Died(status.to_string()),
            Ok(None) => Verdict::Died(format!("did not end in {} s", PATIENCE.as_secs())),
            Ok(Some(status)) => {
                tracing::debug!(%key, %status, "a definition could not be tried");
                Verdict::Unknown
            }
            Err(error) => {
                tracing::warn!(%key, %error, "no process could be started to try a definition in");
                Verdict::Unknown
            }
        }
    }
}

fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
