//! An instance definition (IDS document): one virtual MCP server.

mod literal;
mod metadata;
mod remote_pattern;
mod row;
mod tool_reference;

pub use metadata::{Metadata, ProtoType};
pub use remote_pattern::RemotePattern;
pub use tool_reference::{ToolOverrides, ToolReference};

use super::{
    Access, CallLimits, Read, UpstreamDefinition, access, client_limits,
    decode::checked,
    name::{check_id, check_tool_name},
    upstream::stars_match,
};
use crate::{
    credential_name::in_json,
    document::Document,
    problem::{Problem, Problems},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// An instance, which is one virtual MCP server: which tools, under which names, for whom.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(example = example())]
pub struct InstanceDefinition {
    /// Unique among instances. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    pub id: Arc<str>,
    /// The name that people read.
    pub name: String,
    /// Becomes `instructions` for the client.
    pub description: Option<String>,
    /// The tools, in the order in which they are listed; those of upstreams come after all others, by their names. Unknown ids are kept; they start to work when the tool appears.
    #[serde(default)]
    pub tool_ids: Vec<ToolReference>,
    /// Tools by tag and by upstream, after `tool_ids`, ordered by id; resources and prompts of upstreams.
    pub include: Option<Include>,
    /// What is taken out again.
    pub exclude: Option<Exclude>,
    /// What templates of its tools can name as `instance.vars.<name>`: JSON values, as they were written.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"base": "https://eu.example.com"}))]
    pub vars: BTreeMap<String, Box<RawValue>>,
    /// `true`: null for an argument that need not be given counts as not given, also where the tool would take null for a value.
    /// For clients that send null for whatever they have no value for.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub null_as_absent: bool,
    /// How the instance speaks.
    #[serde(default)]
    pub metadata: Metadata,
    /// Who may come in.
    #[serde(default)]
    #[schemars(extend("default" = "inherit"))]
    pub auth: InstanceAuth,
    /// Who may use it, beside what keys and roles allow.
    #[serde(default, deserialize_with = "access::given")]
    #[schemars(with = "Access")]
    pub access: Option<Access>,
    /// How many calls all callers together may make through it.
    #[serde(default)]
    pub limits: CallLimits,
    /// `false`: kept, but unknown to clients.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// Who maintains it; plans of others leave it alone.
    #[serde(default, rename = "managed_by")]
    #[schemars(example = &"team-a")]
    _managed_by: Option<String>,
    /// The version of the document format.
    #[serde(default, rename = "version")]
    _version: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "revision")]
    #[schemars(extend("readOnly" = true))]
    _revision: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "updated_at")]
    #[schemars(extend("readOnly" = true))]
    _updated_at: Option<Box<RawValue>>,
    /// Where an editor finds the schema of this document.
    #[serde(default, rename = "$schema")]
    _schema: Option<Box<RawValue>>,
}

fn yes() -> bool {
    true
}

fn example() -> serde_json::Value {
    serde_json::json!({
        "id": "support",
        "name": "Support desk",
        "description": "Look up orders before you answer.",
        "tool_ids": ["get_order", {"id": "search", "name": "find_order"}],
    })
}

/// Selects tools by label, and by where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Include {
    /// A tool with any of these tags is in.
    #[serde(default)]
    pub tags: Vec<Arc<str>>,
    /// Every tool, resource and prompt that these upstreams show is in, by id, with `*` for any text. Ids that no upstream has are kept; they start to work when
    /// it appears.
    #[serde(default)]
    #[schemars(example = &["weather"])]
    pub upstreams: Vec<Arc<str>>,
    /// The same of every upstream with any of these tags.
    #[serde(default)]
    #[schemars(example = &["forecasts"])]
    pub upstream_tags: Vec<Arc<str>>,
    /// Resources and resource templates of upstreams: `upstream/uri`, with `*` for any text.
    #[serde(default)]
    #[schemars(example = &["docs/file:///handbook/*"])]
    pub resources: Vec<RemotePattern>,
    /// Prompts of upstreams: `upstream/prompt` with the name that the server gives it, and `*` for any text.
    #[serde(default)]
    #[schemars(example = &["docs/summary"])]
    pub prompts: Vec<RemotePattern>,
}

impl Include {
    fn upstreams(&self) -> impl Iterator<Item = &str> {
        let patterns = self.resources.iter().chain(&self.prompts);
        let whole = self.upstreams.iter().map(|id| &**id);
        whole.chain(patterns.filter_map(RemotePattern::upstream))
    }

    /// Whether upstreams can be in that it does not name.
    pub fn finds_upstreams(&self) -> bool {
        !self.upstream_tags.is_empty() || self.upstreams.iter().any(|id| id.contains('*'))
    }

    /// Whether all of this upstream is in.
    pub fn takes(&self, upstream: &UpstreamDefinition) -> bool {
        let has_tag = |tag: &Arc<str>| upstream.tags.contains(tag);
        self.upstreams.iter().any(|id| stars_match(id, &upstream.id))
            || self.upstream_tags.iter().any(has_tag)
    }
}

/// Takes out what would be in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct Exclude {
    /// The tools that are left out, whatever else selects them; `upstream/tool` for a tool of an upstream.
    #[serde(default)]
    pub tool_ids: Vec<Arc<str>>,
    /// Resources and resource templates of upstreams that are neither listed nor read: `upstream/uri`, with `*` for any text.
    #[serde(default)]
    #[schemars(example = &["docs/file:///handbook/drafts/*"])]
    pub resources: Vec<RemotePattern>,
    /// Prompts of upstreams that are left out: `upstream/prompt`, with `*` for any text.
    #[serde(default)]
    #[schemars(example = &["docs/draft_*"])]
    pub prompts: Vec<RemotePattern>,
}

