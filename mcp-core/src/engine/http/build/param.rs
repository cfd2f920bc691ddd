//! The value of a declared parameter in one call.

use super::{arguments::Arguments, leaf::Scope, template};
use crate::{
    engine::failure::Failure,
    json::pointer::pointer_of,
    tool::{Omit, Param, ParamValue, Template},
};
use mcp_common::definition::tool::Place;
use serde_json::{Value, value::RawValue};
use std::borrow::Cow;

/// The value as JSON text; `None` where it is left out. `given` is the argument.
pub(crate) fn value<'a>(
    param: &'a Param,
    arguments: &Arguments<'_>,
    given: Option<&'a RawValue>,
    scope: &Scope<'a>,
) -> Result<Option<Cow<'a, str>>, Failure> {
    let json = match (&param.value, given) {
        (ParamValue::Own(_), Some(_)) => {
            let pointer = pointer(param, arguments);
            return Err(Failure::argument(&pointer, "is given by the definition"));
        }
        (ParamValue::Own(template), None) | (ParamValue::Argument(Some(template)), None) => {
            own(template, scope)?
        }
        (ParamValue::Argument(_), Some(raw)) => Some(Cow::Borrowed(raw.get())),
        (ParamValue::Argument(None), None) => None,
    };
    Ok(json.filter(|json| !is_left_out(&param.omit, json)))
}

/// The failure, naming the argument, or else the definition's own value.
pub(super) fn blame(param: &Param, arguments: &Arguments<'_>, reason: &str) -> Failure {
    if param.is_own() {
        return Failure::argument(&param.field, reason);
    }
    Failure::argument(&pointer(param, arguments), reason)
}

fn pointer(param: &Param, arguments: &Arguments<'_>) -> String {
    match arguments.groups {
        Some(_) => pointer_of(&[param.place.as_str(), &param.name]),
        None => pointer_of(&[&param.name]),
    }
}

fn own<'a>(template: &'a Template, scope: &Scope<'a>) -> Result<Option<Cow<'a, str>>, Failure> {
    match template {
        Template::Fixed(json) => Ok(Some(Cow::Borrowed(json))),
        Template::Leaf(leaf, field) => scope.json(leaf, field),
        Template::Object(_) | Template::List(_) => {
            let mut out = Vec::new();
            template::write(&mut out, template, scope)?;
            Ok(String::from_utf8(out).ok().map(Cow::Owned))
        }
    }
}

fn is_left_out(omit: &Omit, json: &str) -> bool {
    match omit {
        Omit::Nothing => false,
        Omit::Null => json == "null",
        Omit::Empty => is_empty(json),
        Omit::Value(default) => {
            json == "null" || serde_json::from_str::<Value>(json).is_ok_and(|value| value == *default)
        }
    }
}

fn is_empty(json: &str) -> bool {
    let is_list_or_object = json.starts_with(['[', '{']);
    json == "null"
        || json == "\"\""
        || is_list_or_object
            && json[1..json.len() - 1]
                .trim_matches([' ', '\t', '\r', '\n'])
                .is_empty()
}

/// Parameters of the body are given by its members where arguments are grouped.
pub(super) fn given_in_body<'a>(
    param: &Param,
    arguments: &Arguments<'a>,
    members: &crate::json::members::Members<'a>,
) -> Option<&'a RawValue> {
    match arguments.groups {
        Some(_) => members.get(&param.name),
        None => arguments.given(Place::Body, &param.name),
    }
}

#[cfg(test)]
mod tests {
    use super::is_empty;

    #[test]
    fn only_what_has_no_content_is_empty() {
        for json in ["null", "\"\"", "[]", "{}", "[ \n]", "{\t}"] {
            assert!(is_empty(json), "{json}");
        }
        for json in ["0", "false", "\" \"", "[null]", "{\"a\":null}", "\"[]\""] {
            assert!(!is_empty(json), "{json}");
        }
    }
}
