//! What expressions and templates over an answer see. Made when the first one asks; what would take much memory is not made here,
//! but where it may take that.

use super::{decode, media::Media};
use crate::{
    engine::{
        CallContext, caller,
        http::client::Answer,
        is_heavy,
        seen::{BODY, Seen},
        work::{Filled, Stop, Work},
    },
    tool::{AnswerText, Condition, Filling, ResponseShape, Unrendered, template::exact_value},
};
use minijinja::{Value, value::Serde};
use serde_json::{Map, Value as Json};
use std::{borrow::Cow, cell::OnceCell};

/// What `data` is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Data<'t> {
    /// There is none yet.
    None,
    /// The shaped answer, JSON text.
    Shaped(&'t str),
    /// The body, which is no JSON.
    Body,
}

pub(super) struct Names<'a> {
    response: &'a ResponseShape,
    answer: &'a Answer,
    context: &'a CallContext<'a>,
    /// The body as JSON text.
    body: OnceCell<Cow<'a, str>>,
    made: OnceCell<Result<Value, String>>,
}

impl<'a> Names<'a> {
    pub(super) fn new(response: &'a ResponseShape, answer: &'a Answer, context: &'a CallContext<'a>) -> Self {
        Self {
            response,
            answer,
            context,
            body: OnceCell::new(),
            made: OnceCell::new(),
        }
    }

    /// Whether the condition holds, or why that cannot be told.
    pub(super) fn holds(
        &self,
        condition: &Condition,
        work: &dyn Work,
    ) -> Result<Result<bool, Unrendered>, Stop> {
        let templates = &self.response.templates;
        if !self.are_heavy(Data::None) {
            let names = self.value().map_err(Unrendered::from);
            return Ok(names.and_then(|names| templates.holds(condition, names)));
        }
        let filled = self.elsewhere(templates.filling_of_condition(condition), Data::None, work)?;
        Ok(filled.map(|holds| holds.as_deref() == Some("true")))
    }

    /// The text, or why it cannot be made.
    pub(super) fn render(
        &self,
        text: &AnswerText,
        data: Data<'_>,
        work: &dyn Work,
    ) -> Result<Result<String, Unrendered>, Stop> {
        let templates = &self.response.templates;
        let rendered = match text {
            AnswerText::Fixed(text) => Ok(text.clone()),
            AnswerText::Template(_) if self.are_heavy(data) => {
                let filled = self.elsewhere(templates.filling_of_text(text), data, work)?;
                filled.map(Option::unwrap_or_default)
            }
            AnswerText::Template(_) => {
                let names = self.with_data(data).map_err(Unrendered::from);
                names.and_then(|names| templates.render(text, names))
            }
        };
        Ok(rendered.map_err(|unrendered| self.explained(text, unrendered)))
    }

    /// The reason with what the text names and the caller does not have.
    fn explained(&self, text: &AnswerText, unrendered: Unrendered) -> Unrendered {
        let named = self.response.templates.caller_names_of(text);
        match caller::lacking(self.context, named) {
            Some(names) if unrendered.is_undefined => Unrendered {
                reason: format!("{}; the caller has no {names}", unrendered.reason),
                ..unrendered
            },
            _ => unrendered,
        }
    }

    fn elsewhere(
        &self,
        filling: Result<Filling, Unrendered>,
        data: Data<'_>,
        work: &dyn Work,
    ) -> Result<Filled, Stop> {
        let filling = match filling {
            Ok(filling) => filling,
            Err(unrendered) => return Ok(Err(unrendered)),
        };
        // What does not stand in the template is not made for it.
        let names = |word: &str| filling.source.contains(word);
        let mut own = vec![
            ("status", self.answer.status.as_u16().to_string().into()),
            ("headers", Json::Object(self.headers()).to_string().into()),
        ];
        if names("args") {
            own.push(("args", Cow::Borrowed(self.arguments())));
        }
        if names(BODY) {
            own.push((BODY, Cow::Borrowed(self.body())));
        }
        match data {
            Data::Shaped(json) if names("data") => own.push(("data", json.into())),
            Data::Body if names("data") => own.push(("data", self.body().into())),
            _ => {}
        }
        let templates = &self.response.templates;
        work.fill(&filling, &Seen::new(self.context, templates.headers(), own))
    }

    /// Whether they are not to be made here.
    fn are_heavy(&self, data: Data<'_>) -> bool {
        let templates = &self.response.templates;
        let body = match data {
            _ if templates.uses_body => self.body(),
            Data::Body if templates.uses_data => self.body(),
            _ => "",
        };
        let data = match data {
            Data::Shaped(json) if templates.uses_data => json,
            _ => "",
        };
        is_heavy(&[self.arguments(), body, data])
    }

    fn value(&self) -> Result<Value, String> {
        self.made.get_or_init(|| self.make()).clone()
    }

    fn with_data(&self, data: Data<'_>) -> Result<Value, String> {
        let names = self.value()?;
        let data = match data {
            Data::Shaped(json) if self.response.templates.uses_data => exact_value::read(json)?,
            Data::Body if self.response.templates.uses_data => exact_value::read_loosely(self.body())?,
            _ => Value::UNDEFINED,
        };
        Ok(minijinja::context! { data, ..names })
    }

    fn make(&self) -> Result<Value, String> {
        let templates = &self.response.templates;
        let body = match templates.uses_body {
            true => exact_value::read_loosely(self.body())?,
            false => Value::from(()),
        };
        Ok(minijinja::context! {
            status => self.answer.status.as_u16(),
            headers => Value::from(Serde(self.headers())),
            body => body,
            args => exact_value::read(self.arguments())?,
            principal => caller::principal(self.context.principal),
            request => caller::request(self.context, templates.headers()),
            instance => self.context.instance.value(),
        })
    }

    fn arguments(&self) -> &'a str {
        self.context.arguments.map_or("{}", |arguments| arguments.get())
    }

    fn headers(&self) -> Map<String, Json> {
        let mut headers = Map::new();
        for name in self.answer.headers.keys() {
            let values = self.answer.headers.get_all(name).iter();
            let values: Vec<_> = values
                .map(|value| String::from_utf8_lossy(value.as_bytes()))
                .collect();
            headers.insert(name.as_str().to_owned(), values.join(", ").into());
        }
        headers
    }

    fn body(&self) -> &str {
        self.body.get_or_init(|| self.body_text())
    }

    /// A text where it is none, or none that can be read.
    fn body_text(&self) -> Cow<'a, str> {
        if self.answer.body.is_empty() {
            return "null".into();
        }
        let quoted = || Json::from(decode::text(self.answer)).to_string().into();
        match Media::of(self.answer) {
            Media::Image | Media::Audio | Media::Binary => "null".into(),
            Media::Text if !decode::is_lines(self.answer) => quoted(),
            Media::Json | Media::Text => match decode::json(self.answer) {
                Ok(json) if exact_value::is_readable(&json) => json,
                _ => quoted(),
            },
        }
    }
}
