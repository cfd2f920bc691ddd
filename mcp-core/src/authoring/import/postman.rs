//! Postman collections v2.1 (and v2.0).

use super::{
    ImportError, ImportOptions, Imported,
    curl::body_of,
    kept::Kept,
    sample::{self, Body, Field, Sample},
    text,
};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Variables whose values have variables.
const MAX_VARIABLES_IN_VARIABLES: usize = 4;
/// What variables may add to one text.
const MAX_FILLED: usize = 64 << 10;
/// Folders in folders.
const MAX_DEPTH: usize = 32;

pub(super) fn read(text: &str, options: &ImportOptions, kept: &Kept<'_>) -> Result<Imported, ImportError> {
    let root = text::read_json(text, &options.limits, &options.room, "a Postman collection")?;
    // The API of Postman wraps it.
    let root = root.get("collection").unwrap_or(&root);
    let schema = root
        .pointer("/info/schema")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let is_known = schema.contains("v2.1") || schema.contains("v2.0");
    let (Some(items), true) = (root.get("item").and_then(Value::as_array), is_known) else {
        let reason =
            "this is not a Postman collection v2.1: `info.schema` must name it and `item` must be a list";
        return Err(ImportError::WrongFormat(reason.to_owned()));
    };
    let mut imported = Imported {
        title: string(root.pointer("/info/name")).unwrap_or_else(|| "Postman collection".to_owned()),
        description: description(root.get("info")),
        ..Imported::new(options)
    };
    if root.get("auth").is_some_and(|auth| !auth.is_null()) {
        imported.note(
            "the collection has credentials, which are not imported; add `auth` with references to secrets",
        );
    }
    let collection = Collection {
        variables: variables(root.get("variable")),
        options,
        kept,
    };
    let count = collection.walk(items, &mut Vec::new(), &mut imported, 0);
    let limit = options.limits.max_operations;
    if count > limit {
        return Err(ImportError::TooManyOperations { count, limit });
    }
    Ok(imported)
}

struct Collection<'a> {
    variables: BTreeMap<String, String>,
    options: &'a ImportOptions,
    kept: &'a Kept<'a>,
}

impl Collection<'_> {
    /// Returns how many requests there are.
    fn walk(
        &self,
        items: &[Value],
        folders: &mut Vec<String>,
        imported: &mut Imported,
        depth: usize,
    ) -> usize {
        let mut count = 0;
        for item in items {
            let name = string(item.get("name")).unwrap_or_default();
            if let Some(inner) = item.get("item").and_then(Value::as_array) {
                if depth >= MAX_DEPTH {
                    imported.skip(name, format!("folders are nested deeper than {MAX_DEPTH} levels"));
                    continue;
                }
                folders.push(name);
                count += self.walk(inner, folders, imported, depth + 1);
                folders.pop();
                continue;
            }
            count += 1;
            if count > self.options.limits.max_operations {
                return count;
            }
            match item.get("request") {
                Some(request) => match self.sample(&name, request, folders) {
                    Ok(sample) => sample::add(sample, self.options, self.kept, imported),
                    Err(reason) => imported.skip(name, reason),
                },
                None => imported.skip(name, "has no request"),
            }
        }
        count
    }

    fn sample(&self, name: &str, request: &Value, folders: &[String]) -> Result<Sample, String> {
        let mut sample = Sample {
            title: Some(name.to_owned()).filter(|name| !name.is_empty()),
            description: description(Some(request)),
            tags: folders
                .iter()
                .filter(|folder| !folder.is_empty())
                .cloned()
                .collect(),
            method: string(request.get("method"))
                .unwrap_or_else(|| "GET".to_owned())
                .to_ascii_uppercase(),
            ..Sample::default()
        };
        let url = request.get("url").unwrap_or(request);
        let raw = string(Some(url))
            .or_else(|| string(url.get("raw")))
            .unwrap_or_default();
        let whole = if raw.is_empty() { joined(url) } else { raw };
        if whole.is_empty() {
            return Err("its request names no URL".to_owned());
        }
        let whole = self.filled(&whole);
        // The list says more about the query than the text does.
        let query = list(url.get("query"));
        sample.url = match query.is_empty() {
            true => whole,
            false => whole.split('?').next().unwrap_or_default().to_owned(),
        };
        sample.query = query.iter().filter_map(|field| self.field(field)).collect();
        sample.variables = list(url.get("variable"))
            .iter()
            .filter_map(|field| self.field(field))
            .collect();
        for header in list(request.get("header"))
            .iter()
            .filter(|header| header["disabled"] != true)
        {
            let name = string(header.get("key")).filter(|name| !name.is_empty());
            let value = self.filled(&string(header.get("value")).unwrap_or_default());
            sample.headers.extend(name.map(|name| (name, value)));
        }
        if request
            .get("auth")
            .is_some_and(|auth| !auth.is_null() && auth["type"] != "noauth")
        {
            sample.headers.push(("Authorization".to_owned(), String::new()));
        }
        sample.body = self.body(request.get("body"), &mut sample.headers);
        Ok(sample)
    }

    fn body(&self, body: Option<&Value>, headers: &mut Vec<(String, String)>) -> Body {
        let Some(body) = body.filter(|body| body["disabled"] != true) else {
            return Body::None;
        };
        let fields = |member: &str| -> Vec<Field> {
            let fields = list(body.get(member));
            fields
                .iter()
                .filter(|field| field["disabled"] != true)
                .filter_map(|field| self.field(field))
                .collect()
        };
        match body["mode"].as_str() {
            Some("urlencoded") => Body::Form(fields("urlencoded")),
            Some("formdata") => Body::Multipart(fields("formdata")),
            Some("graphql") => Body::Json(self.graphql(&body["graphql"])),
            Some("file") => Body::File,
            Some("raw") => {
                let text = body["raw"].as_str().unwrap_or_default();
                if text.trim().is_empty() {
                    return Body::None;
                }
                let has_type = headers
                    .iter()
                    .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let language = body
                    .pointer("/options/raw/language")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let media = match language {
                    "json" => "application/json",
                    "xml" => "application/xml",
                    "html" => "text/html",
                    _ if text.trim_start().starts_with(['{', '[']) => "application/json",
                    _ => "text/plain",
                };
                if !has_type {
                    headers.push(("Content-Type".to_owned(), media.to_owned()));
                }
                let media = headers
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
                let text = self.filled(text);
                let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
                let text = if is_json {
                    text
                } else {
                    with_variables_as_null(&text)
                };
                body_of(&text, media.map(|(_, value)| value.as_str()), false)
            }
            _ => Body::None,
        }
    }

    /// Postman keeps the variables of a query as a text and sends them as an object.
    fn graphql(&self, graphql: &Value) -> Value {
        let mut graphql = graphql.clone();
        if let Some(text) = graphql.get("variables").and_then(Value::as_str) {
            let text = with_variables_as_null(&self.filled(text));
            graphql["variables"] = match text.trim() {
                "" => json!({}),
                text => serde_json::from_str(text).unwrap_or(Value::Null),
            };
        }
        graphql
    }

    fn field(&self, field: &Value) -> Option<Field> {
        let name = string(field.get("key")).filter(|name| !name.is_empty())?;
        let value = self.filled(&string(field.get("value")).unwrap_or_default());
        // What is still a variable is no value.
        let value = if value.contains("{{") {
            String::new()
        } else {
            value
        };
        Some(Field {
            name,
            value,
            description: description(Some(field)),
            is_file: field["type"] == "file",
        })
    }

    /// The text with the collection's variables.
    fn filled(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for _ in 0..MAX_VARIABLES_IN_VARIABLES {
            let Some(filled) = self.filled_once(&out) else {
                return out;
            };
            out = filled;
        }
        out
    }

    /// `None` where there is nothing to fill in, or more than is of use.
    fn filled_once(&self, text: &str) -> Option<String> {
        let (mut out, mut rest, mut is_changed) = (String::new(), text, false);
        while let Some(start) = rest.find("{{") {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            let name = from[2..].split_once("}}").map(|(name, _)| name);
            let value = name.and_then(|name| Some((name, self.variables.get(name)?)));
            rest = match value {
                Some((name, value)) => {
                    out.push_str(value);
                    is_changed = true;
                    &from[name.len() + 4..]
                }
                None => {
                    out.push('{');
                    &from[1..]
                }
            };
            if out.len() > text.len() + MAX_FILLED {
                return None;
            }
        }
        out.push_str(rest);
        is_changed.then_some(out)
    }
}

