//! Another text for the same schema, which every client reads. What fits stays what fits, so that it is both what is
//! listed and what calls are checked against.

use super::subschemas::{Holds, any, held_by, under};
use crate::{
    json::tree::{Members, Tree},
    tool::pattern,
};
use std::collections::HashSet;

/// The schema, whose text must be JSON.
pub(in crate::tool) fn mended(json: &str) -> String {
    let mut schema = Tree::read(json);
    mend(&mut schema, false);
    schema.to_string()
}

/// The schema of a tool's arguments, which models' APIs and editors read too.
pub(in crate::tool) fn mended_input(json: &str) -> String {
    let mut schema = Tree::read(json);
    let items_are_evaluated = any(&schema, &|members| members.contains_key("unevaluatedItems"));
    mend(&mut schema, !items_are_evaluated);
    if let Tree::Object(root) = &mut schema {
        merge_all_of(root);
    }
    schema.to_string()
}

fn mend(schema: &mut Tree, may_add_items: bool) {
    let Tree::Object(members) = schema else { return };
    for (keyword, value) in members.iter_mut() {
        let is_schema = held_by(keyword) != Holds::OneOrBoolean;
        for schema in under(keyword, value) {
            if let Some(everything) = schema.boolean().filter(|_| is_schema) {
                *schema = of_boolean(everything);
            }
            mend(schema, may_add_items);
        }
        match (keyword.as_str(), value) {
            ("enum" | "required", Tree::List(values)) => once(values),
            ("pattern", value) => {
                if let Some(pattern) = value.text().and_then(|text| pattern::ecma(&text)) {
                    *value = Tree::from(pattern.as_str());
                }
            }
            ("patternProperties", Tree::Object(named)) => translate_names(named),
            ("dependentRequired" | "dependencies", Tree::Object(named)) => {
                for names in named.values_mut() {
                    if let Tree::List(names) = names {
                        once(names);
                    }
                }
            }
            _ => {}
        }
    }
    if members
        .get("enum")
        .and_then(Tree::items)
        .is_some_and(|values| values.is_empty())
    {
        members.shift_remove("enum");
        members.insert("not".to_owned(), Tree::empty());
    }
    if may_add_items && is_list(members) && !members.contains_key("items") {
        members.insert("items".to_owned(), Tree::empty());
    }
}

/// Patterns that stand as names. Two that are one afterwards stay as they are.
fn translate_names(named: &mut Members) {
    let translated: Members = named
        .iter()
        .map(|(name, schema)| {
            let name = pattern::ecma(name).unwrap_or_else(|| name.clone());
            (name, schema.clone())
        })
        .collect();
    if translated.len() == named.len() {
        *named = translated;
    }
}

fn of_boolean(everything: bool) -> Tree {
    let mut members = Members::new();
    if !everything {
        members.insert("not".to_owned(), Tree::empty());
    }
    Tree::Object(members)
}

fn is_list(members: &Members) -> bool {
    let is_array = |kind: &Tree| kind.text().is_some_and(|kind| kind == "array");
    let kind = members.get("type");
    kind.is_some_and(|kind| is_array(kind) || kind.items().is_some_and(|kinds| kinds.iter().any(is_array)))
}

fn once(values: &mut Vec<Tree>) {
    let mut seen = HashSet::new();
    values.retain(|value| seen.insert(value.canonical()));
}

/// Says nothing beside these.
const PLAIN: [&str; 6] = [
    "type",
    "properties",
    "required",
    "title",
    "description",
    "$comment",
];

