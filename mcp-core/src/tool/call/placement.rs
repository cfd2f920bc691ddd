//! Whether every place of the call can be filled by what the schema declares.

use super::fixed::Fixed;
use crate::tool::{Declared, InputSchema, Layout, PathTemplate, header_name};
use mcp_common::problem::Problem;

/// Checks placeholders and header arguments; returns what the header group declares.
pub(super) fn check(
    input: &InputSchema,
    path: &PathTemplate,
    fixed: &Fixed,
    problems: &mut Vec<Problem>,
) -> Option<Declared> {
    let (fillers, place) = match input.layout {
        Layout::Grouped => (input.group("path"), "properties.path of input_schema"),
        Layout::Flat => (input.declared.clone(), "input_schema"),
        Layout::ByShape => return None,
    };
    for name in path.placeholders().filter(|name| !fillers.allows(name)) {
        let reason = format!("nothing fills the placeholder `{name}`: {place} has no property of that name");
        problems.push(Problem::at("tds_ext_info.path", reason));
    }
    let header_group = (input.layout == Layout::Grouped && input.declared.names.contains("header"))
        .then(|| input.group("header"))?;
    for name in &header_group.names {
        let field = format!("input_schema.properties.header.properties.{name}");
        match header_name::read(name) {
            Err(reason) => problems.push(Problem::at(field, reason)),
            Ok(header) if fixed.taken_headers.contains(&header) => {
                problems.push(Problem::at(
                    field,
                    "is also given by tds_ext_info.headers; keep one of them",
                ));
            }
            Ok(_) => {}
        }
    }
    Some(header_group)
}

/// Whether the schema has arguments that go into the body.
pub(super) fn speaks_of_body(input: &InputSchema, path: &PathTemplate, by_template: &[Vec<String>]) -> bool {
    let goes_to_body =
        |name: &String| !path.has(name) && !by_template.iter().any(|named| named.first() == Some(name));
    input.layout == Layout::Flat && input.declared.names.iter().any(goes_to_body)
}
