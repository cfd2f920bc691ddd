//! Expressions and templates over an answer: `status`, `headers`, `body`, and `data` where it is shaped already.

use super::weight::Weight;
use super::{
    AllowedHeaders, CallerName, Filling, Purpose, TemplateBounds, Unrendered, UsedVar, bounded, callables,
    first_line, growth, names,
};
use crate::{stack, tool::input_schema::InputSchema};
use http::HeaderName;
use mcp_common::problem::Problem;
use minijinja::{Environment, UndefinedBehavior, Value};

/// Steps per evaluation; answers are longer than requests.
const FUEL: u64 = 400_000;
/// Longest text that a template may make.
const MAX_TEXT: usize = 4 << 20;

/// Whether something is so.
#[derive(Clone, Debug)]
pub(crate) struct Condition(String);

/// A text with values in it.
#[derive(Clone, Debug)]
pub(crate) enum AnswerText {
    /// It is always this.
    Fixed(String),
    /// The template of that name.
    Template(String),
}

/// Compiles them and keeps what they need at call time.
#[derive(Debug)]
pub(crate) struct AnswerTemplates {
    /// Members that are not there make a condition false.
    conditions: Environment<'static>,
    /// A text does not pass over them in silence.
    texts: Environment<'static>,
    /// Whether something names the parsed body.
    pub(crate) uses_body: bool,
    /// Whether something names the shaped answer.
    pub(crate) uses_data: bool,
    /// What they name of `instance.vars`.
    pub(crate) vars: Vec<UsedVar>,
    /// What they name of the caller, by field.
    caller: Vec<(String, CallerName)>,
    /// What they may name of an answer.
    of_answer: &'static [&'static str],
    allowed: AllowedHeaders,
    bounds: TemplateBounds,
    /// What filling them costs.
    pub(crate) weight: Weight,
}

pub(super) fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_fuel(Some(FUEL));
    bounded::install(&mut environment);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
}

