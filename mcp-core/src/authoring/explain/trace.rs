//! Which rule places what: read from the compiled tool and one call's arguments, beside the plan and never on the way
//! of a call.

mod body;
mod fixed;
mod param;
mod rest;
mod template;
mod written;

use super::{Part, Placement, Source};
use crate::{
    engine::http::build::{arguments::Arguments, leaf::Scope},
    json::pointer::pointer_of,
    tool::{Call, PathPart},
};
use serde_json::value::RawValue;
use written::Written;

/// Everything that one trace looks at.
#[derive(Clone, Copy)]
struct Trace<'a> {
    call: &'a Call,
    arguments: &'a Arguments<'a>,
    scope: &'a Scope<'a>,
}

/// All values of the request in the order of its parts, what is left out included.
pub(super) fn trace<'a>(
    call: &'a Call,
    arguments: &'a Arguments<'a>,
    scope: &'a Scope<'a>,
) -> Vec<Placement> {
    let trace = Trace {
        call,
        arguments,
        scope,
    };
    let mut out = Vec::new();
    trace.path(&mut out);
    trace.fixed_query(&mut out);
    out.extend(call.params.query.iter().filter_map(|param| trace.param(param)));
    trace.rest_of_query(&mut out);
    trace.headers(&mut out);
    let headers = call.params.header.iter();
    out.extend(headers.filter_map(|(_, param)| trace.param(param)));
    trace.group(Part::Header, &mut out);
    out.extend(call.params.cookie.iter().filter_map(|param| trace.param(param)));
    trace.group(Part::Cookie, &mut out);
    trace.body(&mut out);
    trace.forgotten(&mut out);
    out
}

impl Trace<'_> {
    fn path(&self, out: &mut Vec<Placement>) {
        for part in &self.call.path.parts {
            match part {
                PathPart::Literal(_) => {}
                PathPart::Declared(number) => out.extend(self.param(&self.call.params.path[*number])),
                PathPart::Placeholder(name) => {
                    let groups = self.arguments.groups.as_ref();
                    let members = groups.map_or(&self.arguments.root, |groups| &groups.path);
                    let Some(raw) = members.get(name) else { continue };
                    let group = groups.map(|_| "path");
                    let mut placement = argument(group, name, Part::Path, &format!("{{{name}}}"));
                    placement.rule = format!("placeholder {{{name}}} of tds_ext_info.path");
                    written::path(name, raw.get(), crate::encode::SIMPLE).note(&mut placement);
                    out.push(placement);
                }
            }
        }
    }

    /// Arguments of a group that no rule of the definition names.
    fn group(&self, part: Part, out: &mut Vec<Placement>) {
        let Some(groups) = &self.arguments.groups else {
            return;
        };
        let (group, members) = match part {
            Part::Header => ("header", &groups.header),
            _ => ("cookie", &groups.cookie),
        };
        for (name, raw) in members.iter() {
            let names = &self.call.declared_names;
            let is_sent = if part == Part::Header {
                names.has_header(name)
            } else {
                names.has_cookie(name)
            };
            if is_sent && !self.call.is_placed(&[group, name]) {
                let mut placement = argument(Some(group), name, part, name);
                placement.rule = format!("group `{group}` of the arguments");
                let written = match part {
                    Part::Header => written::header(raw.get(), crate::encode::SIMPLE),
                    _ => written::pairs(name, raw.get(), crate::encode::FORM, "; "),
                };
                written.note(&mut placement);
                out.push(placement);
            }
        }
    }
}

/// An argument in a place; its rule is still to be named.
fn argument(group: Option<&str>, name: &str, part: Part, wire: &str) -> Placement {
    let path: Vec<&str> = group.into_iter().chain([name]).collect();
    Placement {
        arguments: vec![pointer_of(&path)],
        source: Source::Argument,
        place: Some(part),
        name: wire.to_owned(),
        rule: String::new(),
        style: None,
        written: None,
        left_out: None,
        given_by: None,
    }
}

/// The JSON text of an argument, as a member of the body has it.
fn json_of(raw: &RawValue) -> Written {
    Written::Text(raw.get().to_owned())
}
