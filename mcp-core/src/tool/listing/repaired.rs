//! A schema that is none, made one: what has another form than JSON Schema says is left out. Our own definitions are refused
//! then; another server's tool would take the whole list with it.

use super::subschemas::{Holds, held_by};
use crate::json::tree::{Members, Tree};

const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "object", "array", "null",
];

/// `place` is a JSON Pointer.
pub(super) fn repair(schema: &mut Tree, place: &str, said: &mut Vec<String>) {
    let Tree::Object(members) = schema else { return };
    members.retain(|keyword, value| {
        let fault = fault(keyword, value);
        if let Some(wanted) = fault
            && !is_null(value)
        {
            said.push(format!(
                "has `{keyword}` at `{place}/` that is no {wanted}, which is left out"
            ));
        }
        fault.is_none()
    });
    only_names(members, place, said);
    for (keyword, value) in members.iter_mut() {
        let at = |inner: &str| format!("{place}/{keyword}{inner}");
        match (held_by(keyword), value) {
            (Holds::Named, Tree::Object(named)) => {
                for (name, inner) in named {
                    let place = at(&format!("/{name}"));
                    // In draft-07 `dependencies` may be names.
                    let are_names = keyword == "dependencies" && inner.items().is_some();
                    if !is_schema(inner) && !are_names {
                        said.push(format!(
                            "has something at `{place}` that is no schema; everything fits there"
                        ));
                        *inner = Tree::empty();
                    }
                    repair(inner, &place, said);
                }
            }
            (Holds::One | Holds::List, Tree::List(all)) => {
                for (index, inner) in all.iter_mut().enumerate() {
                    let place = at(&format!("/{index}"));
                    if !is_schema(inner) {
                        said.push(format!(
                            "has something at `{place}` that is no schema; everything fits there"
                        ));
                        *inner = Tree::empty();
                    }
                    repair(inner, &place, said);
                }
            }
            (Holds::Nothing, _) => {}
            (_, inner) => repair(inner, &at(""), said),
        }
    }
}

/// `required` has texts; which of its other members is meant nobody knows.
fn only_names(members: &mut Members, place: &str, said: &mut Vec<String>) {
    let Some(Tree::List(names)) = members.get_mut("required") else {
        return;
    };
    let before = names.len();
    names.retain(|name| name.text().is_some());
    if names.len() < before {
        said.push(format!(
            "has members of `required` at `{place}/` that are no texts, which are left out"
        ));
    }
}

/// What the keyword's value would have to be and is not.
fn fault(keyword: &str, value: &Tree) -> Option<&'static str> {
    let must = |is_so: bool, wanted: &'static str| (!is_so).then_some(wanted);
    match keyword {
        "type" => must(is_type(value), "type of JSON, or list of them"),
        "required" => must(value.items().is_some(), "list of texts"),
        "enum" => must(
            value.items().is_some_and(|all| !all.is_empty()),
            "list with values",
        ),
        "examples" => must(value.items().is_some(), "list"),
        "dependentRequired" => must(value.members().is_some(), "object"),
        "pattern" | "format" | "title" | "description" | "$comment" | "$ref" | "$id" | "$schema"
        | "$anchor" | "$dynamicRef" | "$dynamicAnchor" | "contentEncoding" | "contentMediaType" => {
            must(value.text().is_some(), "text")
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            must(number(value).is_some(), "number")
        }
        "multipleOf" => must(number(value).is_some_and(|number| number > 0.0), "number above 0"),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => must(
            number(value).is_some_and(|number| number >= 0.0 && number.fract() == 0.0),
            "whole number of 0 or more",
        ),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => must(value.boolean().is_some(), "boolean"),
        // In draft-07 a list of schemas.
        "items" => must(is_schema(value) || value.items().is_some(), "schema"),
        keyword => match held_by(keyword) {
            Holds::Nothing => None,
            Holds::One | Holds::OneOrBoolean => must(is_schema(value), "schema"),
            Holds::List => must(
                value.items().is_some_and(|all| !all.is_empty()),
                "list of schemas",
            ),
            Holds::Named => must(value.members().is_some(), "object"),
        },
    }
}

fn is_schema(value: &Tree) -> bool {
    value.members().is_some() || value.boolean().is_some()
}

fn is_null(value: &Tree) -> bool {
    matches!(value, Tree::Scalar(text) if &**text == "null")
}

fn is_type(value: &Tree) -> bool {
    let is_known = |value: &Tree| value.text().is_some_and(|text| TYPES.contains(&text.as_str()));
    let are_known = |all: &[Tree]| {
        let is_first = |at: usize| !all[..at].contains(&all[at]);
        !all.is_empty() && all.iter().all(is_known) && (0..all.len()).all(is_first)
    };
    is_known(value) || value.items().is_some_and(are_known)
}

fn number(value: &Tree) -> Option<f64> {
    match value {
        Tree::Scalar(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}
