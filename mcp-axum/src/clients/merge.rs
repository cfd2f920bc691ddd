//! A server's entry, put into the text of a client's file: everything else stays as its owner wrote it, comments and order, too.

mod json;
mod toml;

use super::{Client, Format};
use serde_json::Value;
pub(super) use toml::as_text as toml_text;

/// Why a text is left alone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// Nobody knows what its owner meant.
    #[error("line {line}, column {column}: {reason}")]
    Syntax {
        line: usize,
        column: usize,
        reason: String,
    },
    #[error("{member} is no {expected}")]
    Type { member: String, expected: &'static str },
    /// Clients do not agree which one counts.
    #[error("`{0}` stands there twice")]
    Twice(String),
    /// Held against what was there before.
    #[error("nothing was changed, because something else than the entry would have changed")]
    Lossy,
}

/// What stands in a client's file under this name.
pub(crate) fn existing(client: Client, text: &str, name: &str) -> Result<Option<Value>, Broken> {
    let whole = match client.format() {
        Format::Json => json::read(text, client.path(), name)?,
        Format::Toml => toml::read(text)?,
    };
    let list = client
        .path()
        .iter()
        .try_fold(&whole, |inner, member| inner.get(member));
    Ok(list.and_then(|list| list.get(name)).cloned())
}

/// The text with the entry under this name, instead of another one that stands there.
pub(crate) fn merge(client: Client, text: &str, name: &str, entry: &Value) -> Result<String, Broken> {
    match client.format() {
        Format::Json => json::merge(text, client.path(), name, entry),
        Format::Toml => toml::merge(text, client.path(), name, entry),
    }
}

/// Where an entry leads to: a URL, or the arguments of a program.
pub(crate) fn target(entry: &Value) -> String {
    let url = ["url", "httpUrl", "serverUrl"]
        .iter()
        .find_map(|member| entry[member].as_str());
    if let Some(url) = url {
        return url.trim_end_matches('/').to_owned();
    }
    let arguments = entry["args"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(Value::as_str).collect();
    arguments.join(" ")
}

/// The whole of a file, with the entry: what has to be there after it was merged, and nothing else.
fn with_entry(mut whole: Value, path: &[&str], name: &str, entry: &Value) -> Value {
    if whole.is_null() {
        whole = Value::Object(serde_json::Map::new());
    }
    let list = path.iter().fold(&mut whole, |inner, member| {
        let inner = &mut inner[*member];
        if inner.is_null() {
            *inner = Value::Object(serde_json::Map::new());
        }
        inner
    });
    list[name] = entry.clone();
    whole
}
