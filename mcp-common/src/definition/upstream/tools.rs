//! Which tools of an upstream are shown, and as what (`tools`).

use super::{RemoteExample, RemoteOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// Which of an upstream's tools are shown, and as what.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTools {
    /// Names, with `*` for any text. Only these are shown; all if it is empty.
    #[schemars(example = &["get_*"])]
    pub include: Vec<Pattern>,
    /// Names, with `*` for any text, that are not shown.
    #[schemars(example = &["delete_*"])]
    pub exclude: Vec<Pattern>,
    /// Stands before each name, with `_` between: `weather` makes `forecast` `weather_forecast`. Before names of prompts, too,
    /// where `prompts.prefix` says nothing else.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub prefix: Option<Arc<str>>,
    /// Upstreams of the same group stand in for each other: where an instance shows several of them with a tool of one name and the same arguments, calls go to the
    /// one that keeps the name by `priority`, and on to the next where that one cannot be called.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[a-z0-9][a-z0-9_-]*$"), example = &"weather")]
    pub group: Option<Arc<str>>,
    /// What is said about single tools, by the name that the server gives them.
    pub overrides: BTreeMap<Arc<str>, RemoteTool>,
}

/// What is said about one tool of an upstream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteTool {
    /// Its name, instead of its own and without the prefix.
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub name: Option<Arc<str>>,
    /// Its description, instead of its own.
    pub description: Option<Arc<str>>,
    /// `true`: it is not shown.
    pub hide: bool,
    /// How its answers are shaped.
    pub output: Option<Arc<RemoteOutput>>,
    /// Calls that `dynmcp test` makes.
    pub examples: Vec<RemoteExample>,
}

/// A name, or several by `*`, which stands for any text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether the name is among those that are included (all, without any) and not excluded.
    pub(super) fn select(include: &[Self], exclude: &[Self], name: &str) -> bool {
        let among = |patterns: &[Self]| patterns.iter().any(|pattern| pattern.matches(name));
        (include.is_empty() || among(include)) && !among(exclude)
    }

    /// Whether the name is meant.
    pub fn matches(&self, name: &str) -> bool {
        stars_match(&self.0, name)
    }
}

/// Whether the name is the pattern, in which `*` stands for any text.
pub(in crate::definition) fn stars_match(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        // The first place is as good as any later one for what follows.
        let Some(at) = name.find(part) else {
            return false;
        };
        name = &name[at + part.len()..];
    }
    true
}

impl UpstreamTools {
    /// Whether it is as if it were not there.
    pub(super) fn says_nothing(&self) -> bool {
        let is_empty = self.include.is_empty() && self.exclude.is_empty() && self.overrides.is_empty();
        is_empty && self.prefix.is_none() && self.group.is_none()
    }

    /// Whether a tool of this name is shown.
    pub fn shows(&self, name: &str) -> bool {
        Pattern::select(&self.include, &self.exclude, name)
            && !self.overrides.get(name).is_some_and(|tool| tool.hide)
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn stars_stand_for_any_text() {
        let table = [
            ("get", "get", true),
            ("get", "get_it", false),
            ("get_*", "get_", true),
            ("get_*", "get_all", true),
            ("get_*", "forget_all", false),
            ("*", "", true),
            ("*_all", "get_all", true),
            ("*_all", "get_all_of", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ];
        for (pattern, name, matches) in table {
            assert_eq!(
                Pattern(pattern.to_owned()).matches(name),
                matches,
                "{pattern} {name}"
            );
        }
    }
}
