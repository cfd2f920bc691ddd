//! An output schema as it is listed. The gateway itself holds answers to the schema of the definition; what is listed may
//! ask for less, and leaves out what clients cannot compile, or read as something else than the definition means.

use super::subschemas::{any, under};
use crate::{
    json::tree::{Members, Tree},
    tool::pattern,
};

/// They only forbid, and are written in a language of their own, or looked at by some clients only.
const FORBIDS: [&str; 6] = [
    "pattern",
    "format",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// They mean nothing in JSON Schema, and something to ajv.
const OF_AJV: [&str; 7] = [
    "id",
    "nullable",
    "$async",
    "formatMinimum",
    "formatMaximum",
    "formatExclusiveMinimum",
    "formatExclusiveMaximum",
];
/// What may stand beside `$ref` in draft-07, where everything else beside it is without meaning.
const BESIDE_REFERENCE: [&str; 8] = [
    "$ref",
    "$schema",
    "$comment",
    "type",
    "title",
    "description",
    "$defs",
    "definitions",
];

/// The schema as it is listed; the reason where it cannot be.
pub(super) fn loosened(json: &str) -> Result<String, &'static str> {
    let mut schema = Tree::read(json);
    let names_itself = |members: &Members| members.contains_key("$id");
    let inner = |root: &Members| {
        let mut root = root.clone();
        root.shift_remove("$id");
        any(&Tree::Object(root), &names_itself)
    };
    if schema.members().is_some_and(inner) || any(&schema, &leads_out) {
        return Err("has an `$id` inside, or a `$ref` to one");
    }
    let is_draft_07 = schema.members().is_some_and(|root| {
        let dialect = root.get("$schema").and_then(Tree::text);
        dialect.is_some_and(|dialect| dialect.contains("draft-07"))
    });
    if any(&schema, &|members| is_loosened(members, is_draft_07)) {
        Loosen { is_draft_07 }.at(&mut schema);
    }
    // One client keeps schemas by it: two tools with the same `$id` would have one schema there.
    if let Tree::Object(root) = &mut schema {
        root.shift_remove("$id");
    }
    Ok(schema.to_string())
}

/// Whether clients do not compile the schema, or read it as something else. What only forbids, in words that all of them know, is no reason:
/// whose schema it is may want it.
pub(super) fn stumbles(schema: &Tree) -> bool {
    let is_foreign = |members: &Members| {
        let pattern = members.get("pattern").and_then(Tree::text);
        pattern.is_some_and(|pattern| pattern::ecma(&pattern).is_none())
    };
    any(schema, &|members| {
        let mut words = OF_AJV.iter().chain(&["$id", "patternProperties"]);
        words.any(|word| members.contains_key(*word))
            || is_foreign(members)
            || is_empty_enum(members)
            || is_tuple_with_rest(members)
            || leads_out(members)
    })
}

fn leads_out(members: &Members) -> bool {
    let reference = members.get("$ref").and_then(Tree::text);
    reference.is_some_and(|reference| !reference.starts_with('#'))
}

/// Whether the schema itself, without those inside of it, is another one afterwards.
fn is_loosened(members: &Members, is_draft_07: bool) -> bool {
    let mut known = FORBIDS.iter().chain(&OF_AJV);
    known.any(|keyword| members.contains_key(*keyword))
        || is_empty_enum(members)
        || is_tuple_with_rest(members)
        || (is_draft_07 && has_meaningless_siblings(members))
}

fn is_empty_enum(members: &Members) -> bool {
    let values = members.get("enum").and_then(Tree::items);
    values.is_some_and(<[Tree]>::is_empty)
}

/// Readers of draft-07 know no `prefixItems`, and hold all items to `items`.
fn is_tuple_with_rest(members: &Members) -> bool {
    members.contains_key("prefixItems") && members.contains_key("items")
}

fn has_meaningless_siblings(members: &Members) -> bool {
    members.contains_key("$ref")
        && members
            .keys()
            .any(|keyword| !BESIDE_REFERENCE.contains(&keyword.as_str()))
}

struct Loosen {
    is_draft_07: bool,
}

impl Loosen {
    /// The schema accepts what it accepted, and perhaps more.
    fn at(&self, schema: &mut Tree) {
        let Tree::Object(members) = schema else { return };
        if self.is_draft_07 && members.contains_key("$ref") {
            members.retain(|keyword, _| BESIDE_REFERENCE.contains(&keyword.as_str()));
        }
        if members.contains_key("patternProperties") {
            // Speaks of the members that have none of the patterns.
            members.shift_remove("additionalProperties");
        }
        if is_empty_enum(members) {
            members.shift_remove("enum");
        }
        if is_tuple_with_rest(members) {
            members.shift_remove("items");
        }
        members
            .retain(|keyword, _| !FORBIDS.contains(&keyword.as_str()) && !OF_AJV.contains(&keyword.as_str()));
        self.what_more_would_forbid(members);
        for (keyword, value) in members.iter_mut() {
            for schema in under(keyword, value) {
                self.at(schema);
            }
        }
    }

