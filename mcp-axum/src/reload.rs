//! The configuration, followed while the gateway runs: when its file changes, or on SIGHUP, it is read, checked as at the start, and what
//! needs no restart comes into effect as one. What is wrong, or gone, changes nothing, and is tried again now and then.

mod place;
mod retry;
mod seen;
mod status;
mod watch;

pub use status::{ConfigStatus, Report};

use crate::{
    app::Current,
    runtime::control_plane::{self, TermsError},
    settings::{Layers, Settings, SettingsError, written_as},
    telemetry::logging::{self, Levels},
};
use retry::Retry;
use seen::Seen;
use serde_json::json;
use std::{io, path::PathBuf, sync::Arc};
use tokio::sync::Notify;
use watch::Watch;

/// Why what a file says does not come into effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    /// It cannot be read, or says what cannot be meant.
    #[error("{0}")]
    Configuration(String),
    /// It was there before.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// The system does not let it be read.
    #[error("{} cannot be read: {}", .0.display(), .1)]
    Unreadable(PathBuf, Arc<io::Error>),
    /// It cannot come into effect.
    #[error(transparent)]
    Terms(#[from] TermsError),
}

/// A configuration that no gateway could be started with.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// Everything that is wrong.
    pub(crate) problems: Vec<String>,
    /// Whether that is the configuration, and not the circumstances.
    pub(crate) is_configuration: bool,
}

/// The configuration of a gateway that could be started, as far as that can be known without opening anything.
pub(crate) fn startable(layers: &Layers) -> Result<Settings, Unfit> {
    let unfit = |error: SettingsError| Unfit {
        problems: vec![error.to_string()],
        is_configuration: true,
    };
    let (settings, problems) = Settings::examine(layers).map_err(unfit)?;
    let mut found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let mut is_configuration = !found.is_empty();
    for problem in control_plane::problems(&settings) {
        is_configuration |= problem.is_configuration();
        found.push(problem.to_string());
    }
    found.extend(logging::problem(&settings.log).map(|problem| problem.to_string()));
    match found.is_empty() {
        true => Ok(settings),
        false => Err(Unfit {
            problems: found,
            is_configuration,
        }),
    }
}

/// What a gateway's configuration is read from.
#[derive(Clone, Debug)]
pub struct Followed {
    pub(crate) layers: Layers,
    /// The file as it was before it was read for the start.
    seen: Seen,
    /// What the program made of `app.max_connections`, and what the file said.
    pub(crate) connections: Option<(u32, u32)>,
    /// Where levels of the log are changed; `None` where the log is somebody else's.
    pub(crate) levels: Option<Levels>,
}

impl Followed {
    /// What these layers are read from. Call it before they are read.
    pub fn new(layers: Layers) -> Self {
        Self {
            seen: Seen::look(layers.file_or_its_place().as_deref()),
            layers,
            connections: None,
            levels: None,
        }
    }
}

/// The one who changes the configuration of a gateway.
pub(crate) struct Reload {
    pub(crate) current: Arc<Current>,
    pub(crate) followed: Followed,
    /// Somebody wants it to be read again.
    pub(crate) wanted: Arc<Notify>,
}

impl Reload {
    /// Follows the configuration until it is dropped.
    pub(crate) async fn run(self: Arc<Self>) {
        let file = self.followed.layers.file_or_its_place();
        let mut seen = self.followed.seen.clone();
        let mut was_there = seen.is_there();
        let status = self.current.now().config.clone();
        status.began(file.as_deref().filter(|_| was_there));
        let mut watch = Watch::new(file.clone());
        let mut retry = Retry::default();
        let look = || Seen::look(file.as_deref());
        loop {
            let (is_wanted, is_reported) = tokio::select! {
                is_reported = watch.settled() => (false, is_reported),
                () = self.wanted.notified() => (true, false),
            };
            // It is read after it was looked at, so that nothing that comes between them is missed.
            let mut now = look();
            if now != seen && !is_wanted && !is_reported {
                now = watch::at_rest(now, look).await;
            }
            let is_new = is_wanted || now != seen;
            if is_new || retry.is_due() {
                seen = now;
                was_there |= seen.is_there();
                let is_in_effect = self.read_again(&seen, was_there, is_new).await;
                retry.tried(is_in_effect, is_new);
            }
        }
    }

    /// Whether it is in effect now. What is tried again and is as wrong as before was said before.
    async fn read_again(&self, seen: &Seen, was_there: bool, is_new: bool) -> bool {
        let app = self.current.now();
        let (status, events) = (app.config.clone(), app.events.clone());
        drop(app);
        match self.adopt(seen, was_there).await {
            Ok((changed, waiting)) => {
                let file = self.followed.layers.file_or_its_place();
                status.reloaded(file.as_deref().filter(|_| seen.is_there()), waiting.clone());
                let members = json!({"changed": changed, "requires_restart": waiting});
                events.tell("config.changed", members);
                let changed = match changed.as_slice() {
                    [] => "nothing".to_owned(),
                    changed => changed.join(", "),
                };
                tracing::info!(target: "dynmcp", changed, "the configuration was read again");
                if !waiting.is_empty() {
                    tracing::warn!(target: "dynmcp", "requires restart: {}", waiting.join(", "));
                }
                true
            }
            Err(error) => {
                let text = error.to_string();
                if !is_new && status.has_failed_by(&text) {
                    return false;
                }
                tracing::error!(target: "dynmcp", "the configuration stays as it was: {text}");
                events.tell("error", json!({"what": "configuration", "error": text}));
                status.failed(text);
                false
            }
        }
    }

    /// The keys that changed, and those that wait for a restart.
    async fn adopt(&self, seen: &Seen, was_there: bool) -> Result<(Vec<String>, Vec<String>), ReloadError> {
        seen.check(was_there)?;
        let (layers, is_there) = (self.followed.layers.clone(), seen.is_there());
        let reading = move || {
            startable(&layers).map_err(|unfit| {
                let text = unfit.problems.join("; ");
                let place = is_there.then(|| place::of(&layers, &unfit.problems)).flatten();
                ReloadError::Configuration(place.map_or(text.clone(), |place| format!("{place}: {text}")))
            })
        };
        let reading = tokio::task::spawn_blocking(reading).await;
        let mut wanted = reading.map_err(|panic| ReloadError::Configuration(panic.to_string()))??;
        let app = self.current.now();
        // What the program found out about itself at the start.
        wanted.work.program.clone_from(&app.settings.work.program);
        if let Some((made, read)) = self.followed.connections
            && wanted.app.max_connections == read
        {
            wanted.app.max_connections = made;
        }
        let mut adopted = control_plane::adopt(&self.current, &wanted).await?;
        for note in wanted.aggregated.iter().flat_map(|aggregated| &aggregated.notes) {
            tracing::warn!(target: "dynmcp", "{note}");
        }
        if wanted.aggregated.is_some() {
            adopted.1.iter_mut().for_each(|key| *key = written_as(key));
        }
        if let Some(levels) = &self.followed.levels {
            levels.set(&self.current.now().settings.log);
        }
        Ok(adopted)
    }
}
