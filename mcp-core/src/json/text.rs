//! A JSON text that is held to a schema.

use super::{members::Members, strict_value};
use serde_json::Value;

/// The text, and its members where they have been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    json: &'a str,
    members: Option<&'a Members<'a>>,
}

impl<'a> Text<'a> {
    /// An object whose members are these: each value is read, and nothing around them once more.
    pub(crate) fn of_object(json: &'a str, members: &'a Members<'a>) -> Self {
        let members = Some(members);
        Self { json, members }
    }

    pub(crate) fn get(self) -> &'a str {
        self.json
    }

    /// What the text says, or why it cannot be read.
    pub(crate) fn value(self) -> Result<Value, String> {
        let read = match self.members {
            Some(members) => strict_value::of_members(members),
            None => strict_value::read(self.json),
        };
        read.map_err(|error| mcp_common::json::reason(&error))
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(json: &'a str) -> Self {
        let members = None;
        Self { json, members }
    }
}
