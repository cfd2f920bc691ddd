//! Answers as `response` of the definition says: whether the call did what it was asked for, then jq, the bound, the
//! promise of `output_schema`, and the text.

use super::{
    Bound, Defaults, Shaping, bad_answer, decode, empty, json, lost,
    media::{self, Media},
    names::{Data, Names},
    unsuccessful, unusable,
};
use crate::{
    engine::{
        CallContext,
        failure::Failure,
        http::client::Answer,
        result::{CallResult, Outcome},
        work::{Stop, Work},
    },
    tool::{AnswerText, Member, ResponseShape, Unrendered},
};
use bytes::Bytes;
use mcp_common::definition::tool::{OnMismatch, ResponseFormat};
use std::borrow::Cow;

/// What the client gets to see.
pub(super) fn shape(
    shaping: Shaping<'_>,
    response: &ResponseShape,
    answer: &Answer,
    context: &CallContext<'_>,
    defaults: &Defaults,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    let names = Names::new(response, answer, context);
    let bound = Bound::of(Some(response), defaults);
    match failed(response, answer, &names, work) {
        Ok(Ok(None)) => {}
        Ok(Ok(Some(result))) => return Ok(result),
        // Whether it was a success is what cannot be told.
        Ok(Err(reason)) => return Ok(unusable(answer, reason)),
        Err(Stop::Failed(failure)) => return Ok(unusable(answer, failure.text().into_owned())),
        Err(Stop::Long) => return Err(Stop::Long),
    }
    let shaper = Shaper {
        shaping,
        response,
        answer,
        names,
        bound,
        on_mismatch: response.on_mismatch.unwrap_or(defaults.on_mismatch),
        work,
    };
    match shaper.shape() {
        Err(Stop::Failed(failure)) => Ok(lost(shaping, answer.status, &failure)),
        other => other,
    }
}

/// The result that says so, if the upstream did not do what it was asked for.
fn failed(
    response: &ResponseShape,
    answer: &Answer,
    names: &Names<'_>,
    work: &dyn Work,
) -> Result<Result<Option<CallResult>, String>, Stop> {
    let mut is_success = None;
    if let Some(condition) = &response.success {
        match names.holds(condition, work)? {
            Ok(true) => return Ok(Ok(None)),
            Ok(false) => is_success = Some(false),
            Err(Unrendered { reason, .. }) => {
                return Ok(Err(format!("`response.success` cannot be worked out: {reason}.")));
            }
        }
    }
    for (index, rule) in response.errors.iter().enumerate() {
        let told = |unrendered: Unrendered| {
            let reason = unrendered.reason;
            Ok(Err(format!(
                "`response.errors[{index}]` cannot be worked out: {reason}."
            )))
        };
        match names.holds(&rule.when, work)? {
            Ok(false) => continue,
            Ok(true) => {}
            Err(unrendered) => return told(unrendered),
        }
        let mut text = match names.render(&rule.message, Data::None, work)? {
            Ok(text) => text,
            Err(unrendered) => return told(unrendered),
        };
        match rule.retryable {
            Some(true) => text.push_str("\nTrying again may help."),
            Some(false) => text.push_str("\nTrying again will not help."),
            None => {}
        }
        let status = answer.status.as_u16();
        let outcome = unsuccessful::outcome(answer.status);
        return Ok(Ok(Some(CallResult::text(&text, true, outcome, Some(status)))));
    }
    let is_success = is_success.unwrap_or(answer.status.is_success());
    Ok(Ok((!is_success).then(|| unsuccessful::shape(answer))))
}

struct Shaper<'a> {
    shaping: Shaping<'a>,
    response: &'a ResponseShape,
    answer: &'a Answer,
    names: Names<'a>,
    bound: Bound,
    on_mismatch: OnMismatch,
    work: &'a dyn Work,
}

