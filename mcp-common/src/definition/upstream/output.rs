//! What is said about the answers of an upstream's tool (`output`), and examples of its calls.

use crate::{
    byte_size::ByteSize,
    definition::tool::{Expectation, StaticAnswer},
    problem::Problem,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// How the answers of a tool of an upstream are shaped before a client gets them. Errors of the tool, and what is neither text nor structured content,
/// pass as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RemoteOutput {
    /// A jq program over the structured content, or, without one, over the JSON that the text is; bounded in steps, time and size. Its result is the text,
    /// and the structured content if it is an object; the tool is listed without `outputSchema`.
    #[schemars(example = &".forecast | map({day, high})")]
    pub jq: Option<Arc<str>>,
    /// The text, as a template; structured content stays as it is.
    #[schemars(example = &"{{ data.summary }}")]
    pub template: Option<Arc<str>>,
    /// How many bytes the text, and the structured content, has at the most.
    pub max_bytes: Option<ByteSize>,
}

/// A call of an upstream's tool, what it should come to, and a result of the server to try it with.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoteExample {
    /// What the example shows, for people.
    pub description: Option<String>,
    /// The arguments as the server takes them, a JSON object; without them the call has none.
    pub arguments: Option<Box<RawValue>>,
    /// What has to come back; without it the call has to succeed. There is no `status`.
    pub expect: Option<Expectation>,
    /// What is taken for the server's result.
    pub mock: Option<StaticAnswer>,
}

impl RemoteExample {
    /// What is wrong whatever the tool is.
    pub(super) fn check(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.expect.as_ref().is_some_and(|expect| expect.status.is_some()) {
            let reason = "cannot be: servers that speak MCP send no status; write `is_error`";
            problems.push(Problem::at(format!("{field}.expect.status"), reason));
        }
        if let Some(arguments) = &self.arguments
            && !arguments.get().starts_with('{')
        {
            problems.push(Problem::at(format!("{field}.arguments"), "must be a JSON object"));
        }
        if let Some(mock) = &self.mock {
            mock.check(&format!("{field}.mock"), problems);
        }
    }
}
