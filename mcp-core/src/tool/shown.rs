//! A tool as the view of an instance has it.

use super::{Callable, CompiledTool, StoredTool, ToolCompiler, ToolState};
use crate::live::Lived;
use mcp_common::{
    catalog::{Selected, ToolEntry},
    key::Revision,
    problem::Problems,
};
use std::sync::Arc;

/// A tool that is listed, and where it is found compiled when it is called. Which version that is was settled with the view.
#[derive(Clone, Debug)]
pub(crate) struct ShownTool {
    entry: Arc<ToolEntry<StoredTool>>,
    /// With what the instance says about its arguments.
    overridden: Option<Arc<StoredTool>>,
    state: Option<Arc<Lived<ToolState>>>,
}

impl ShownTool {
    /// The revision of its definition.
    pub(crate) fn revision(&self) -> Revision {
        self.entry.revision
    }

    /// `compiled` is the tool that is listed. From now on its limits hold.
    pub(crate) fn new(selected: &Selected<StoredTool>, compiled: &Arc<CompiledTool>) -> Self {
        Self {
            entry: selected.tool.clone(),
            overridden: selected.overridden.as_ref().map(|known| known.compiled.clone()),
            state: selected.tool.compiled.live(compiled.clone()).state,
        }
    }

    fn stored(&self) -> &StoredTool {
        self.overridden.as_deref().unwrap_or(&self.entry.compiled)
    }

    /// The tool's id.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.entry.id
    }

    /// About the bytes that it takes, compiled, and so the work to compile it.
    pub(crate) fn memory(&self) -> u64 {
        self.stored().memory()
    }

    /// Compiled, if it is kept so.
    pub(crate) fn kept(&self) -> Option<Arc<CompiledTool>> {
        self.stored().kept()
    }

    /// Compiled, now if need be.
    pub(crate) fn compiled(&self, compiler: &ToolCompiler) -> Result<Arc<CompiledTool>, Problems> {
        self.stored().compiled(compiler, &self.entry)
    }

    /// `compiled` for a call.
    pub(crate) fn callable<'a>(&'a self, compiled: &'a CompiledTool) -> Callable<'a> {
        Callable {
            tool: compiled,
            state: self.state.as_deref().map(|state| &**state),
        }
    }
}
