//! What an upstream offers, as its definition shows it.

use super::{
    hub::Offer,
    inventory::{Listed, RemoteTool},
    names,
};
use crate::json::{members::Members, one_line::compact};
use mcp_common::definition::{UpstreamDefinition, upstream::RemoteOutput};
use serde_json::{json, value::RawValue};
use std::sync::Arc;

/// One tool of an upstream, ready to be shown.
#[derive(Clone, Debug)]
pub struct OfferedTool {
    /// The upstream's id.
    pub upstream: Arc<str>,
    /// The upstream's document.
    pub definition: Arc<UpstreamDefinition>,
    /// What clients call it, unless an instance says otherwise.
    pub name: Arc<str>,
    /// The description that is shown instead of the server's own.
    pub description: Option<Arc<str>>,
    /// How its answers are shaped, unless an instance says otherwise.
    pub output: Option<Arc<RemoteOutput>>,
    /// What it is.
    pub tool: Arc<RemoteTool>,
}

impl Offer {
    /// The tools that the definition shows, in the server's order.
    pub fn tools(&self) -> impl Iterator<Item = OfferedTool> + '_ {
        let tools = self.inventory.iter().flat_map(|inventory| &inventory.tools);
        let shown = tools.filter(|tool| self.shows(tool));
        shown.map(|tool| self.offered(tool))
    }

    /// The tool that the server calls so, if the definition shows it.
    pub fn tool(&self, name: &str) -> Option<OfferedTool> {
        let tool = self.inventory.as_ref()?.tool(name)?;
        self.shows(tool).then(|| self.offered(tool))
    }

    /// The prompts that the definition shows, in the server's order.
    pub fn prompts(&self) -> impl Iterator<Item = OfferedPrompt> + '_ {
        let prompts = self.inventory.iter().flat_map(|inventory| &inventory.prompts);
        let own = &self.definition.prompts;
        let prefix = own.prefix.as_deref().or(self.definition.tools.prefix.as_deref());
        prompts
            .filter(|prompt| own.shows(&prompt.key))
            .map(move |prompt| OfferedPrompt {
                name: names::prefixed(prefix, &prompt.key),
                prompt: prompt.clone(),
            })
    }

    /// The resources that the definition shows, in the server's order.
    pub fn resources(&self) -> impl Iterator<Item = &Listed> + '_ {
        let resources = self.inventory.iter().flat_map(|inventory| &inventory.resources);
        resources.filter(|resource| self.definition.resources.shows(&resource.key))
    }

    /// The templates that the definition shows, in the server's order.
    pub fn templates(&self) -> impl Iterator<Item = &Listed> + '_ {
        let templates = self.inventory.iter().flat_map(|inventory| &inventory.templates);
        let listed = templates.map(|template| &template.listed);
        listed.filter(|template| self.definition.resources.shows(&template.key))
    }

    fn shows(&self, tool: &RemoteTool) -> bool {
        let definition = &self.definition;
        definition.tools.shows(&tool.name) && definition.pin.shows(&tool.name, &tool.digest)
    }

    fn offered(&self, tool: &Arc<RemoteTool>) -> OfferedTool {
        let said = self.definition.tools.overrides.get(&tool.name);
        OfferedTool {
            upstream: self.definition.id.clone(),
            definition: self.definition.clone(),
            name: names::shown(&self.definition.tools, &tool.name),
            description: said.and_then(|said| said.description.clone()),
            output: said.and_then(|said| said.output.clone()),
            tool: tool.clone(),
        }
    }
}

/// One prompt of an upstream, ready to be shown.
#[derive(Clone, Debug)]
pub struct OfferedPrompt {
    /// What clients call it.
    pub name: Arc<str>,
    /// What it is.
    pub prompt: Listed,
}

impl OfferedPrompt {
    /// One entry of `prompts/list`.
    pub fn listing(&self) -> Arc<str> {
        if self.name == self.prompt.key {
            return self.prompt.listing.clone();
        }
        renamed(&self.prompt.listing, &self.name, &Said::default()).into()
    }
}

impl OfferedTool {
    /// `upstream/tool`, by which instances name it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.upstream, self.tool.name)
    }

    /// One entry of `tools/list`: the server's own text but for what is said otherwise; and the entry of earlier revisions
    /// where that differs.
    pub fn listing(&self, name: &str, said: Said<'_>) -> (String, Option<String>) {
        let said = Said {
            description: said.description.or(self.description.as_deref()),
            ..said
        };
        let is_own = name == &*self.tool.name && said == Said::default();
        let said = |listing: &str| match is_own {
            true => listing.to_owned(),
            false => renamed(listing, name, &said),
        };
        let legacy = self.tool.legacy_listing.as_deref().map(said);
        (said(&self.tool.listing), legacy)
    }

    /// The schema of its arguments, as the server wrote it.
    pub fn input_schema(&self) -> Box<str> {
        let members = Members::read(&self.tool.listing).unwrap_or_default();
        members.get("inputSchema").map_or("{}", RawValue::get).into()
    }
}

/// What an entry says otherwise than the server's own text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said<'a> {
    /// The description.
    pub description: Option<&'a str>,
    /// `inputSchema`.
    pub schema: Option<&'a str>,
    /// Whether there is no `outputSchema`, since answers are shaped otherwise.
    pub without_output_schema: bool,
}

/// An entry with another name, and what is said otherwise; all else is the server's own text.
fn renamed(listing: &str, name: &str, said: &Said<'_>) -> String {
    // It was read before, or it would not be in the inventory.
    let members = Members::read(listing).unwrap_or_default();
    let mut out = String::with_capacity(listing.len() + name.len() + 64);
    out.extend(["{\"name\":", &json!(name).to_string()]);
    if let Some(description) = said.description {
        out.extend([",\"description\":", &json!(description).to_string()]);
    }
    for (member, value) in members.iter() {
        let is_left_out = match member {
            "name" => true,
            "description" => said.description.is_some(),
            "outputSchema" => said.without_output_schema,
            _ => false,
        };
        if is_left_out {
            continue;
        }
        let value = match said.schema {
            Some(schema) if member == "inputSchema" => schema,
            _ => value.get(),
        };
        out.extend([",", &json!(member).to_string(), ":", &compact(value)]);
    }
    out.push('}');
    out
}
