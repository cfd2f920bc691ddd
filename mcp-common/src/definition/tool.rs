//! A tool definition (TDS document).

mod auth;
mod body;
mod delivery;
mod example;
mod follows;
mod http_binding;
mod param;
mod required_params;
mod response;
mod row;
mod secret_reference;
mod static_answer;
mod target;
mod transport;

pub(in crate::definition) use auth::by_type as auth_by_type;
pub use auth::{
    AuthBinding, AwsSigV4, ClientAuth, ClientCredentials, Hmac, HmacAlgorithm, KeyEncoding, KeyPlace,
    OnMissing, SignatureEncoding, TimestampFormat,
};
pub use body::{BodyBinding, BodyMode, Encoding, Part, PartSource};
pub use delivery::{Backoff, RedirectBinding, RetryBinding, RetryOn};
pub use example::{Example, Expectation, Mock};
pub use follows::follows;
pub use http_binding::{HttpBinding, Limits};
pub use param::{OmitIf, Param, Place, Style};
pub use required_params::{GROUPS, RequiredParams};
pub use response::{ErrorRule, OnMismatch, Overflow, ResponseBinding, ResponseFormat, ResponsePart};
pub use secret_reference::{MaybeSecret, SecretReference};
pub use static_answer::{BlockKind, ContentBlock, ResourceContents, StaticAnswer};
pub use target::TargetDefinition;
pub use transport::{EgressBinding, ProxyBinding, TlsBinding};

use super::{
    Access, CallLimits, Read, access,
    decode::{Decoded, decoded},
    name::{check_id, check_tool_name},
};
use crate::{
    document::Document,
    problem::{Problem, Problems},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use std::sync::Arc;

/// A tool: what it is called, which arguments it takes, and what a call leads to: an HTTP request (`tds_ext_info`) or an
/// answer that stands here (`static`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[schemars(example = example(), transform = target::one_target)]
pub struct ToolDefinition {
    /// Unique among tools. The id in the URL, or the key of the store, wins over the document's own.
    #[serde(default)]
    pub id: Arc<str>,
    /// What clients call it, 1 to 64 of `A-Z a-z 0-9 _ . -`.
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = "^[A-Za-z0-9_.-]+$"),
        extend("patternErrorMessage" = "A name has 1 to 64 of A-Z a-z 0-9 _ . -"),
        example = &"get_order"
    )]
    pub name: String,
    /// What people see instead of `name`.
    pub title: Option<String>,
    /// What the tool does, for the model, which chooses by it.
    #[schemars(regex(pattern = r"\S"), extend("patternErrorMessage" = "Must say what the tool does; models choose by it"))]
    pub description: String,
    /// JSON Schema of the arguments (2020-12 or draft-07). `{}` accepts anything.
    #[serde(default)]
    #[schemars(
        with = "Option<Map<String, Value>>",
        example = serde_json::json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]})
    )]
    pub input_schema: Option<Box<RawValue>>,
    /// JSON Schema of `structuredContent`: what the shaped answer is held to.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub output_schema: Option<Box<RawValue>>,
    /// Hints for clients; missing ones are derived from the HTTP method, or from the answer being `static`.
    #[schemars(extend("properties" = hints()))]
    pub annotations: Option<Map<String, Value>>,
    /// Free labels, by which instances can include tools (`include.tags`).
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who may use it, beside what keys and roles allow.
    #[serde(default, deserialize_with = "access::given")]
    #[schemars(with = "Access")]
    pub access: Option<Access>,
    /// How many calls of it all callers together may make, through whichever instances.
    #[serde(default)]
    pub limits: CallLimits,
    /// Pictures for clients, listed as they are.
    #[schemars(with = "Option<Vec<Value>>")]
    pub icons: Option<Box<RawValue>>,
    /// Members for clients that know them, listed as they are.
    #[serde(rename = "_meta")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub meta: Option<Box<RawValue>>,
    /// `false`: kept, but in no instance.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Calls that are known to be right.
    pub examples: Option<Vec<Example>>,
    /// The length of the text that it was read from: what is made of it takes more memory the longer that is.
    #[serde(skip)]
    pub text_bytes: usize,
    /// The HTTP call behind it.
    pub(super) tds_ext_info: Option<HttpBinding>,
    /// The answer of every call, instead of `tds_ext_info`: nothing is sent.
    #[serde(rename = "static")]
    pub(super) static_answer: Option<StaticAnswer>,

    // Known members that other commands read from the document itself.
    /// Whether another tool should be used instead.
    #[serde(default, rename = "deprecated")]
    _deprecated: Option<Box<RawValue>>,
    /// Where an import took the tool from. Written by the import.
    #[serde(default, rename = "source")]
    _source: Option<Box<RawValue>>,
    /// Who maintains it; plans of others leave it alone.
    #[serde(default, rename = "managed_by")]
    #[schemars(example = &"team-a")]
    _managed_by: Option<String>,
    /// The version of the document format.
    #[serde(default, rename = "version")]
    _version: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "revision")]
    #[schemars(extend("readOnly" = true))]
    _revision: Option<Box<RawValue>>,
    /// Written by the server; what is sent is left out.
    #[serde(default, rename = "updated_at")]
    #[schemars(extend("readOnly" = true))]
    _updated_at: Option<Box<RawValue>>,
    /// Where an editor finds the schema of this document.
    #[serde(default, rename = "$schema")]
    _schema: Option<Box<RawValue>>,
}

