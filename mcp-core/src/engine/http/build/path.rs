//! The path of one call.

use super::{arguments::Arguments, leaf::Scope, param};
use crate::{
    encode::{self, Plain, item, path_word},
    engine::failure::Failure,
    tool::{Call, Finding, Param, PathPart, is_dot_segment},
};

pub(super) fn write(
    out: &mut Vec<u8>,
    call: &Call,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
) -> Result<(), Failure> {
    let mut has_value = false;
    for (index, part) in call.path.parts.iter().enumerate() {
        match part {
            PathPart::Literal(text) => out.extend_from_slice(text.as_bytes()),
            PathPart::Placeholder(name) => {
                has_value = true;
                value(out, name, arguments).map_err(|reason| {
                    let group = if arguments.groups.is_some() { "/path" } else { "" };
                    Failure::argument(&format!("{group}/{name}"), &reason)
                })?;
            }
            PathPart::Declared(number) => {
                has_value = true;
                declared(out, &call.params.path[*number], arguments, scope)?;
                if out.ends_with(b"/") && ends_segment(call.path.parts.get(index + 1)) {
                    let param = &call.params.path[*number];
                    return Err(param::blame(
                        param,
                        arguments,
                        "is empty, but a whole segment of the path",
                    ));
                }
            }
        }
    }
    // Harmless values can climb together with the text around them.
    let climbs = has_value && std::str::from_utf8(out).is_ok_and(|path| path.split('/').any(is_dot_segment));
    if climbs {
        let reason = "together with the path around them they make a `.` or `..` segment";
        return Err(Failure::arguments(vec![Finding::whole(reason)]));
    }
    Ok(())
}

fn declared(
    out: &mut Vec<u8>,
    param: &Param,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
) -> Result<(), Failure> {
    let given = arguments.given(param.place, &param.name);
    let Some(json) = param::value(param, arguments, given, scope)? else {
        return Err(param::blame(
            param,
            arguments,
            "is required, but missing: it is part of the path",
        ));
    };
    encode::path(out, &param.wire, &json, param.spelling, path_word)
        .map_err(|reason| param::blame(param, arguments, &reason))
}

fn ends_segment(next: Option<&PathPart>) -> bool {
    match next {
        None => true,
        Some(PathPart::Literal(text)) => text.starts_with('/'),
        // What follows may be empty too, and is looked at then.
        Some(PathPart::Placeholder(_) | PathPart::Declared(_)) => false,
    }
}

fn value(out: &mut Vec<u8>, name: &str, arguments: &Arguments<'_>) -> Result<(), String> {
    let members = arguments
        .groups
        .as_ref()
        .map_or(&arguments.root, |groups| &groups.path);
    let Some(raw) = members.get(name) else {
        return Err("is required, but missing: it is part of the path".to_owned());
    };
    let start = out.len();
    match Plain::read(raw.get())? {
        Plain::Null => return Err("is null, but part of the path".to_owned()),
        Plain::Text(text) => path_word(out, &text)?,
        Plain::List(items) => {
            for (index, raw) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                path_word(out, &item(raw.get())?.unwrap_or_default())?;
            }
        }
        Plain::Object(members) => {
            for (index, (name, raw)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                path_word(out, name)?;
                out.push(b',');
                path_word(out, &item(raw.get())?.unwrap_or_default())?;
            }
        }
    }
    if out.len() == start {
        return Err("is empty, but part of the path".to_owned());
    }
    Ok(())
}
