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
pub use auth::{AuthBinding, ClientAuth, ClientCredentials, KeyPlace, OnMissing};
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
    Read,
    decode::decode,
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
        let (mut definition, mut warnings) = match decode::<Self>(document) {
            Ok(read) => read,
            Err(misread) => {
                return Err(misread.with(follows, |mut rest| {
                    let own = rest.mistakes(id, document);
                    rest.id = id.into();
                    let later = then(&rest).err().map_or_else(Vec::new, |found| found.0);
                    Problems(own).and_later(later, follows).0
                }));
            }
        };
        let own = definition.mistakes(id, document);
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        definition.id = id.into();
        definition.text_bytes = document.as_json().len();
        match (own.is_empty(), then(&definition)) {
            (true, done) => Ok((Read { definition, warnings }, done?)),
            (false, done) => {
                let later = done.err().map_or_else(Vec::new, |found| found.0);
                Err(Problems(own).and_later(later, follows))
            }
        }
    }

    /// What is wrong independently of schemas.
    fn mistakes(&self, id: &str, document: &Document) -> Vec<Problem> {
        let mut problems = Vec::new();
        problems.extend(self.target().err());
        for (theirs, ours) in AS_MCP_HAS_IT {
            if document.get(theirs).is_some() && document.get(ours).is_none() {
                let reason = format!("is what MCP calls it; in a definition it is `{ours}`");
                problems.push(Problem::at(theirs, reason));
            }
        }
        problems.extend(check_id(id).err());
        problems.extend(check_tool_name("name", &self.name).err());
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
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Read<ToolDefinition>, Problems> {
        ToolDefinition::read("t1", &Document::parse(text.as_bytes())?)
    }

    fn declared(text: &str) -> Vec<Param> {
        match read(text).unwrap().definition.target() {
            Ok(TargetDefinition::Http(binding)) => binding.params.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn with_binding(members: &str) -> String {
        format!(
            r#"{{"name":"n","description":"d","tds_ext_info":{{"domain":"a","method":"GET","path":"/x"{members}}}}}"#
        )
    }

    #[test]
    fn the_v1_document_is_read_and_its_key_wins() {
        let text = r#"{"id":"tool123","name":"example_tool","description":"An example tool","input_schema":{},
            "tds_ext_info":{"domain":"api.example.com","method":"GET","path":"/v1/example","required_params":{},"ext_info":{}}}"#;
        let read = read(text).unwrap();
        assert_eq!(&*read.definition.id, "t1");
        assert_eq!(
            read.warnings,
            ["id: the document says `tool123`, it is served under its key `t1`"]
        );
    }

    #[test]
    fn reserved_members_are_refused_by_name_and_unknown_ones_reported() {
        for name in ["cache", "pagination"] {
            let problems = read(&with_binding(&format!(r#","{name}":{{"x":1}}"#))).unwrap_err();
            assert_eq!(
                problems.to_string(),
                format!("tds_ext_info.{name}: not supported yet")
            );
        }
        let problems = read(&with_binding(r#","limits":{"concurrency":0}"#)).unwrap_err();
        assert_eq!(
            problems.to_string(),
            "tds_ext_info.limits.concurrency: must be from 1 to 10000"
        );
        assert!(read(&with_binding(r#","auth":{"type":"none"}"#)).is_ok());
        let warnings = read(&with_binding(
            r#","limits":{"max_response_bytes":"1MiB","soft":1},"foo":1"#,
        ))
        .unwrap()
        .warnings;
        assert_eq!(
            warnings,
            [
                "tds_ext_info.limits.soft: unknown member, kept but not used",
                "tds_ext_info.foo: unknown member, kept but not used"
            ]
        );
    }

    #[test]
    fn a_misspelt_member_is_told_what_was_meant() {
        let warnings = |members: &str| read(&with_binding(members)).unwrap().warnings;
        assert_eq!(
            warnings(r#","timeoutms":5,"limits":{"concurency":1},"entirely":1"#),
            [
                "tds_ext_info.timeoutms: unknown member, kept but not used; did you mean `timeout_ms`?",
                "tds_ext_info.limits.concurency: unknown member, kept but not used; did you mean `concurrency`?",
                "tds_ext_info.entirely: unknown member, kept but not used",
            ]
        );
        let problem = read(&with_binding(
            r#","params":[{"name":"a","in":"query","expload":true}]"#,
        ))
        .unwrap_err();
        assert!(
            problem.to_string().ends_with("; did you mean `explode`?"),
            "{problem}"
        );
        let schema = |name: &str| {
            format!(
                r#"{{"name":"n","description":"d","{name}":{{}},"tds_ext_info":{{"domain":"a","method":"GET","path":"/x"}}}}"#
            )
        };
        let problem = read(&schema("inputSchema")).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "inputSchema: is what MCP calls it; in a definition it is `input_schema`"
        );
        assert_eq!(
            read(&schema("anotations")).unwrap().warnings,
            ["anotations: unknown member, kept but not used; did you mean `annotations`?"]
        );
    }

    #[test]
    fn all_mistakes_of_a_document_are_named_at_once() {
        let text = r#"{"description":5,"title":7,"tags":"x","tds_ext_info":{"method":1,"path":"/","params":[
            {"name":"a"},{"name":"b","in":"qery"},{"name":"c","in":"query","explode":"yes"}],"timeout_ms":"soon"}}"#;
        let Problems(problems) = read(text).unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        for field in [
            "description",
            "title",
            "tags",
            "tds_ext_info.method",
            "tds_ext_info.params[0]",
            "tds_ext_info.params[1].in",
            "tds_ext_info.params[2].explode",
            "tds_ext_info.timeout_ms",
        ] {
            assert!(fields.contains(&field), "{field} in {problems:?}");
        }
        let missing = problems.iter().find(|problem| problem.field.is_empty());
        assert!(
            missing.is_some_and(|problem| problem.reason == "missing field `name`"),
            "{problems:?}"
        );
        assert!(problems.len() <= 10, "{problems:?}");
    }

    #[test]
    fn the_members_of_params_and_body_are_a_closed_set() {
        let table = [
            (
                r#","response":{"jqq":"."}"#,
                "tds_ext_info.response.jqq: unknown field `jqq`, expected one of",
            ),
            (
                r#","retry":{"max":1,"on":["timeout"]}"#,
                "tds_ext_info.retry.on[0]: expected \"connect\" or a status from 400 to 599",
            ),
            (
                r#","retry":{"max":100}"#,
                "tds_ext_info.retry.max: must be from 0 to 10",
            ),
            (
                r#","redirect":{"follow":100}"#,
                "tds_ext_info.redirect.follow: must be from 0 to 10",
            ),
            (
                r#","tls":{"cert":"${file:/a}"}"#,
                "tds_ext_info.tls.cert: unknown field `cert`, expected one of `ca`, `certificate`, `key`, `server_name`",
            ),
            (
                r#","tls":{"certificate":"${file:/a}"}"#,
                "tds_ext_info.tls.key: is missing",
            ),
            (
                r#","tls":{"key":"${file:/a}"}"#,
                "tds_ext_info.tls.certificate: is missing",
            ),
            (
                r#","tls":{"certificate":"${file:/a}","key":"-----BEGIN PRIVATE KEY-----"}"#,
                "tds_ext_info.tls.key: must be a reference",
            ),
            (
                r#","tls":{"ca":"-----BEGIN EC PRIVATE KEY-----\ns3cr3t"}"#,
                "tds_ext_info.tls.ca: has a private key in it, which never stands in a definition: put it",
            ),
            (
                r#","proxy":7"#,
                "tds_ext_info.proxy: invalid type: integer `7`, expected \"http://host:port\" or {url, username, password}",
            ),
            (
                r#","proxy":{"url":"http://p:1","user":"a"}"#,
                "tds_ext_info.proxy.user: unknown field `user`",
            ),
            (
                r#","proxy":{"url":"http://p:1","username":"a"}"#,
                "tds_ext_info.proxy.password: is missing",
            ),
            (
                r#","proxy":{"url":"http://p:1","username":"a","password":"s3cr3t"}"#,
                "tds_ext_info.proxy.password: must be a reference",
            ),
            (
                r#","egress":{"alow":["a"]}"#,
                "tds_ext_info.egress.alow: unknown field `alow`, expected `allow` or `deny`",
            ),
            (
                r#","egress":{"deny":["a",7]}"#,
                "tds_ext_info.egress.deny[1]: invalid type: integer `7`",
            ),
            (
                r#","connect_timeout_ms":0"#,
                "tds_ext_info.connect_timeout_ms: must be from 1 to",
            ),
            (
                r#","params":[{"name":"a","in":"query","expload":true}]"#,
                "tds_ext_info.params[0].expload: unknown field `expload`, expected one of",
            ),
            (
                r#","params":[{"name":"a","in":"qery"}]"#,
                "tds_ext_info.params[0].in: unknown variant `qery`, expected one of",
            ),
            (
                r#","params":[{"name":"a","in":"query","style":"csv"}]"#,
                "tds_ext_info.params[0].style: unknown variant `csv`",
            ),
            (
                r#","params":[{"name":"a"}]"#,
                "tds_ext_info.params[0]: missing field `in`",
            ),
            (
                r#","body":{"mode":"xml"}"#,
                "tds_ext_info.body.mode: unknown variant `xml`",
            ),
            (
                r#","body":{"parts":[{"name":"f","form":"/f"}]}"#,
                "tds_ext_info.body.parts[0].form: unknown field `form`",
            ),
            (
                r#","body":{"encoding":{"a":{"styl":"form"}}}"#,
                "tds_ext_info.body.encoding.a.styl: unknown field `styl`",
            ),
        ];
        for (members, expected) in table {
            let problems = read(&with_binding(members)).unwrap_err().to_string();
            assert!(problems.starts_with(expected), "{problems}");
            assert!(!problems.contains("s3cr3t"), "{problems}");
        }
        let members =
            r#","params":[{"name":"a","in":"body","const":null},{"name":"b","in":"body","default":1.10}]"#;
        let params = declared(&with_binding(members));
        assert_eq!(params[0].constant.as_ref().map(|raw| raw.get()), Some("null"));
        assert_eq!(params[1].default.as_ref().map(|raw| raw.get()), Some("1.10"));
        assert!(params[1].constant.is_none());
        // In YAML nobody quotes it.
        for (members, expected) in [
            (r#","omit_if":null"#, Some(OmitIf::Null)),
            (r#","omit_if":"null""#, Some(OmitIf::Null)),
            ("", None),
        ] {
            let members = format!(r#","params":[{{"name":"a","in":"body"{members}}}]"#);
            assert_eq!(declared(&with_binding(&members))[0].omit_if, expected);
        }
    }

    #[test]
    fn refusals_name_the_field_and_the_reason() {
        let table = [
            (
                r#"{"name":"a b","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
                "name: has the character ' '",
            ),
            (
                r#"{"name":"n","description":" ","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
                "description: must say",
            ),
            (
                r#"{"name":"n","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
                "missing field `description`",
            ),
            (
                r#"{"name":"n","description":"d","tds_ext_info":{"method":"GET","path":"/"}}"#,
                "tds_ext_info.domain: is missing",
            ),
            (
                r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","base_url":"b","method":"GET","path":"/"}}"#,
                "tds_ext_info.base_url: is given together with",
            ),
            (
                r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/","timeout_ms":0}}"#,
                "tds_ext_info.timeout_ms: must be from 1",
            ),
            (
                r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":1,"path":"/"}}"#,
                "tds_ext_info.method: invalid type: integer `1`",
            ),
            (
                r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/","limits":{"max_request_bytes":"lots"}}}"#,
                "tds_ext_info.limits.max_request_bytes: invalid value: string \"lots\"",
            ),
        ];
        for (text, expected) in table {
            let problems = read(text).unwrap_err().to_string();
            assert!(problems.starts_with(expected), "{problems}");
        }
    }
}
