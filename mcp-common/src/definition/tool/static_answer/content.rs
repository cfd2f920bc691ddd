//! Content blocks, as MCP has them.

use crate::problem::Problem;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json, value::RawValue};

/// What [`STANDARD`] reads.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// Members that only some kinds of blocks have.
const OF_SOME: [&str; 10] = [
    "text",
    "data",
    "mimeType",
    "resource",
    "uri",
    "name",
    "title",
    "description",
    "size",
    "icons",
];

/// One content block. Its `type` says which members it has.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(transform = by_type)]
pub struct ContentBlock {
    /// Which kind of block it is.
    #[serde(rename = "type")]
    pub kind: BlockKind,
    /// The text of a text block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes of an image or a sound, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = BASE64), extend("patternErrorMessage" = "Not base64 with padding, on one line"))]
    pub data: Option<String>,
    /// The media type of an image, a sound, or what a link leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"image/png")]
    pub mime_type: Option<String>,
    /// The resource that the block holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceContents>,
    /// The URI that a link leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// The name of the resource that a link leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What people see instead of the link's `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the link leads to, for the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The size of what the link leads to, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Pictures for the link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icons: Option<Vec<Value>>,
    /// Hints for clients: `audience`, `priority`, `lastModified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Map<String, Value>>,
    /// Members for clients that know them, given as they are.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub meta: Option<Box<RawValue>>,
}

/// The `type` of a content block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A text: `text`.
    Text,
    /// A picture: `data` and `mimeType`.
    Image,
    /// A sound: `data` and `mimeType`.
    Audio,
    /// A resource with its contents: `resource`.
    Resource,
    /// A link to a resource: `uri` and `name`.
    ResourceLink,
}

/// A resource and what is in it: `text`, or `blob` in base64.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(transform = one_content)]
pub struct ResourceContents {
    /// The resource's URI.
    pub uri: String,
    /// The media type of the contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// The contents, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The contents in base64, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = BASE64), extend("patternErrorMessage" = "Not base64 with padding, on one line"))]
    pub blob: Option<String>,
    /// Members for clients that know them, given as they are.
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    pub meta: Option<Box<RawValue>>,
}

/// The members that a kind of block needs, and those that it may have beside them.
struct Members {
    word: &'static str,
    needed: &'static [&'static str],
    allowed: &'static [&'static str],
}

impl Members {
    fn needs(&self, name: &str) -> bool {
        self.needed.contains(&name)
    }

    fn know(&self, name: &str) -> bool {
        self.needs(name) || self.allowed.contains(&name)
    }
}

impl BlockKind {
    const ALL: [Self; 5] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Resource,
        Self::ResourceLink,
    ];

    const fn members(self) -> Members {
        let (word, needed, allowed): (_, &[&str], &[&str]) = match self {
            Self::Text => ("text", &["text"], &[]),
            Self::Image => ("image", &["data", "mimeType"], &[]),
            Self::Audio => ("audio", &["data", "mimeType"], &[]),
            Self::Resource => ("resource", &["resource"], &[]),
            Self::ResourceLink => (
                "resource_link",
                &["uri", "name"],
                &["title", "description", "mimeType", "size", "icons"],
            ),
        };
        Members {
            word,
            needed,
            allowed,
        }
    }
}

impl ContentBlock {
    /// Whether there is something in each of [`OF_SOME`].
    fn given(&self) -> [bool; 10] {
        [
            self.text.is_some(),
            self.data.is_some(),
            self.mime_type.is_some(),
            self.resource.is_some(),
            self.uri.is_some(),
            self.name.is_some(),
            self.title.is_some(),
            self.description.is_some(),
            self.size.is_some(),
            self.icons.is_some(),
        ]
    }

    /// Reports what is wrong; `field` is the block's place in the document.
    pub(super) fn check(&self, field: &str, problems: &mut Vec<Problem>) {
        let members = self.kind.members();
        let word = members.word;
        for (name, is_given) in OF_SOME.into_iter().zip(self.given()) {
            let reason = match is_given {
                false if members.needs(name) => format!("is missing: a block of type `{word}` has it"),
                true if !members.know(name) => format!("does not belong to a block of type `{word}`"),
                _ => continue,
            };
            problems.push(Problem::at(format!("{field}.{name}"), reason));
        }
        check_base64(&format!("{field}.data"), self.data.as_deref(), problems);
        check_meta(field, self.meta.as_deref(), problems);
        if let Some(resource) = &self.resource {
            resource.check(&format!("{field}.resource"), problems);
        }
    }
}

impl ResourceContents {
    fn check(&self, field: &str, problems: &mut Vec<Problem>) {
        match (&self.text, &self.blob) {
            (None, None) => {
                let reason = "is missing: give the contents, or `blob` where they are no text";
                problems.push(Problem::at(format!("{field}.text"), reason));
            }
            (Some(_), Some(_)) => {
                let reason = "is given together with `text`; keep one of them";
                problems.push(Problem::at(format!("{field}.blob"), reason));
            }
            _ => {}
        }
        check_base64(&format!("{field}.blob"), self.blob.as_deref(), problems);
        check_meta(field, self.meta.as_deref(), problems);
    }
}

fn check_base64(field: &str, text: Option<&str>, problems: &mut Vec<Problem>) {
    if text.is_some_and(|text| STANDARD.decode(text).is_err()) {
        problems.push(Problem::at(field, "is not base64 (with padding, on one line)"));
    }
}

fn check_meta(field: &str, meta: Option<&RawValue>, problems: &mut Vec<Problem>) {
    if meta.is_some_and(|raw| !raw.get().starts_with('{')) {
        problems.push(Problem::at(format!("{field}._meta"), "must be a JSON object"));
    }
}

/// Which members a block has follows from its `type`.
fn by_type(schema: &mut Schema) {
    let conditions = BlockKind::ALL.into_iter().map(|kind| {
        let members = kind.members();
        let said = OF_SOME.into_iter().filter_map(|name| {
            let what = match (members.needs(name), members.know(name)) {
                (true, _) => json!({"not": {"type": "null"}}),
                (_, true) => return None,
                _ => {
                    let message = format!("Does not belong to a block of type `{}`", members.word);
                    json!({"type": "null", "errorMessage": message, "doNotSuggest": true})
                }
            };
            Some((name.to_owned(), what))
        });
        json!({
            "if": {"properties": {"type": {"const": members.word}}},
            "then": {"required": members.needed, "properties": said.collect::<Map<_, _>>()},
        })
    });
    schema.insert("allOf".to_owned(), conditions.collect());
}

/// A resource has one of the two.
fn one_content(schema: &mut Schema) {
    let given = |name: &str| json!({"required": [name], "properties": {name: {"type": "string"}}});
    schema.insert("oneOf".to_owned(), json!([given("text"), given("blob")]));
}