/// Which authenticators guard an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InstanceAuth {
    /// The authenticators of the gateway.
    #[default]
    Inherit,
    /// No authentication: everybody is anonymous.
    None,
}

/// What is wrong with a reference to a tool of an upstream.
fn remote(index: usize, upstream: &str, name: &str) -> Option<Problem> {
    let reason = "must be a tool's id, or `upstream/tool` for a tool of an upstream";
    (upstream.is_empty() || name.is_empty()).then(|| Problem::at(format!("tool_ids[{index}]"), reason))
}

impl InstanceDefinition {
    /// Whether it shows anything of any upstream.
    pub fn has_upstreams(&self) -> bool {
        self.finds_by_tags() || self.upstreams().next().is_some()
    }

    /// Whether it shows anything of this upstream, or may: which tags the upstream has is not asked.
    pub fn refers_to(&self, upstream: &str) -> bool {
        self.finds_by_tags() || self.upstreams().any(|other| stars_match(other, upstream))
    }

    fn finds_by_tags(&self) -> bool {
        self.include
            .as_ref()
            .is_some_and(|include| !include.upstream_tags.is_empty())
    }

    /// The upstreams that it names, some of them more than once.
    fn upstreams(&self) -> impl Iterator<Item = &str> {
        let tools = self.tool_ids.iter().filter_map(ToolReference::remote);
        let included = self.include.iter().flat_map(Include::upstreams);
        tools.map(|(upstream, _)| upstream).chain(included)
    }

    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        Self::read_and(id, document, |_| Ok(()))
    }

    /// Reads the document stored under `id`. What `check` finds wrong with the definition is told with its other mistakes.
    pub fn read_and(
        id: &str,
        document: &Document,
        check: impl Fn(&Self) -> Result<(), Problems>,
    ) -> Result<Read<Self>, Problems> {
        let never = |_: &str, _: &str| false;
        let look = |definition: &Self| {
            let later = check(definition).err().map_or_else(Vec::new, |found| found.0);
            Problems(definition.mistakes(id)).and_later(later, never).0
        };
        let (mut definition, mut warnings) = checked::<Self>(document, never, look)?;
        warnings.extend(definition.metadata.warnings());
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        warnings.extend(definition.long_descriptions());
        warnings.extend(definition.literal_credentials());
        definition.id = id.into();
        Ok(Read { definition, warnings })
    }

    fn mistakes(&self, id: &str) -> Vec<Problem> {
        let mut problems: Vec<Problem> = check_id(id).err().into_iter().collect();
        for (name, value) in &self.vars {
            problems.extend(literal::check(&format!("vars.{name}"), value.get()).err());
        }
        for (index, tool) in self.tool_ids.iter().enumerate() {
            if let Some((upstream, name)) = tool.remote() {
                problems.extend(remote(index, upstream, name));
            } else if tool.output.is_some() {
                let reason = "is for tools of upstreams (`upstream/tool`); a tool with a definition says there how its answers are shaped (`tds_ext_info.response`)";
                problems.push(Problem::at(format!("tool_ids[{index}].output"), reason));
            }
            if let Some(name) = &tool.name {
                problems.extend(check_tool_name(&format!("tool_ids[{index}].name"), name).err());
            }
            for (name, value) in tool.overrides.iter().flat_map(|overrides| &overrides.defaults) {
                problems.extend(literal::check(&format!("tool_ids[{index}].defaults.{name}"), value).err());
            }
        }
        problems.extend(self.limits.problem());
        if let Some(access) = &self.access {
            problems.extend(access.problems());
            if self.auth == InstanceAuth::None {
                let reason =
                    "has no effect but to shut everybody out: with `auth: none` nobody has a role or a scope";
                problems.push(Problem::at("access", reason));
            }
        }
        if let Some(include) = &self.include {
            problems.extend(RemotePattern::problems("include.resources", &include.resources));
            problems.extend(RemotePattern::problems("include.prompts", &include.prompts));
        }
        if let Some(exclude) = &self.exclude {
            problems.extend(RemotePattern::problems("exclude.resources", &exclude.resources));
            problems.extend(RemotePattern::problems("exclude.prompts", &exclude.prompts));
        }
        problems
    }

    /// What everybody reads who may read the document.
    fn literal_credentials(&self) -> Vec<String> {
        let vars = self.vars.iter().map(|(name, value)| {
            let place = format!("vars.{name}");
            (place, name, value.get())
        });
        let defaults = self.tool_ids.iter().enumerate().flat_map(|(index, tool)| {
            let defaults = tool.overrides.iter().flat_map(|overrides| &overrides.defaults);
            defaults.map(move |(name, value)| {
                let place = format!("tool_ids[{index}].defaults.{name}");
                (place, name, &**value)
            })
        });
        let found = vars.chain(defaults).flat_map(|(place, name, json)| {
            let name = name.rsplit('/').next().unwrap_or(name);
            let value = serde_json::from_str(json).unwrap_or_default();
            in_json(name, &value, &place)
        });
        let say = |place: String| {
            format!(
                "{place}: a credential stands here for everybody who may read definitions; let the tool refer to it with `auth`"
            )
        };
        found.map(say).collect()
    }

    /// What clients cut or refuse.
    fn long_descriptions(&self) -> Vec<String> {
        let own = self.description.as_deref().unwrap_or_default();
        let own = client_limits::of_instructions(own).into_iter();
        let of_tools = self.tool_ids.iter().enumerate().filter_map(|(index, tool)| {
            let field = || format!("tool_ids[{index}].description");
            client_limits::of_tool_description(field, tool.description.as_deref()?)
        });
        own.chain(of_tools).collect()
    }
}

#[cfg(test)]
mod tests;
