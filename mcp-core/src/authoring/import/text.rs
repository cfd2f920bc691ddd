//! A description's text as a JSON value.

use super::{ImportError, Limits, Room, yaml, yaml_paths};
use mcp_common::bounds::{self, Bounds};
use serde_json::Value;

/// JSON or YAML, within the bounds.
pub(super) fn read(text: &str, limits: &Limits, room: &Room) -> Result<Value, ImportError> {
    let size = text.len();
    if size > limits.max_bytes {
        return Err(ImportError::TooLarge {
            size,
            limit: limits.max_bytes,
        });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Err(ImportError::Unreadable("it is empty".to_owned()));
    }
    if text.starts_with('<') {
        let reason = "it is HTML or XML, not JSON or YAML; is this the address of the document itself, or of a page about it?";
        return Err(ImportError::Unreadable(reason.to_owned()));
    }
    if text.starts_with(['{', '[']) {
        let checked = limits.text.check(text.as_bytes());
        checked.map_err(|exceeded| ImportError::Unreadable(exceeded.to_string()))?;
        room.take(bounds::weight(text.as_bytes()))?;
        match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            // YAML may begin like this too, but nobody writes it so: what JSON has to say helps more.
            Err(error) => return Err(ImportError::Unreadable(format!("not JSON: {error}"))),
        }
    }
    let before = room.taken();
    yaml::read(text, limits, room).or_else(|error| {
        let lacks_memory = matches!(error, ImportError::NoMemory { .. });
        let Some(text) = yaml_paths::quoted(text).filter(|_| !lacks_memory) else {
            return Err(error);
        };
        room.give_back_to(before);
        yaml::read(&text, limits, room).map_err(|second| match second {
            ImportError::NoMemory { .. } => second,
            _ => error,
        })
    })
}

/// YAML that is no description, within the same bounds. The error says where.
pub fn yaml_value(text: &str, bounds: &Bounds) -> Result<Value, String> {
    let limits = Limits::from(bounds);
    if text.len() > limits.max_bytes {
        return Err(format!("it has more than {} bytes", limits.max_bytes));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    yaml::read(text, &limits, &Room::default()).map_err(|error| match error {
        ImportError::Unreadable(reason) => reason,
        other => other.to_string(),
    })
}

/// The same for formats that are JSON only.
pub(super) fn read_json(text: &str, limits: &Limits, room: &Room, what: &str) -> Result<Value, ImportError> {
    let value = read(text, limits, room)?;
    if value.is_object() {
        return Ok(value);
    }
    Err(ImportError::WrongFormat(format!(
        "this is not {what}: a JSON object is expected"
    )))
}
