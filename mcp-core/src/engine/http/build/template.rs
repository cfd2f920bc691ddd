//! A template of the definition, filled: its structure as it stands, every leaf a typed value.

use super::leaf::Scope;
use crate::{engine::failure::Failure, json::quoted, tool::Template};

/// Appends the JSON text; `false`, and nothing, where the value is an argument that is not there. Such a member or
/// item is left out of what is around it.
pub(super) fn write<'a>(
    out: &mut Vec<u8>,
    template: &'a Template,
    scope: &Scope<'a>,
) -> Result<bool, Failure> {
    // What names an argument many times is not made to its end either.
    scope.check_size(out.len())?;
    match template {
        Template::Fixed(json) => out.extend_from_slice(json.as_bytes()),
        Template::Leaf(leaf, field) => match scope.json(leaf, field)? {
            Some(json) => out.extend_from_slice(json.as_bytes()),
            None => return Ok(false),
        },
        Template::Object(members) => {
            out.push(b'{');
            let mut separator = Separator::at(out);
            for (name, inner) in members {
                let before = separator.before(out);
                quoted(out, name);
                out.push(b':');
                if !write(out, inner, scope)? {
                    out.truncate(before);
                }
            }
            out.push(b'}');
        }
        Template::List(items) => {
            out.push(b'[');
            let mut separator = Separator::at(out);
            for inner in items {
                let before = separator.before(out);
                if !write(out, inner, scope)? {
                    out.truncate(before);
                }
            }
            out.push(b']');
        }
    }
    Ok(true)
}

/// Puts commas between what was written.
pub(super) struct Separator {
    start: usize,
}

impl Separator {
    /// Behind the opening bracket.
    pub(super) fn at(out: &[u8]) -> Self {
        Self { start: out.len() }
    }

    /// Adds a comma where something stands already; returns the length to go back to.
    pub(super) fn before(&mut self, out: &mut Vec<u8>) -> usize {
        let length = out.len();
        if length > self.start {
            out.push(b',');
        }
        length
    }
}
