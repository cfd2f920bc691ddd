//! What a deployment can set about work beside the workers.

use crate::engine::sandbox::Program;
use std::{thread, time::Duration};

/// Fewer threads would be all one tool's.
const LEAST_THREADS: usize = 4;

/// Sizes and numbers of a [`Lane`](super::Lane).
#[derive(Clone, Debug)]
pub struct LaneSettings {
    /// How much is worked on at once; 0: as much as the machine has CPUs, and at least four.
    pub threads: usize,
    /// How much of one tool may wait for its turn.
    pub waiting: usize,
    /// The number of bytes from which on arguments are worked on beside the workers.
    pub arguments_bytes: usize,
    /// The number of bytes from which on answers are.
    pub answer_bytes: usize,
    /// How long one piece of work in a process may take.
    pub time: Duration,
    /// What cannot be stopped is done in processes of this program; without it on the threads, where it goes on until
    /// it ends by itself.
    pub sandbox: Option<Program>,
}

impl LaneSettings {
    pub(super) fn threads(&self) -> usize {
        match self.threads {
            0 => thread::available_parallelism()
                .map_or(1, usize::from)
                .max(LEAST_THREADS),
            chosen => chosen,
        }
    }
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            threads: 0,
            waiting: 64,
            arguments_bytes: 64 << 10,
            answer_bytes: 256 << 10,
            time: Duration::from_secs(5),
            sandbox: None,
        }
    }
}
