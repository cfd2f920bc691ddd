//! How an answer becomes a result (`tds_ext_info.response`).

use super::ByteSize;
use serde::Deserialize;

/// The `response` member. Each member is optional.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseBinding {
    /// What the body is taken for.
    #[serde(default)]
    pub format: ResponseFormat,
    /// An expression: whether the upstream did what it was asked for.
    pub success: Option<String>,
    /// A jq program over the body.
    pub jq: Option<String>,
    /// The text block, as a template.
    pub template: Option<String>,
    /// Stands before the text.
    pub prepend: Option<String>,
    /// Stands after the text.
    pub append: Option<String>,
    /// Which parts of the result there are.
    pub content: Option<Vec<ResponsePart>>,
    /// Bound of the shaped answer.
    pub max_bytes: Option<ByteSize>,
    /// What happens beyond the bound.
    #[serde(default)]
    pub overflow: Overflow,
    /// What the model reads when the call failed; the first rule that fits is taken.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// Whether the upstream is asked for a compressed answer.
    #[serde(default)]
    pub compressed: bool,
}

/// `response.format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseFormat {
    /// What its `Content-Type` says.
    #[default]
    Auto,
    /// JSON, whatever its `Content-Type` says.
    Json,
    /// Text; HTML becomes what a reader sees of it.
    Text,
    /// Bytes, in base64.
    Binary,
}

/// One element of `response.content`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponsePart {
    /// The text block.
    Text,
    /// `structuredContent`.
    Structured,
}

/// `response.overflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Items at the end of the longest list are left out, and the text says how many.
    #[default]
    TruncateItems,
    /// The call fails and says why.
    Error,
}

/// One rule of `response.errors`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// An expression.
    pub when: String,
    /// A template.
    pub message: String,
    /// Whether the model is told that trying again may help.
    pub retryable: Option<bool>,
}
