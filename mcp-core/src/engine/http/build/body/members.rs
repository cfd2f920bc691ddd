//! The object that parameters in the body and the arguments without a place of their own make together.

use crate::{
    engine::{
        failure::Failure,
        http::build::{arguments::Arguments, leaf::Scope, param, template::Separator},
    },
    json::{members::Members, pointer::pointer_of, quoted},
    tool::{Call, Node, Param},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeSet};

pub(super) fn build<'a>(
    call: &Call,
    params: &'a [Param],
    tree: &[(String, Node)],
    taken: &BTreeSet<String>,
    arguments: &Arguments<'a>,
    scope: &Scope<'a>,
) -> Result<Option<Cow<'a, str>>, Failure> {
    let members = group_members(arguments)?;
    let mut values = Vec::with_capacity(params.len());
    let mut size = 0;
    for param in params {
        let given = param::given_in_body(param, arguments, &members);
        let value = param::value(param, arguments, given, scope)?;
        size += value.as_deref().map_or(0, str::len);
        scope.check_size(size)?;
        values.push(value);
    }
    let mut out = b"{".to_vec();
    let mut separator = Separator::at(&out);
    for (name, node) in tree {
        let before = separator.before(&mut out);
        quoted(&mut out, name);
        out.push(b':');
        if !write(&mut out, node, &values) {
            out.truncate(before);
        }
    }
    let mut rest = |path: &[&str], raw: &RawValue| {
        let [.., name] = path else { return Ok(()) };
        if call.is_placed(path) {
            return Ok(());
        }
        if taken.contains(*name) {
            let reason = match argument_of(name, params, tree).filter(|_| !arguments.is_guarded) {
                Some(argument) => format!("is what the argument `{argument}` is sent as: give that one"),
                None => "is given by the definition".to_owned(),
            };
            return Err(Failure::argument(&pointer_of(path), &reason));
        }
        separator.before(&mut out);
        quoted(&mut out, name);
        out.push(b':');
        out.extend_from_slice(raw.get().as_bytes());
        Ok(())
    };
    if arguments.groups.is_some() {
        members
            .iter()
            .try_for_each(|(name, raw)| rest(&["body", name], raw))?;
    } else if !call.rest_in_query {
        let mut names = arguments.root.iter().filter(|(name, _)| !call.path.has(name));
        names.try_for_each(|(name, raw)| rest(&[name], raw))?;
    }
    let is_given = arguments
        .groups
        .as_ref()
        .is_some_and(|groups| groups.body.is_some());
    if out.len() == 1 && !call.has_body && !is_given {
        return Ok(None);
    }
    out.push(b'}');
    Ok(String::from_utf8(out).ok().map(Cow::Owned))
}

/// The argument that is sent under this name.
fn argument_of<'p>(name: &str, params: &'p [Param], tree: &[(String, Node)]) -> Option<&'p str> {
    let (_, node) = tree.iter().find(|(sent, _)| sent == name)?;
    let Node::Param(index) = node else { return None };
    let param = params.get(*index).filter(|param| !param.is_own())?;
    Some(&param.name)
}

/// The members of the `body` group.
fn group_members<'a>(arguments: &Arguments<'a>) -> Result<Members<'a>, Failure> {
    let body = arguments.groups.as_ref().and_then(|groups| groups.body);
    let Some(body) = body else {
        return Ok(Members::default());
    };
    if !body.get().starts_with('{') {
        return Err(Failure::argument("/body", "must be an object"));
    }
    Members::read(body.get()).map_err(|reason| Failure::argument("/body", &reason))
}

/// `false`, and nothing, where no value is there. Objects and lists exist for what is in them.
fn write(out: &mut Vec<u8>, node: &Node, values: &[Option<Cow<'_, str>>]) -> bool {
    match node {
        Node::Param(index) => match &values[*index] {
            Some(json) => out.extend_from_slice(json.as_bytes()),
            None => return false,
        },
        Node::Object(members) => {
            out.push(b'{');
            let mut separator = Separator::at(out);
            let start = out.len();
            for (name, inner) in members {
                let before = separator.before(out);
                quoted(out, name);
                out.push(b':');
                if !write(out, inner, values) {
                    out.truncate(before);
                }
            }
            if out.len() == start {
                out.pop();
                return false;
            }
            out.push(b'}');
        }
        Node::List(items) => {
            // An item keeps its number: where one before it is missing stands `null`.
            let Some(last) = items.iter().rposition(|item| has_value(item, values)) else {
                return false;
            };
            out.push(b'[');
            for (index, item) in items[..=last].iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if !write(out, item, values) {
                    out.extend_from_slice(b"null");
                }
            }
            out.push(b']');
        }
    }
    true
}

fn has_value(node: &Node, values: &[Option<Cow<'_, str>>]) -> bool {
    match node {
        Node::Param(index) => values[*index].is_some(),
        Node::Object(members) => members.iter().any(|(_, inner)| has_value(inner, values)),
        Node::List(items) => items.iter().any(|item| has_value(item, values)),
    }
}
