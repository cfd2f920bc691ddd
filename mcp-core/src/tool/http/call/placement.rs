//! Whether every place of the call can be filled by what the schema declares.

use super::{fixed::Fixed, placed::Placed};
use crate::tool::{
    Body, Content, InputSchema, Layout, PathTemplate,
    http::{body::check_neighbours, header_name},
};
use mcp_common::problem::Problem;

/// Checks placeholders and header arguments.
pub(super) fn check(
    input: &InputSchema,
    path: &PathTemplate,
    fixed: &Fixed,
    placed: &Placed,
    problems: &mut Vec<Problem>,
) {
    let (fillers, place) = match input.layout {
        Layout::Grouped => (input.group("path"), "properties.path of input_schema"),
        Layout::Flat => (input.declared.clone(), "input_schema"),
        Layout::ByShape => return,
    };
    for name in path.placeholders().filter(|name| !fillers.allows(name)) {
        let reason = format!("nothing fills the placeholder `{name}`: {place} has no property of that name");
        problems.push(Problem::at("tds_ext_info.path", reason));
    }
    if input.layout == Layout::Flat {
        return;
    }
    let declared = input.group("header").names;
    for name in declared
        .iter()
        .filter(|name| !placed.has(&["header", name.as_str()]))
    {
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
}

/// Whether the schema has arguments that go into the body because they have no other place.
pub(super) fn speaks_of_body(input: &InputSchema, path: &PathTemplate, placed: &Placed) -> bool {
    input.layout == Layout::Flat && rest(input, path, placed).next().is_some()
}

/// Whether arguments are declared to go into the body.
pub(super) fn has_argument_in_body(body: &Body) -> bool {
    match body {
        Body::Built(plan) => {
            matches!(&plan.content, Content::Members { params, .. } if params.iter().any(|p| !p.is_own()))
        }
        Body::Rest | Body::None => false,
    }
}

/// Arguments that nothing places.
fn rest<'a>(
    input: &'a InputSchema,
    path: &'a PathTemplate,
    placed: &'a Placed,
) -> impl Iterator<Item = &'a String> {
    let names = input.declared.names.iter();
    names.filter(|name| !path.has(name) && !placed.has(&[name.as_str()]))
}

/// What is left over has to have a place.
pub(super) fn check_rest(
    input: &InputSchema,
    path: &PathTemplate,
    placed: &Placed,
    body: &Body,
    rest_in_query: bool,
    problems: &mut Vec<Problem>,
) {
    let in_body_group = input.group("body");
    let grouped_rest = || {
        let names = in_body_group.names.iter();
        names.filter(|name| !placed.has(&["body", name.as_str()]))
    };
    let lost = match body {
        Body::None => (input.layout == Layout::Grouped && input.declared.names.contains("body")).then(|| {
            (
                "body".to_owned(),
                "tds_ext_info.body.mode",
                "mode `none` sends no body",
            )
        }),
        Body::Rest => None,
        Body::Built(plan) => match (&plan.content, input.layout) {
            (Content::Members { params, .. }, Layout::Grouped) => {
                check_neighbours(params, grouped_rest(), problems);
                None
            }
            (Content::Members { params, .. }, _) if !rest_in_query => {
                check_neighbours(params, rest(input, path, placed), problems);
                None
            }
            (Content::Members { .. }, _) => None,
            (content, layout) => {
                let (field, reason) = match content {
                    Content::Root(_) => ("tds_ext_info.body.root", "the body is the one argument alone"),
                    _ => ("tds_ext_info.body.template", "the body is exactly the template"),
                };
                let name = match layout {
                    Layout::Grouped => grouped_rest().next().map(|name| format!("body.{name}")),
                    _ if rest_in_query => None,
                    _ => rest(input, path, placed).next().cloned(),
                };
                name.map(|name| (name, field, reason))
            }
        },
    };
    if let Some((name, field, reason)) = lost {
        let reason = format!("leaves no place for the argument `{name}`: {reason}; list it in `params`");
        problems.push(Problem::at(field, reason));
    }
}
