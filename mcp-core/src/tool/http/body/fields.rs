//! How single properties of a form or multipart body are written (`body.encoding`).

use super::Content;
use crate::{
    encode::{self, Spelling},
    tool::{
        InputSchema, Leaf, Node, TakenFields, Template, Templates,
        http::{header_name, param},
    },
};
use http::HeaderName;
use indexmap::IndexMap;
use mcp_common::{
    definition::tool::{BodyBinding, Encoding, Style},
    problem::Problem,
};
use serde_json::Value;
use std::collections::HashMap;

/// How one property is spelled. Without any, items of a list stand each for themselves and objects are JSON text.
#[derive(Debug)]
pub(crate) struct FieldSpelling {
    pub(crate) style: Option<Spelling>,
    /// The media type of the property's parts.
    pub(crate) content_type: Option<String>,
    /// The headers of the property's parts.
    pub(crate) headers: Vec<(HeaderName, Leaf, String)>,
}

pub(super) fn compile(
    body: &BodyBinding,
    input: &InputSchema,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> HashMap<String, FieldSpelling> {
    let encodings = body.encoding.iter();
    encodings
        .map(|(name, encoding)| {
            let field = format!("tds_ext_info.body.encoding.{name}");
            (name.clone(), one(encoding, &field, input, templates, problems))
        })
        .collect()
}

fn one(
    encoding: &Encoding,
    field: &str,
    input: &InputSchema,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> FieldSpelling {
    let at = |member: &str, reason: String| Problem::at(format!("{field}.{member}"), reason);
    let style = match (encoding.style, encoding.explode) {
        (Some(style @ (Style::Simple | Style::Label | Style::Matrix)), _) => {
            let reason = format!(
                "`{}` is not a style for fields; there are form, spaceDelimited, pipeDelimited, tabDelimited, deepObject, json",
                style.as_str()
            );
            problems.push(at("style", reason));
            None
        }
        (Some(style), _) => Some(style),
        (None, explode) => explode.or(encoding.allow_reserved).map(|_| Style::Form),
    };
    if let Some(style) = style {
        problems.extend(
            param::check_explode(style, encoding.explode)
                .err()
                .map(|reason| at("explode", reason)),
        );
    }
    let is_json = encoding
        .content_type
        .as_deref()
        .is_some_and(|text| super::is_json(&super::essence(text)));
    let style = style.or(is_json.then_some(Style::Json));
    if let Some(text) = &encoding.content_type {
        problems.extend(
            encode::header_value(text.as_bytes())
                .err()
                .map(|reason| at("content_type", reason)),
        );
    }
    let allow_reserved = encoding.allow_reserved == Some(true);
    if allow_reserved && style == Some(Style::Json) {
        problems.push(at(
            "allow_reserved",
            "JSON is one text, all of which is encoded".into(),
        ));
    }
    FieldSpelling {
        style: style.map(|style| param::spelling(style, encoding.explode, allow_reserved)),
        content_type: encoding.content_type.clone(),
        headers: headers(&encoding.headers, field, input, templates, problems),
    }
}

/// The fields that the definition gives.
pub(super) fn taken(body: &BodyBinding, content: &Content) -> TakenFields {
    let members = match content {
        Content::Root(_) => Vec::new(),
        Content::Template(Template::Object(members)) => {
            let members = members.iter();
            members
                .map(|(name, value)| (name.clone(), value.fixed().is_some()))
                .collect()
        }
        Content::Template(template) => {
            let names = template.names().unwrap_or_default();
            names.into_iter().map(|name| (name, true)).collect()
        }
        Content::Members { params, tree, .. } => {
            let is_own = |node: &Node| matches!(node, Node::Param(index) if params[*index].is_own());
            tree.iter()
                .map(|(name, node)| (name.clone(), is_own(node)))
                .collect()
        }
    };
    TakenFields::new(members, body.parts.iter().map(|part| part.name.clone()))
}

/// Further headers of a part.
pub(super) fn headers(
    headers: &IndexMap<String, Value>,
    field: &str,
    input: &InputSchema,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> Vec<(HeaderName, Leaf, String)> {
    let mut compiled = Vec::new();
    for (name, value) in headers {
        let field = format!("{field}.headers.{name}");
        let header = match header_name::read(name) {
            Ok(header) => header,
            Err(reason) => {
                problems.push(Problem::at(field, reason));
                continue;
            }
        };
        if matches!(
            header.as_str(),
            "content-disposition" | "content-type" | "content-transfer-encoding"
        ) {
            let reason = "is given by the part itself: `name`, `filename` and `content_type`";
            problems.push(Problem::at(field, reason));
            continue;
        }
        match templates.compile(&field, value, input) {
            Ok(Leaf::Fixed(Value::Array(_) | Value::Object(_))) => {
                problems.push(Problem::at(field, "must be a text, number or boolean"));
            }
            Ok(Leaf::Fixed(Value::String(text))) if encode::header_value(text.as_bytes()).is_err() => {
                problems.push(Problem::at(
                    field,
                    "has a character that cannot stand in a header",
                ));
            }
            Ok(leaf) => compiled.push((header, leaf, field)),
            Err(problem) => problems.push(problem),
        }
    }
    compiled
}
