//! Which members of a multipart body are files: decided on what the schema comes to, whatever it is composed of.

use super::media::{concrete, essence, is_text};
use crate::authoring::import::{
    cost,
    openapi::spec::{MAX_CHAIN, Spec, Version},
};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
};

/// References, lists and compositions inside each other.
const MAX_DEPTH: usize = 16;
/// What is looked at for the members of one body, in bytes: a reference of a few bytes may lead to all of the description, and twelve
/// alternatives that each have twelve to more than that.
const MAX_LOOKED: usize = 1 << 20;
/// What a look at one place costs, whatever stands there.
const LOOK: usize = 64;
/// What a member of a schema costs that is not read.
const MEMBER: usize = 8;
/// Of types that nobody writes as text.
const OF_BYTES: [&str; 5] = [
    "image/",
    "audio/",
    "video/",
    "application/octet-stream",
    "application/pdf",
];

/// What a member is. Files have a media type where their schema says it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    File(Option<String>),
    Files(Option<String>),
    Other,
}

/// What becomes of a member.
pub(super) enum Made {
    /// A file, or a list of files, in base64.
    File {
        media: Option<String>,
        /// What the description allows, where it does not say which of them it is.
        one_of: Option<String>,
    },
    /// A text, of the type that its schema says.
    Text(Option<String>),
    /// A text, though it may be a file, or have one in it.
    TextForFile,
}

const OCTETS: &str = "application/octet-stream";

/// A schema after its references and the parts of its `allOf`.
type Merged<'v> = IndexMap<&'v str, &'v Value>;

/// Looks for the files of one body.
pub(super) struct Files<'a> {
    spec: &'a Spec<'a>,
    /// What may still be looked at for what members are.
    left: Cell<usize>,
    /// The same for what is inside of them: a large member makes no text of a file beside it.
    left_inside: Cell<usize>,
    /// Schemas that have no file in them, as far as they were looked into.
    without: RefCell<HashSet<*const Value>>,
}

impl<'a> Files<'a> {
    pub(super) fn new(spec: &'a Spec<'a>) -> Self {
        Self {
            spec,
            left: Cell::new(MAX_LOOKED),
            left_inside: Cell::new(MAX_LOOKED),
            without: RefCell::default(),
        }
    }

    /// Makes the member's schema that of a file, or of a list of files, if it is one.
    pub(super) fn make_file(&self, original: &Value, encoding: Option<&Value>, schema: &mut Value) -> Made {
        let media = encoding
            .and_then(|encoding| encoding.get("contentType"))
            .and_then(Value::as_str);
        let kind = self.kind(original, media, MAX_DEPTH);
        let description = schema
            .get("description")
            .or_else(|| original.get("description"))
            .cloned();
        let file = |description: Option<Value>| {
            let mut file = json!({"type": "string", "contentEncoding": "base64"});
            file["description"] = description.unwrap_or_else(|| "The file, in base64".into());
            file
        };
        let (made, own) = match kind {
            Kind::Other if self.has_file(original) || self.left.get() == 0 => return Made::TextForFile,
            Kind::Other => return Made::Text(self.text_type(original)),
            Kind::File(own) => (file(description), own),
            Kind::Files(own) => {
                let mut files = json!({"type": "array", "items": file(None)});
                if let Some(description) = description {
                    files["description"] = description;
                }
                (files, own)
            }
        };
        *schema = made;
        match media {
            None => Made::File {
                media: own,
                one_of: None,
            },
            Some(media) if concrete(media).is_some() => Made::File {
                media: Some(media.trim().to_owned()),
                one_of: None,
            },
            Some(media) => {
                let allowed = |own: &str| media.split(',').any(|one| allows(one, own));
                let own = own.filter(|own| allowed(own));
                let is_told = own.is_some() || allowed(OCTETS);
                Made::File {
                    one_of: (!is_told).then(|| media.to_owned()),
                    media: own,
                }
            }
        }
    }

