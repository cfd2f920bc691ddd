//! What of an instance a caller sees, where that is not all of it.

use crate::definition::{
    role::{Thing, among, among_tools},
    upstream::Pattern,
};

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

impl Narrowing {
    /// Whether nothing is taken away.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the thing is among what is left.
    pub fn shows(&self, thing: Thing<'_>) -> bool {
        let is_named = match thing {
            Thing::Tool(name, tags) => among_tools(self.tools.as_deref(), name, tags),
            Thing::Resource(uri) => among(self.resources.as_deref(), uri),
            Thing::Prompt(name) => among(self.prompts.as_deref(), name),
        };
        is_named.unwrap_or(true)
    }
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
        let tool = Thing::Tool("t", &[]);
        assert!(all.is_empty());
        assert!(
            [tool, Thing::Resource("a://b"), Thing::Prompt("p")]
                .iter()
                .all(|thing| all.shows(*thing))
        );
        let some = Narrowing {
            tools: patterns(&["get_*", "tag:safe"]),
            resources: patterns(&["docs://*"]),
            prompts: patterns(&[]),
        };
        let tags = ["safe".into()];
        assert!(some.shows(Thing::Tool("get_order", &[])) && some.shows(Thing::Tool("delete", &tags)));
        for hidden in ["delete", "safe", "tag:safe"] {
            assert!(!some.shows(Thing::Tool(hidden, &[])), "{hidden}");
        }
        assert!(some.shows(Thing::Resource("docs://a")) && !some.shows(Thing::Resource("file:///a")));
        assert!(!some.shows(Thing::Prompt("p")));
    }
}
