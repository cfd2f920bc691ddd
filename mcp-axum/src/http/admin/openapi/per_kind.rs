//! What is described once for all collections, written out for each kind.

use mcp_common::key::Kind;
use serde_json::{Map, Value, json};

/// Stands in the description for the schema of a kind's documents.
const DOCUMENT: &str = "KindDocument";
/// Examples can be run of tools only.
const VERIFYING: &str = "422";

/// `ToolDocument`, `InstanceDocument`: the component that has the schema of a kind's documents.
pub(super) fn document_name(kind: Kind) -> String {
    let noun = kind.row().noun;
    let (first, rest) = noun.split_at(noun.chars().next().map_or(0, char::len_utf8));
    format!("{}{rest}Document", first.to_uppercase())
}

/// Replaces the operations on a collection and their schemas by those of each kind.
pub(super) fn write_out(api: &mut Value) {
    let kinds = Kind::all();
    if let Some(Value::Object(paths)) = api.get_mut("paths") {
        each(paths, &kinds, |path| path.starts_with("/admin/KIND"));
        for kind in kinds.iter().filter(|kind| **kind != Kind::TOOL) {
            let put = format!("/admin/{}/{{id}}", kind.path_segment());
            let answers = paths
                .get_mut(&put)
                .and_then(|path| path.pointer_mut("/put/responses"));
            if let Some(Value::Object(answers)) = answers {
                answers.shift_remove(VERIFYING);
            }
        }
    }
    if let Some(Value::Object(schemas)) = api.pointer_mut("/components/schemas") {
        each(schemas, &kinds, |name| name.contains(DOCUMENT));
    }
    if let Some(Value::Array(tags)) = api.get_mut("tags") {
        let own = kinds.iter().map(|kind| kind.row());
        tags.splice(
            0..0,
            own.map(|row| json!({"name": row.plural, "description": row.about})),
        );
    }
}

/// Those that are meant for a kind come first, kind by kind.
fn each(members: &mut Map<String, Value>, kinds: &[Kind], is_meant: impl Fn(&str) -> bool) {
    let all = std::mem::take(members);
    let (meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| is_meant(name));
    for kind in kinds {
        members.extend(
            meant
                .iter()
                .map(|(name, value)| (in_words_of(*kind, name), said_of(*kind, value))),
        );
    }
    for (name, value) in others {
        // What only one kind has may stand beside what all have: `POST /admin/keys`.
        match (members.get_mut(&name), value) {
            (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
            (_, value) => drop(members.insert(name, value)),
        }
    }
}

fn said_of(kind: Kind, value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(in_words_of(kind, text)),
        Value::Array(items) => items.iter().map(|item| said_of(kind, item)).collect(),
        Value::Object(members) => {
            let said = |(name, value): (&String, &Value)| (in_words_of(kind, name), said_of(kind, value));
            Value::Object(members.iter().map(said).collect())
        }
        other => other.clone(),
    }
}

fn in_words_of(kind: Kind, text: &str) -> String {
    let row = kind.row();
    text.replace(DOCUMENT, &document_name(kind))
        .replace("/admin/KIND", &format!("/admin/{}", row.segment))
        .replace("PLURAL", row.plural)
        .replace("NOUN", row.noun)
        .replace("NAME", row.name)
}