    /// The media type of a body that may be of any, if it is a file: as for fields, but one of which nothing is said is no file.
    pub(super) fn of_body(&self, schema: &Value) -> Option<String> {
        self.merged(schema, MAX_DEPTH)
            .filter(|merged| !says_nothing(merged))?;
        match self.kind(schema, None, MAX_DEPTH) {
            Kind::File(media) => Some(media.unwrap_or_else(|| OCTETS.to_owned())),
            _ => None,
        }
    }

    /// Whether there is a file in what the schema describes, wherever, or may be one: not all of it was looked at.
    pub(super) fn has_file(&self, schema: &Value) -> bool {
        self.left.swap(&self.left_inside);
        let holds = self.holds_file(schema, MAX_DEPTH) || self.left.get() == 0;
        self.left.swap(&self.left_inside);
        holds
    }

    /// `media`: what the description says that the part is.
    fn kind(&self, schema: &Value, media: Option<&str>, depth: usize) -> Kind {
        let Some(merged) = self.merged(schema, depth) else {
            return Kind::Other;
        };
        let alternatives = ["anyOf", "oneOf"]
            .iter()
            .find_map(|keyword| merged.get(*keyword)?.as_array())
            .filter(|_| depth > 0);
        if let Some(alternatives) = alternatives {
            // One file or several are several.
            let same =
                |one: Option<String>, other: Option<String>| one.filter(|one| Some(one) == other.as_ref());
            let mut all = None;
            for schema in alternatives.iter().filter(|schema| !self.is_null(schema)) {
                let kind = self.kind(schema, media, depth - 1);
                all = Some(match (all, kind) {
                    (_, Kind::Other) => return Kind::Other,
                    (None, kind) => kind,
                    (Some(Kind::File(one)), Kind::File(other)) => Kind::File(same(one, other)),
                    (Some(Kind::File(one) | Kind::Files(one)), Kind::File(other) | Kind::Files(other)) => {
                        Kind::Files(same(one, other))
                    }
                    (Some(Kind::Other), _) => Kind::Other,
                });
            }
            return all.unwrap_or(Kind::Other);
        }
        let types = types(&merged);
        if self.is_file(&merged, media, &types) {
            return Kind::File(media_type(&merged).map(str::to_owned));
        }
        let is_list = types.is_empty() || types.contains(&"array");
        match merged.get("items").filter(|_| is_list && depth > 0) {
            Some(items) => match self.kind(items, media, depth - 1) {
                Kind::File(media) => Kind::Files(media),
                _ => Kind::Other,
            },
            None => Kind::Other,
        }
    }

    /// A file that stands in a value which is none, so that nothing can send it as one.
    fn holds_file(&self, schema: &Value, depth: usize) -> bool {
        let Some(target) = self.resolved(schema).filter(|_| depth > 0) else {
            return false;
        };
        if !self.without.borrow_mut().insert(target) {
            return false;
        }
        let holds = self.merged(target, depth).is_some_and(|merged| {
            says_file(&merged) || inside(&merged).any(|schema| self.holds_file(schema, depth - 1))
        });
        if holds {
            // What leads back to it was taken to lead to none.
            self.without.borrow_mut().clear();
        }
        holds
    }

    /// Of what people write that is no JSON: that would be written as JSON once more.
    fn text_type(&self, schema: &Value) -> Option<String> {
        let merged = self.merged(schema, MAX_DEPTH)?;
        let media = media_type(&merged).filter(|media| !essence(media).ends_with("json"))?;
        (types(&merged) == ["string"]).then(|| media.to_owned())
    }

