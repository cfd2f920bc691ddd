//! The path of one call.

use super::arguments::Arguments;
use crate::{
    engine::{
        encode::{Plain, component, item},
        failure::Failure,
    },
    tool::{Call, PathPart, is_dot_segment},
};
use percent_encoding::percent_decode_str;

pub(super) fn write(out: &mut Vec<u8>, call: &Call, arguments: &Arguments<'_>) -> Result<(), Failure> {
    let mut has_value = false;
    for part in &call.path.parts {
        match part {
            PathPart::Literal(text) => out.extend_from_slice(text.as_bytes()),
            PathPart::Placeholder(name) => {
                has_value = true;
                value(out, name, arguments).map_err(|reason| {
                    let group = if arguments.groups.is_some() { "/path" } else { "" };
                    Failure::argument(&format!("{group}/{name}"), &reason)
                })?;
            }
        }
    }
    // Harmless values can climb together with the text around them.
    let climbs = has_value && std::str::from_utf8(out).is_ok_and(|path| path.split('/').any(is_dot_segment));
    if climbs {
        return Err(Failure::arguments(
            "together with the path around them they make a `.` or `..` segment",
        ));
    }
    Ok(())
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
        Plain::Text(text) => safe(out, &text)?,
        Plain::List(items) => {
            for (index, raw) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                safe(out, &item(raw.get())?.unwrap_or_default())?;
            }
        }
        Plain::Object(members) => {
            for (index, (name, raw)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                safe(out, name)?;
                out.push(b',');
                safe(out, &item(raw.get())?.unwrap_or_default())?;
            }
        }
    }
    if out.len() == start {
        return Err("is empty, but part of the path".to_owned());
    }
    Ok(())
}

fn safe(out: &mut Vec<u8>, text: &str) -> Result<(), String> {
    if climbs(text) {
        return Err("has a `.` or `..` segment, which cannot stand in a path".to_owned());
    }
    component(out, text);
    Ok(())
}

/// Whether some upstream could read `.` or `..` out of the value, however often it decodes.
fn climbs(text: &str) -> bool {
    if !text.contains(['.', '%']) {
        return false;
    }
    let mut text = std::borrow::Cow::Borrowed(text);
    loop {
        if text
            .split(['/', '\\'])
            .any(|segment| matches!(segment, "." | ".."))
        {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded.len() == text.len() {
            return false;
        }
        text = decoded.into();
    }
}

#[cfg(test)]
mod tests {
    use super::climbs;

    #[test]
    fn values_that_climb_are_found_however_they_are_written() {
        let climbing = [
            "..",
            ".",
            "../..",
            "a/../b",
            "a/..",
            "./a",
            "%2e%2e",
            ".%2E",
            "a%2f..%2fb",
            "%252e%252e",
            "..\\x",
        ];
        for text in climbing {
            assert!(climbs(text), "{text}");
        }
        for text in [
            "...", "a.b", "a..b", "1.10", "/", "a/b", "%", "%2", "100%", "%zz", "..a", "%ff",
        ] {
            assert!(!climbs(text), "{text}");
        }
    }
}
