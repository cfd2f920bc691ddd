//! What one instance looks like compiled: its tools by name and the bytes of its answers. Immutable; a request reads
//! one view from start to end.

mod cache;
mod capabilities;
mod cursor;
mod list;
mod listed;

use crate::{
    spec::{Era, MODERN},
    telemetry::{Metrics, ToolMetrics},
    tool::{CompiledTool, InstanceNames, StoredTool, ToolCompiler},
};
pub use cache::Views;
use capabilities::Capabilities;
pub(crate) use cursor::Cursor;
pub use list::ToolList;
pub use listed::{ListedTool, listed};
use mcp_common::catalog::{InstanceEntry, Selected};
use serde_json::json;
use std::{collections::HashMap, sync::Arc};

/// How lists are answered.
#[derive(Clone, Debug)]
pub struct ViewSettings {
    /// Tools on one page of `tools/list`.
    pub page_size: usize,
    /// How long a client may keep a list (2026-07-28, `ttlMs`), in milliseconds.
    pub list_ttl_ms: u64,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            page_size: 500,
            list_ttl_ms: 60_000,
        }
    }
}

/// One instance, ready to be served.
pub struct InstanceView {
    /// The definition it was built from.
    pub entry: Arc<InstanceEntry<StoredTool>>,
    tools: HashMap<Arc<str>, ViewTool>,
    /// `tools/list` for 2026-07-28.
    modern: ToolList,
    /// `tools/list` for earlier revisions.
    legacy: ToolList,
    pub(crate) capabilities: Capabilities,
    /// The result of `server/discover`.
    pub(crate) discover: String,
    /// `serverInfo` as a JSON object.
    pub(crate) server_info: String,
    /// What templates can name of it.
    pub(crate) names: InstanceNames,
}

/// One tool under the name it has in the instance.
pub(crate) struct ViewTool {
    pub(crate) name: Arc<str>,
    pub(crate) compiled: Arc<CompiledTool>,
    pub(crate) metrics: ToolMetrics,
}

/// An instance's tools, ready to be listed and called.
struct Shown<'a> {
    entry: &'a InstanceEntry<StoredTool>,
    tools: Vec<(&'a Selected<StoredTool>, Arc<CompiledTool>)>,
}

impl<'a> Shown<'a> {
    fn new(entry: &'a InstanceEntry<StoredTool>, compiler: &ToolCompiler) -> Self {
        let compiled = |selected: &'a Selected<StoredTool>| {
            let tool = &selected.tool;
            let stored = match &selected.overridden {
                Some(overridden) => &overridden.compiled,
                None => &tool.compiled,
            };
            match stored.compiled(compiler, tool) {
                Ok(compiled) => Some((selected, compiled)),
                Err(problems) => {
                    // Neither listed nor called, rather than listed only.
                    let (instance, tool) = (&*entry.definition.id, &*tool.id);
                    tracing::error!(instance, tool, %problems, "the tool compiles no more, it is left out");
                    None
                }
            }
        };
        let tools = entry.selection.tools.iter().filter_map(compiled).collect();
        Self { entry, tools }
    }
}

impl InstanceView {
    /// Renders the instance.
    pub fn build(
        entry: Arc<InstanceEntry<StoredTool>>,
        compiler: &ToolCompiler,
        settings: &ViewSettings,
        metrics: &Metrics,
    ) -> Self {
        metrics.views_built.inc();
        let shown = Shown::new(&entry, compiler);
        let definition = &entry.definition;
        let info = json!({"name": "dynmcp", "title": definition.name, "version": env!("CARGO_PKG_VERSION")});
        let server_info = info.to_string();
        let tail = format!(
            "\"ttlMs\":{},\"cacheScope\":\"private\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server_info}}}",
            settings.list_ttl_ms
        );
        let capabilities = Capabilities::new();
        let mut discover = format!(
            "{{\"resultType\":\"complete\",\"supportedVersions\":{},\"capabilities\":{},",
            json!(MODERN),
            json!(capabilities)
        );
        if let Some(instructions) = &definition.description {
            discover.extend(["\"instructions\":", &json!(instructions).to_string(), ","]);
        }
        discover.extend([&tail, "}"]);
        let modern = ToolList::build(
            &shown,
            settings.page_size,
            "\"resultType\":\"complete\",",
            &format!(",{tail}"),
            Era::Modern,
        );
        let legacy = ToolList::build(&shown, settings.page_size, "", "", Era::Legacy);
        let tools = shown.tools.iter().map(|(selected, compiled)| {
            let metrics = metrics.tool(&definition.id, &selected.name);
            let tool = ViewTool {
                name: selected.name.clone(),
                compiled: compiled.clone(),
                metrics,
            };
            (selected.name.clone(), tool)
        });
        let tools = tools.collect();
        Self {
            tools,
            modern,
            legacy,
            capabilities,
            discover,
            server_info,
            names: InstanceNames::of(&entry.definition),
            entry,
        }
    }

    pub(crate) fn tool(&self, name: &str) -> Option<&ViewTool> {
        self.tools.get(name)
    }

    /// `tools/list` as that era has it.
    pub(crate) fn tool_list(&self, era: Era) -> &ToolList {
        match era {
            Era::Modern => &self.modern,
            Era::Legacy => &self.legacy,
        }
    }

    /// Whether a client that listed the other one would see a difference.
    pub(crate) fn lists_the_same(&self, other: &Self) -> bool {
        self.modern.entries() == other.modern.entries()
    }
}