impl AnswerTemplates {
    /// What they may name: `allowed` of the client's request, `of_answer` of the answer.
    pub(crate) fn new(
        allowed: AllowedHeaders,
        bounds: TemplateBounds,
        of_answer: &'static [&'static str],
    ) -> Self {
        Self {
            conditions: environment(UndefinedBehavior::Chainable),
            texts: environment(UndefinedBehavior::Strict),
            uses_body: false,
            uses_data: false,
            vars: Vec::new(),
            caller: Vec::new(),
            of_answer,
            allowed,
            bounds,
            weight: Weight::default(),
        }
    }

    /// An expression, written without braces.
    pub(crate) fn condition(
        &mut self,
        field: &str,
        expression: &str,
        schema: &InputSchema,
    ) -> Result<Condition, Problem> {
        let at = |reason: String| Problem::at(field, reason);
        if ["{{", "{%", "{#", "%}"]
            .iter()
            .any(|mark| expression.contains(mark))
        {
            return Err(at(
                "is an expression and stands without braces: \"status < 400\"".into()
            ));
        }
        self.bounds.check(field, expression)?;
        stack::with_room_for(self.bounds.levels(expression), || {
            self.compile_condition(field, expression, schema)
        })
    }

    fn compile_condition(
        &mut self,
        field: &str,
        expression: &str,
        schema: &InputSchema,
    ) -> Result<Condition, Problem> {
        let at = |reason: String| Problem::at(field, reason);
        let source = format!("{{% set value = ({expression}) %}}");
        callables::check(&self.conditions, &source).map_err(at)?;
        self.weight.add(&source);
        let source = growth::bounded(&source, self.bounds.tag_words).map_err(at)?;
        self.conditions
            .add_template_owned(field.to_owned(), source.clone())
            .map_err(|error| at(format!("is not an expression: {}", first_line(&error))))?;
        let found = self.check(&self.conditions, (field, &source), schema, false)?;
        self.note(field, found);
        Ok(Condition(field.to_owned()))
    }

    /// A text, perhaps with templates in it. `shaped`: `data` can be named.
    pub(crate) fn text(
        &mut self,
        field: &str,
        text: &str,
        schema: &InputSchema,
        shaped: bool,
    ) -> Result<AnswerText, Problem> {
        if !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            return Ok(AnswerText::Fixed(text.to_owned()));
        }
        self.bounds.check(field, text)?;
        stack::with_room_for(self.bounds.levels(text), || {
            self.compile_text(field, text, schema, shaped)
        })
    }

    fn compile_text(
        &mut self,
        field: &str,
        text: &str,
        schema: &InputSchema,
        shaped: bool,
    ) -> Result<AnswerText, Problem> {
        let at = |reason: String| Problem::at(field, reason);
        callables::check(&self.texts, text).map_err(at)?;
        self.weight.add(text);
        let source = growth::bounded(text, self.bounds.tag_words).map_err(at)?;
        self.texts
            .add_template_owned(field.to_owned(), source.clone())
            .map_err(|error| Problem::at(field, format!("is not a template: {}", first_line(&error))))?;
        let found = self.check(&self.texts, (field, &source), schema, shaped)?;
        self.note(field, found);
        Ok(AnswerText::Template(field.to_owned()))
    }

    /// Whether the template names only what there is, and what it names.
    fn check(
        &self,
        environment: &Environment<'_>,
        (field, source): (&str, &str),
        schema: &InputSchema,
        shaped: bool,
    ) -> Result<Found, Problem> {
        let at = |reason: String| Problem::at(field, reason);
        let template = environment
            .get_template(field)
            .map_err(|error| at(format!("is not a template: {}", first_line(&error))))?;
        let mut used = template.undeclared_variables(true);
        let root = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
        let uses = |wanted: &str| used.iter().any(|name| root(name) == wanted);
        let (uses_body, uses_data) = (uses("body"), uses("data"));
        let of_answer = |root: &str| self.of_answer.contains(&root) || (shaped && root == "data");
        used.retain(|name| !of_answer(&root(name)));
        let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
        let known = ["args", "principal", "request", "instance"];
        let unknown = used
            .iter()
            .find(|name| !known.contains(&root(name).as_str()) && !globals.contains(&root(name).as_str()));
        if let Some(unknown) = unknown {
            let data = if shaped { ", data" } else { "" };
            let reason = format!(
                "names `{unknown}`, which is unknown; known are {}{data}, args, principal, request.headers, instance",
                self.of_answer.join(", ")
            );
            return Err(at(reason));
        }
        let named = names::check(environment, source, &used, schema, &self.allowed).map_err(at)?;
        Ok(Found {
            uses_body,
            uses_data,
            vars: named.vars,
            caller: named.caller,
        })
    }

    fn note(&mut self, field: &str, found: Found) {
        self.uses_body |= found.uses_body;
        self.uses_data |= found.uses_data;
        let vars = found.vars.into_iter();
        self.vars.extend(vars.map(|path| UsedVar::new(field, path)));
        let caller = found.caller.into_iter();
        self.caller.extend(caller.map(|name| (field.to_owned(), name)));
    }

    /// Headers of the client's request that something names.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.caller.iter().filter_map(|(_, name)| match name {
            CallerName::Header(name) => Some(name),
            CallerName::Claim(_) => None,
        })
    }

    /// What the text names of the caller.
    pub(crate) fn caller_names_of<'a>(
        &'a self,
        text: &'a AnswerText,
    ) -> impl Iterator<Item = &'a CallerName> {
        let of = self.caller.iter().filter(move |(field, _)| match text {
            AnswerText::Fixed(_) => false,
            AnswerText::Template(name) => name == field,
        });
        of.map(|(_, name)| name)
    }

    pub(crate) fn holds(&self, condition: &Condition, names: Value) -> Result<bool, Unrendered> {
        holds_in(&self.conditions, &condition.0, names)
    }

    pub(crate) fn render(&self, text: &AnswerText, names: Value) -> Result<String, Unrendered> {
        match text {
            AnswerText::Fixed(text) => Ok(text.clone()),
            AnswerText::Template(name) => text_in(&self.texts, name, names),
        }
    }

    /// The condition by itself.
    pub(crate) fn filling_of_condition(&self, condition: &Condition) -> Result<Filling, Unrendered> {
        self.filling(Purpose::Condition, &self.conditions, &condition.0)
    }

    /// The text by itself, if it is a template.
    pub(crate) fn filling_of_text(&self, text: &AnswerText) -> Result<Filling, Unrendered> {
        match text {
            AnswerText::Fixed(text) => Err(text.clone().into()),
            AnswerText::Template(name) => self.filling(Purpose::Message, &self.texts, name),
        }
    }

    fn filling(
        &self,
        purpose: Purpose,
        environment: &Environment<'_>,
        name: &str,
    ) -> Result<Filling, Unrendered> {
        let template = environment.get_template(name)?;
        Ok(Filling {
            purpose,
            name: name.to_owned(),
            source: template.source().to_owned(),
            levels: self.bounds.levels(template.source()),
            limit: MAX_TEXT as u64,
        })
    }
}

pub(super) fn holds_in(environment: &Environment<'_>, name: &str, names: Value) -> Result<bool, Unrendered> {
    let captured = environment.get_template(name)?.render_captured(names)?;
    Ok(captured.state().lookup("value").unwrap_or_default().is_true())
}

pub(super) fn text_in(environment: &Environment<'_>, name: &str, names: Value) -> Result<String, Unrendered> {
    let template = environment.get_template(name)?;
    let mut out = super::Bounded::new(MAX_TEXT);
    let rendered = template.render_captured_to(names, &mut out).map(drop);
    if out.is_full() {
        return Err(format!("makes more than {MAX_TEXT} bytes").into());
    }
    rendered?;
    Ok(String::from_utf8(out.text).map_err(|error| error.to_string())?)
}

/// What one template names.
struct Found {
    uses_body: bool,
    uses_data: bool,
    vars: Vec<Vec<String>>,
    caller: Vec<CallerName>,
}
