//! How the answers of a tool are shaped, compiled.

use crate::tool::{
    AnswerTemplates, AnswerText, Condition, ToolCompiler, input_schema::InputSchema, jq::Program,
};
use mcp_common::{
    definition::tool::{OnMismatch, Overflow, ResponseBinding, ResponseFormat, ResponsePart},
    problem::Problem,
};

/// Which member of a document says how answers are shaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// `response` of a tool with a definition.
    Response,
    /// `output` of what is said about a tool of an upstream.
    Output,
}

impl Member {
    /// As messages name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Output => "output",
        }
    }

    /// What of an answer there is to be named.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Response => &["status", "headers", "body"],
            Self::Output => &["body"],
        }
    }
}

/// The `response` member, or what does the same elsewhere, ready for use.
#[derive(Debug)]
pub(crate) struct ResponseShape {
    pub(crate) member: Member,
    pub(crate) format: ResponseFormat,
    pub(crate) templates: AnswerTemplates,
    pub(crate) success: Option<Condition>,
    pub(crate) errors: Vec<ErrorRule>,
    pub(crate) jq: Option<Program>,
    pub(crate) template: Option<AnswerText>,
    pub(crate) prepend: Option<AnswerText>,
    pub(crate) append: Option<AnswerText>,
    pub(crate) with_text: bool,
    pub(crate) with_structured: bool,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) overflow: Overflow,
    /// `None`: as the operator says.
    pub(crate) on_mismatch: Option<OnMismatch>,
}

/// What the model reads when the call failed.
#[derive(Debug)]
pub(crate) struct ErrorRule {
    pub(crate) when: Condition,
    pub(crate) message: AnswerText,
    pub(crate) retryable: Option<bool>,
}

impl ResponseShape {
    /// Compiles as much as can be, and reports the rest. `place` is where the member stands, `promises` whether there is an
    /// `output_schema`.
    pub(in crate::tool) fn compile(
        (member, place): (Member, &str),
        binding: &ResponseBinding,
        promises: bool,
        input: &InputSchema,
        compiler: &ToolCompiler,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let allowed = compiler.request_headers.clone();
        let mut templates = AnswerTemplates::new(allowed, (&*compiler.bounds).into(), member.names());
        let mut found = Vec::new();
        let field = |name: &str| format!("{place}.{name}");
        let success = binding.success.as_deref().and_then(|expression| {
            let compiled = templates.condition(&field("success"), expression, input);
            compiled.map_err(|problem| found.push(problem)).ok()
        });
        let mut errors = Vec::new();
        for (index, rule) in binding.errors.iter().enumerate() {
            let when = templates.condition(&field(&format!("errors[{index}].when")), &rule.when, input);
            let message = templates.text(
                &field(&format!("errors[{index}].message")),
                &rule.message,
                input,
                false,
            );
            match (when, message) {
                (Ok(when), Ok(message)) => errors.push(ErrorRule {
                    when,
                    message,
                    retryable: rule.retryable,
                }),
                (when, message) => found.extend(when.err().into_iter().chain(message.err())),
            }
        }
        let mut text = |name: &str, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty())?;
            let compiled = templates.text(&field(name), text, input, true);
            compiled.map_err(|problem| found.push(problem)).ok()
        };
        let template = text("template", &binding.template);
        let prepend = text("prepend", &binding.prepend);
        let append = text("append", &binding.append);
        let jq = binding.jq.as_deref().and_then(|code| {
            let compiled = Program::compile(code, &compiler.bounds);
            compiled
                .map_err(|reason| found.push(Problem::at(field("jq"), reason)))
                .ok()
        });
        let needs_json = [(jq.is_some(), "jq"), (promises, "output_schema")];
        let is_json = matches!(binding.format, ResponseFormat::Auto | ResponseFormat::Json);
        for (_, what) in needs_json.iter().filter(|(needs, _)| *needs && !is_json) {
            let reason = format!("must be auto or json, because `{what}` works on JSON");
            found.push(Problem::at(field("format"), reason));
        }
        let has = |part| binding.content.as_ref().is_none_or(|parts| parts.contains(&part));
        let (with_text, with_structured) = (has(ResponsePart::Text), has(ResponsePart::Structured));
        if !with_text && !with_structured {
            found.push(Problem::at(field("content"), "must not be empty"));
        }
        if promises && !with_structured {
            let reason = "must have \"structured\", because `output_schema` promises it";
            found.push(Problem::at(field("content"), reason));
        }
        let max_bytes = binding
            .max_bytes
            .map(|size| usize::try_from(size.0).unwrap_or(usize::MAX));
        if max_bytes == Some(0) {
            found.push(Problem::at(field("max_bytes"), "must be at least 1"));
        }
        problems.append(&mut found);
        Self {
            member,
            format: binding.format,
            templates,
            success,
            errors,
            jq,
            template,
            prepend,
            append,
            with_text,
            with_structured,
            max_bytes,
            overflow: binding.overflow,
            on_mismatch: binding.on_mismatch,
        }
    }
}