    /// Where a schema that accepts more makes the whole accept less.
    fn what_more_would_forbid(&self, members: &mut Members) {
        if members.get("not").is_some_and(|not| self.changes(not)) {
            members.shift_remove("not");
        }
        if members.get("if").is_some_and(|condition| self.changes(condition)) {
            for keyword in ["if", "then", "else"] {
                members.shift_remove(keyword);
            }
        }
        if members.contains_key("maxContains")
            && members.get("contains").is_some_and(|some| self.changes(some))
        {
            members.shift_remove("maxContains");
        }
        let alternatives = members.get("oneOf").and_then(Tree::items).unwrap_or_default();
        if alternatives.iter().any(|schema| self.changes(schema)) {
            let alternatives = members.shift_remove("oneOf");
            if let (Some(alternatives), false) = (alternatives, members.contains_key("anyOf")) {
                members.insert("anyOf".to_owned(), alternatives);
            }
        }
    }

    /// What a reference leads to may be changed too.
    fn changes(&self, schema: &Tree) -> bool {
        any(schema, &|members| {
            is_loosened(members, self.is_draft_07)
                || ["$ref", "$dynamicRef", "$recursiveRef"]
                    .iter()
                    .any(|reference| members.contains_key(*reference))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::loosened;

    #[test]
    fn what_only_forbids_is_not_listed() {
        let table = [
            (
                r#"{"properties":{"a":{"type":"string","pattern":"^\\d\\-$"}}}"#,
                r#"{"properties":{"a":{"type":"string"}}}"#,
            ),
            (
                r#"{"patternProperties":{"\\-":{}},"additionalProperties":false,"type":"object"}"#,
                r#"{"type":"object"}"#,
            ),
            (r#"{"format":"email","enum":[]}"#, "{}"),
            (
                r#"{"properties":{"id":{"id":"x","nullable":true}}}"#,
                r#"{"properties":{"id":{}}}"#,
            ),
            (
                r#"{"prefixItems":[{}],"items":{"not":{}}}"#,
                r#"{"prefixItems":[{}]}"#,
            ),
            (r#"{"$id":"x","type":"object"}"#, r#"{"type":"object"}"#),
            (
                r##"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"$ref":"#/definitions/b","maximum":1}},"definitions":{"b":{}}}"##,
                r##"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"$ref":"#/definitions/b"}},"definitions":{"b":{}}}"##,
            ),
            (
                r#"{"additionalProperties":false,"maximum":1.10,"const":{"pattern":"a"}}"#,
                r#"{"additionalProperties":false,"maximum":1.10,"const":{"pattern":"a"}}"#,
            ),
        ];
        for (schema, listed) in table {
            assert_eq!(loosened(schema).unwrap(), listed);
        }
    }

    #[test]
    fn what_would_forbid_more_then_goes_too() {
        let table = [
            (
                r#"{"not":{"pattern":"a"},"type":"string"}"#,
                r#"{"type":"string"}"#,
            ),
            (
                r#"{"not":{"type":"null"},"format":"x"}"#,
                r#"{"not":{"type":"null"}}"#,
            ),
            (
                r#"{"if":{"pattern":"a"},"then":{"minLength":1},"else":{"minLength":2}}"#,
                "{}",
            ),
            (
                r#"{"if":{"minLength":1},"then":{"pattern":"a"}}"#,
                r#"{"if":{"minLength":1},"then":{}}"#,
            ),
            (
                r#"{"oneOf":[{"pattern":"a"},{"pattern":"b"}]}"#,
                r#"{"anyOf":[{},{}]}"#,
            ),
            (
                r##"{"oneOf":[{"$ref":"#/$defs/a"},{"type":"null"}],"$defs":{"a":{"format":"x"}}}"##,
                r##"{"$defs":{"a":{}},"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}"##,
            ),
            (
                r#"{"contains":{"pattern":"a"},"maxContains":1}"#,
                r#"{"contains":{}}"#,
            ),
        ];
        for (schema, listed) in table {
            assert_eq!(loosened(schema).unwrap(), listed);
        }
        assert!(loosened(r#"{"$defs":{"a":{"$id":"z"}}}"#).is_err());
        assert!(loosened(r#"{"items":{"$ref":"z"}}"#).is_err());
    }
}
