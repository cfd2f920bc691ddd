//! Where lines go in the end.

use super::LogError;
use crate::settings::LogSettings;
use std::io::{self, Write};
use tracing_appender::rolling::{RollingFileAppender, Rotation};

/// stdout and, if configured, a file per day.
pub(super) struct Sinks {
    files: Option<RollingFileAppender>,
}

impl Sinks {
    pub(super) fn open(settings: &LogSettings) -> Result<Self, LogError> {
        let Some(directory) = &settings.log_dir else {
            return Ok(Self { files: None });
        };
        let unusable = |error: &dyn std::fmt::Display| {
            LogError::Directory(format!("`{directory}` cannot be used: {error}"))
        };
        // The library would complain on stderr about a directory that it is about to make.
        std::fs::create_dir_all(directory).map_err(|error| unusable(&error))?;
        let files = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix(&settings.log_name)
            .filename_suffix("log")
            .max_log_files(settings.max_files)
            .build(directory)
            .map_err(|error| unusable(&error))?;
        Ok(Self { files: Some(files) })
    }

    /// A closed stdout or a full disk is no reason to stop; there is nowhere left to complain.
    pub(super) fn write(&mut self, lines: &[u8]) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(lines).and_then(|()| stdout.flush());
        if let Some(files) = &mut self.files {
            let _ = files.write_all(lines).and_then(|()| files.flush());
        }
    }
}
