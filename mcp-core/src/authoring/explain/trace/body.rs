//! The body: members, templates, fields and files.

use super::{
    Trace, argument,
    fixed::nothing,
    json_of,
    template::each_leaf,
    written::{self, Written},
};
use crate::{
    authoring::explain::{Part, Placement, Source, title_case},
    encode::{self, Plain},
    json::{members::Members, pointer::pointer_of},
    tool::{Body, BodyPlan, Content, FieldSpelling, Format, Leaf, Part as File},
};
use http::HeaderName;
use serde_json::value::RawValue;
use std::collections::HashMap;

impl Trace<'_> {
    pub(super) fn body(&self, out: &mut Vec<Placement>) {
        match &self.call.body {
            Body::None => {}
            Body::Rest => match &self.arguments.groups {
                Some(groups) => out.extend(groups.body.map(|raw| {
                    let mut placement = argument(None, "body", Part::Body, "");
                    placement.rule = "group `body` of the arguments".to_owned();
                    json_of(raw).note(&mut placement);
                    placement
                })),
                None => self.rest_of_body(None, out),
            },
            Body::Built(plan) => self.built(plan, out),
        }
    }

    fn built(&self, plan: &BodyPlan, out: &mut Vec<Placement>) {
        match &plan.content {
            Content::Root(path) => {
                if let Ok(Some(raw)) = self.arguments.at(path) {
                    let mut placement = argument(None, "", Part::Body, "");
                    placement.arguments = vec![pointer_of(path)];
                    placement.rule = "tds_ext_info.body.root".to_owned();
                    placement.style = Some(format_name(&plan.format).to_owned());
                    json_of(raw).note(&mut placement);
                    out.push(placement);
                }
            }
            Content::Template(template) => each_leaf(template, &mut |leaf, field| {
                let place = field.strip_prefix("tds_ext_info.body.template").unwrap_or(field);
                let place = place.replace(['.', '['], "/").replace(']', "");
                out.push(self.made(&place, leaf, field));
            }),
            Content::Members { params, .. } => {
                let groups = self.arguments.groups.as_ref();
                let body = groups.and_then(|groups| groups.body);
                let members = body.and_then(|body| Members::read(body.get()).ok());
                for param in params {
                    let given = match (&members, groups) {
                        (Some(members), _) => members.get(&param.name),
                        (None, Some(_)) => None,
                        (None, None) => self.arguments.root.get(&param.name),
                    };
                    out.extend(self.param_given(param, given));
                }
                match (members, body) {
                    (Some(members), _) => {
                        for (name, raw) in members.iter() {
                            if !self.call.is_placed(&["body", name]) {
                                out.push(self.member(Some("body"), name, raw, Some(&plan.format)));
                            }
                        }
                    }
                    (None, Some(raw)) => {
                        let mut placement = argument(None, "body", Part::Body, "");
                        placement.rule = "group `body` of the arguments".to_owned();
                        json_of(raw).note(&mut placement);
                        out.push(placement);
                    }
                    (None, None) if groups.is_none() => self.rest_of_body(Some(&plan.format), out),
                    (None, None) => {}
                }
            }
        }
        match &plan.format {
            Format::Form(encodings) => self.headers_of_fields(encodings, out),
            Format::Multipart(multipart) => {
                self.headers_of_fields(&multipart.encodings, out);
                for (index, part) in multipart.parts.iter().enumerate() {
                    out.extend(self.file(index, part));
                    self.beside_file(part, out);
                }
            }
            Format::Json | Format::Raw { .. } => {}
        }
    }

    fn headers_of_fields(&self, encodings: &HashMap<String, FieldSpelling>, out: &mut Vec<Placement>) {
        for (name, encoding) in encodings {
            self.headers_of_part(name, &encoding.headers, out);
        }
    }

    /// What templates say of a file: its name, its type, its headers.
    fn beside_file(&self, part: &File, out: &mut Vec<Placement>) {
        for (what, leaf) in [("filename", &part.filename), ("type", &part.content_type)] {
            if let Some((leaf, field)) = leaf.as_ref().filter(|(leaf, _)| !is_fixed(leaf)) {
                let name = format!("{what} of part `{}`", part.name);
                out.push(self.made(&name, leaf, field));
            }
        }
        self.headers_of_part(&part.name, &part.headers, out);
    }

    fn headers_of_part(&self, part: &str, headers: &[(HeaderName, Leaf, String)], out: &mut Vec<Placement>) {
        for (header, leaf, field) in headers.iter().filter(|(_, leaf, _)| !is_fixed(leaf)) {
            let header = title_case(header.as_str());
            let name = format!("{header} of part `{part}`");
            out.push(self.made(&name, leaf, field));
        }
    }

    /// A value that a template makes for the body.
    fn made(&self, name: &str, leaf: &Leaf, field: &str) -> Placement {
        let written = match self.scope.json(leaf, field) {
            Ok(Some(json)) => Written::Text(json.into_owned()),
            Ok(None) => nothing(),
            Err(failure) => Written::Nothing(failure.reason().to_owned()),
        };
        self.templated(Part::Body, name, leaf, field, written)
    }

    fn rest_of_body(&self, format: Option<&Format>, out: &mut Vec<Placement>) {
        if !self.call.rest_in_query {
            for (name, raw) in self.rest() {
                out.push(self.member(None, name, raw, format));
            }
        }
    }

    /// One that no rule names.
    fn member(&self, group: Option<&str>, name: &str, raw: &RawValue, format: Option<&Format>) -> Placement {
        let mut placement = argument(group, name, Part::Body, &pointer_of(&[name]));
        placement.rule = match group {
            Some(group) => format!("group `{group}` of the arguments"),
            None => format!("arguments without a rule go into the body ({})", self.call.method),
        };
        match format {
            Some(Format::Form(encodings)) => {
                name.clone_into(&mut placement.name);
                let spelling = encodings.get(name).and_then(|encoding| encoding.style);
                if spelling.is_some() {
                    placement.style = spelling.map(written::style);
                    placement.rule = format!("tds_ext_info.body.encoding.{name}");
                }
                let is_object = matches!(Plain::read(raw.get()), Ok(Plain::Object(_)));
                let by_default = if is_object { encode::JSON } else { encode::FORM };
                let spelling = spelling.unwrap_or(by_default);
                written::pairs(name, raw.get(), spelling, "&").note(&mut placement);
            }
            Some(Format::Multipart(multipart)) => {
                placement.name = format!("part `{name}`");
                if multipart.encodings.contains_key(name) {
                    placement.rule = format!("tds_ext_info.body.encoding.{name}");
                }
                json_of(raw).note(&mut placement);
            }
            _ => json_of(raw).note(&mut placement),
        }
        placement
    }

    fn file(&self, index: usize, part: &File) -> Option<Placement> {
        let raw = self.arguments.at(&part.from).ok().flatten()?;
        let mut placement = argument(None, "", Part::Body, &format!("part `{}`", part.name));
        placement.arguments = vec![pointer_of(&part.from)];
        placement.source = Source::Argument;
        placement.rule = format!("tds_ext_info.body.parts[{index}]");
        placement.style = Some(if part.is_base64 { "base64" } else { "text" }.to_owned());
        match raw.get() {
            "null" => placement.left_out = Some("null makes no part".to_owned()),
            _ => json_of(raw).note(&mut placement),
        }
        Some(placement)
    }
}

fn is_fixed(leaf: &Leaf) -> bool {
    matches!(leaf, Leaf::Fixed(_))
}

fn format_name(format: &Format) -> &'static str {
    match format {
        Format::Json => "json",
        Format::Form(_) => "form",
        Format::Multipart(_) => "multipart",
        Format::Raw { is_base64: true } => "raw, base64",
        Format::Raw { is_base64: false } => "raw",
    }
}
