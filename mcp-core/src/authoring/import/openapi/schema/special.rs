//! Keywords that mean something else in each direction or version.

use super::{Direction, Schemas};
use crate::{
    authoring::import::{place::At, prose},
    tool::pattern::ecma,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

impl Schemas<'_> {
    pub(super) fn special(
        &mut self,
        keyword: &str,
        value: &Value,
        hidden: &BTreeSet<String>,
        out: &mut Map<String, Value>,
        at: &At<'_>,
    ) {
        let is_request = self.direction == Direction::Request;
        match (keyword, value) {
            // Swagger 2.0.
            ("type", Value::String(kind)) if kind == "file" => {
                drop(out.insert("type".into(), "string".into()))
            }
            ("type", value) => drop(out.insert("type".into(), value.clone())),
            ("format", Value::String(format)) if format == "byte" => {
                out.insert("contentEncoding".into(), "base64".into());
            }
            // Answers that miss a format by a little are answers all the same.
            ("format", Value::String(format)) if is_request && format != "binary" => {
                out.insert("format".into(), format.as_str().into());
            }
            // Of answers it would only forbid.
            ("pattern", Value::String(pattern)) if is_request => match ecma(pattern) {
                Some(pattern) => drop(out.insert("pattern".into(), pattern.into())),
                None => self.unreadable.push(pattern.clone()),
            },
            // Drafts before 4 had a boolean here, and some still write it.
            ("required", Value::Array(names)) => {
                let kept = names
                    .iter()
                    .filter(|name| !name.as_str().is_some_and(|name| hidden.contains(name)));
                let kept: Vec<Value> = kept.cloned().collect();
                if !kept.is_empty() {
                    out.insert("required".into(), kept.into());
                }
            }
            ("default", value) if is_request && value.to_string().len() <= 400 => {
                out.insert("default".into(), value.clone());
            }
            ("description", Value::String(text)) => {
                let max = if is_request {
                    prose::ARGUMENT
                } else {
                    prose::ANSWER
                };
                let text = prose::bounded(text, max);
                if !text.is_empty() {
                    out.insert("description".into(), text.into());
                }
            }
            ("title", Value::String(text)) if is_request => {
                drop(out.insert("title".into(), text.as_str().into()))
            }
            ("example", value) if is_request => self.examples(std::slice::from_ref(value), out),
            ("examples", Value::Array(values)) if is_request => self.examples(values, out),
            ("discriminator", value) => self.discriminator(value, out, at),
            _ => {}
        }
    }

    /// Two short ones say what there is to say.
    fn examples(&self, values: &[Value], out: &mut Map<String, Value>) {
        let short = values
            .iter()
            .filter(|value| !value.is_null() && value.to_string().len() <= 200);
        let short: Vec<Value> = short.take(2).cloned().collect();
        if !short.is_empty() {
            out.insert("examples".into(), short.into());
        }
    }

    /// Kept for who understands it; its references follow their schemas.
    fn discriminator(&mut self, value: &Value, out: &mut Map<String, Value>, at: &At<'_>) {
        let property = match value {
            // Swagger 2.0.
            Value::String(property) => property.as_str(),
            value => match value.get("propertyName").and_then(Value::as_str) {
                Some(property) => property,
                None => return,
            },
        };
        let mut kept = Map::new();
        kept.insert("propertyName".into(), property.into());
        let mut mapping = Map::new();
        for (value, target) in value
            .get("mapping")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let Some(target) = target.as_str() else { continue };
            let reference = if target.contains(['#', '/']) {
                target.to_owned()
            } else {
                format!("#/components/schemas/{target}")
            };
            // Only what is an alternative anyway: a mapping alone brings no schema in.
            let name = self
                .names
                .contains_key(&reference)
                .then(|| self.name(&reference, at).ok())
                .flatten();
            if let Some(name) = name {
                mapping.insert(value.clone(), format!("#/$defs/{name}").into());
            }
        }
        if !mapping.is_empty() {
            kept.insert("mapping".into(), mapping.into());
        }
        out.insert("discriminator".into(), kept.into());
    }
}
