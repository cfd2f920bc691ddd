//! Where schemas stand inside of a schema.

use crate::json::tree::{Members, Tree};

/// What a keyword has for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// One schema. In draft-07 `items` may be a list of them.
    One,
    /// One schema, which is often just `true` or `false`; every client reads that.
    OneOrBoolean,
    /// A list of schemas.
    List,
    /// Schemas by name. In draft-07 `dependencies` may be names too.
    Named,
    /// No schema.
    Nothing,
}

pub(super) fn held_by(keyword: &str) -> Holds {
    match keyword {
        "items" | "contains" | "not" | "if" | "then" | "else" | "propertyNames" => Holds::One,
        "additionalProperties" | "unevaluatedProperties" | "additionalItems" | "unevaluatedItems" => {
            Holds::OneOrBoolean
        }
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::List,
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
        | "dependencies" => Holds::Named,
        _ => Holds::Nothing,
    }
}

/// The schemas that the keyword has.
pub(super) fn under<'a>(keyword: &str, value: &'a mut Tree) -> Vec<&'a mut Tree> {
    match (held_by(keyword), value) {
        (Holds::Nothing, _) => Vec::new(),
        (Holds::Named, Tree::Object(named)) => named.values_mut().collect(),
        (Holds::List | Holds::One, Tree::List(schemas)) => schemas.iter_mut().collect(),
        (Holds::One | Holds::OneOrBoolean, schema @ (Tree::Object(_) | Tree::Scalar(_))) => vec![schema],
        _ => Vec::new(),
    }
}

/// Whether `is_meant` says so of the members of the schema, or of those of one inside of it.
pub(super) fn any(schema: &Tree, is_meant: &impl Fn(&Members) -> bool) -> bool {
    let Tree::Object(members) = schema else {
        return false;
    };
    let inside = |(keyword, value): (&String, &Tree)| match (held_by(keyword), value) {
        (Holds::Nothing, _) => false,
        (Holds::Named, Tree::Object(named)) => named.values().any(|schema| any(schema, is_meant)),
        (_, Tree::List(schemas)) => schemas.iter().any(|schema| any(schema, is_meant)),
        (_, schema) => any(schema, is_meant),
    };
    is_meant(members) || members.iter().any(inside)
}
