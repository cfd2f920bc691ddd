//! Which resources and prompts of an upstream are shown, and as what (`resources`, `prompts`).

use super::tools::Pattern;
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// Which of an upstream's resources are shown. Their URIs stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamResources {
    /// URIs and URI templates, with `*` for any text. Only these are listed and read; all if it is empty.
    #[schemars(example = &["file:///docs/*"])]
    pub include: Vec<Pattern>,
    /// URIs and URI templates, with `*` for any text, that are neither listed nor read.
    #[schemars(example = &["file:///docs/drafts/*"])]
    pub exclude: Vec<Pattern>,
}

/// Which of an upstream's prompts are shown, and as what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamPrompts {
    /// Names, with `*` for any text. Only these are shown; all if it is empty.
    #[schemars(example = &["report_*"])]
    pub include: Vec<Pattern>,
    /// Names, with `*` for any text, that are not shown.
    #[schemars(example = &["draft_*"])]
    pub exclude: Vec<Pattern>,
    /// Stands before each name, with `_` between. Without it, `tools.prefix` does.
    #[schemars(length(min = 1, max = 32), regex(pattern = "^[A-Za-z0-9_.-]+$"))]
    pub prefix: Option<Arc<str>>,
}

impl UpstreamResources {
    /// Whether a resource of this URI, or a template, is shown.
    pub fn shows(&self, uri: &str) -> bool {
        Pattern::select(&self.include, &self.exclude, uri)
    }
}

impl UpstreamPrompts {
    /// Whether a prompt of this name is shown.
    pub fn shows(&self, name: &str) -> bool {
        Pattern::select(&self.include, &self.exclude, name)
    }
}
