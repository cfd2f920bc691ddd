//! Documents in which nothing is unknown.

use serde_json::{Map, Value};

/// Objects with members of other people, or of the kinds that they can be.
const OPEN: [&str; 3] = ["AuthBinding", "ArgumentSchema", "Metadata"];

/// Closes the document and its parts.
pub(super) fn close(schema: &mut Value) {
    let Some(root) = schema.as_object_mut() else {
        return;
    };
    close_part(root);
    let parts = root.get_mut("$defs").and_then(Value::as_object_mut);
    for (name, part) in parts.into_iter().flatten() {
        if let Value::Object(part) = part
            && !OPEN.contains(&name.as_str())
        {
            close_part(part);
        }
    }
}

fn close_part(part: &mut Map<String, Value>) {
    if part.contains_key("properties") {
        part.insert("additionalProperties".to_owned(), false.into());
    }
}
