//! One rule of a role.

use crate::definition::{access::given, upstream::Pattern};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Stand before what is done in `/admin`. Only a pattern that says so speaks of it: `*` is no administrator.
const ADMIN: [&str; 3] = ["admin/", "audit/", REGISTER];
/// Stands before the name of a server that somebody registers.
pub(super) const REGISTER: &str = "register/";
/// Stands before a tag. No name of a tool has a colon.
const TAG: &str = "tag:";

/// What is allowed, or refused: all actions that it names, in all instances that it names, with all things that it names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is done, with `*` for any text: `tools/call`, `resources/read`, `prompts/get`; `admin/tds/write` and the like in the
    /// admin API (`admin/{collection}/{read|write|delete}`), `audit/read`, `register/NAME` (a server). `*` is everything but `admin/…`, `audit/…` and `register/…`.
    #[schemars(length(min = 1), example = &["tools/call"])]
    pub actions: Vec<Pattern>,
    /// In which instances, with `*` for any text; in all where nothing is said.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["support"])]
    pub instances: Option<Vec<Pattern>>,
    /// With which tools, by the names that they have in an instance, with `*` for any text, or by tag (`tag:read-only`). A rule that
    /// names tools, resources or prompts speaks of nothing else.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["get_*", "tag:read-only"])]
    pub tools: Option<Vec<Pattern>>,
    /// With which resources of other servers, by URI.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["docs://*"])]
    pub resources: Option<Vec<Pattern>>,
    /// With which prompts of other servers, by name.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Vec<Pattern>", example = &["summarize"])]
    pub prompts: Option<Vec<Pattern>>,
    /// When it holds: an expression over `args` (the arguments of a call), `principal`, `instance` and `tool`. Such a rule speaks of
    /// calls of tools alone.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "String", example = &"args.amount < 1000")]
    pub when: Option<Arc<str>>,
}

/// Something that an instance shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// A tool, and its tags.
    Tool(&'a str, &'a [Arc<str>]),
    /// A resource or a template, by URI.
    Resource(&'a str),
    /// A prompt.
    Prompt(&'a str),
}

impl Thing<'_> {
    /// What is done with such things: one that may be used is listed.
    pub fn action(self) -> &'static str {
        match self {
            Self::Tool(..) => "tools/call",
            Self::Resource(_) => "resources/read",
            Self::Prompt(_) => "prompts/get",
        }
    }
}

/// What is done with things of all kinds.
pub(super) const USES: [&str; 3] = ["tools/call", "resources/read", "prompts/get"];

impl Rule {
    /// A rule for all actions of these instances.
    pub fn all_of(instances: Vec<Pattern>) -> Self {
        Self {
            actions: vec![Pattern("*".to_owned())],
            instances: Some(instances),
            tools: None,
            resources: None,
            prompts: None,
            when: None,
        }
    }

    /// Whether it speaks of this action of the admin API.
    pub fn covers_admin(&self, action: &str) -> bool {
        let mut patterns = self.actions.iter().filter(|pattern| is_of_admin(pattern));
        patterns.any(|pattern| pattern.matches(action))
    }

    /// Whether it speaks of something in `/admin`.
    pub fn is_of_admin(&self) -> bool {
        self.actions.iter().any(is_of_admin)
    }

    /// Whether it speaks of something of this instance.
    pub fn covers_some_of(&self, instance: &str) -> bool {
        self.is_in(instance) && USES.iter().any(|action| self.does(action))
    }

    /// Whether it speaks of everything of this instance, always.
    pub fn covers_all_of(&self, instance: &str) -> bool {
        !self.is_selective()
            && self.when.is_none()
            && self.is_in(instance)
            && USES.iter().all(|action| self.does(action))
    }

    /// Whether it speaks of this thing of the instance, if its condition holds.
    pub fn covers(&self, instance: &str, thing: Thing<'_>) -> bool {
        let is_meant = match thing {
            Thing::Tool(name, tags) => among_tools(self.tools.as_deref(), name, tags),
            Thing::Resource(_) | Thing::Prompt(_) if self.when.is_some() => return false,
            Thing::Resource(uri) => among(self.resources.as_deref(), uri),
            Thing::Prompt(name) => among(self.prompts.as_deref(), name),
        };
        is_meant.unwrap_or(!self.is_selective()) && self.does(thing.action()) && self.is_in(instance)
    }

    pub(super) fn does(&self, action: &str) -> bool {
        let mut patterns = self.actions.iter().filter(|pattern| !is_of_admin(pattern));
        patterns.any(|pattern| pattern.matches(action))
    }

    fn is_in(&self, instance: &str) -> bool {
        among(self.instances.as_deref(), instance).unwrap_or(true)
    }

    /// Whether it names what it speaks of.
    pub(super) fn is_selective(&self) -> bool {
        self.tools.is_some() || self.resources.is_some() || self.prompts.is_some()
    }
}

pub(super) fn is_of_admin(pattern: &Pattern) -> bool {
    ADMIN.iter().any(|start| pattern.0.starts_with(start))
}

/// Whether a tool of this name and these tags is among those; `None` where none are named.
pub(crate) fn among_tools(patterns: Option<&[Pattern]>, name: &str, tags: &[Arc<str>]) -> Option<bool> {
    let mut patterns = patterns?.iter();
    Some(patterns.any(|pattern| match pattern.0.strip_prefix(TAG) {
        Some(wanted) => tags.iter().any(|tag| **tag == *wanted),
        None => pattern.matches(name),
    }))
}

/// Whether the name is among those; `None` where none are named.
pub(crate) fn among(patterns: Option<&[Pattern]>, name: &str) -> Option<bool> {
    Some(patterns?.iter().any(|pattern| pattern.matches(name)))
}
