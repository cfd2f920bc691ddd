//! Where lines go in the end.

use super::{LogError, daily_file::DailyFile};
use crate::settings::LogSettings;
use std::io::{self, Write};

/// stdout and, if configured, a file per day.
pub(super) struct Sinks {
    stdout: Trouble,
    files: Option<(DailyFile, Trouble)>,
}

/// What could not be written to one of them, until it works again.
struct Trouble {
    place: String,
    lost_bytes: Option<usize>,
}

impl Sinks {
    pub(super) fn open(settings: &LogSettings) -> Result<Self, LogError> {
        let Some(directory) = &settings.log_dir else {
            return Ok(Self::new(None));
        };
        let unusable = |error: &dyn std::fmt::Display| {
            LogError::Directory(format!("`{directory}` cannot be used: {error}"))
        };
        let files = DailyFile::open(directory.into(), &settings.log_name, settings.max_files)
            .map_err(|error| unusable(&error))?;
        let place = format!("the log files in `{directory}` (log.log_dir)");
        Ok(Self::new(Some((files, Trouble::none(place)))))
    }

    fn new(files: Option<(DailyFile, Trouble)>) -> Self {
        let stdout = Trouble::none("the log on stdout".to_owned());
        Self { stdout, files }
    }

    /// A closed stdout or a full disk is no reason to stop. One says what is wrong with the other.
    pub(super) fn write(&mut self, lines: &[u8]) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(lines).and_then(|()| stdout.flush());
        drop(stdout);
        self.stdout.after(written, lines);
        if let Some((files, trouble)) = &mut self.files {
            let written = files.write_all(lines).and_then(|()| files.flush());
            trouble.after(written, lines);
        }
    }
}

impl Trouble {
    fn none(place: String) -> Self {
        Self {
            place,
            lost_bytes: None,
        }
    }

    /// What is said here comes with the next lines.
    fn after(&mut self, written: io::Result<()>, lines: &[u8]) {
        let place = &self.place;
        match (written, self.lost_bytes) {
            (Ok(()), None) => {}
            (Ok(()), Some(lost_bytes)) => {
                self.lost_bytes = None;
                tracing::info!(lost_bytes, "{place} can be written again");
            }
            (Err(error), None) => {
                self.lost_bytes = Some(lines.len());
                tracing::warn!(
                    %error,
                    "{place} cannot be written, lines are lost there; free some space or give this user the right to write"
                );
            }
            (Err(_), Some(lost)) => self.lost_bytes = Some(lost.saturating_add(lines.len())),
        }
    }
}
