//! What expressions and templates over an answer see. Made when the first one asks.

use super::{decode, media::Media};
use crate::{
    engine::{CallContext, caller, http::client::Answer},
    json::strict_value,
    tool::{AnswerText, ResponseShape, Unrendered},
};
use minijinja::{Value, value::Serde};
use serde_json::{Map, Value as Json, json};
use std::cell::OnceCell;

pub(super) struct Names<'a> {
    response: &'a ResponseShape,
    answer: &'a Answer,
    context: &'a CallContext<'a>,
    made: OnceCell<Result<Value, String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(response: &'a ResponseShape, answer: &'a Answer, context: &'a CallContext<'a>) -> Self {
        Self {
            response,
            answer,
            context,
            made: OnceCell::new(),
        }
    }

    pub(super) fn value(&self) -> Result<Value, String> {
        self.made.get_or_init(|| self.make()).clone()
    }

    /// The names with the shaped answer, which is JSON text; `None` where the body is no JSON.
    pub(super) fn with_data(&self, data: Option<&str>) -> Result<Value, String> {
        let names = self.value()?;
        let data = match data {
            Some(json) => {
                let data = strict_value::read(json).map_err(|error| error.to_string())?;
                Value::from(Serde(data))
            }
            None => names.get_attr("body").unwrap_or_default(),
        };
        Ok(minijinja::context! { data, ..names })
    }

    /// The reason why a text cannot be made, with what it names and the caller does not have.
    pub(super) fn explained(&self, text: &AnswerText, unrendered: Unrendered) -> String {
        let reason = unrendered.reason;
        let named = self.response.templates.caller_names_of(text);
        match caller::lacking(self.context, named) {
            Some(names) if unrendered.is_undefined => format!("{reason}; the caller has no {names}"),
            _ => reason,
        }
    }

    fn make(&self) -> Result<Value, String> {
        let mut headers = Map::new();
        for name in self.answer.headers.keys() {
            let values = self.answer.headers.get_all(name).iter();
            let values: Vec<_> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            headers.insert(name.as_str().to_owned(), values.join(", ").into());
        }
        let body = if self.response.templates.uses_body {
            self.body()
        } else {
            Json::Null
        };
        let arguments = self.context.arguments.map_or("{}", |arguments| arguments.get());
        let args = strict_value::read(arguments).map_err(|error| error.to_string())?;
        let names = json!({
            "status": self.answer.status.as_u16(),
            "headers": headers,
            "body": body,
            "args": args,
        });
        let names = Value::from(Serde(names));
        Ok(minijinja::context! {
            principal => caller::principal(self.context.principal),
            request => caller::request(self.context, self.response.templates.headers()),
            instance => self.context.instance.value(),
            ..names
        })
    }

    fn body(&self) -> Json {
        if self.answer.body.is_empty() {
            return Json::Null;
        }
        match Media::of(self.answer) {
            Media::Image | Media::Audio | Media::Binary => Json::Null,
            Media::Text if !decode::is_lines(self.answer) => decode::text(self.answer).into(),
            Media::Json | Media::Text => {
                let json = decode::json(self.answer);
                let value =
                    json.and_then(|json| serde_json::from_str(&json).map_err(|error| error.to_string()));
                value.unwrap_or_else(|_| decode::text(self.answer).into())
            }
        }
    }
}
