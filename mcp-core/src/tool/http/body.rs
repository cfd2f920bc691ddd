//! The body of a call (`tds_ext_info.body`), compiled.

mod check;
mod fields;
mod multipart;
mod tree;

use crate::{
    encode,
    json::pointer,
    tool::{InputSchema, Layout, Param, Params, PathTemplate, TakenFields, Template, Templates},
};
pub(crate) use fields::FieldSpelling;
use http::HeaderValue;
use mcp_common::{
    definition::tool::{BodyBinding, BodyMode, HttpBinding, Place},
    problem::Problem,
};
pub(crate) use multipart::{Multipart, Part};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
pub(crate) use tree::{Node, check_neighbours};

/// What the body of a call is made of.
#[derive(Debug)]
pub(crate) enum Body {
    /// The arguments that have no other place, as JSON.
    Rest,
    /// The body is never anything.
    None,
    /// What the definition says.
    Built(Box<BodyPlan>),
}

/// A body that the definition describes.
#[derive(Debug)]
pub(crate) struct BodyPlan {
    pub(crate) content: Content,
    pub(crate) format: Format,
    /// The fields that are taken; empty where the body has none.
    pub(crate) taken: TakenFields,
}

/// Where the value comes from that is the body, or whose members are its fields.
#[derive(Debug)]
pub(crate) enum Content {
    /// One argument.
    Root(Vec<String>),
    Template(Template),
    /// The parameters in the body at their places, and beside them the arguments that have no other place.
    Members {
        params: Vec<Param>,
        tree: Vec<(String, Node)>,
        /// Names that arguments cannot have, since the definition fills them.
        taken: BTreeSet<String>,
    },
}

/// How the value is written.
#[derive(Debug)]
pub(crate) enum Format {
    Json,
    Form(HashMap<String, FieldSpelling>),
    Multipart(Multipart),
    Raw { is_base64: bool },
}

/// The compiled body and what it means for the rest of the call.
#[derive(Debug)]
pub(crate) struct CompiledBody {
    pub(crate) body: Body,
    pub(crate) content_type: HeaderValue,
    /// Arguments that the body uses, from the root of the arguments.
    pub(crate) claimed: Vec<Vec<String>>,
    /// What the definition itself lets files add to the size of the body.
    pub(crate) extra_bytes: u64,
}

/// Compiles the body; takes the body's parameters out of `params`.
pub(super) fn compile(
    binding: &HttpBinding,
    input: &InputSchema,
    path: &PathTemplate,
    params: &mut Params,
    templates: &mut Templates,
    problems: &mut Vec<Problem>,
) -> CompiledBody {
    let none = BodyBinding::default();
    let body = binding.body.as_ref().unwrap_or(&none);
    let mode = mode(body);
    check::members(body, mode, binding, params, problems);
    let (content_type, is_json_anyway) = content_type(body, mode, problems);
    let in_body = std::mem::take(&mut params.body);
    let mut compiled = CompiledBody {
        body: Body::None,
        content_type,
        claimed: Vec::new(),
        extra_bytes: 0,
    };
    if mode == BodyMode::None {
        return compiled;
    }
    let multipart = (mode == BodyMode::Multipart)
        .then(|| multipart::compile(body, input, templates, &mut compiled, problems));
    let taken: Vec<String> = body.parts.iter().map(|part| part.name.clone()).collect();
    let content = content(
        body,
        in_body,
        taken,
        input,
        templates,
        &mut compiled.claimed,
        problems,
    );
    check::encoding_names(body, &content, input, path, problems);
    if matches!(mode, BodyMode::Form | BodyMode::Multipart) {
        check::fields(&content, input, problems);
    }
    let format = match (mode, multipart) {
        (_, Some(multipart)) => Format::Multipart(multipart),
        (BodyMode::Form, _) => Format::Form(fields::compile(body, input, templates, problems)),
        (BodyMode::Raw, _) => Format::Raw {
            is_base64: is_base64(&content, input),
        },
        _ => Format::Json,
    };
    let is_plain = matches!(&content, Content::Members { params, .. } if params.is_empty());
    compiled.body = if is_plain && is_json_anyway {
        Body::Rest
    } else if is_plain && mode == BodyMode::Raw && input.layout == Layout::Flat {
        let reason = "`raw` needs `root` or `template` to say what is sent";
        problems.push(Problem::at("tds_ext_info.body.mode", reason));
        Body::None
    } else {
        let taken = match &format {
            Format::Form(_) | Format::Multipart(_) => fields::taken(body, &content),
            Format::Json | Format::Raw { .. } => TakenFields::default(),
        };
        Body::Built(Box::new(BodyPlan {
            content,
            format,
            taken,
        }))
    };
    compiled
}

