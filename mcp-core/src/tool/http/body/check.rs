//! Members of `body` that do not go together.

use super::{Content, essence};
use crate::tool::{Declared, InputSchema, Layout, Params, PathTemplate, Template};
use mcp_common::{
    definition::tool::{BodyBinding, BodyMode, HttpBinding},
    problem::Problem,
};
use serde_json::Value;

pub(super) fn members(
    body: &BodyBinding,
    mode: BodyMode,
    binding: &HttpBinding,
    params: &Params,
    problems: &mut Vec<Problem>,
) {
    let mut refuse = |member: &str, reason: String| {
        problems.push(Problem::at(format!("tds_ext_info.body.{member}"), reason));
    };
    if mode == BodyMode::None {
        let given = [
            ("root", body.root.is_some()),
            ("template", body.template.is_some()),
            ("content_type", body.content_type.is_some()),
        ];
        for (member, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
            refuse(
                member,
                "is given together with mode `none`, which never sends a body".into(),
            );
        }
    }
    if body.root.is_some() && body.template.is_some() {
        refuse(
            "template",
            "is given together with `root`; keep one of them".into(),
        );
    }
    if mode != BodyMode::Multipart && !body.parts.is_empty() {
        refuse("parts", "need mode `multipart`".into());
    }
    if !matches!(mode, BodyMode::Form | BodyMode::Multipart) && !body.encoding.is_empty() {
        refuse("encoding", "needs mode `form` or `multipart`".into());
    }
    let header = binding
        .headers
        .keys()
        .find(|name| name.eq_ignore_ascii_case("content-type"));
    if let Some(header) = header.filter(|_| body.content_type.is_some() || mode == BodyMode::Multipart) {
        let reason = if mode == BodyMode::Multipart {
            "is given together with a multipart body, whose boundary only the gateway knows"
        } else {
            "is given together with `body.content_type`; keep one of them"
        };
        problems.push(Problem::at(format!("tds_ext_info.headers.{header}"), reason));
    }
    for (_, param) in params
        .header
        .iter()
        .filter(|(name, _)| *name == http::header::CONTENT_TYPE)
    {
        if mode == BodyMode::Multipart || body.content_type.is_some() {
            let reason = "`Content-Type` is given by the body";
            problems.push(Problem::at(format!("{}.name", param.field), reason));
        }
    }
    let excluded = if mode == BodyMode::None {
        Some("mode `none`")
    } else if body.root.is_some() {
        Some("`body.root`")
    } else if body.template.is_some() {
        Some("`body.template`")
    } else if mode == BodyMode::Raw {
        Some("mode `raw`")
    } else {
        None
    };
    for param in params.body.iter().filter(|_| excluded.is_some()) {
        let reason = format!(
            "cannot go to the body, which {} fills alone",
            excluded.unwrap_or_default()
        );
        problems.push(Problem::at(format!("{}.in", param.field), reason));
    }
    for (name, encoding) in &body.encoding {
        let at = |member: &str, reason: &str| {
            Problem::at(format!("tds_ext_info.body.encoding.{name}.{member}"), reason)
        };
        if mode == BodyMode::Form && !encoding.headers.is_empty() {
            problems.push(at("headers", "a form has no headers for its fields"));
        }
        if encoding.style.is_some() && encoding.content_type.is_some() {
            problems.push(at(
                "content_type",
                "is given together with `style`; keep one of them",
            ));
        }
        if mode == BodyMode::Multipart && encoding.allow_reserved == Some(true) {
            problems.push(at(
                "allow_reserved",
                "nothing is percent-encoded in multipart; leave it out",
            ));
        }
        let is_for_form = |text: &String| super::is_json(&essence(text)) || essence(text) == "text/plain";
        if mode == BodyMode::Form
            && encoding
                .content_type
                .as_ref()
                .is_some_and(|text| !is_for_form(text))
        {
            problems.push(at(
                "content_type",
                "a form's fields are text/plain or application/json",
            ));
        }
    }
}

/// Properties that `encoding` speaks of and the body never has.
pub(super) fn encoding_names(
    body: &BodyBinding,
    content: &Content,
    input: &InputSchema,
    path: &PathTemplate,
    problems: &mut Vec<Problem>,
) {
    if body.encoding.is_empty() {
        return;
    }
    let schema_at = |at: &[String]| {
        let schema = input.at(at);
        schema.map(|schema| Declared::of(schema, &input.value))
    };
    let (given, open) = match content {
        Content::Root(root) => (Vec::new(), schema_at(root)),
        Content::Template(template) => match template.names() {
            Some(names) => (names, Some(Declared::nothing())),
            None => (Vec::new(), None),
        },
        Content::Members { tree, .. } => {
            let names = tree.iter().map(|(name, _)| name.clone()).collect();
            let rest = match input.layout {
                Layout::Grouped => schema_at(&["body".to_owned()]),
                Layout::Flat | Layout::ByShape => Some(input.declared.clone()),
            };
            (names, rest)
        }
    };
    for name in body.encoding.keys() {
        let is_rest = open.as_ref().is_none_or(|declared| declared.allows(name)) && !path.has(name);
        if !given.contains(name) && !is_rest {
            let reason = format!("the body has no property `{name}`");
            problems.push(Problem::at(format!("tds_ext_info.body.encoding.{name}"), reason));
        }
    }
}

/// A form is made of an object's members.
pub(super) fn fields(content: &Content, input: &InputSchema, problems: &mut Vec<Problem>) {
    let (member, is_something_else) = match content {
        Content::Template(Template::Leaf(..)) | Content::Members { .. } => return,
        Content::Template(template) => ("template", template.names().is_none()),
        Content::Root(root) => {
            let schema = input.at(root).map(|schema| input.resolve(schema));
            let kind = schema
                .and_then(|schema| schema.get("type"))
                .and_then(Value::as_str);
            ("root", kind.is_some_and(|kind| kind != "object"))
        }
    };
    if is_something_else {
        let reason = "must be an object: its members are the fields of the body";
        problems.push(Problem::at(format!("tds_ext_info.body.{member}"), reason));
    }
}
