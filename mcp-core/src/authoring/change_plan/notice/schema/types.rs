//! `type`, `enum` and `const`: which values there are at all.

use super::{Difference, Effect};
use serde_json::Value;

pub(super) fn compare(path: &str, old: &Value, new: &Value, out: &mut Vec<Difference>) {
    kinds(path, old, new, out);
    values(path, old, new, out);
}

fn kinds(path: &str, old: &Value, new: &Value, out: &mut Vec<Difference>) {
    let (before, after) = (types(old), types(new));
    let effect = match (&before, &after) {
        (None, None) => return,
        (None, Some(_)) => Effect::Narrower,
        (Some(_), None) => Effect::Wider,
        (Some(before), Some(after)) => {
            let is_narrower = before.iter().any(|kind| !covers(after, kind));
            let is_wider = after.iter().any(|kind| !covers(before, kind));
            match (is_narrower, is_wider) {
                (false, false) => return,
                (true, false) => Effect::Narrower,
                (false, true) => Effect::Wider,
                (true, true) => Effect::Other,
            }
        }
    };
    let spelled = |kinds: &Option<Vec<&str>>| {
        kinds
            .as_ref()
            .map_or_else(|| "any".to_owned(), |kinds| kinds.join("|"))
    };
    out.push(Difference {
        path: path.to_owned(),
        text: format!("type {} → {}", spelled(&before), spelled(&after)),
        effect,
    });
}

/// `None`: any.
fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(kind) => Some(vec![kind]),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn covers(kinds: &[&str], kind: &str) -> bool {
    kinds.contains(&kind) || (kind == "integer" && kinds.contains(&"number"))
}

fn values(path: &str, old: &Value, new: &Value, out: &mut Vec<Difference>) {
    let mut note = |effect, text: String| {
        out.push(Difference {
            path: path.to_owned(),
            text,
            effect,
        });
    };
    match (allowed(old), allowed(new)) {
        (None, None) => {}
        (None, Some(after)) => note(Effect::Narrower, format!("only {} now", list(&after))),
        (Some(_), None) => note(Effect::Wider, "any value now, no longer one of a list".to_owned()),
        (Some(before), Some(after)) => {
            let missing: Vec<_> = before
                .iter()
                .copied()
                .filter(|value| !after.contains(value))
                .collect();
            let added: Vec<_> = after
                .iter()
                .copied()
                .filter(|value| !before.contains(value))
                .collect();
            if !missing.is_empty() {
                note(Effect::Narrower, format!("no longer {}", list(&missing)));
            }
            if !added.is_empty() {
                note(Effect::Wider, format!("also {}", list(&added)));
            }
        }
    }
}

fn allowed(schema: &Value) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        _ => None,
    }
}

fn list(values: &[&Value]) -> String {
    const SHOWN: usize = 8;
    let mut texts: Vec<_> = values.iter().take(SHOWN).map(ToString::to_string).collect();
    if values.len() > SHOWN {
        texts.push(format!("{} more", values.len() - SHOWN));
    }
    texts.join(", ")
}
