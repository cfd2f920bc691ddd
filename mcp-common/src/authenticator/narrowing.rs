//! What of an instance a caller sees, where that is not all of it.

use crate::definition::upstream::Pattern;
use std::sync::Arc;

/// What of an instance somebody may see and use. A list that is not there leaves everything of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Narrowing {
    /// Tools by the names that they have in the instance, or by tag: `tag:read-only`.
    pub tools: Option<Vec<Pattern>>,
    /// Resources and templates by URI.
    pub resources: Option<Vec<Pattern>>,
    /// Prompts by name.
    pub prompts: Option<Vec<Pattern>>,
}

/// Stands before a tag. No name of a tool has a colon.
const TAG: &str = "tag:";

impl Narrowing {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a tool of this name, with these tags, is seen.
    pub fn shows_tool(&self, name: &str, tags: &[Arc<str>]) -> bool {
        let Some(patterns) = &self.tools else { return true };
        patterns.iter().any(|pattern| match pattern.0.strip_prefix(TAG) {
            Some(wanted) => tags.iter().any(|tag| **tag == *wanted),
            None => pattern.matches(name),
        })
    }

    /// Whether a resource of this URI, or a template of this text, is seen.
    pub fn shows_resource(&self, uri: &str) -> bool {
        among(self.resources.as_deref(), uri)
    }

    /// Whether a prompt of this name is seen.
    pub fn shows_prompt(&self, name: &str) -> bool {
        among(self.prompts.as_deref(), name)
    }
}

fn among(patterns: Option<&[Pattern]>, name: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| pattern.matches(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Option<Vec<Pattern>> {
        Some(texts.iter().map(|text| Pattern((*text).to_owned())).collect())
    }

    #[test]
    fn a_list_that_is_there_shows_what_it_names_and_nothing_else() {
        let all = Narrowing::default();
        assert!(
            all.is_empty()
                && all.shows_tool("t", &[])
                && all.shows_resource("a://b")
                && all.shows_prompt("p")
        );
        let some = Narrowing {
            tools: patterns(&["get_*", "tag:safe"]),
            resources: patterns(&["docs://*"]),
            prompts: patterns(&[]),
        };
        let tags = ["safe".into()];
        assert!(some.shows_tool("get_order", &[]) && some.shows_tool("delete", &tags));
        assert!(
            !some.shows_tool("delete", &[])
                && !some.shows_tool("safe", &[])
                && !some.shows_tool("tag:safe", &[])
        );
        assert!(some.shows_resource("docs://a") && !some.shows_resource("file:///a"));
        assert!(!some.shows_prompt("p"));
    }
}
