//! Arguments that no rule of the definition names, and those that go nowhere.

use super::{
    Trace, argument,
    written::{self, Written},
};
use crate::{
    authoring::explain::{Part, Placement},
    encode::{self, Plain},
    json::pointer::pointer_of,
    tool::{Body, Call},
};
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// `/group/name` is the longest pointer that is looked at, and a name has its slashes escaped.
const MAX_STEPS: usize = 3;

impl Trace<'_> {
    pub(super) fn rest_of_query(&self, out: &mut Vec<Placement>) {
        if let Some(groups) = &self.arguments.groups {
            for (name, raw) in groups.query.iter() {
                if !self.call.is_placed(&["query", name]) {
                    let mut placement = argument(Some("query"), name, Part::Query, name);
                    placement.rule = "group `query` of the arguments".to_owned();
                    query(name, raw).note(&mut placement);
                    out.push(placement);
                }
            }
        } else if self.call.rest_in_query {
            for (name, raw) in self.rest() {
                let mut placement = argument(None, name, Part::Query, name);
                placement.rule = rule_of_query(self.call);
                query(name, raw).note(&mut placement);
                out.push(placement);
            }
        }
    }

    /// Flat arguments without a place of their own.
    pub(super) fn rest(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        let call = self.call;
        let root = self.arguments.root.iter();
        root.filter(|(name, _)| !call.path.has(name) && !call.is_placed(&[name]))
    }

    /// What was given, but stands in no part of the request.
    pub(super) fn forgotten(&self, out: &mut Vec<Placement>) {
        let mut given: Vec<String> = Vec::new();
        let groups = self.arguments.groups.as_ref();
        for (name, raw) in self.arguments.root.iter() {
            match groups.and_then(|_| Plain::read(raw.get()).ok()) {
                Some(Plain::Object(members)) => {
                    given.extend(members.iter().map(|(member, _)| pointer_of(&[name, member])));
                }
                _ => given.push(pointer_of(&[name])),
            }
        }
        let placed = out.iter().flat_map(|placement| &placement.arguments);
        let placed: BTreeSet<&str> = placed.map(String::as_str).collect();
        // Part of what is placed, or with a part in it that is.
        let is_seen = |pointer: &str| {
            let ends = pointer
                .match_indices('/')
                .map(|(end, _)| end)
                .chain([pointer.len()]);
            let inner = format!("{pointer}/");
            ends.take(MAX_STEPS).any(|end| placed.contains(&pointer[..end]))
                || placed.contains(pointer)
                || placed
                    .range(&*inner..)
                    .next()
                    .is_some_and(|next| next.starts_with(&inner))
        };
        let lost: Vec<String> = given.into_iter().filter(|pointer| !is_seen(pointer)).collect();
        for pointer in lost {
            let mut placement = argument(None, "", Part::Body, "");
            placement.arguments = vec![pointer];
            placement.place = None;
            placement.rule = "none".to_owned();
            placement.left_out = Some(nowhere(self.call).to_owned());
            out.push(placement);
        }
    }
}

fn nowhere(call: &Call) -> &'static str {
    match call.body {
        Body::None => "no rule places it, and this tool sends no body",
        Body::Rest | Body::Built(_) => "no rule places it",
    }
}

fn rule_of_query(call: &Call) -> String {
    match call.body {
        Body::None => "arguments without a rule go to the query (body.mode: none)".to_owned(),
        _ => format!("arguments without a rule go to the query ({})", call.method),
    }
}

/// How the query writes what is not declared: exploded, and members of an object each for themselves.
fn query(name: &str, raw: &RawValue) -> Written {
    written::pairs(name, raw.get(), encode::FORM, "&")
}
