//! What an upstream offers: taken from its lists, never from a document, and kept as text.

mod digest;
mod entry;
mod kept;
mod list;
mod readable;
mod template;

pub(super) use kept::{Kept, Shelf};
pub(super) use list::fetch;

use super::features::Features;
use crate::{
    json::members::Members,
    tool::{MirroredHeader, accepts},
};
use mcp_common::bounds::Bounds;
use serde_json::{Value, value::RawValue};
use std::{collections::HashMap, sync::Arc, time::SystemTime};

/// What one upstream offers at one time. Immutable.
#[derive(Debug)]
pub struct Inventory {
    /// Grows with each inventory of this upstream that differs from the one before.
    pub epoch: u64,
    /// The time when it was taken.
    pub at: SystemTime,
    /// The revision that the server is spoken to in.
    pub protocol: &'static str,
    /// What the server says of itself, as it wrote it.
    pub server_info: Option<Box<RawValue>>,
    /// What it tells models.
    pub instructions: Option<String>,
    /// What it says that it can do.
    pub features: Features,
    /// The tools, in the server's order.
    pub tools: Vec<Arc<RemoteTool>>,
    /// The resources by URI, in the server's order.
    pub resources: Vec<Listed>,
    /// The resource templates by URI template, in the server's order.
    pub templates: Vec<RemoteTemplate>,
    /// The prompts by name, in the server's order.
    pub prompts: Vec<Listed>,
    /// What of its lists is not taken, or not as it is, and why.
    pub skipped: Vec<Skipped>,
    pub(super) by_name: HashMap<Arc<str>, usize>,
}

/// One tool of an upstream.
#[derive(Debug)]
pub struct RemoteTool {
    /// What the server calls it.
    pub name: Arc<str>,
    /// Its entry in the list, as it was written but for what clients could not read, on one line.
    pub listing: Box<str>,
    /// The entry with schemas as the server wrote them, where they are listed otherwise: what is approved, and what is kept.
    pub came: Option<Box<str>>,
    /// The listing for revisions that know object schemas only, where it differs.
    pub legacy_listing: Option<Box<str>>,
    /// `sha256:` and the digest of what models and clients go by.
    pub digest: Box<str>,
    /// Which arguments are repeated in headers.
    pub mirrored: Vec<MirroredHeader>,
    /// Whether calling it twice is the same as calling it once, or as not calling it at all, as far as the server says.
    pub is_repeatable: bool,
    /// Whether a call changes nothing, as far as the server says.
    pub only_reads: bool,
}

/// One entry of a list of resources or prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What it is asked for by: a URI, or a name.
    pub key: Arc<str>,
    /// The entry, as it was written but for what clients could not read, on one line.
    pub listing: Arc<str>,
}

/// One template of resources.
#[derive(Debug)]
pub struct RemoteTemplate {
    /// Its entry in the list; the key is the template.
    pub listed: Listed,
    pattern: template::UriTemplate,
}

/// An entry that is not taken, or not as it is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// The list that it stands in.
    pub list: &'static str,
    /// Its name, as far as it has one.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl RemoteTool {
    /// A tool that nobody has seen yet.
    pub(crate) fn unknown(name: &Arc<str>) -> Self {
        Self {
            name: name.clone(),
            listing: "{}".into(),
            came: None,
            legacy_listing: None,
            digest: "".into(),
            mirrored: Vec::new(),
            is_repeatable: false,
            only_reads: false,
        }
    }

    /// Its entry with schemas as the server wrote them.
    pub fn as_it_came(&self) -> &str {
        self.came.as_deref().unwrap_or(&self.listing)
    }

    /// Whether a result with this structured content keeps to the output schema, if there is one.
    pub fn promises(&self, structured: Option<&str>) -> bool {
        let members = Members::read(&self.listing).unwrap_or_default();
        let Some(schema) = members.get("outputSchema") else {
            return true;
        };
        let read = |json: &str| serde_json::from_str::<Value>(json).ok();
        let both = read(schema.get()).zip(structured.and_then(read));
        both.is_some_and(|(schema, value)| accepts(&schema, &value, &Bounds::default()))
    }
}

impl RemoteTemplate {
    /// Whether the URI may come from this template.
    pub fn matches(&self, uri: &str) -> bool {
        self.pattern.matches(uri)
    }

    /// How many steps that takes at the most.
    pub fn steps(&self, uri: &str) -> usize {
        self.pattern.steps(uri)
    }
}

impl Inventory {
    /// The tool that the server calls so.
    pub fn tool(&self, name: &str) -> Option<&Arc<RemoteTool>> {
        self.by_name.get(name).map(|at| &self.tools[*at])
    }

    /// Whether a client would see the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let tools = |inventory: &Self| -> Vec<Box<str>> {
            let tools = inventory.tools.iter();
            tools.map(|tool| tool.as_it_came().into()).collect()
        };
        let templates = |inventory: &Self| -> Vec<Listed> {
            let templates = inventory.templates.iter();
            templates.map(|template| template.listed.clone()).collect()
        };
        self.protocol == other.protocol
            && self.instructions == other.instructions
            && self.features == other.features
            && tools(self) == tools(other)
            && self.resources == other.resources
            && templates(self) == templates(other)
            && self.prompts == other.prompts
    }
}
