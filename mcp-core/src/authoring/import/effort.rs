//! What one import may take: each operation has bounds of its own, and this is for all of them together. What comes after
//! it has no tool; the report says so.

use super::{Draft, ImportOptions, Room, cost};
use mcp_common::bounds::Bound;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Effort {
    start: Instant,
    seconds: Bound,
    /// Bytes of definitions that may still be made.
    left: usize,
    bytes: Bound,
    /// The bytes of one input schema.
    max_input_schema: usize,
    room: Room,
}

impl Effort {
    pub(super) fn new(options: &ImportOptions) -> Self {
        let bounds = options.compiler.bounds();
        let (seconds, bytes) = (bounds.description_seconds, bounds.description_tools_bytes);
        Self {
            start: Instant::now(),
            seconds,
            left: bytes.most,
            bytes,
            max_input_schema: options.limits.max_input_schema,
            room: options.room.clone(),
        }
    }

    /// Whether there is time to read one more operation. Half of it is for what comes after: what was read and cannot be
    /// compiled any more would be lost.
    pub(super) fn check_time_to_read(&self) -> Result<(), String> {
        self.check(self.all() / 2)
    }

    /// Whether there is time for one more operation.
    pub(super) fn check_time(&self) -> Result<(), String> {
        self.check(self.all())
    }

    fn all(&self) -> Duration {
        Duration::from_secs(self.seconds.most as u64)
    }

    fn check(&self, most: Duration) -> Result<(), String> {
        match self.start.elapsed() < most {
            true => Ok(()),
            false => Err(format!(
                "the import {}; choose operations with include",
                self.seconds.exceeded()
            )),
        }
    }

    /// Takes what the definition is worth.
    pub(super) fn take(&mut self, draft: &Draft) -> Result<(), String> {
        let size = cost::of_members(&draft.input_schema, self.max_input_schema);
        if size > self.max_input_schema {
            return Err(cost::too_large(self.max_input_schema));
        }
        let cost = cost::of_draft(draft, self.left);
        self.left = self.left.checked_sub(cost).ok_or_else(|| {
            let exceeded = self.bytes.exceeded();
            format!("all definitions together: {exceeded}; choose operations with include")
        })?;
        let taken = self.room.take(cost::memory_of_draft(draft));
        taken.map_err(|_| {
            "there is no memory left for it (app.memory_budget); choose operations with include".to_owned()
        })
    }
}
