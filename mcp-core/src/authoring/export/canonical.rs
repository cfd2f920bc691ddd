//! One spelling for each definition: two blanks, one member or item on a line, the members of the definition itself in
//! the order in which people read them. What stands inside keeps its order, because models read schemas in it; numbers
//! stay as they were written.

use indexmap::IndexMap;
use mcp_common::{
    document::Document,
    key::{Key, Kind},
};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

/// Written by the server, or said by the place of the file.
const LEFT_OUT: [&str; 3] = ["revision", "updated_at", "kind"];

type Members<'a> = IndexMap<String, &'a RawValue>;

/// The text of the definition's file, with a line break at its end.
pub fn canonical(key: &Key, document: &Document) -> String {
    let mut out = String::new();
    definition(key, document, 0, &mut out);
    out.push('\n');
    out
}

/// All definitions as one text, which can be read as a file too.
pub fn bundle(definitions: &[(Key, Document)]) -> String {
    let mut out = String::from("{");
    for (index, kind) in Kind::all().into_iter().enumerate() {
        out.push_str(if index > 0 { ",\n  \"" } else { "\n  \"" });
        out.push_str(kind.path_segment());
        out.push_str("\": [");
        let of_kind = definitions.iter().filter(|(key, _)| key.kind == kind);
        let mut is_empty = true;
        for (key, document) in of_kind {
            out.push_str(if is_empty { "\n    " } else { ",\n    " });
            definition(key, document, 2, &mut out);
            is_empty = false;
        }
        out.push_str(if is_empty { "]" } else { "\n  ]" });
    }
    out.push_str("\n}\n");
    out
}

fn definition(key: &Key, document: &Document, depth: usize, out: &mut String) {
    let row = key.kind.row();
    let id = to_raw_value(&*key.id).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let mut members = read(document.as_json());
    members.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
    members.insert("id".to_owned(), &id);
    object(&ordered(members, row.members), depth, out, |name, raw, out| {
        let order = row.inner.iter().find(|(of, _)| *of == name);
        let inner = order.map(|(_, order)| (read(raw.get()), order));
        match inner.filter(|(inner, _)| !inner.is_empty()) {
            Some((inner, order)) => object(&ordered(inner, order), depth + 1, out, |_, raw, out| {
                value(raw.get(), depth + 2, out);
            }),
            None => value(raw.get(), depth + 1, out),
        }
    });
}

fn read(json: &str) -> Members<'_> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Known members first, the others by name: where they stand in the store says nothing.
fn ordered<'a>(mut members: Members<'a>, order: &[&str]) -> Members<'a> {
    let place = |name: &str| {
        order
            .iter()
            .position(|known| *known == name)
            .unwrap_or(order.len())
    };
    members.sort_by(|a, _, b, _| (place(a), a).cmp(&(place(b), b)));
    members
}

fn value(json: &str, depth: usize, out: &mut String) {
    match json.as_bytes().first() {
        Some(b'{') => {
            let members = read(json);
            object(&members, depth, out, |_, raw, out| {
                value(raw.get(), depth + 1, out)
            });
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
            if items.is_empty() {
                return out.push_str("[]");
            }
            for (index, item) in items.iter().enumerate() {
                line(if index == 0 { "[" } else { "," }, depth + 1, out);
                value(item.get(), depth + 1, out);
            }
            line("", depth, out);
            out.push(']');
        }
        // The same text in one spelling, whatever was escaped.
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) => out.push_str(&Value::from(text).to_string()),
            Err(_) => out.push_str(json),
        },
        _ => out.push_str(json),
    }
}

fn object(
    members: &Members<'_>,
    depth: usize,
    out: &mut String,
    mut write: impl FnMut(&str, &RawValue, &mut String),
) {
    if members.is_empty() {
        return out.push_str("{}");
    }
    for (index, (name, raw)) in members.iter().enumerate() {
        line(if index == 0 { "{" } else { "," }, depth + 1, out);
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push_str(": ");
        write(name, raw, out);
    }
    line("", depth, out);
    out.push('}');
}

fn line(end: &str, depth: usize, out: &mut String) {
    out.push_str(end);
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}