/// `auto` is what the other members say.
fn mode(body: &BodyBinding) -> BodyMode {
    if body.mode != BodyMode::Auto {
        return body.mode;
    }
    if !body.parts.is_empty() {
        return BodyMode::Multipart;
    }
    let essence = body.content_type.as_deref().map(essence);
    match essence.as_deref() {
        None => BodyMode::Json,
        Some("application/x-www-form-urlencoded") => BodyMode::Form,
        Some(other) if other.starts_with("multipart/") => BodyMode::Multipart,
        Some(other) if is_json(other) => BodyMode::Json,
        Some(_) => BodyMode::Raw,
    }
}

fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json") || essence.ends_with("/json")
}

/// Whether the body is XML or HTML that a template writes.
fn is_raw_markup(body: &BodyBinding) -> bool {
    let is_markup =
        |kind: &str| matches!(kind, "application/xml" | "text/xml" | "text/html") || kind.ends_with("+xml");
    mode(body) == BodyMode::Raw
        && body
            .content_type
            .as_deref()
            .is_some_and(|kind| is_markup(&essence(kind)))
}

/// The header, and whether the format is JSON.
fn content_type(body: &BodyBinding, mode: BodyMode, problems: &mut Vec<Problem>) -> (HeaderValue, bool) {
    let by_mode = match mode {
        BodyMode::Form => "application/x-www-form-urlencoded",
        BodyMode::Multipart => "multipart/form-data",
        BodyMode::Raw => "text/plain; charset=utf-8",
        BodyMode::Auto | BodyMode::None | BodyMode::Json => "application/json",
    };
    let is_json = matches!(mode, BodyMode::Json | BodyMode::Auto);
    let Some(text) = &body.content_type else {
        return (HeaderValue::from_static(by_mode), is_json);
    };
    let wrong = match mode {
        BodyMode::Form => essence(text) != by_mode,
        BodyMode::Multipart => !essence(text).starts_with("multipart/") || text.contains("boundary"),
        _ => essence(text).split('/').filter(|part| !part.is_empty()).count() != 2,
    };
    if wrong {
        let reason = format!("`{text}` is not a media type for this body, such as `{by_mode}`");
        problems.push(Problem::at("tds_ext_info.body.content_type", reason));
    }
    let value = encode::header_value(text.trim().as_bytes()).unwrap_or_else(|reason| {
        problems.push(Problem::at("tds_ext_info.body.content_type", reason));
        HeaderValue::from_static(by_mode)
    });
    (value, is_json)
}

fn content(
    body: &BodyBinding,
    params: Vec<Param>,
    taken: Vec<String>,
    input: &InputSchema,
    templates: &mut Templates,
    claimed: &mut Vec<Vec<String>>,
    problems: &mut Vec<Problem>,
) -> Content {
    if let Some(root) = &body.root {
        return Content::Root(argument("tds_ext_info.body.root", root, input, claimed, problems));
    }
    if let Some(template) = &body.template {
        let field = "tds_ext_info.body.template";
        templates.write_markup(is_raw_markup(body));
        let template = Template::compile(templates, field, template.get(), input, problems);
        templates.write_markup(false);
        return Content::Template(template);
    }
    let tree = tree::compile(&params, problems);
    let taken = tree.iter().map(|(name, _)| name.clone()).chain(taken).collect();
    Content::Members { params, tree, taken }
}

/// The argument that a JSON Pointer of the definition names.
fn argument(
    field: &str,
    text: &str,
    input: &InputSchema,
    claimed: &mut Vec<Vec<String>>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let path = pointer::parse(text).unwrap_or_else(|reason| {
        problems.push(Problem::at(field, reason));
        Vec::new()
    });
    if let Some(unknown) = input.unknown(&path) {
        let reason = format!("input_schema has no property `{}`", unknown.join("."));
        problems.push(Problem::at(field, reason));
    }
    claimed.push(path.clone());
    path
}

fn is_base64(content: &Content, input: &InputSchema) -> bool {
    let path = match content {
        Content::Root(path) => path.clone(),
        Content::Members { .. } if input.layout == Layout::Grouped => vec![Place::Body.as_str().to_owned()],
        _ => return false,
    };
    input.at(&path).is_some_and(|schema| says_base64(schema, input))
}

/// Whether the schema, or that of its items, says that texts are bytes.
fn says_base64(schema: &Value, input: &InputSchema) -> bool {
    let schema = input.resolve(schema);
    let is_base64 = |schema: &Value| {
        schema
            .get("contentEncoding")
            .is_some_and(|encoding| encoding == "base64")
    };
    let items = schema.get("items").map(|items| input.resolve(items));
    is_base64(schema) || items.is_some_and(is_base64)
}
