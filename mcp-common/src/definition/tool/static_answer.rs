//! An answer that stands in the definition itself (`static`): nothing is sent.

mod content;

pub use content::{BlockKind, ContentBlock, ResourceContents};

use crate::problem::Problem;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// The answer of every call. At least one of `content` and `structured` is given.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = some_answer)]
pub struct StaticAnswer {
    /// The blocks that the model reads. Without them it reads `structured` as text.
    #[schemars(example = json!([{"type": "text", "text": "Mondays to Fridays, 9 to 17."}]))]
    pub content: Option<Vec<ContentBlock>>,
    /// The value for clients that read `structuredContent`: any JSON, held to `output_schema` when the definition is written.
    #[schemars(with = "Option<Value>")]
    pub structured: Option<Box<RawValue>>,
}

/// An answer of nothing would be a question.
fn some_answer(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}});
    schema.insert("anyOf".to_owned(), json!([given("content"), given("structured")]));
}

impl StaticAnswer {
    /// Reports what is wrong independently of `output_schema`; `field` is where it stands.
    pub(in crate::definition) fn check(&self, field: &str, problems: &mut Vec<Problem>) {
        if self.content.is_none() && self.structured.is_none() {
            let reason =
                "says no answer: give `content`, blocks for the model, or `structured`, a JSON value";
            problems.push(Problem::at(field, reason));
        }
        for (index, block) in self.content.iter().flatten().enumerate() {
            block.check(&format!("{field}.content[{index}]"), problems);
        }
    }
}
