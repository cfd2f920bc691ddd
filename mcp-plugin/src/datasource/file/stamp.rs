//! Whether a file changed, without reading it.

use std::{
    fs::Metadata,
    time::{Duration, SystemTime},
};

/// File systems count in steps; a file written twice within one has the same time both times.
const STEP: Duration = Duration::from_secs(1);

/// What the system says about a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// The identity of the file itself, which a rename replaces, and when that was changed.
    identity: (u64, u64, i64, i64),
    /// Read so soon after the last write that the next one may not show.
    uncertain: bool,
}

impl Stamp {
    /// `now` is from before the file was read.
    pub(super) fn new(metadata: &Metadata, now: SystemTime) -> Self {
        let modified = metadata.modified().ok();
        let age = modified.and_then(|modified| now.duration_since(modified).ok());
        Self {
            modified,
            length: metadata.len(),
            identity: identity(metadata),
            uncertain: age.is_none_or(|age| age < STEP),
        }
    }

    /// Whether nothing was written since `known`, for certain.
    pub(super) fn is_unchanged_since(&self, known: &Self) -> bool {
        let same = self.modified == known.modified && self.length == known.length;
        same && self.identity == known.identity && !known.uncertain
    }

    pub(super) fn modified(&self) -> SystemTime {
        self.modified.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, i64, i64) {
    (0, 0, 0, 0)
}
