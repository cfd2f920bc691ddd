//! A schema that accepts more, because patterns are taken out of it.

use super::subschemas::under;
use crate::json::tree::Tree;

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
