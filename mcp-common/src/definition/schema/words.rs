//! Words that a member can be, as one list: `oneOf` constants become `enum`, and each member that takes a word has the list
//! itself. Editors then complete it, show what each word means, and say of a wrong one which there are.

use serde_json::{Map, Value, json};

type Members = Map<String, Value>;

pub(super) fn list(schema: &mut Value) {
    each(schema, &mut as_enum);
    let lists: Members = match schema.get_mut("$defs").and_then(Value::as_object_mut) {
        Some(parts) => {
            let names: Vec<String> = parts
                .iter()
                .filter(|(_, part)| part.get("enum").is_some())
                .map(|(name, _)| name.clone())
                .collect();
            names
                .into_iter()
                .filter_map(|name| parts.shift_remove(&name).map(|part| (name, part)))
                .collect()
        }
        None => return,
    };
    each(schema, &mut |node| in_place(node, &lists));
}

/// Inner ones first.
fn each(node: &mut Value, change: &mut impl FnMut(&mut Members)) {
    match node {
        Value::Object(members) => {
            members.values_mut().for_each(|member| each(member, change));
            change(members);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each(item, change)),
        _ => {}
    }
}

fn as_enum(node: &mut Members) {
    let Some(words) = node.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    let of = |name: &str| -> Vec<Value> { words.iter().filter_map(|word| word.get(name).cloned()).collect() };
    let (constants, descriptions) = (of("const"), of("description"));
    if constants.len() == words.len() && descriptions.len() == words.len() {
        node.shift_remove("oneOf");
        node.insert("type".to_owned(), "string".into());
        node.insert("enum".to_owned(), constants.into());
        // A keyword of VS Code and of the YAML language server; everybody else passes over it.
        node.insert("markdownEnumDescriptions".to_owned(), descriptions.into());
    }
}

/// What the member says of itself stays; `null` is one more word.
fn in_place(node: &mut Members, lists: &Members) {
    let listed = |node: &Members| {
        let name = node.get("$ref")?.as_str()?.strip_prefix("#/$defs/")?;
        lists.get(name)?.as_object().cloned()
    };
    if let Some(list) = listed(node) {
        node.shift_remove("$ref");
        for (name, value) in list {
            node.entry(name).or_insert(value);
        }
        return;
    }
    let null = json!({"type": "null"});
    let word = match node.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([word, other]) if *other == null && word.get("enum").is_some() => word.as_object().cloned(),
        _ => None,
    };
    let Some(word) = word else { return };
    node.shift_remove("anyOf");
    for (name, value) in word {
        node.entry(name).or_insert(value);
    }
    node.insert("type".to_owned(), json!(["string", "null"]));
    for (name, nothing) in [
        ("enum", Value::Null),
        ("markdownEnumDescriptions", "As if it were not there.".into()),
    ] {
        if let Some(Value::Array(values)) = node.get_mut(name) {
            values.push(nothing);
        }
    }
}
