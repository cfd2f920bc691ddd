//! Answers as `response` of the definition says: whether the call did what it was asked for, then jq, the bound, the
//! promise of `output_schema`, and the text.

use super::{
    bad_answer, decode, empty, json,
    media::{self, Media},
    names::Names,
    truncate, unsuccessful,
};
use crate::{
    engine::{
        CallContext,
        failure::Failure,
        http::client::Answer,
        result::{CallResult, Outcome},
        work::{Stop, Work},
    },
    json::quoted,
    tool::{AnswerText, Call, ResponseShape},
};
use bytes::Bytes;
use mcp_common::definition::tool::{OnMismatch, Overflow, ResponseFormat};
use std::borrow::Cow;

/// What the client gets to see.
pub(super) fn shape(
    call: &Call,
    response: &ResponseShape,
    answer: &Answer,
    context: &CallContext<'_>,
    on_mismatch: OnMismatch,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    let names = Names::new(response, answer, context);
    match failed(response, answer, &names) {
        Ok(None) => {}
        Ok(Some(result)) => return Ok(result),
        Err(reason) => return Ok(bad_answer(answer, &reason)),
    }
    let shaper = Shaper {
        call,
        response,
        answer,
        names,
        on_mismatch: response.on_mismatch.unwrap_or(on_mismatch),
        work,
    };
    match shaper.shape() {
        Err(Stop::Failed(failure)) => Ok(failure.into_result(Some(answer.status.as_u16()))),
        other => other,
    }
}

/// The result that says so, if the upstream did not do what it was asked for.
fn failed(
    response: &ResponseShape,
    answer: &Answer,
    names: &Names<'_>,
) -> Result<Option<CallResult>, String> {
    let success = match &response.success {
        None => None,
        Some(condition) => {
            let holds = response.templates.holds(condition, names.value()?);
            Some(holds.map_err(|reason| format!("`response.success` cannot be worked out: {reason}."))?)
        }
    };
    if success == Some(true) {
        return Ok(None);
    }
    for (index, rule) in response.errors.iter().enumerate() {
        let told = |reason| format!("`response.errors[{index}]` cannot be worked out: {reason}.");
        if !response
            .templates
            .holds(&rule.when, names.value()?)
            .map_err(told)?
        {
            continue;
        }
        let mut text = response
            .templates
            .render(&rule.message, names.value()?)
            .map_err(|reason| told(names.explained(&rule.message, reason)))?;
        match rule.retryable {
            Some(true) => text.push_str("\nTrying again may help."),
            Some(false) => text.push_str("\nTrying again will not help."),
            None => {}
        }
        let status = answer.status.as_u16();
        let outcome = unsuccessful::outcome(answer.status);
        return Ok(Some(CallResult::text(&text, true, outcome, Some(status))));
    }
    let is_success = success.is_none() && answer.status.is_success();
    Ok((!is_success).then(|| unsuccessful::shape(answer)))
}

struct Shaper<'a> {
    call: &'a Call,
    response: &'a ResponseShape,
    answer: &'a Answer,
    names: Names<'a>,
    on_mismatch: OnMismatch,
    work: &'a dyn Work,
}

