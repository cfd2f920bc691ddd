//! What differs between two entries of `tools/list`.

use super::{Notice, schema};
use serde_json::Value;

/// The entries are JSON objects.
pub(super) fn compare(old: &str, new: &str) -> Vec<Notice> {
    if old == new {
        return Vec::new();
    }
    let read = |text| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (old, new) = (read(old), read(new));
    let member = |name| (old.get(name), new.get(name));
    let mut notices = Vec::new();
    let mut note = |text: String, breaking| notices.push(Notice { text, breaking });
    let always = Value::Bool(true);
    let (before, after) = member("inputSchema");
    let (before, after) = (before.unwrap_or(&always), after.unwrap_or(&always));
    let found = schema::compare(before, after);
    if found.is_empty() && before != after {
        note("other texts in the schema of the arguments".to_owned(), false);
    }
    for difference in found {
        let text = place("argument", "arguments", &difference.path) + &difference.text;
        note(text, difference.effect.breaks_senders());
    }
    match member("outputSchema") {
        (None, None) => {}
        (None, Some(_)) => note("results have a schema now".to_owned(), false),
        (Some(_), None) => note("results have no schema any more".to_owned(), true),
        (Some(before), Some(after)) => {
            let found = schema::compare(before, after);
            if found.is_empty() && before != after {
                note("other texts in the schema of the results".to_owned(), false);
            }
            for difference in found {
                let text = place("result", "results", &difference.path) + &difference.text;
                note(text, difference.effect.breaks_readers());
            }
        }
    }
    for name in ["title", "description", "annotations", "icons", "_meta"] {
        let (before, after) = member(name);
        if before != after {
            note(format!("another {name}"), false);
        }
    }
    notices
}

fn place(one: &str, all: &str, path: &str) -> String {
    if path.is_empty() {
        format!("{all}: ")
    } else {
        format!("{one} `{path}`: ")
    }
}
