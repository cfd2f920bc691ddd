//! A description and its references.

use crate::authoring::import::ImportError;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A chain of references that is longer than this goes round.
pub(super) const MAX_CHAIN: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Swagger2,
    V30,
    /// 3.1 and later: schemas are JSON Schema 2020-12.
    V31,
}

#[derive(Debug)]
pub(super) struct Spec<'a> {
    pub(super) root: &'a Value,
    pub(super) version: Version,
}

impl<'a> Spec<'a> {
    pub(super) fn new(root: &'a Value) -> Result<Self, ImportError> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            // `swagger: 2.0` without quotes.
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let swagger = root.get("swagger").and_then(text);
        let openapi = root.get("openapi").and_then(text);
        let version = match (swagger.as_deref(), openapi.as_deref()) {
            (Some("2" | "2.0"), _) => Version::Swagger2,
            (None, Some(version)) if is(version, "3.0") => Version::V30,
            (None, Some(version)) if is(version, "3.1") || is(version, "3.2") => Version::V31,
            (Some(version), _) => return Err(unknown("Swagger", version)),
            (None, Some(version)) => return Err(unknown("OpenAPI", version)),
            (None, None) => return Err(ImportError::WrongFormat(other(root))),
        };
        Ok(Self { root, version })
    }

    pub(super) fn title(&self) -> String {
        let title = self.root.pointer("/info/title").and_then(Value::as_str);
        title.unwrap_or("untitled").trim().to_owned()
    }

    /// What the value is after its references, if it is one.
    pub(super) fn resolve<'v>(&'v self, value: &'v Value) -> Result<&'v Value, String> {
        let mut value = value;
        for _ in 0..MAX_CHAIN {
            let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
                return Ok(value);
            };
            value = self.target(reference)?;
        }
        Err("its `$ref`s go round".to_owned())
    }

    /// What a reference points at; only inside the document.
    pub(super) fn target(&self, reference: &str) -> Result<&'a Value, String> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(format!(
                "`$ref: {reference}` points to another file or host, which is not read; bundle the description into \
                 one file first"
            ));
        };
        let pointer = percent_decode_str(fragment).decode_utf8_lossy();
        self.root
            .pointer(&pointer)
            .ok_or_else(|| format!("`$ref: {reference}` points to nothing"))
    }
}

fn is(version: &str, wanted: &str) -> bool {
    version == wanted
        || version
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn unknown(what: &str, version: &str) -> ImportError {
    ImportError::WrongFormat(format!(
        "{what} {version} is not known; there are Swagger 2.0, OpenAPI 3.0 and 3.1"
    ))
}

/// What the document is instead, as far as one can tell.
fn other(root: &Value) -> String {
    let hint = if root.pointer("/info/schema").is_some() && root.get("item").is_some() {
        "it looks like a Postman collection: dynmcp import postman"
    } else if root.pointer("/log/entries").is_some() {
        "it looks like an HTTP archive: dynmcp import har"
    } else if root.get("asyncapi").is_some() {
        "AsyncAPI describes messages, not HTTP operations"
    } else if root.get("tds_ext_info").is_some() {
        "it looks like a tool definition: PUT it to /admin/tds/{id}"
    } else {
        "a member `openapi: 3.x.y` or `swagger: \"2.0\"` is missing"
    };
    format!("this is not an OpenAPI document: {hint}")
}
