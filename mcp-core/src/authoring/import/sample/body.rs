//! The body of a request that was made: its arguments, and the member `body` of the definition.

use super::{
    Field, describe, grouped,
    infer::{schema_of, text_schema},
};
use crate::authoring::import::arguments::{Argument, Arguments, Place, pointer};
use mcp_common::credential_name::may_be_credential;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    #[default]
    None,
    Json(Value),
    Form(Vec<Field>),
    Multipart(Vec<Field>),
    /// A text of any other kind.
    Raw(String),
    /// Bytes that are not in the sample.
    File,
}

impl Body {
    /// How many fields of a form it has.
    pub(super) fn fields(&self) -> usize {
        match self {
            Self::Form(fields) | Self::Multipart(fields) => fields.len(),
            Self::None | Self::Json(_) | Self::Raw(_) | Self::File => 0,
        }
    }
}

pub(super) type Binding = Box<dyn Fn(&Arguments, bool) -> (Option<Value>, bool)>;

/// Adds the body's arguments; what it returns makes the member `body` when all names are known, and says whether it
/// takes the arguments that have no other place.
pub(super) fn add(body: &Body, media: Option<String>, arguments: &mut Arguments) -> Binding {
    match body {
        Body::None => Box::new(|_, _| (None, false)),
        Body::Json(Value::Object(members)) if !members.is_empty() => {
            for (name, value) in members {
                let schema = schema_of(name, value, 0);
                arguments.add(Argument::new(
                    Place::Body,
                    name.as_str(),
                    schema,
                    !value.is_null(),
                ));
            }
            arguments.set_open(None);
            let media = media.filter(|media| media != "application/json");
            Box::new(move |_, in_query| {
                let mut out = Map::new();
                if in_query || media.is_some() {
                    out.insert("mode".into(), "json".into());
                }
                if let Some(media) = &media {
                    out.insert("content_type".into(), media.as_str().into());
                }
                ((!out.is_empty()).then(|| out.into()), true)
            })
        }
        Body::Json(value) => {
            let name = if value.is_array() { "items" } else { "request" };
            arguments.add(Argument::new(Place::Root, name, schema_of(name, value, 0), true));
            Box::new(move |arguments, _| {
                let name = arguments.named(Place::Root, name).unwrap_or(name);
                (Some(json!({"mode": "json", "root": pointer(name)})), true)
            })
        }
        Body::Form(fields) => {
            fields_as_arguments(fields, arguments);
            Box::new(|_, _| (Some(json!({"mode": "form"})), true))
        }
        Body::Multipart(fields) => {
            fields_as_arguments(fields, arguments);
            let files: Vec<String> = fields
                .iter()
                .filter(|field| field.is_file)
                .map(|field| field.name.clone())
                .collect();
            Box::new(move |arguments, _| {
                let part = |name: &String| {
                    let argument = arguments.named(Place::Body, name).unwrap_or(name);
                    json!({"name": name, "from": pointer(argument), "source": "base64", "filename": name})
                };
                let parts: Vec<Value> = files.iter().map(part).collect();
                let mut out = json!({"mode": "multipart"});
                if !parts.is_empty() {
                    out["parts"] = parts.into();
                }
                (Some(out), true)
            })
        }
        Body::Raw(text) => {
            let mut schema = text_schema("text", text);
            if let Some(schema) = schema.as_object_mut() {
                // Nobody knows what is in it.
                schema.remove("examples");
            }
            raw("text", schema, media, "text/plain", arguments)
        }
        Body::File => {
            let schema =
                json!({"type": "string", "contentEncoding": "base64", "description": "The file, in base64"});
            raw("content", schema, media, "application/octet-stream", arguments)
        }
    }
}

/// One argument is the body.
fn raw(
    name: &'static str,
    schema: Value,
    media: Option<String>,
    by_default: &str,
    arguments: &mut Arguments,
) -> Binding {
    let media = media.unwrap_or_else(|| by_default.to_owned());
    arguments.add(Argument::new(Place::Root, name, schema, true));
    Box::new(move |arguments, _| {
        let name = arguments.named(Place::Root, name).unwrap_or(name);
        let body = json!({"mode": "raw", "root": pointer(name), "content_type": media});
        (Some(body), false)
    })
}

fn fields_as_arguments(fields: &[Field], arguments: &mut Arguments) {
    for (name, same) in grouped(fields.iter()) {
        let is_file = same.iter().any(|field| field.is_file);
        let file =
            || json!({"type": "string", "contentEncoding": "base64", "description": "The file, in base64"});
        let one = if is_file {
            file()
        } else {
            text_schema(name, &same[0].value)
        };
        let mut schema = if same.len() > 1 {
            json!({"type": "array", "items": one})
        } else {
            one
        };
        describe(
            &mut schema,
            same.iter().copied().find(|field| field.description.is_some()),
        );
        arguments.add(Argument::new(Place::Body, name, schema, !may_be_credential(name)));
    }
}
