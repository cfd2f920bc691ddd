//! Logs: to stdout, and to daily files if wanted. Formatting happens where something is logged, writing on a thread of
//! its own, so that no worker ever waits for a terminal or a disk.

mod daily_file;
mod lines;
mod request_line;
mod sink;

use crate::settings::{LogFormat, LogSettings};
use lines::{Lines, LogThread};
use mcp_common::private_file;
use request_line::WithRequestLine;
use sink::Sinks;
use std::{ffi::OsStr, io::IsTerminal, path::Path};
use tracing::subscriber::SetGlobalDefaultError;
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt::{self, format},
    layer::SubscriberExt,
    reload,
};

/// Keep it until the end: dropping it writes what is still in memory.
#[must_use]
pub(crate) struct LogGuard {
    _thread: LogThread,
    levels: Levels,
}

impl LogGuard {
    /// Where its levels are changed.
    pub(crate) fn levels(&self) -> Levels {
        self.levels.clone()
    }
}

/// What decides which events are written.
#[derive(Clone, Debug)]
pub(crate) struct Levels(reload::Handle<Targets, Registry>);

impl Levels {
    /// From now on these.
    pub(crate) fn set(&self, settings: &LogSettings) {
        // Only a log that is gone refuses.
        let _ = self.0.reload(levels(settings));
    }
}

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("log.log_dir: {0}")]
    Directory(String),
    #[error("logging cannot start: {0}")]
    Start(String),
    #[error(transparent)]
    Twice(#[from] SetGlobalDefaultError),
}

/// Starts logging: from now on everything in this process logs as configured.
pub(crate) fn start(settings: &LogSettings) -> Result<LogGuard, LogError> {
    let mut sinks = Sinks::open(settings)?;
    let write = move |lines: &[u8]| sinks.write(lines);
    let (lines, thread) = Lines::start(write).map_err(|error| LogError::Start(error.to_string()))?;
    let no_colour = std::env::var_os("NO_COLOR");
    let colours = settings.log_dir.is_none()
        && std::io::stdout().is_terminal()
        && !forbids_colours(no_colour.as_deref());
    let (filter, handle) = reload::Layer::new(levels(settings));
    let subscriber = Registry::default()
        .with(filter)
        .with(layer(settings.format, colours, lines));
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(LogGuard {
        _thread: thread,
        levels: Levels(handle),
    })
}

/// `NO_COLOR`, as <https://no-color.org> has it: any text but an empty one.
pub(crate) fn forbids_colours(variable: Option<&OsStr>) -> bool {
    variable.is_some_and(|text| !text.is_empty())
}

/// Why `start` could not write to the folder of log files; writes nothing.
pub(crate) fn problem(settings: &LogSettings) -> Option<LogError> {
    let directory = settings.log_dir.as_deref()?;
    let could = private_file::could_be_written(&Path::new(directory).join(&settings.log_name));
    could
        .err()
        .map(|error| LogError::Directory(format!("`{directory}` cannot be used: {error}")))
}

/// One global filter: filters per layer would cost on every event.
fn levels(settings: &LogSettings) -> Targets {
    // Checked when the settings were read.
    let levels: Targets = settings
        .log_level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    if settings.requests {
        levels
    } else {
        levels.with_target(request_line::TARGET, LevelFilter::OFF)
    }
}

fn layer<S>(chosen: LogFormat, colours: bool, lines: Lines) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let layer = fmt::layer().with_writer(lines);
    match chosen {
        LogFormat::Pretty => {
            let format = WithRequestLine {
                other: format::format(),
                json: false,
            };
            Box::new(layer.with_ansi(colours).event_format(format))
        }
        LogFormat::Json => {
            let format = WithRequestLine {
                other: format::format().json().flatten_event(true),
                json: true,
            };
            Box::new(
                layer
                    .with_ansi(false)
                    .fmt_fields(format::JsonFields::new())
                    .event_format(format),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::forbids_colours;

    #[test]
    fn no_color_is_any_text() {
        assert!(forbids_colours(Some("1".as_ref())) && forbids_colours(Some("0".as_ref())));
        assert!(!forbids_colours(Some("".as_ref())) && !forbids_colours(None));
    }
}
