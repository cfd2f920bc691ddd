//! Prompts and resources of upstreams, as an instance names them: `upstream/pattern`.

use crate::{definition::upstream::stars_match, problem::Problem};
use schemars::JsonSchema;
use serde::Deserialize;

/// `upstream/name`, or `upstream/uri` for resources, with `*` for any text after the upstream's id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RemotePattern(#[schemars(regex(pattern = r"^[^/]+/[\s\S]+$"))] String);

impl RemotePattern {
    fn parts(&self) -> Option<(&str, &str)> {
        let parts = self.0.split_once('/')?;
        (!parts.0.is_empty() && !parts.1.is_empty()).then_some(parts)
    }

    /// The upstream's id.
    pub fn upstream(&self) -> Option<&str> {
        Some(self.parts()?.0)
    }

    /// Whether this thing of that upstream is meant.
    pub fn matches(&self, upstream: &str, name: &str) -> bool {
        let parts = self.parts();
        parts.is_some_and(|(own, pattern)| own == upstream && stars_match(pattern, name))
    }

    /// What is wrong with those that cannot mean anything.
    pub(super) fn problems<'a>(field: &'a str, all: &'a [Self]) -> impl Iterator<Item = Problem> + 'a {
        let wrong = all
            .iter()
            .enumerate()
            .filter(|(_, pattern)| pattern.parts().is_none());
        wrong.map(move |(index, pattern)| {
            let reason = format!(
                "`{}` must be `upstream/name`, or `upstream/uri` for resources, with `*` for any text after the upstream",
                pattern.0
            );
            Problem::at(format!("{field}[{index}]"), reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_things_of_its_own_upstream_only() {
        let pattern = RemotePattern("docs/file:///a/*".to_owned());
        assert_eq!(pattern.upstream(), Some("docs"));
        assert!(pattern.matches("docs", "file:///a/b"));
        assert!(!pattern.matches("docs", "file:///b"));
        assert!(!pattern.matches("other", "file:///a/b"));
        let wrong = ["docs", "/x", "docs/"].map(|text| RemotePattern(text.to_owned()));
        assert_eq!(RemotePattern::problems("include.prompts", &wrong).count(), 3);
    }
}
