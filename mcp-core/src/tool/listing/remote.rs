//! Schemas of tools that other servers list, by the rules of our own. What clients can read stays the text that it is.

use super::{
    loosened,
    repaired::{Said, repair},
    same,
    unpatterned::without_patterns,
};
use crate::{
    json::tree::Tree,
    tool::{
        schema_bounds::{self, Patterns},
        unusable_patterns, validator,
    },
};
use mcp_common::bounds::Bounds;
use serde_json::Value;

/// A schema as it is listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Readable {
    /// It is one that every client reads.
    AsItIs,
    /// Another text for it, and what was done.
    Mended(String, Vec<String>),
    /// It cannot be listed: why.
    Not(String),
}

/// The schema of arguments, an object's.
pub(crate) fn readable_input(json: &str) -> Readable {
    let came = Tree::read(json);
    let (repaired, said) = repaired(&came);
    let text = repaired.to_string();
    settled(&came, said, &same::mended_input(&text), &repaired)
}

/// The schema of structured content.
pub(crate) fn readable_output(json: &str) -> Readable {
    let came = Tree::read(json);
    let (repaired, mut said) = repaired(&came);
    let mut text = same::mended(&repaired.to_string());
    if loosened::stumbles(&Tree::read(&text)) {
        match loosened::loosened(&text) {
            Ok(loose) => text = loose,
            Err(reason) => return Readable::Not(reason.to_owned()),
        }
        said.push(
            "has patterns, ids or other words that clients do not compile, and is listed without these"
                .to_owned(),
        );
    }
    if let Some(reason) = unusable(&text) {
        return Readable::Not(reason);
    }
    settled(&came, said, &text, &repaired)
}

fn repaired(came: &Tree) -> (Tree, Vec<String>) {
    let mut schema = came.clone();
    let mut said = Said::default();
    repair(&mut schema, &mut said);
    (schema, said.into_notes())
}

fn settled(came: &Tree, mut said: Vec<String>, text: &str, repaired: &Tree) -> Readable {
    let now = Tree::read(text);
    if now == *came {
        return Readable::AsItIs;
    }
    if said.is_empty() && now != *repaired {
        said.push(
            "is written otherwise, so that every client reads it (booleans for schemas, lists without `items`, values that \
             stand twice, patterns of other dialects)"
                .to_owned(),
        );
    }
    Readable::Mended(text.to_owned(), said)
}

/// Clients compile the schema when they read the list. One that is larger than a schema of our own may be is left to them, and so
/// are patterns that are: somebody else's list costs no more than a definition.
fn unusable(text: &str) -> Option<String> {
    const FIELD: &str = "outputSchema";
    let bounds = Bounds::default();
    schema_bounds::check_text(FIELD, text, &bounds).ok()?;
    let schema: Value = serde_json::from_str(text).ok()?;
    schema_bounds::check(FIELD, &schema, &bounds).ok()?;
    Patterns::of(&schema, &bounds).ok()?;
    let refused = validator::compile(FIELD, &schema, &bounds).err()?;
    let theirs = unusable_patterns(&schema, &bounds);
    if theirs.is_empty() {
        return Some(refused.reason);
    }
    let rest = without_patterns(text, &|pattern| theirs.contains_key(pattern));
    let rest: Value = serde_json::from_str(&rest).ok()?;
    validator::compile(FIELD, &rest, &bounds)
        .err()
        .map(|refused| refused.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(readable: Readable) -> String {
        match readable {
            Readable::Mended(text, said) => {
                assert!(!said.is_empty(), "{text}");
                text
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_every_client_reads_stays() {
        for schema in [
            r#"{ "type":"object", "properties":{"\u0061":{"maximum":1.10,"items":{}, "type":["array","null"]}},"required":["a"]}"#,
            r#"{"type":"object","additionalProperties":false,"x-own":{"required":"a"},"$defs":{}}"#,
        ] {
            assert_eq!(readable_input(schema), Readable::AsItIs, "{schema}");
        }
        for schema in [
            r#"{"type":"object","properties":{"at":{"type":"string","format":"date-time","pattern":"^\\d+$"}}}"#,
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"array"}}}"##,
        ] {
            assert_eq!(readable_output(schema), Readable::AsItIs, "{schema}");
        }
    }

    #[test]
    fn schemas_of_arguments_follow_the_rules_of_our_own() {
        for (came, listed) in [
            (
                r#"{"type":"object","properties":{"a":true,"b":false,"c":null}}"#,
                r#"{"type":"object","properties":{"a":{},"b":{"not":{}},"c":{}}}"#,
            ),
            (r#"{"type":"object","required":"a"}"#, r#"{"type":"object"}"#),
            (
                r#"{"type":"object","required":["a","a",5],"properties":{"a":{"type":"array","required":true}}}"#,
                r#"{"type":"object","required":["a"],"properties":{"a":{"type":"array","items":{}}}}"#,
            ),
            (r#"{"type":"object","properties":[]}"#, r#"{"type":"object"}"#),
        ] {
            assert_eq!(text(readable_input(came)), listed, "{came}");
        }
    }

    #[test]
    fn schemas_of_answers_can_be_compiled_or_are_left_out() {
        for (came, listed) in [
            (
                r#"{"type":"object","properties":{"a":true,"p":{"pattern":"^\\d\\-\\d$"}}}"#,
                r#"{"type":"object","properties":{"a":{},"p":{"pattern":"^\\d-\\d$"}}}"#,
            ),
            (
                r#"{"type":"object","properties":{"p":{"pattern":"(?i)a"}}}"#,
                r#"{"type":"object","properties":{"p":{}}}"#,
            ),
            (
                r#"{"type":"object","patternProperties":{"^\\p{L}\\-":{}}}"#,
                r#"{"type":"object"}"#,
            ),
            (r#"{"$id":"http://x/y","type":"object"}"#, r#"{"type":"object"}"#),
            (
                r#"{"type":"object","properties":{"a":{"type":"sometimes","minLength":"1"}}}"#,
                r#"{"type":"object","properties":{"a":{}}}"#,
            ),
        ] {
            assert_eq!(text(readable_output(came)), listed, "{came}");
        }
        for came in [
            r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/none"}}}"##,
            r#"{"type":"object","properties":{"a":{"$id":"b"}}}"#,
            r#"{"$schema":"http://json-schema.org/draft-04/schema#","type":"object"}"#,
        ] {
            assert!(matches!(readable_output(came), Readable::Not(_)), "{came}");
        }
    }

    /// What would take a second and a gigabyte here is nothing to somebody who has one tool.
    #[test]
    fn what_is_beyond_the_bounds_of_our_own_is_left_to_clients() {
        let members = |count: usize, schema: &dyn Fn(usize) -> String| {
            let members: Vec<_> = (0..count).map(|n| format!("\"p{n}\":{}", schema(n))).collect();
            format!("\"type\":\"object\",\"properties\":{{{}}}", members.join(","))
        };
        let many_patterns = members(600, &|n| format!("{{\"pattern\":\"^\\\\p{{L}}{n}$\"}}"));
        let many_values = members(20_000, &|_| "{\"type\":\"string\"}".to_owned());
        let large_pattern = members(1, &|_| r#"{"pattern":"^\\p{L}{5000}$"}"#.to_owned());
        for schema in [&many_patterns, &many_values, &large_pattern] {
            assert_eq!(readable_output(&format!("{{{schema}}}")), Readable::AsItIs);
        }
        let broken = format!("{{{large_pattern},\"not\":{{\"$ref\":\"#/$defs/none\"}}}}");
        assert!(matches!(readable_output(&broken), Readable::Not(_)), "{broken}");
    }
}