/// JSON where `{{n}}` may stand in the place of a value: there it is `null`, which can be anything.
fn with_variables_as_null(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut is_in_text, mut is_escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let variable = rest.strip_prefix("{{").filter(|_| !is_in_text);
        // Two braces may also be the end of objects, or their beginning.
        let variable = variable.and_then(|inner| inner.split_once("}}"));
        if let Some((_, after)) = variable.filter(|(name, _)| !name.contains(['{', '}', '"', '\n'])) {
            out.push_str("null");
            rest = after;
            continue;
        }
        if c == '"' && !is_escaped {
            is_in_text = !is_in_text;
        }
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

fn list(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn variables(list_of: Option<&Value>) -> BTreeMap<String, String> {
    let pairs = list(list_of).iter().filter_map(|variable| {
        let name = string(variable.get("key")).or_else(|| string(variable.get("id")))?;
        Some((
            name,
            string(variable.get("value")).filter(|value| !value.is_empty())?,
        ))
    });
    pairs.collect()
}

/// `host` and `path` where there is no `raw`.
fn joined(url: &Value) -> String {
    let texts = |member: &str, by: &str| match url.get(member) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(by),
        _ => String::new(),
    };
    let host = texts("host", ".");
    if host.is_empty() {
        return String::new();
    }
    let protocol = string(url.get("protocol")).unwrap_or_else(|| "https".to_owned());
    format!("{protocol}://{host}/{}", texts("path", "/"))
}

/// A text, or an object with the text in `content`.
fn description(holder: Option<&Value>) -> Option<String> {
    let description = holder?.get("description")?;
    string(Some(description)).or_else(|| string(description.get("content")))
}

fn string(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::with_variables_as_null;

    #[test]
    fn variables_in_the_place_of_values_are_null_and_those_in_texts_stay() {
        for (text, expected) in [
            (
                r#"{"a": {{n}}, "b": "{{s}} \"{{t}}"}"#,
                r#"{"a": null, "b": "{{s}} \"{{t}}"}"#,
            ),
            (r#"[{{a}},{{ b }}]"#, "[null,null]"),
            (r#"{"a":{"b":{}}}"#, r#"{"a":{"b":{}}}"#),
            ("{{", "{{"),
        ] {
            assert_eq!(with_variables_as_null(text), expected);
        }
    }
}
