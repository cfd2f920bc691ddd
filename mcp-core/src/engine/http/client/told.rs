//! Tells a client how much of a long answer has arrived.

use crate::relay::{Line, Progress};
use std::time::Duration;
use tokio::time::Instant;

/// How often. An answer that is there before is not talked about.
const EVERY: Duration = Duration::from_millis(250);

pub(super) struct Told<'a> {
    line: &'a Line,
    total: Option<u64>,
    next: Instant,
}

impl<'a> Told<'a> {
    /// `total` as the upstream announced it.
    pub(super) fn new(line: &'a Line, total: Option<u64>) -> Self {
        let next = Instant::now() + EVERY;
        Self { line, total, next }
    }

    /// So many bytes are there.
    pub(super) fn received(&mut self, bytes: u64) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + EVERY;
        self.line.progress(&Progress {
            progress: bytes.into(),
            total: self.total.map(Into::into),
            message: Some("bytes of the upstream's answer"),
        });
    }
}
