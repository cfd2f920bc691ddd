//! What is wrong with a declared parameter, by itself and beside others.

use super::{Param, ParamValue, argument_path, default_style};
use crate::{
    encode,
    tool::{InputSchema, Layout, is_hidden},
};
use mcp_common::{
    definition::tool::{OmitIf, Param as Declaration, Place, Style},
    problem::Problem,
};
use serde_json::Value;

/// What is wrong with a declaration by itself, beside the schema, and beside those before it.
pub(super) fn declaration(
    declaration: &Declaration,
    before: &[Declaration],
    field: &str,
    input: &InputSchema,
    found: &mut Vec<Problem>,
) {
    let at = |member: &str, reason: String| Problem::at(format!("{field}.{member}"), reason);
    let (name, place) = (&declaration.name, declaration.place);
    let is_own = is_hidden(declaration);
    if declaration.constant.is_some() && declaration.default.is_some() {
        found.push(at(
            "default",
            "is given together with `const`; keep one of them".into(),
        ));
    }
    if declaration.hidden && declaration.constant.is_none() && declaration.default.is_none() {
        found.push(at(
            "hidden",
            "needs a value to send: give `const` or `default`".into(),
        ));
    }
    found.extend(
        check_style(declaration)
            .err()
            .map(|(member, reason)| at(member, reason)),
    );
    match declaration.omit_if {
        Some(_) if place == Place::Path => {
            found.push(at("omit_if", "a part of the path cannot be left out".into()));
        }
        Some(OmitIf::Default) if declaration.default.is_none() => {
            found.push(at("omit_if", "there is no `default`".into()));
        }
        _ => {}
    }
    let path = argument_path(input.layout == Layout::Grouped, place, name);
    if !is_own && let Some(unknown) = input.unknown(&path) {
        let reason = format!(
            "input_schema has no property `{}`; add it there, or make the parameter `hidden` with a value",
            unknown.join(".")
        );
        found.push(at("name", reason));
    }
    let is_twin = |other: &&Declaration| {
        let same_argument = other.name == *name && (other.place == place || input.layout != Layout::Grouped);
        same_argument && (other.place == place || is_own || is_hidden(other))
    };
    if before.iter().any(|other| is_twin(&other)) {
        found.push(at("name", format!("`{name}` is declared before")));
    }
    let wire = declaration.wire_name.as_ref().unwrap_or(name);
    let is_same_wire = |other: &Declaration| {
        let other_wire = other.wire_name.as_ref().unwrap_or(&other.name);
        let same_text = match place {
            Place::Header => other_wire.eq_ignore_ascii_case(wire),
            _ => other_wire == wire,
        };
        other.place == place && other.name != *name && same_text
    };
    if place != Place::Body && before.iter().any(is_same_wire) {
        let reason = format!("`{wire}` is filled by another parameter");
        found.push(at("as", reason));
    }
    if wire.is_empty() {
        found.push(at("as", "must not be empty".into()));
    }
}

fn check_style(declaration: &Declaration) -> Result<(), (&'static str, String)> {
    if declaration.allow_reserved && declaration.place != Place::Query {
        let place = declaration.place.as_str();
        let reason = format!("is for the query, not for the {place}; for forms there is `body.encoding`");
        return Err(("allow_reserved", reason));
    }
    let allowed: &[Style] = match declaration.place {
        Place::Path => &[Style::Simple, Style::Label, Style::Matrix, Style::Json],
        Place::Query => &[
            Style::Form,
            Style::SpaceDelimited,
            Style::PipeDelimited,
            Style::TabDelimited,
            Style::DeepObject,
            Style::Json,
        ],
        Place::Header => &[Style::Simple, Style::Json],
        Place::Cookie => &[Style::Form, Style::Json],
        Place::Body if declaration.style.is_some() || declaration.explode.is_some() => {
            let member = if declaration.style.is_some() {
                "style"
            } else {
                "explode"
            };
            return Err((
                member,
                "says nothing in the body; for forms there is `body.encoding`".into(),
            ));
        }
        Place::Body => return Ok(()),
    };
    if let Some(style) = declaration.style.filter(|style| !allowed.contains(style)) {
        let names: Vec<&str> = allowed.iter().map(|style| style.as_str()).collect();
        let reason = format!(
            "`{}` is not a style for the {}; there are {}",
            style.as_str(),
            declaration.place.as_str(),
            names.join(", ")
        );
        return Err(("style", reason));
    }
    let style = declaration.style.unwrap_or(default_style(declaration.place));
    if declaration.allow_reserved && style == Style::Json {
        return Err((
            "allow_reserved",
            "JSON is one text, all of which is encoded".into(),
        ));
    }
    check_explode(style, declaration.explode).map_err(|reason| ("explode", reason))
}

/// The combinations that OpenAPI leaves undefined.
pub(crate) fn check_explode(style: Style, explode: Option<bool>) -> Result<(), String> {
    match (style, explode) {
        (Style::SpaceDelimited | Style::PipeDelimited | Style::TabDelimited, Some(true)) => Err(format!(
            "`{}` has no exploded form; style `form` has",
            style.as_str()
        )),
        (Style::DeepObject, Some(false)) => Err("`deepObject` is always exploded".into()),
        (Style::Json, Some(true)) => Err("JSON is one text, it is never exploded".into()),
        _ => Ok(()),
    }
}

/// A value of the definition that no call changes is tried out now.
pub(super) fn own_value(param: &Param) -> Result<(), Problem> {
    let (member, template) = match &param.value {
        ParamValue::Own(template) | ParamValue::Argument(Some(template)) => ("const or default", template),
        ParamValue::Argument(None) => return Ok(()),
    };
    let Some(json) = template.fixed() else {
        return Ok(());
    };
    let done = match param.place {
        Place::Path => encode::path(
            &mut Vec::new(),
            &param.wire,
            json,
            param.spelling,
            encode::path_word,
        ),
        Place::Header => encode::header_text(json, param.spelling).and_then(|text| {
            let value = text.map(|text| encode::header_value(text.as_bytes()));
            value.transpose().map(drop)
        }),
        Place::Query | Place::Cookie => encode::pairs(&param.wire, json, param.spelling, &mut |_, _| Ok(())),
        Place::Body => Ok(()),
    };
    done.map_err(|reason| Problem::at(format!("{}.{member}", param.field), reason))
}

/// Defaults that no call can need, as warnings.
pub(crate) fn idle_defaults(declarations: &[Declaration], input: &InputSchema) -> Vec<String> {
    let is_required = |declaration: &Declaration| {
        let group = [declaration.place.as_str().to_owned()];
        let at: &[String] = if input.layout == Layout::Grouped {
            &group
        } else {
            &[]
        };
        let required = input.at(at).and_then(|schema| schema.get("required"));
        let names = required.and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| *name == declaration.name.as_str()))
    };
    let declarations = declarations.iter().enumerate();
    declarations
        .filter(|(_, declaration)| declaration.default.is_some() && is_required(declaration))
        .map(|(index, _)| {
            format!("tds_ext_info.params[{index}].default: is never used, because input_schema requires the argument")
        })
        .collect()
}
