//! What clients read of an entry: they check a list as a whole, and with one hint that is no boolean they have none of its
//! entries. A member that they would stumble over is left out and reported; everything else stays the text that it is.

use super::entry::Kind;
use crate::{json::members::Members, tool::unreadable_members};
use serde_json::{Value, json};

/// The entry as clients can read it, and what was done to it.
pub(super) fn mended(kind: Kind, entry: &str, members: &Members<'_>) -> (String, Vec<String>) {
    let mut said = Vec::new();
    let mut out = String::from("{");
    for (name, value) in members.iter() {
        let read: Value = serde_json::from_str(value.get()).unwrap_or_default();
        let text = match fault(kind, name, &read) {
            None => value.get().to_owned(),
            Some(Fault::Left(reason)) => {
                // `null` says nothing.
                if !read.is_null() {
                    said.push(format!("its {name} {reason}, and is left out"));
                }
                continue;
            }
            Some(Fault::NoType) => {
                said.push("its inputSchema has no type, and gets `object`".to_owned());
                let rest = value.get().trim_start().strip_prefix('{').unwrap_or_default();
                let comma = if rest.trim_start().starts_with('}') {
                    ""
                } else {
                    ","
                };
                format!("{{\"type\":\"object\"{comma}{rest}")
            }
        };
        if out.len() > 1 {
            out.push(',');
        }
        out.extend([&*json!(name).to_string(), ":", &text]);
    }
    out.push('}');
    let is_changed = !said.is_empty() || members.iter().any(|(_, value)| value.get() == "null");
    if is_changed {
        (out, said)
    } else {
        (entry.to_owned(), said)
    }
}

enum Fault {
    Left(&'static str),
    NoType,
}

fn fault(kind: Kind, name: &str, value: &Value) -> Option<Fault> {
    let must = |is_so: bool, reason| (!is_so).then_some(Fault::Left(reason));
    match (name, kind) {
        ("title" | "description", _) | ("mimeType", Kind::Resources | Kind::Templates) => {
            must(value.is_string(), "is no text")
        }
        ("_meta", _) | ("execution" | "outputSchema", Kind::Tools) => must(value.is_object(), "is no object"),
        ("size", Kind::Resources) => must(value.is_number(), "is no number"),
        ("annotations" | "icons", _) => must(
            !unreadable_members(name, value, kind == Kind::Tools),
            "is not what the protocol says",
        ),
        ("inputSchema", Kind::Tools) => value.get("type").is_none().then_some(Fault::NoType),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, entry: &str) -> (String, usize) {
        let (text, said) = mended(kind, entry, &Members::read(entry).unwrap());
        (text, said.len())
    }

    #[test]
    fn what_clients_can_read_stays_as_it_is() {
        let entry = r#"{"name":"a","inputSchema":{"type":"object","x":1.10},"annotations":{"readOnlyHint":true,"own":1},"icons":[{"src":"data:x"}],"_meta":{"b":1e2},"own":null}"#;
        let entry = entry.replace(",\"own\":null}", "}");
        assert_eq!(read(Kind::Tools, &entry), (entry.clone(), 0));
        let entry = r#"{"uri":"x:a","name":"a","size":12345678901234567890123,"annotations":{"audience":["user"],"priority":0.5}}"#;
        assert_eq!(read(Kind::Resources, entry), (entry.to_owned(), 0));
    }

    #[test]
    fn what_they_would_stumble_over_is_left_out() {
        for (kind, entry, expected, said) in [
            (
                Kind::Tools,
                r#"{"name":"a","title":7,"inputSchema":{"x":1.0},"annotations":{"readOnlyHint":"yes"},"icons":{},"outputSchema":null,"_meta":[]}"#,
                r#"{"name":"a","inputSchema":{"type":"object","x":1.0}}"#,
                5,
            ),
            (
                Kind::Tools,
                r#"{"name":"a","inputSchema":{}}"#,
                r#"{"name":"a","inputSchema":{"type":"object"}}"#,
                1,
            ),
            (
                Kind::Prompts,
                r#"{"name":"a","description":null}"#,
                r#"{"name":"a"}"#,
                0,
            ),
            (
                Kind::Resources,
                r#"{"uri":"x","name":"a","size":"1","annotations":{"priority":"high"}}"#,
                r#"{"uri":"x","name":"a"}"#,
                2,
            ),
        ] {
            assert_eq!(read(kind, entry), (expected.to_owned(), said), "{entry}");
        }
    }
}
