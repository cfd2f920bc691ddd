//! How an answer becomes a result (`tds_ext_info.response`).

use crate::byte_size::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an answer becomes a result.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseBinding {
    /// What the body is taken for.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub format: ResponseFormat,
    /// An expression: whether the upstream did what it was asked for. Without it, a status below 300.
    #[schemars(example = &"status < 400 and body.code == 0")]
    pub success: Option<String>,
    /// A jq program over the body, bounded in steps, time and size.
    #[schemars(example = &".data | map({id, name})")]
    pub jq: Option<String>,
    /// The text block, as a template; `structuredContent` stays the result of `jq`.
    #[schemars(example = &"{{ data | length }} orders")]
    pub template: Option<String>,
    /// What stands before the text.
    pub prepend: Option<String>,
    /// What stands after the text.
    pub append: Option<String>,
    /// Which parts of the result there are. Default: both.
    pub content: Option<Vec<ResponsePart>>,
    /// Bound of the shaped answer.
    pub max_bytes: Option<ByteSize>,
    /// What happens beyond the bound.
    #[serde(default)]
    #[schemars(extend("default" = "truncate_items"))]
    pub overflow: Overflow,
    /// What happens to an answer that `output_schema` does not allow. Default: what the operator says
    /// (`upstream.on_output_mismatch`).
    pub on_mismatch: Option<OnMismatch>,
    /// What the model reads when the call failed; the first rule whose `when` holds is taken.
    #[serde(default)]
    pub errors: Vec<ErrorRule>,
    /// Whether the upstream is asked for a compressed answer.
    #[serde(default)]
    pub compressed: bool,
}

/// `response.format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResponsePart {
    /// The text block.
    Text,
    /// `structuredContent`.
    Structured,
}

/// `response.overflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// Items at the end of the longest list are left out, and the text says how many.
    #[default]
    TruncateItems,
    /// The call fails and says why.
    Error,
}

/// `response.on_mismatch`. Whatever it says, the gateway writes a line into its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnMismatch {
    /// The call fails and says what is wrong: clients that check `structuredContent` refuse such a result anyway.
    #[default]
    Error,
    /// The answer is given on as it is.
    Log,
}

/// One rule of `response.errors`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorRule {
    /// An expression over `status`, `headers`, `body`, `args`.
    #[schemars(example = &"status == 404")]
    pub when: String,
    /// The text for the model; a template.
    #[schemars(example = &"No such order {{ args.id }}.")]
    pub message: String,
    /// Whether the model is told that trying again may help.
    pub retryable: Option<bool>,
}