    /// What stands first counts.
    fn merged<'v>(&'v self, schema: &'v Value, depth: usize) -> Option<Merged<'v>> {
        let members = match self.resolved(schema)? {
            // The same as `{}`.
            Value::Bool(true) => return Some(Merged::new()),
            target => target.as_object()?,
        };
        let read = ["type", "format", "contentMediaType"]
            .map(|name| members.get(name).map_or(0, |value| cost::of(value, MAX_LOOKED)));
        self.spend(MEMBER * members.len() + read.iter().sum::<usize>())?;
        let mut merged: Merged<'v> = members
            .iter()
            .filter(|(keyword, _)| *keyword != "allOf")
            .map(|(keyword, value)| (keyword.as_str(), value))
            .collect();
        let parts = members.get("allOf").and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            for (keyword, value) in self.merged(part, depth.checked_sub(1)?)? {
                merged.entry(keyword).or_insert(value);
            }
        }
        Some(merged)
    }

    /// What the schema is after its references; nothing more where enough was looked at.
    fn resolved<'v>(&'v self, schema: &'v Value) -> Option<&'v Value> {
        let mut schema = schema;
        for _ in 0..MAX_CHAIN {
            let reference = schema.get("$ref").and_then(Value::as_str);
            self.spend(LOOK + reference.map_or(0, str::len))?;
            match reference {
                Some(reference) => schema = self.spec.target(reference).ok()?,
                None => return Some(schema),
            }
        }
        None
    }

    fn spend(&self, bytes: usize) -> Option<()> {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or_default());
        left.map(drop)
    }

    fn is_null(&self, schema: &Value) -> bool {
        let schema = self.resolved(schema).unwrap_or(schema);
        schema.get("type").is_some_and(|kind| kind == "null")
            || schema.get("const").is_some_and(Value::is_null)
    }

    fn is_file(&self, merged: &Merged<'_>, media: Option<&str>, types: &[&str]) -> bool {
        let text = |member: &str| text(merged, member);
        if text("format") == Some("binary") || types.contains(&"file") {
            return true;
        }
        if !types.is_empty() && !types.contains(&"string") {
            return false;
        }
        if let Some(media) = media {
            return is_of_bytes(media);
        }
        if text("contentEncoding").is_some() || text("format") == Some("base64") {
            return true;
        }
        match text("contentMediaType") {
            Some(media) => types.is_empty() || !(is_text(media) || essence(media).ends_with("json")),
            // OpenAPI 3.1: a part of which nothing is said is `application/octet-stream`.
            None => types.is_empty() && self.spec.version == Version::V31 && says_nothing(merged),
        }
    }
}

/// Whether the type, or range of types, has the media type.
fn allows(range: &str, media: &str) -> bool {
    let (range, media) = (essence(range), essence(media));
    let in_range = range
        .strip_suffix('*')
        .is_some_and(|start| media.starts_with(start));
    range == media || range == "*/*" || in_range
}

fn is_of_bytes(media: &str) -> bool {
    OF_BYTES.iter().any(|bytes| media.starts_with(bytes))
}

fn text<'v>(merged: &Merged<'v>, member: &str) -> Option<&'v str> {
    merged.get(member)?.as_str()
}

/// Whether it is a file, whatever stands around it.
fn says_file(merged: &Merged<'_>) -> bool {
    text(merged, "format") == Some("binary")
        || types(merged).contains(&"file")
        || (text(merged, "contentEncoding").is_none()
            && text(merged, "contentMediaType").is_some_and(is_of_bytes))
}

/// The schemas of what is in the value, and of what else it may be.
fn inside<'v>(merged: &Merged<'v>) -> impl Iterator<Item = &'v Value> + use<'v> {
    let one = ["items", "additionalProperties"].map(|keyword| merged.get(keyword).copied());
    let lists = ["anyOf", "oneOf", "prefixItems"].map(|keyword| merged.get(keyword).copied()?.as_array());
    let named = merged.get("properties").copied().and_then(Value::as_object);
    let lists = lists.into_iter().flatten().flatten();
    let named = named.into_iter().flat_map(Map::values);
    one.into_iter().flatten().chain(lists).chain(named)
}

/// What the schema says, where it is one type.
fn media_type<'v>(schema: &Merged<'v>) -> Option<&'v str> {
    concrete(text(schema, "contentMediaType")?)
}

