//! Which names and ids are allowed.

use crate::problem::Problem;

/// What the official conformance suite accepts as the length of a tool name.
pub const MAX_NAME: usize = 64;
/// Ids are part of paths, keys and log lines.
pub const MAX_ID: usize = 256;

/// A tool's name: 1 to 64 of `A-Z a-z 0-9 _ . -`, so that every client and model accepts it.
pub fn check_tool_name(field: &str, name: &str) -> Result<(), Problem> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() {
        return Err(Problem::at(field, "must not be empty"));
    }
    if let Some(wrong) = name.chars().find(|&c| !allowed(c)) {
        return Err(Problem::at(
            field,
            format!("has the character {wrong:?}; allowed are A-Z a-z 0-9 _ . -"),
        ));
    }
    if name.len() > MAX_NAME {
        return Err(Problem::at(
            field,
            format!("has {} characters, at most {MAX_NAME} are allowed", name.len()),
        ));
    }
    Ok(())
}

/// An id: 1 to 256 bytes without control characters and `/`.
pub fn check_id(id: &str) -> Result<(), Problem> {
    if id.is_empty() {
        return Err(Problem::at("id", "must not be empty"));
    }
    if id.len() > MAX_ID {
        return Err(Problem::at(
            "id",
            format!("has {} bytes, at most {MAX_ID} are allowed", id.len()),
        ));
    }
    if let Some(wrong) = id.chars().find(|&c| c.is_control() || c == '/') {
        return Err(Problem::at(
            "id",
            format!("has the character {wrong:?}, which cannot stand in a path"),
        ));
    }
    Ok(())
}