impl Shaper<'_> {
    fn shape(self) -> Result<CallResult, Stop> {
        if self.answer.body.is_empty() && self.response.template.is_none() {
            return Ok(empty(self.call, self.answer.status));
        }
        let media = Media::of(self.answer);
        match self.response.format {
            ResponseFormat::Json => self.json(),
            ResponseFormat::Text => Ok(self.text(&decode::readable(self.answer, &media))?),
            ResponseFormat::Binary => Ok(self.binary(media)?),
            ResponseFormat::Auto if media == Media::Json || decode::is_lines(self.answer) => self.json(),
            ResponseFormat::Auto if self.response.jq.is_some() || self.call.signature.output.is_some() => {
                Ok(super::not_json(self.answer))
            }
            ResponseFormat::Auto if media == Media::Text => Ok(self.text(&decode::text(self.answer))?),
            ResponseFormat::Auto => Ok(self.binary(media)?),
        }
    }

    fn json(&self) -> Result<CallResult, Stop> {
        let body = super::jq_input(self.answer);
        let data = match (&self.response.jq, body) {
            (Some(program), Ok(body)) => {
                let ran = self.work.run(program, &body, super::MAX_JQ_BYTES)?;
                ran.map(Cow::Owned).map_err(told)
            }
            (_, body) => body,
        };
        let data = match data {
            Ok(data) => data,
            Err(reason) => return Ok(self.bad(&reason)),
        };
        let (data, note) = self.fit(data)?;
        let output = self.call.signature.output.as_ref();
        let mismatch = match output {
            Some(output) => json::mismatch(output, &data, self.work)?,
            None => None,
        };
        if let (Some(mismatch), OnMismatch::Error) = (&mismatch, self.on_mismatch) {
            let what = match note {
                Some(_) => "After leaving items out the answer",
                None => "The shaped answer",
            };
            return Ok(mismatch.refused(self.call, self.answer, what));
        }
        let is_structured =
            self.response.with_structured && (data.starts_with('{') || self.call.signature.output.is_some());
        // Older clients know structured objects only; they get the text of everything else.
        let with_text = self.response.with_text || !(is_structured && data.starts_with('{'));
        let text = match &self.response.template {
            _ if !with_text => None,
            Some(template) => Some(Cow::Owned(self.render("template", template, Some(&data))?)),
            None => Some(Cow::Borrowed(&*data)),
        };
        let text = text.map(|text| self.framed(text, Some(&data))).transpose()?;
        let structured = is_structured.then(|| Bytes::from(json::on_one_line(&data)));
        Ok(CallResult {
            mismatch: mismatch.map(|mismatch| mismatch.places),
            ..self.result(text.as_deref(), note.as_deref(), structured)
        })
    }

    fn text(&self, text: &str) -> Result<CallResult, Failure> {
        let rendered = match &self.response.template {
            Some(template) => Cow::Owned(self.render("template", template, None)?),
            None => Cow::Borrowed(text),
        };
        let (text, note) = self.cut(rendered)?;
        let text = self.framed(text, None)?;
        Ok(self.result(Some(&text), note.as_deref(), None))
    }

    fn binary(&self, media: Media) -> Result<CallResult, Failure> {
        let size = self.answer.body.len();
        if self.response.max_bytes.is_some_and(|most| size > most) {
            return Err(self.too_large(size));
        }
        let media = match media {
            Media::Json | Media::Text => Media::Binary,
            other => other,
        };
        Ok(media::shape(self.answer, media))
    }

    /// JSON within the bound, and what was left out.
    fn fit<'t>(&self, data: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), Failure> {
        let Some(most) = self.response.max_bytes.filter(|most| data.len() > *most) else {
            return Ok((data, None));
        };
        if self.response.overflow == Overflow::Error {
            return Err(self.too_large(data.len()));
        }
        match truncate::items(&data, most) {
            Some(cut) => Ok((Cow::Owned(cut.json), Some(cut.note))),
            None => Err(self.too_large(data.len())),
        }
    }

    fn cut<'t>(&self, text: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), Failure> {
        let size = text.len();
        let Some(most) = self.response.max_bytes.filter(|most| size > *most) else {
            return Ok((text, None));
        };
        if self.response.overflow == Overflow::Error {
            return Err(self.too_large(size));
        }
        let end = text.floor_char_boundary(most);
        let note = format!("The text is cut: the first {end} of {size} bytes.");
        Ok((Cow::Owned(text[..end].to_owned()), Some(note)))
    }

    fn framed<'t>(&self, text: Cow<'t, str>, data: Option<&str>) -> Result<Cow<'t, str>, Failure> {
        let response = self.response;
        if response.prepend.is_none() && response.append.is_none() {
            return Ok(text);
        }
        let mut framed = String::with_capacity(text.len() + 64);
        if let Some(prepend) = &response.prepend {
            framed.push_str(&self.render("prepend", prepend, data)?);
        }
        framed.push_str(&text);
        if let Some(append) = &response.append {
            framed.push_str(&self.render("append", append, data)?);
        }
        Ok(Cow::Owned(framed))
    }

    fn render(&self, member: &str, text: &AnswerText, data: Option<&str>) -> Result<String, Failure> {
        let names = match text {
            AnswerText::Fixed(_) => Ok(minijinja::Value::UNDEFINED),
            AnswerText::Template(_) => self.names.with_data(data),
        };
        let rendered = names
            .map_err(Into::into)
            .and_then(|names| self.response.templates.render(text, names));
        rendered.map_err(|unrendered| {
            let reason = self.names.explained(text, unrendered);
            let text = format!("`response.{member}` does not fit the answer: {reason}.");
            Failure::new(Outcome::BadAnswer, text)
        })
    }

    fn result(&self, text: Option<&str>, note: Option<&str>, structured: Option<Bytes>) -> CallResult {
        let blocks = text.into_iter().chain(note);
        let mut content = Vec::with_capacity(text.map_or(0, |text| text.len() + text.len() / 4) + 128);
        content.push(b'[');
        for (index, block) in blocks.enumerate() {
            if index > 0 {
                content.push(b',');
            }
            content.extend_from_slice(b"{\"type\":\"text\",\"text\":");
            quoted(&mut content, block);
            content.push(b'}');
        }
        content.push(b']');
        CallResult {
            content,
            structured,
            is_error: false,
            outcome: Outcome::Ok,
            upstream_status: Some(self.answer.status.as_u16()),
            mismatch: None,
        }
    }

    fn bad(&self, reason: &str) -> CallResult {
        bad_answer(self.answer, reason)
    }

    fn too_large(&self, size: usize) -> Failure {
        let most = self.response.max_bytes.unwrap_or_default();
        let text = format!(
            "The shaped answer has {size} bytes, at most {most} are allowed (response.max_bytes). Ask for less."
        );
        Failure::new(Outcome::TooLarge, text)
    }
}

/// What is told where a program has no result.
fn told(reason: String) -> String {
    format!("`response.jq` cannot shape the answer: it {reason}.")
}