/// `allOf` of objects that only name members becomes one object. `additionalProperties` of the root would then speak of
/// other members than before.
fn merge_all_of(root: &mut Members) {
    let Some(Tree::List(parts)) = root.get("allOf") else {
        return;
    };
    if root.contains_key("additionalProperties") || root.contains_key("patternProperties") {
        return;
    }
    let mut properties = root
        .get("properties")
        .and_then(Tree::members)
        .cloned()
        .unwrap_or_default();
    let mut required = root
        .get("required")
        .and_then(Tree::items)
        .unwrap_or_default()
        .to_vec();
    for part in parts {
        let Some(part) = part.members() else { return };
        let is_object = part
            .get("type")
            .is_none_or(|kind| kind.text().as_deref() == Some("object"));
        if !is_object || !part.keys().all(|keyword| PLAIN.contains(&keyword.as_str())) {
            return;
        }
        for (name, schema) in part
            .get("properties")
            .and_then(Tree::members)
            .into_iter()
            .flatten()
        {
            if properties.insert(name.clone(), schema.clone()).is_some() {
                return;
            }
        }
        required.extend(
            part.get("required")
                .and_then(Tree::items)
                .unwrap_or_default()
                .to_vec(),
        );
    }
    root.shift_remove("allOf");
    if !properties.is_empty() {
        root.insert("properties".to_owned(), Tree::Object(properties));
    }
    once(&mut required);
    if !required.is_empty() {
        root.insert("required".to_owned(), Tree::List(required));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_stumble_over_is_written_otherwise() {
        let table = [
            (
                r#"{"properties":{"a":true,"b":false}}"#,
                r#"{"properties":{"a":{},"b":{"not":{}}}}"#,
            ),
            (
                r#"{"items":{"properties":{"a":true}},"additionalProperties":false}"#,
                r#"{"items":{"properties":{"a":{}}},"additionalProperties":false}"#,
            ),
            (
                r#"{"anyOf":[true,{"not":false}],"$defs":{"x":true}}"#,
                r#"{"anyOf":[{},{"not":{"not":{}}}],"$defs":{"x":{}}}"#,
            ),
            (r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#),
            (
                r#"{"type":["array","null"]}"#,
                r#"{"type":["array","null"],"items":{}}"#,
            ),
            (
                r#"{"type":"array","prefixItems":[true]}"#,
                r#"{"type":"array","prefixItems":[{}],"items":{}}"#,
            ),
            (
                r#"{"type":"array","items":false}"#,
                r#"{"type":"array","items":{"not":{}}}"#,
            ),
            (r#"{"enum":["a","b","a",1,1.0]}"#, r#"{"enum":["a","b",1]}"#),
            (
                r#"{"properties":{"a":{"type":"string","enum":[]}}}"#,
                r#"{"properties":{"a":{"type":"string","not":{}}}}"#,
            ),
            (r#"{"required":["a","b","a"]}"#, r#"{"required":["a","b"]}"#),
            (
                r#"{"dependentRequired":{"a":["b","b"]}}"#,
                r#"{"dependentRequired":{"a":["b"]}}"#,
            ),
            (
                r#"{"pattern":"^\\d\\-\u00e9","patternProperties":{"\\<":{"pattern":"(?i)a"}}}"#,
                r#"{"pattern":"^\\d-é","patternProperties":{"<":{"pattern":"(?i)a"}}}"#,
            ),
            // These would mean something else.
            (
                r#"{"type":"array","unevaluatedItems":false}"#,
                r#"{"type":"array","unevaluatedItems":false}"#,
            ),
            // No schemas, whatever they look like.
            (
                r#"{"default":{"properties":{"a":true}},"const":{"type":"array"},"x":{"enum":[1,1]}}"#,
                r#"{"default":{"properties":{"a":true}},"const":{"type":"array"},"x":{"enum":[1,1]}}"#,
            ),
            (
                r#"{"properties":{"enum":{"maximum":1.10}}}"#,
                r#"{"properties":{"enum":{"maximum":1.10}}}"#,
            ),
        ];
        for (stored, listed) in table {
            assert_eq!(mended_input(stored), listed);
        }
        assert_eq!(mended(r#"{"type":"array"}"#), r#"{"type":"array"}"#);
    }

    #[test]
    fn all_of_at_the_root_is_merged_where_that_is_the_same() {
        let table = [
            (
                r#"{"type":"object","allOf":[{"properties":{"a":{}},"required":["a"]},{"type":"object","properties":{"b":true}}],"required":["b","a"]}"#,
                r#"{"type":"object","required":["b","a"],"properties":{"a":{},"b":{}}}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{}}}],"properties":{"a":{}}}"#,
                r#"{"allOf":[{"properties":{"a":{}}}],"properties":{"a":{}}}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{}}}],"additionalProperties":false}"#,
                r#"{"allOf":[{"properties":{"a":{}}}],"additionalProperties":false}"#,
            ),
            (
                r#"{"allOf":[{"minProperties":1}]}"#,
                r#"{"allOf":[{"minProperties":1}]}"#,
            ),
        ];
        for (stored, listed) in table {
            assert_eq!(mended_input(stored), listed);
        }
    }
}
