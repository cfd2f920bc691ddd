//! The parts of a multipart body.

use super::{CompiledBody, FieldSpelling, argument, fields, says_base64};
use crate::{
    encode,
    json::pointer,
    tool::{InputSchema, Layout, Leaf, Templates, http::param::argument_path},
};
use http::HeaderName;
use mcp_common::{
    definition::tool::{BodyBinding, Part as Declaration, PartSource, Place},
    problem::Problem,
};
use serde_json::Value;
use std::collections::HashMap;

/// Room for what stands around the files.
const FRAME_BYTES: u64 = 64 << 10;

/// Fields of the body's value, and parts out of arguments.
#[derive(Debug)]
pub(crate) struct Multipart {
    pub(crate) encodings: HashMap<String, FieldSpelling>,
    pub(crate) parts: Vec<Part>,
}

/// A part, or several where the argument is a list.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    /// The argument.
    pub(crate) from: Vec<String>,
    pub(crate) is_base64: bool,
    pub(crate) filename: Option<(Leaf, String)>,
    pub(crate) content_type: Option<(Leaf, String)>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) headers: Vec<(HeaderName, Leaf, String)>,
}

pub(super) fn compile(
    body: &BodyBinding,
    input: &InputSchema,
    templates: &mut Templates,
    compiled: &mut CompiledBody,
    problems: &mut Vec<Problem>,
) -> Multipart {
    let encodings = fields::compile(body, input, templates, problems);
    let mut parts = Vec::new();
    for (index, declaration) in body.parts.iter().enumerate() {
        let field = format!("tds_ext_info.body.parts[{index}]");
        let part = part(
            declaration,
            &field,
            input,
            templates,
            &mut compiled.claimed,
            problems,
        );
        compiled.extra_bytes = compiled.extra_bytes.saturating_add(part.max_bytes.unwrap_or(0));
        parts.push(part);
    }
    if compiled.extra_bytes > 0 {
        compiled.extra_bytes = compiled.extra_bytes.saturating_add(FRAME_BYTES);
    }
    Multipart { encodings, parts }
}

fn part(
    declaration: &Declaration,
    field: &str,
    input: &InputSchema,
    templates: &mut Templates,
    claimed: &mut Vec<Vec<String>>,
    problems: &mut Vec<Problem>,
) -> Part {
    if declaration.name.is_empty() {
        problems.push(Problem::at(format!("{field}.name"), "must not be empty"));
    }
    if declaration.max_bytes.is_some_and(|size| size.0 == 0) {
        problems.push(Problem::at(format!("{field}.max_bytes"), "must be at least 1"));
    }
    let from = match &declaration.from {
        Some(text) => argument(&format!("{field}.from"), text, input, claimed, problems),
        None => {
            let path = argument_path(input.layout == Layout::Grouped, Place::Body, &declaration.name);
            argument(
                &format!("{field}.name"),
                &pointer::pointer_of(&path),
                input,
                claimed,
                problems,
            )
        }
    };
    let schema = input.at(&from).map(|schema| input.resolve(schema));
    let is_base64 = match declaration.source {
        PartSource::Base64 => true,
        PartSource::Text => false,
        PartSource::Auto => schema.is_some_and(|schema| says_base64(schema, input)),
    };
    let mut text = |member: &str, text: &Option<String>| {
        let field = format!("{field}.{member}");
        let leaf = templates.compile(&field, &Value::from(text.as_deref()?), input);
        if let Ok(Leaf::Fixed(Value::String(text))) = &leaf
            && member == "content_type"
            && let Err(reason) = encode::header_value(text.as_bytes())
        {
            problems.push(Problem::at(&field, reason));
        }
        leaf.map(|leaf| (leaf, field))
            .map_err(|problem| problems.push(problem))
            .ok()
    };
    let media_type = schema
        .and_then(|schema| schema.get("contentMediaType"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    Part {
        name: declaration.name.clone(),
        filename: text("filename", &declaration.filename),
        content_type: text("content_type", &declaration.content_type.clone().or(media_type)),
        max_bytes: declaration.max_bytes.map(|size| size.0),
        headers: fields::headers(&declaration.headers, field, input, templates, problems),
        from,
        is_base64,
    }
}
