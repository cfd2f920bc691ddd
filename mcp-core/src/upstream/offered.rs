//! A tool of an upstream as its definition shows it.

use super::{hub::Offer, inventory::RemoteTool, names};
use crate::json::{members::Members, one_line::compact};
use serde_json::json;
use std::sync::Arc;

/// One tool of an upstream, ready to be shown.
#[derive(Clone, Debug)]
pub struct OfferedTool {
    /// The upstream's id.
    pub upstream: Arc<str>,
    /// What clients call it, unless an instance says otherwise.
    pub name: Arc<str>,
    /// Instead of the server's own.
    pub description: Option<Arc<str>>,
    /// What it is.
    pub tool: Arc<RemoteTool>,
}

impl Offer {
    /// The tools that the definition shows, in the server's order.
    pub fn tools(&self) -> impl Iterator<Item = OfferedTool> + '_ {
        let tools = self.inventory.iter().flat_map(|inventory| &inventory.tools);
        let shown = tools.filter(|tool| self.definition.tools.shows(&tool.name));
        shown.map(|tool| self.offered(tool))
    }

    /// The tool that the server calls so, if the definition shows it.
    pub fn tool(&self, name: &str) -> Option<OfferedTool> {
        let tool = self.inventory.as_ref()?.tool(name)?;
        self.definition.tools.shows(name).then(|| self.offered(tool))
    }

    fn offered(&self, tool: &Arc<RemoteTool>) -> OfferedTool {
        let said = self.definition.tools.overrides.get(&tool.name);
        OfferedTool {
            upstream: self.definition.id.clone(),
            name: names::shown(&self.definition.tools, &tool.name),
            description: said.and_then(|said| said.description.clone()),
            tool: tool.clone(),
        }
    }
}

impl OfferedTool {
    /// `upstream/tool`, by which instances name it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.upstream, self.tool.name)
    }

    /// One entry of `tools/list`: the server's own text but for what is said otherwise.
    pub fn listing(&self, name: &str, description: Option<&str>) -> String {
        let listing = &*self.tool.listing;
        let description = description.or(self.description.as_deref());
        if name == &*self.tool.name && description.is_none() {
            return listing.to_owned();
        }
        // It was read before, or it would not be in the inventory.
        let members = Members::read(listing).unwrap_or_default();
        let mut out = String::with_capacity(listing.len() + name.len() + 64);
        out.extend(["{\"name\":", &json!(name).to_string()]);
        if let Some(description) = description {
            out.extend([",\"description\":", &json!(description).to_string()]);
        }
        for (member, value) in members.iter() {
            if member == "name" || (member == "description" && description.is_some()) {
                continue;
            }
            out.extend([",", &json!(member).to_string(), ":", &compact(value.get())]);
        }
        out.push('}');
        out
    }
}