impl Shaper<'_> {
    fn shape(self) -> Result<CallResult, Stop> {
        if self.answer.body.is_empty() && self.response.template.is_none() {
            return Ok(empty(self.shaping, self.answer.status));
        }
        let media = Media::of(self.answer);
        match self.response.format {
            ResponseFormat::Json => self.json(),
            ResponseFormat::Text => self.text(&decode::readable(self.answer, &media)),
            ResponseFormat::Binary => Ok(self.binary(media)?),
            ResponseFormat::Auto if media == Media::Json || decode::is_lines(self.answer) => self.json(),
            ResponseFormat::Auto if self.response.jq.is_some() || self.shaping.output.is_some() => {
                Ok(super::not_json(self.shaping, self.answer))
            }
            ResponseFormat::Auto if media == Media::Text => self.text(&decode::text(self.answer)),
            ResponseFormat::Auto => Ok(self.binary(media)?),
        }
    }

    fn json(&self) -> Result<CallResult, Stop> {
        let body = super::jq_input(self.answer);
        let data = match (&self.response.jq, body) {
            (Some(program), Ok(body)) => {
                let ran = self.work.run(program, &body, super::MAX_JQ_BYTES)?;
                ran.map(Cow::Owned)
                    .map_err(|reason| told(self.response.member, &reason))
            }
            (_, body) => body,
        };
        let data = match data {
            Ok(data) => data,
            Err(reason) => return Ok(self.bad(&reason)),
        };
        let (data, note) = self.fit(data)?;
        let mismatch = match self.shaping.output {
            Some(output) => json::mismatch(output, &data, self.work)?,
            None => None,
        };
        if let (Some(mismatch), OnMismatch::Error) = (&mismatch, self.on_mismatch) {
            let what = json::shortened(note.as_deref(), "The shaped answer");
            return Ok(mismatch.refused(self.shaping, self.answer, what));
        }
        let is_structured =
            self.response.with_structured && (data.starts_with('{') || self.shaping.output.is_some());
        // Older clients know structured objects only; they get the text of everything else.
        let with_text = self.response.with_text || !(is_structured && data.starts_with('{'));
        let text = match &self.response.template {
            _ if !with_text => None,
            Some(template) => Some(Cow::Owned(self.render(
                "template",
                template,
                Data::Shaped(&data),
            )?)),
            None => Some(Cow::Borrowed(&*data)),
        };
        let (text, cut) = match text {
            Some(text) if self.response.template.is_some() => {
                let (text, cut) = self.cut(text)?;
                (Some(text), cut)
            }
            text => (text, None),
        };
        let text = text
            .map(|text| self.framed(text, Data::Shaped(&data)))
            .transpose()?;
        let structured = is_structured.then(|| Bytes::from(json::on_one_line(&data)));
        Ok(CallResult {
            mismatch: mismatch.map(|mismatch| mismatch.places),
            ..self.result([text.as_deref(), cut.as_deref(), note.as_deref()], structured)
        })
    }

    fn text(&self, text: &str) -> Result<CallResult, Stop> {
        let rendered = match &self.response.template {
            Some(template) => Cow::Owned(self.render("template", template, Data::Body)?),
            None => Cow::Borrowed(text),
        };
        let (text, note) = self.cut(rendered)?;
        let text = self.framed(text, Data::Body)?;
        Ok(self.result([Some(&text), note.as_deref(), None], None))
    }

    fn binary(&self, media: Media) -> Result<CallResult, Failure> {
        let size = self.answer.body.len();
        if self.response.max_bytes.is_some_and(|most| size > most) {
            return Err(self.bound.too_large(size).into());
        }
        let media = match media {
            Media::Json | Media::Text => Media::Binary,
            other => other,
        };
        Ok(media::shape(self.answer, media))
    }

    /// JSON within the bound, and what was left out.
    fn fit<'t>(&self, data: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), Failure> {
        Ok(self.bound.json(data)?)
    }

    fn cut<'t>(&self, text: Cow<'t, str>) -> Result<(Cow<'t, str>, Option<String>), Failure> {
        Ok(self.bound.text(text)?)
    }

    fn framed<'t>(&self, text: Cow<'t, str>, data: Data<'_>) -> Result<Cow<'t, str>, Stop> {
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

    fn render(&self, member: &str, text: &AnswerText, data: Data<'_>) -> Result<String, Stop> {
        let rendered = self.names.render(text, data, self.work)?;
        rendered.map_err(|Unrendered { reason, .. }| {
            let text = format!(
                "`{}.{member}` does not fit the answer: {reason}.",
                self.response.member.name()
            );
            Failure::new(Outcome::BadAnswer, text).into()
        })
    }

    fn result(&self, texts: [Option<&str>; 3], structured: Option<Bytes>) -> CallResult {
        let texts: Vec<&str> = texts.into_iter().flatten().collect();
        let result = CallResult::texts(&texts, Outcome::Ok, Some(self.answer.status.as_u16()));
        CallResult { structured, ..result }
    }

    fn bad(&self, reason: &str) -> CallResult {
        bad_answer(self.shaping, self.answer, reason)
    }
}

/// What is told where a program has no result.
fn told(member: Member, reason: &str) -> String {
    format!("`{}.jq` cannot shape the answer: it {reason}.", member.name())
}
