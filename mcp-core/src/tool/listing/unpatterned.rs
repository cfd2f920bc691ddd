//! A schema that accepts more, because patterns are taken out of it.

use super::subschemas::{any, under};
use crate::{
    json::tree::{Members, Tree},
    tool::pattern,
};

/// Where a schema that accepts more makes the whole accept less.
const TURN: [&str; 6] = [
    "not",
    "if",
    "oneOf",
    "maxContains",
    "unevaluatedProperties",
    "unevaluatedItems",
];

/// The schema of arguments without the patterns that clients do not compile, which is what is listed then. `None` where there are none, or
/// where clients would refuse what fits without them. The text must be JSON.
pub(super) fn for_clients(json: &str) -> Option<String> {
    // Hardly any schema is read for this.
    if !json.contains("\"pattern") {
        return None;
    }
    let schema = Tree::read(json);
    let is_foreign = |members: &Members| {
        let pattern = members.get("pattern").and_then(Tree::text);
        let named = members.get("patternProperties").and_then(Tree::members);
        pattern.is_some_and(|pattern| !pattern::is_for_clients(&pattern))
            || named.is_some_and(|named| named.keys().any(|name| !pattern::is_for_clients(name)))
    };
    let turns = |members: &Members| TURN.iter().any(|keyword| members.contains_key(*keyword));
    let is_meant = any(&schema, &is_foreign) && !any(&schema, &turns);
    is_meant.then(|| without_patterns(json, &|pattern: &str| !pattern::is_for_clients(pattern)))
}

/// The schema without the patterns of which `is_meant` says so; its text must be JSON.
pub(crate) fn without_patterns(json: &str, is_meant: &impl Fn(&str) -> bool) -> String {
    let mut schema = Tree::read(json);
    take_out(&mut schema, is_meant);
    schema.to_string()
}

fn take_out(schema: &mut Tree, is_meant: &impl Fn(&str) -> bool) {
    let Tree::Object(members) = schema else { return };
    let pattern = members.get("pattern").and_then(Tree::text);
    if pattern.is_some_and(|pattern| is_meant(&pattern)) {
        members.shift_remove("pattern");
    }
    if let Some(Tree::Object(named)) = members.get_mut("patternProperties") {
        let before = named.len();
        named.retain(|pattern, _| !is_meant(pattern));
        let (is_less, is_empty) = (named.len() < before, named.is_empty());
        if is_empty {
            members.shift_remove("patternProperties");
        }
        if is_less {
            // Speaks of the members that have none of the patterns.
            members.shift_remove("additionalProperties");
            members.shift_remove("unevaluatedProperties");
        }
    }
    for (keyword, value) in members.iter_mut() {
        let inside = under(keyword, value).into_iter();
        inside.for_each(|schema| take_out(schema, is_meant));
    }
}

#[cfg(test)]
mod tests {
    use super::for_clients;

    #[test]
    fn patterns_that_clients_do_not_compile_are_left_out_where_nothing_is_forbidden_by_that() {
        for (written, listed) in [
            (r#"{"properties":{"a":{"pattern":"^\\d+$"}}}"#, None),
            (
                r#"{"properties":{"a":{"type":"string","pattern":"(?i)abc"},"b":{"pattern":"^b"}}}"#,
                Some(r#"{"properties":{"a":{"type":"string"},"b":{"pattern":"^b"}}}"#),
            ),
            (
                r#"{"patternProperties":{"(?i)a":{},"^b":{}},"additionalProperties":false}"#,
                Some(r#"{"patternProperties":{"^b":{}}}"#),
            ),
            (r#"{"properties":{"a":{"not":{"pattern":"(?i)abc"}}}}"#, None),
            (
                r#"{"properties":{"a":{"oneOf":[{"pattern":"(?i)a"},{"pattern":"b"}]}}}"#,
                None,
            ),
        ] {
            assert_eq!(for_clients(written).as_deref(), listed, "{written}");
        }
    }
}
