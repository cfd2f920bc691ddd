//! A call's arguments, sorted into the places of the request.

use crate::{
    engine::{arguments::validate, failure::Failure, work::Work},
    json::{members::Members, text::Text},
    tool::{Call, Finding, Layout},
};
use mcp_common::definition::tool::Place;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The arguments as they arrived, read once.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    pub(crate) root: Members<'a>,
    pub(crate) groups: Option<Groups<'a>>,
    /// Whether an argument may stand for what the instance gives and hides, so that no other leads to the same place.
    pub(crate) is_guarded: bool,
    /// Objects that the definition looks into, by their paths: read once, however many templates look into one.
    inner: BTreeMap<Vec<String>, Members<'a>>,
}

/// Arguments that say themselves where they go.
#[derive(Debug, Default)]
pub(crate) struct Groups<'a> {
    pub(crate) path: Members<'a>,
    pub(crate) query: Members<'a>,
    pub(crate) header: Members<'a>,
    pub(crate) cookie: Members<'a>,
    pub(crate) body: Option<&'a RawValue>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn read(call: &Call, json: &'a str) -> Result<Self, Failure> {
        let root = Members::read(json).map_err(|reason| Failure::argument("(root)", &reason))?;
        let is_grouped = match call.signature.layout {
            Layout::Grouped => true,
            Layout::Flat => false,
            Layout::ByShape => looks_grouped(&root),
        };
        Ok(Self {
            root,
            groups: is_grouped.then(Groups::default),
            is_guarded: false,
            inner: BTreeMap::new(),
        })
    }

    /// The argument that a declared parameter speaks of. In the body of grouped arguments it is the body's matter.
    pub(crate) fn given(&self, place: Place, name: &str) -> Option<&'a RawValue> {
        let Some(groups) = &self.groups else {
            return self.root.get(name);
        };
        match place {
            Place::Path => groups.path.get(name),
            Place::Query => groups.query.get(name),
            Place::Header => groups.header.get(name),
            Place::Cookie => groups.cookie.get(name),
            Place::Body => None,
        }
    }

    /// The argument at the path, `Err` where something else than an object is on the way.
    pub(crate) fn at(&self, path: &[String]) -> Result<Option<&'a RawValue>, String> {
        let mut value = path.first().and_then(|name| self.root.get(name));
        for (index, name) in path.iter().enumerate().skip(1) {
            value = match (self.inner.get(&path[..index]), value) {
                (Some(members), _) => members.get(name),
                (None, Some(raw)) if raw.get().starts_with('{') => Members::read(raw.get())?.get(name),
                _ => None,
            };
        }
        Ok(value)
    }

    fn look_into(&mut self, call: &Call) {
        for path in &call.looked_into {
            // What cannot be read is told where it is needed.
            if let Ok(Some(raw)) = self.at(path)
                && let Ok(members) = Members::read(raw.get())
            {
                self.inner.insert(path.clone(), members);
            }
        }
    }

    /// Checks the arguments against the schema and what the definition requires, and sorts them into their groups.
    pub(super) fn check(&mut self, call: &Call, json: &str, work: &dyn Work) -> Result<(), Failure> {
        if let Some(validator) = &call.signature.validator {
            validate(validator, Text::of_object(json, &self.root), work)?;
        }
        self.sort(call)?;
        self.check_required(call)
    }

    /// Sorts them into their groups.
    pub(crate) fn sort(&mut self, call: &Call) -> Result<(), Failure> {
        self.look_into(call);
        match &mut self.groups {
            Some(groups) => groups.fill(&self.root),
            None => Ok(()),
        }
    }

    /// Whether everything is there that the definition requires beside the schema.
    pub(crate) fn check_required(&self, call: &Call) -> Result<(), Failure> {
        if call.required_anywhere.is_empty() && call.required_in_group.is_empty() {
            return Ok(());
        }
        let mut findings = Vec::new();
        for name in &call.required_anywhere {
            let (is_there, place) = match &self.groups {
                Some(groups) => {
                    let place = if call.path.has(name) { "/path" } else { "/query" };
                    (groups.path.get(name).or(groups.query.get(name)).is_some(), place)
                }
                None => (self.root.get(name).is_some(), ""),
            };
            if !is_there {
                findings.push(Finding::at(
                    &format!("{place}/{name}"),
                    "is required, but missing",
                ));
            }
        }
        for (group, name) in &call.required_in_group {
            let is_there = match &self.groups {
                Some(groups) => groups.has(group, name),
                None => self.root.get(name).is_some(),
            };
            if !is_there {
                let place = if self.groups.is_some() {
                    format!("/{group}")
                } else {
                    String::new()
                };
                findings.push(Finding::at(
                    &format!("{place}/{name}"),
                    "is required, but missing",
                ));
            }
        }
        if findings.is_empty() {
            Ok(())
        } else {
            Err(Failure::arguments(findings))
        }
    }
}

impl<'a> Groups<'a> {
    fn fill(&mut self, root: &Members<'a>) -> Result<(), Failure> {
        for (name, value) in root.iter() {
            let group = match name {
                "path" => &mut self.path,
                "query" => &mut self.query,
                "header" => &mut self.header,
                "cookie" => &mut self.cookie,
                "body" => {
                    self.body = Some(value).filter(|value| value.get() != "null");
                    continue;
                }
                other => {
                    let reason =
                        "has no place; arguments of this tool stand in path, query, header, cookie and body";
                    return Err(Failure::argument(&format!("/{other}"), reason));
                }
            };
            if value.get() != "null" {
                *group = Members::read(value.get())
                    .map_err(|reason| Failure::argument(&format!("/{name}"), &reason))?;
            }
        }
        Ok(())
    }

    fn has(&self, group: &str, name: &str) -> bool {
        match group {
            "path" => self.path.get(name).is_some(),
            "query" => self.query.get(name).is_some(),
            "header" => self
                .header
                .iter()
                .any(|(header, _)| header.eq_ignore_ascii_case(name)),
            "cookie" => self.cookie.get(name).is_some(),
            _ => {
                let body = self.body.and_then(|body| Members::read(body.get()).ok());
                body.is_some_and(|body| body.get(name).is_some())
            }
        }
    }
}

/// Where the schema says nothing: groups of objects, and nothing else, are groups.
fn looks_grouped(root: &Members<'_>) -> bool {
    let is_group = |(name, value): (&str, &RawValue)| match name {
        "body" => true,
        "path" | "query" | "header" | "cookie" => value.get().starts_with('{'),
        _ => false,
    };
    !root.is_empty() && root.iter().all(is_group)
}
