//! What clients read of an entry: they check a list as a whole, and with one hint that is no boolean they have none of its
//! entries. A member that they would stumble over is left out and reported; everything else stays the text that it is.

use super::entry::Kind;
use crate::{
    json::{members::Members, tree::Tree},
    tool::{Readable, readable_input, readable_output, unreadable_members},
};
use serde_json::{Value, json};

/// The entry as clients can read it, and what was done to it.
pub(super) fn mended(kind: Kind, entry: &str, members: &Members<'_>) -> (String, Vec<String>) {
    let mut said = Vec::new();
    let mut is_changed = members.iter().any(|(_, value)| value.get() == "null");
    let mut out = String::from("{");
    for (name, value) in members.iter() {
        let read: Value = serde_json::from_str(value.get()).unwrap_or_default();
        let text = match fault(kind, name, &read) {
            None if (name, kind) == ("arguments", Kind::Prompts) => match readable_arguments(value.get()) {
                None => value.get().to_owned(),
                Some((text, says_something)) => {
                    is_changed = true;
                    if says_something {
                        said.push(
                            "its arguments have a title or description that is no text, or a `required` that is no boolean, which is left out"
                                .to_owned(),
                        );
                    }
                    text
                }
            },
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
    if is_changed || !said.is_empty() {
        (out, said)
    } else {
        (entry.to_owned(), said)
    }
}

/// The tool's entry with schemas that clients can read, and what was done; `None` where they are as they came.
pub(super) fn with_readable_schemas(members: &Members<'_>) -> Option<(String, Vec<String>)> {
    let mut said = Vec::new();
    let mut is_changed = false;
    let mut out = String::from("{");
    for (name, value) in members.iter() {
        let readable = match name {
            "inputSchema" => readable_input(value.get()),
            "outputSchema" => readable_output(value.get()),
            _ => Readable::AsItIs,
        };
        is_changed |= readable != Readable::AsItIs;
        let text = match readable {
            Readable::AsItIs => value.get().to_owned(),
            Readable::Mended(text, done) => {
                said.extend(done.into_iter().map(|done| format!("its {name} {done}")));
                text
            }
            Readable::Not(reason) => {
                said.push(format!("its {name} cannot be listed: {reason}; it is left out"));
                continue;
            }
        };
        if out.len() > 1 {
            out.push(',');
        }
        out.extend([&*json!(name).to_string(), ":", &text]);
    }
    out.push('}');
    is_changed.then_some((out, said))
}

/// The arguments of a prompt, as clients can read them. Their names were looked at before.
fn readable_arguments(json: &str) -> Option<(String, bool)> {
    let mut arguments = Tree::read(json);
    let came = arguments.clone();
    let mut says_something = false;
    let Tree::List(all) = &mut arguments else {
        return None;
    };
    for argument in all {
        let Tree::Object(members) = argument else { continue };
        members.retain(|name, value| {
            let is_read = match name.as_str() {
                "title" | "description" => value.text().is_some(),
                "required" => value.boolean().is_some(),
                _ => true,
            };
            says_something |= !is_read && value.to_string() != "null";
            is_read
        });
    }
    (arguments != came).then(|| (arguments.to_string(), says_something))
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
        ("_meta", _) | ("outputSchema", Kind::Tools) => must(value.is_object(), "is no object"),
        ("size", Kind::Resources) => must(value.is_number(), "is no number"),
        ("annotations" | "icons", _) | ("execution", Kind::Tools) => must(
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
    fn schemas_that_would_take_the_list_are_mended() {
        let of = |entry: &str| with_readable_schemas(&Members::read(entry).unwrap());
        let fine = r#"{"name":"a","inputSchema":{ "type":"object","properties":{"b":{"maximum":1.10}} },"outputSchema":{"type":"object"}}"#;
        assert_eq!(of(fine), None);
        let (text, said) = of(r##"{"name":"a","x":1.10,"inputSchema":{"type":"object","properties":{"a":true},"required":"a"},"outputSchema":{"$ref":"#/$defs/none"}}"##).unwrap();
        assert_eq!(
            text,
            r#"{"name":"a","x":1.10,"inputSchema":{"type":"object","properties":{"a":{}}}}"#
        );
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("its inputSchema has `required`"), "{said:?}");
        assert!(said[1].ends_with("; it is left out"), "{said:?}");
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
            (
                Kind::Tools,
                r#"{"name":"a","inputSchema":{"type":"object"},"execution":{"taskSupport":"sometimes"}}"#,
                r#"{"name":"a","inputSchema":{"type":"object"}}"#,
                1,
            ),
            (
                Kind::Prompts,
                r#"{"name":"a","arguments":[{"name":"x","description":7,"required":true},{"name":"y","title":null}]}"#,
                r#"{"name":"a","arguments":[{"name":"x","required":true},{"name":"y"}]}"#,
                1,
            ),
        ] {
            assert_eq!(read(kind, entry), (expected.to_owned(), said), "{entry}");
        }
    }
}