/// Members that would change what a tool takes and promises, as the protocol spells them, and as definitions do.
const AS_MCP_HAS_IT: [(&str, &str); 2] = [("inputSchema", "input_schema"), ("outputSchema", "output_schema")];

fn is_same(one: &RawValue, other: &RawValue) -> bool {
    let value = |text: &RawValue| serde_json::from_str::<Value>(text.get()).ok();
    value(one) == value(other)
}

fn yes() -> bool {
    true
}

fn example() -> Value {
    serde_json::json!({
        "id": "get_order",
        "name": "get_order",
        "description": "Looks up one order.",
        "input_schema": {
            "type": "object",
            "properties": {"id": {"type": "string", "description": "The order's number"}},
            "required": ["id"],
        },
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/v1/orders/{id}"},
    })
}

/// The annotations of MCP, for completion.
fn hints() -> Value {
    serde_json::json!({
        "title": {"description": "What people see."},
        "readOnlyHint": {"description": "Changes nothing. From the method: GET and HEAD; and of what is `static`.", "examples": [true, false]},
        "destructiveHint": {"description": "May destroy something. From the method: DELETE.", "examples": [true, false]},
        "idempotentHint": {"description": "Twice is like once. From the method: GET, HEAD, PUT, DELETE; and of what is `static`.", "examples": [true, false]},
        "openWorldHint": {"description": "Has to do with the world outside.", "examples": [true, false]},
    })
}

impl ToolDefinition {
    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        Self::read_and(id, document, |_| Ok(())).map(|(read, ())| read)
    }

    /// Reads the document stored under `id`, and does `then` with the definition. Where it has mistakes, those that `then` finds
    /// in the rest are told with them.
    pub fn read_and<R>(
        id: &str,
        document: &Document,
        then: impl FnOnce(&Self) -> Result<R, Problems>,
    ) -> Result<(Read<Self>, R), Problems> {
        let Decoded {
            value: mut definition,
            mut warnings,
            misspelt,
            unrestricted,
        } = match decoded::<Self>(document) {
            Ok(decoded) => decoded,
            Err(misread) => {
                return Err(misread.with(follows, |mut rest| {
                    let own = rest.mistakes(id, document);
                    rest.id = id.into();
                    let later = then(&rest).err().map_or_else(Vec::new, |found| found.0);
                    Problems(own).and_later(later, follows).0
                }));
            }
        };
        let mut own = definition.mistakes(id, document);
        own.extend(unrestricted);
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        definition.id = id.into();
        definition.text_bytes = document.as_json().len();
        match (own.is_empty(), then(&definition)) {
            (true, Ok(done)) => Ok((Read { definition, warnings }, done)),
            (true, Err(found)) => Err(found.and_misspelt(misspelt)),
            (false, done) => {
                let later = done.err().map_or_else(Vec::new, |found| found.0);
                Err(Problems(own).and_later(later, follows).and_misspelt(misspelt))
            }
        }
    }

    /// What is wrong independently of schemas.
    fn mistakes(&self, id: &str, document: &Document) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.target().err());
        for (theirs, ours) in AS_MCP_HAS_IT {
            let Some(given) = document.get(theirs) else {
                continue;
            };
            let reason = match document.get(ours) {
                // Twice the same does no harm; it is warned of as a member that is not known.
                Some(own) if is_same(own, given) => continue,
                Some(_) => format!(
                    "is what MCP calls `{ours}`, which says something else here; keep one of them, as `{ours}`"
                ),
                None => format!("is what MCP calls it; in a definition it is `{ours}`"),
            };
            problems.push(Problem::at(theirs, reason));
        }
        problems.extend(check_id(id).err());
        problems.extend(check_tool_name("name", &self.name).err());
        problems.extend(self.access.iter().flat_map(Access::problems));
        problems.extend(self.limits.problem());
        if self.description.trim().is_empty() {
            problems.push(Problem::at(
                "description",
                "must say what the tool does; models choose by it",
            ));
        }
        if let Ok(target) = self.target() {
            target.check(&mut problems);
        }
        problems
    }
}

#[cfg(test)]
mod tests;
