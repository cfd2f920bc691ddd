//! The tools of an instance as a client lists them, one by one; for what compares two states of an instance.

use super::{Shown, Sight};
use crate::{
    spec::Era,
    tool::{StoredTool, ToolCompiler},
};
use mcp_common::catalog::InstanceEntry;
use std::sync::Arc;

/// One entry of `tools/list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTool {
    /// The definition's id.
    pub id: Arc<str>,
    /// What clients call it.
    pub name: Arc<str>,
    /// The entry as 2026-07-28 clients get it, a JSON object.
    pub entry: String,
}

/// The tools in the order of `tools/list`. Empty for an instance that is disabled, which no client can list.
pub fn listed(entry: &InstanceEntry<StoredTool>, compiler: &ToolCompiler) -> Vec<ListedTool> {
    if !entry.definition.enabled {
        return Vec::new();
    }
    let shown = Shown::new(entry, compiler, Sight::default());
    let tools = shown.tools.iter().map(|(selected, compiled)| ListedTool {
        id: selected.tool.id.clone(),
        name: selected.name.clone(),
        entry: compiled.listing(&selected.name, selected.description.as_deref(), Era::Modern),
    });
    tools.collect()
}
