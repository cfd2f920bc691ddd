//! A schema that accepts more, because nothing in it is a pattern.

use super::subschemas::under;
use crate::json::tree::Tree;

/// The schema, whose text must be JSON.
pub(crate) fn without_patterns(json: &str) -> String {
    let mut schema = Tree::read(json);
    take_out(&mut schema);
    schema.to_string()
}

fn take_out(schema: &mut Tree) {
    let Tree::Object(members) = schema else { return };
    members.shift_remove("pattern");
    if members.shift_remove("patternProperties").is_some() {
        // Speaks of the members that have none of the patterns.
        members.shift_remove("additionalProperties");
        members.shift_remove("unevaluatedProperties");
    }
    for (keyword, value) in members.iter_mut() {
        under(keyword, value).into_iter().for_each(take_out);
    }
}
