//! The memory that an import may take while it is worked on.

use super::ImportError;
use crate::peer::Held;
use std::sync::{Arc, Mutex, PoisonError};

/// What is taken before values are made, and given back when the import is over. Without a bound by default. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Room(Option<Arc<Mutex<Held>>>);

impl Room {
    /// The room that grows as far as the memory of `held` does.
    pub fn of(held: Held) -> Self {
        Self(Some(Arc::new(Mutex::new(held))))
    }

    /// Takes so many bytes more, before they are used.
    pub(super) fn take(&self, bytes: u64) -> Result<(), ImportError> {
        let Some(held) = &self.0 else { return Ok(()) };
        // Nothing is done with it that could panic.
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = held.bytes().saturating_add(bytes);
        held.grow(needed).map_err(|_| ImportError::NoMemory {
            needed,
            limit: held.limit(),
        })
    }

    /// How much is taken.
    pub(super) fn taken(&self) -> u64 {
        let held = self.0.as_ref();
        held.map_or(0, |held| {
            held.lock().unwrap_or_else(PoisonError::into_inner).bytes()
        })
    }

    /// Gives back what is more than so much: it was for something that is gone.
    pub(super) fn give_back_to(&self, bytes: u64) {
        if let Some(held) = &self.0 {
            let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
            let more = held.bytes().saturating_sub(bytes);
            drop(held.split(more));
        }
    }
}