fn types<'v>(schema: &Merged<'v>) -> Vec<&'v str> {
    match schema.get("type").copied() {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect(),
        _ => Vec::new(),
    }
}

/// Of what the value may be.
fn says_nothing(schema: &Merged<'_>) -> bool {
    let about_it = [
        "title",
        "description",
        "example",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
    ];
    schema
        .keys()
        .all(|keyword| about_it.contains(keyword) || keyword.starts_with("x-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(files: &Files<'_>, schema: &Value) -> &'static str {
        match files.make_file(schema, None, &mut json!({})) {
            Made::File { .. } => "file",
            Made::Text(_) => "text",
            Made::TextForFile => "text for file",
        }
    }

    #[test]
    fn what_leads_back_to_itself_is_looked_at_once_and_found_each_time() {
        let root = json!({"openapi": "3.1.0", "s": {
            "plain": {"type": "object", "properties": {"next": {"$ref": "#/s/plain"}, "list": {"items": {"$ref": "#/s/plain"}}}},
            "outer": {"type": "object", "properties": {"inner": {"$ref": "#/s/inner"}, "file": {"$ref": "#/s/file"}}},
            "inner": {"type": "object", "properties": {"outer": {"$ref": "#/s/outer"}}},
            "file": {"type": "string", "format": "binary"},
        }});
        let spec = Spec::new(&root).unwrap();
        let files = Files::new(&spec);
        let to = |name: &str| json!({"$ref": format!("#/s/{name}")});
        for _ in 0..500 {
            assert_eq!(made(&files, &to("plain")), "text");
        }
        for name in ["outer", "inner", "outer", "inner"] {
            assert_eq!(made(&files, &to(name)), "text for file", "{name}");
        }
        assert_eq!(made(&files, &to("file")), "file");
        assert_eq!(
            made(&files, &json!({"type": "array", "items": to("file")})),
            "file"
        );
        for left in [files.left.get(), files.left_inside.get()] {
            assert!(left > MAX_LOOKED / 2, "{left}");
        }
    }

    #[test]
    fn a_large_member_takes_nothing_from_those_beside_it() {
        let members: Map<String, Value> = (0..10_000)
            .map(|n| {
                (
                    format!("member{n}"),
                    json!({"type": "object", "properties": {"a": {"type": "string"}}}),
                )
            })
            .collect();
        let large = json!({"type": "object", "properties": members});
        let root = json!({"openapi": "3.1.0"});
        let spec = Spec::new(&root).unwrap();
        let files = Files::new(&spec);
        assert_eq!(
            made(&files, &large),
            "text for file",
            "nobody looked at all of it"
        );
        let file = json!({"type": "string", "format": "binary"});
        assert_eq!(made(&files, &file), "file");
        assert!(files.has_file(&json!({"type": "object"})), "there may be one");
    }

    /// Twelve to the power of ten, and a megabyte that a few bytes lead to.
    #[test]
    fn looking_has_an_end() {
        for keyword in ["anyOf", "allOf", "oneOf"] {
            let mut definitions = Map::new();
            for n in 0..10 {
                let next = json!({"$ref": format!("#/d/{}", n + 1)});
                definitions.insert(n.to_string(), json!({ keyword: vec![next; 12] }));
            }
            definitions.insert("10".to_owned(), json!({"type": "string", "format": "binary"}));
            let root = json!({"openapi": "3.1.0", "d": definitions});
            let spec = Spec::new(&root).unwrap();
            let files = Files::new(&spec);
            assert_eq!(
                made(&files, &json!({"$ref": "#/d/0"})),
                "text for file",
                "{keyword}"
            );
        }
        let long = "x".repeat(1 << 20);
        let root = json!({"openapi": "3.1.0", "d": {"a": {"$ref": format!("#/d/{long}")}, &*long: {"type": "string"}}});
        let spec = Spec::new(&root).unwrap();
        let files = Files::new(&spec);
        assert_eq!(made(&files, &json!({"$ref": "#/d/a"})), "text for file");
        assert_eq!(files.left.get(), 0);
    }
}
