//! A schema that is none, made one: what has another form than JSON Schema says is left out. Our own definitions are refused
//! then; another server's tool would take the whole list with it.

use super::subschemas::{Holds, held_by};
use crate::{
    json::{
        place::At,
        tree::{Members, Tree},
    },
    tool::bounded,
};

const TYPES: [&str; 7] = [
    "string", "number", "integer", "boolean", "object", "array", "null",
];
/// Of one schema. How much there is to say of it, its author decides.
const MOST_NOTES: usize = 8;
/// How much of a place is told.
const MOST_PLACE: usize = 200;

/// What was done to a schema, as much of it as anybody reads.
#[derive(Debug, Default)]
pub(super) struct Said {
    notes: Vec<String>,
    /// Places of which nothing is told.
    others: usize,
}

impl Said {
    fn note(&mut self, at: &At<'_>, said: impl FnOnce(&str) -> String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(said(&bounded(&at.to_string(), MOST_PLACE)));
        } else {
            self.others += 1;
        }
    }

    pub(super) fn into_notes(mut self) -> Vec<String> {
        if self.others > 0 {
            self.notes.push(format!(
                "has {} more places where something is no JSON Schema",
                self.others
            ));
        }
        self.notes
    }
}

/// The schema, which is whole: the place in notes is a JSON Pointer.
pub(super) fn repair(schema: &mut Tree, said: &mut Said) {
    repair_at(schema, &At::root(""), said);
}

fn repair_at(schema: &mut Tree, at: &At<'_>, said: &mut Said) {
    let Tree::Object(members) = schema else { return };
    members.retain(|keyword, value| {
        let fault = fault(keyword, value);
        if let Some(wanted) = fault
            && !is_null(value)
        {
            said.note(at, |place| {
                format!("has `{keyword}` at `{place}/` that is no {wanted}, which is left out")
            });
        }
        fault.is_none()
    });
    only_names(members, at, said);
    for (keyword, value) in members.iter_mut() {
        let at = at.then(keyword);
        match (held_by(keyword), value) {
            (Holds::Named, Tree::Object(named)) => {
                for (name, inner) in named {
                    // In draft-07 `dependencies` may be names.
                    let are_names = keyword == "dependencies" && inner.items().is_some();
                    made_one(inner, are_names, &at.then(name), said);
                }
            }
            (Holds::One | Holds::List, Tree::List(all)) => {
                for (index, inner) in all.iter_mut().enumerate() {
                    made_one(inner, false, &at.then(&index.to_string()), said);
                }
            }
            (Holds::Nothing, _) => {}
            (_, inner) => repair_at(inner, &at, said),
        }
    }
}

/// A schema where one has to be.
fn made_one(inner: &mut Tree, is_allowed: bool, at: &At<'_>, said: &mut Said) {
    if !is_schema(inner) && !is_allowed {
        said.note(at, |place| {
            format!("has something at `{place}` that is no schema; everything fits there")
        });
        *inner = Tree::empty();
    }
    repair_at(inner, at, said);
}

/// `required` has texts; which of its other members is meant nobody knows.
fn only_names(members: &mut Members, at: &At<'_>, said: &mut Said) {
    let Some(Tree::List(names)) = members.get_mut("required") else {
        return;
    };
    let before = names.len();
    names.retain(|name| name.text().is_some());
    if names.len() < before {
        said.note(at, |place| {
            format!("has members of `required` at `{place}/` that are no texts, which are left out")
        });
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;

    fn notes(json: &str) -> Vec<String> {
        let mut said = Said::default();
        repair(&mut Tree::read(json), &mut said);
        said.into_notes()
    }

    #[test]
    fn places_are_named_a_few_of_them_and_no_long_names() {
        assert_eq!(
            notes(r#"{"properties":{"a":{"required":"x"},"b":[{"c":1}]},"anyOf":[5],"required":["a",1]}"#),
            [
                "has members of `required` at `/` that are no texts, which are left out",
                "has `required` at `/properties/a/` that is no list of texts, which is left out",
                "has something at `/properties/b` that is no schema; everything fits there",
                "has something at `/anyOf/0` that is no schema; everything fits there",
            ]
        );
        let wrong: Vec<_> = (0..1_000).map(|n| format!("\"p{n}\":5")).collect();
        let said = notes(&format!("{{\"properties\":{{{}}}}}", wrong.join(",")));
        assert_eq!(said.len(), MOST_NOTES + 1);
        assert_eq!(
            said[MOST_NOTES],
            "has 992 more places where something is no JSON Schema"
        );
        let said = notes(&format!("{{\"properties\":{{\"{}\":5}}}}", "x".repeat(10_000)));
        assert!(said[0].len() < 2 * MOST_PLACE, "{said:?}");
    }

    /// One long name, and as much below it as there is above.
    #[test]
    fn it_takes_time_that_grows_with_the_schema() {
        let make = |bytes: usize| {
            let wrong: Vec<_> = (0..bytes / 24).map(|n| format!("\"p{n}\":5")).collect();
            let long = "x".repeat(bytes / 2);
            Tree::read(&format!(
                "{{\"properties\":{{\"{long}\":{{\"properties\":{{{}}}}}}}}}",
                wrong.join(",")
            ))
        };
        growth::is_linear("a schema that is none", 2 << 20, make, |schema| {
            repair(&mut schema.clone(), &mut Said::default());
        });
    }
}
