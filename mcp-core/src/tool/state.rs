//! What calls of a tool change, beside the tool, which is immutable.

use super::CompiledTool;
use crate::live::{Gate, Lived, RetryBudget};
use std::sync::{Arc, Mutex, PoisonError};

/// The places for calls under way and the retries left of one tool, whatever version of its definition they come from.
#[derive(Debug, Default)]
pub struct ToolState {
    pub(crate) gate: Gate,
    pub(crate) retries: RetryBudget,
    /// The version whose limits hold.
    governed_by: Mutex<u64>,
}

/// A tool and the state that its calls share; without one, they share nothing and are bounded each by itself.
#[derive(Clone, Copy, Debug)]
pub struct Callable<'a> {
    /// What is called.
    pub tool: &'a CompiledTool,
    /// What its calls share.
    pub state: Option<&'a ToolState>,
}

/// A tool of a catalog as calls find it: compiled, and with what they share whichever instance they come through.
#[derive(Clone, Debug)]
pub(crate) struct LiveTool {
    pub(crate) compiled: Arc<CompiledTool>,
    pub(super) state: Option<Arc<Lived<ToolState>>>,
}

impl LiveTool {
    /// A tool whose calls share nothing.
    pub(crate) fn by_itself(tool: CompiledTool) -> Self {
        Self {
            compiled: Arc::new(tool),
            state: None,
        }
    }

    pub(crate) fn callable(&self) -> Callable<'_> {
        Callable {
            tool: &self.compiled,
            state: self.state.as_deref().map(|state| &**state),
        }
    }
}

impl ToolState {
    /// The state of a tool that is in no catalog.
    pub fn of(tool: &CompiledTool) -> Self {
        let state = Self::default();
        state.govern(1, tool);
        state
    }

    /// The limits of this version hold from now on, unless a later one's do.
    pub(super) fn govern(&self, version: u64, tool: &CompiledTool) {
        let mut governed_by = self.governed_by.lock().unwrap_or_else(PoisonError::into_inner);
        if version <= *governed_by {
            return;
        }
        *governed_by = version;
        if let Some(most) = tool.target.concurrency() {
            self.gate.set_most(most);
        }
    }
}

impl<'a> From<&'a CompiledTool> for Callable<'a> {
    fn from(tool: &'a CompiledTool) -> Self {
        Self { tool, state: None }
    }
}
