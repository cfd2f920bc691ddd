//! Values in definitions that may name arguments: `{{ args.id }}`. Compiled once; typed, never text-built JSON.

mod answer;
mod bounded;
mod call_condition;
mod callables;
mod caller;
pub(crate) mod exact_value;
mod filling;
mod growth;
mod names;
#[cfg(test)]
mod nesting;
mod reference;
mod tree;
mod weight;
mod words;
mod work;

use super::input_schema::InputSchema;
use crate::stack;
pub(crate) use answer::{AnswerTemplates, AnswerText, Condition};
pub(crate) use call_condition::CallConditions;
pub(crate) use caller::{AllowedHeaders, CallerName};
pub(crate) use filling::{Filling, Purpose};
use http::HeaderName;
use mcp_common::{
    bounds::{Bound, Bounds},
    problem::Problem,
};
use minijinja::{Environment, UndefinedBehavior};
pub(crate) use reference::Reference;
use serde_json::Value;
pub(crate) use tree::Template;
use weight::Weight;

/// References to secrets.
const SECRET_MARKS: [&str; 3] = ["${env:", "${file:", "${secret:"];
/// Steps that one template may take per call.
const FUEL: u64 = 20_000;

/// The end of a template's name that says: values in it are escaped for XML.
const AS_MARKUP: &str = " as XML";

/// A compiled leaf.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leaf {
    /// Always this; `null` is nothing.
    Fixed(Value),
    /// Exactly one name: its value as it came in.
    Reference(Reference),
    /// Exactly one expression: its value, typed. The template of that name sets `value`.
    Expression(String),
    /// Mixed text.
    Text(String),
}

/// A value of the instance that a template cannot do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsedVar {
    /// The template's field in the document.
    pub(crate) field: String,
    /// Member names from `instance.vars` on.
    pub(crate) path: Vec<String>,
}

impl UsedVar {
    fn new(field: &str, path: Vec<String>) -> Self {
        Self {
            field: field.to_owned(),
            path,
        }
    }
}

/// What one template may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TemplateBounds {
    text_bytes: Bound,
    tag_words: Bound,
}

impl TemplateBounds {
    /// Refuses a text that is longer.
    fn check(self, field: &str, text: &str) -> Result<(), Problem> {
        let checked = self.text_bytes.check(text.len());
        checked.map_err(|exceeded| Problem::at(field, exceeded.to_string()))
    }
}

impl TemplateBounds {
    /// How deep the text can nest: by each word of one tag, and by each of the statements that stand in each other (`elif`).
    fn levels(self, text: &str) -> usize {
        const SHORTEST_STATEMENT: usize = 8;
        text.len().min(self.tag_words.most) + text.len() / SHORTEST_STATEMENT
    }
}

impl From<&Bounds> for TemplateBounds {
    fn from(bounds: &Bounds) -> Self {
        Self {
            text_bytes: bounds.template_bytes,
            tag_words: bounds.template_tag_words,
        }
    }
}

/// Where templates of requests are compiled.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    bounded::install(&mut environment);
    environment.set_auto_escape_callback(|name| match name.ends_with(AS_MARKUP) {
        true => minijinja::AutoEscape::Html,
        false => minijinja::AutoEscape::None,
    });
    environment
}

/// Compiles leaves and keeps what they need at call time.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
    /// Arguments that some template names: they are placed by it alone.
    pub(crate) arguments: Vec<Vec<String>>,
    /// What they name of `instance.vars`.
    pub(super) vars: Vec<UsedVar>,
    /// What they name of the caller: the template of that name, or no template for a leaf that is one name.
    caller: Vec<(Option<String>, CallerName)>,
    allowed: AllowedHeaders,
    /// Each template has a name of its own in the environment.
    count: usize,
    bounds: TemplateBounds,
    /// Whether those that are compiled now write XML.
    is_markup: bool,
    /// What filling them costs.
    pub(crate) weight: Weight,
}

impl Templates {
    /// `allowed`: what they may name of the client's request.
    pub(crate) fn new(allowed: AllowedHeaders, bounds: TemplateBounds) -> Self {
        Self {
            environment: environment(),
            arguments: Vec::new(),
            vars: Vec::new(),
            caller: Vec::new(),
            allowed,
            count: 0,
            bounds,
            is_markup: false,
            weight: Weight::default(),
        }
    }

    /// From now on texts are compiled as XML (or as text again): no value can end the element or attribute it stands in.
    pub(crate) fn write_markup(&mut self, is_markup: bool) {
        self.is_markup = is_markup;
    }

    /// Compiles the leaf that stands in the document's member `field`.
    pub(crate) fn compile(
        &mut self,
        field: &str,
        value: &Value,
        schema: &InputSchema,
    ) -> Result<Leaf, Problem> {
        let Value::String(text) = value else {
            return Ok(Leaf::Fixed(value.clone()));
        };
        if let Some(mark) = SECRET_MARKS.iter().find(|mark| text.contains(**mark)) {
            let reason = format!(
                "`{mark}…}}` is read in `auth` only; here it would be sent as it stands, not as the secret"
            );
            return Err(Problem::at(field, reason));
        }
        if !["{{", "{%", "{#"].iter().any(|mark| text.contains(mark)) {
            return Ok(Leaf::Fixed(value.clone()));
        }
        self.bounds.check(field, text)?;
        stack::with_room_for(self.bounds.levels(text), || {
            self.compile_text(field, text, schema)
        })
    }

    fn compile_text(&mut self, field: &str, text: &str, schema: &InputSchema) -> Result<Leaf, Problem> {
        let at = |reason: String| Problem::at(field, reason);
        let whole = whole_expression(text);
        if let Some(reference) = whole.and_then(Reference::read) {
            names::check_reference(&reference, schema, &self.allowed).map_err(at)?;
            match &reference {
                Reference::Argument(path) => self.arguments.push(path.clone()),
                Reference::InstanceVar(path) => self.vars.push(UsedVar::new(field, path.clone())),
                Reference::Caller(name) => self.caller.push((None, name.clone())),
                Reference::Subject | Reference::Roles | Reference::InstanceId | Reference::InstanceName => {}
            }
            return Ok(Leaf::Reference(reference));
        }
        let source = match whole {
            Some(expression) => format!("{{% set value = ({expression}) %}}"),
            None => text.to_owned(),
        };
        callables::check(&self.environment, &source).map_err(at)?;
        self.weight.add(&source);
        let source = growth::bounded(&source, self.bounds.tag_words).map_err(at)?;
        self.count += 1;
        let end = if self.is_markup { AS_MARKUP } else { "" };
        let name = format!("{field} ({}){end}", self.count);
        self.environment
            .add_template_owned(name.clone(), source)
            .map_err(|error| at(format!("is not a template: {}", first_line(&error))))?;
        let template = self
            .environment
            .get_template(&name)
            .map_err(|error| at(format!("is not a template: {}", first_line(&error))))?;
        let used = template.undeclared_variables(true);
        let named =
            names::check(&self.environment, template.source(), &used, schema, &self.allowed).map_err(at)?;
        self.arguments.extend(named.arguments);
        let vars = named.vars.into_iter();
        self.vars.extend(vars.map(|path| UsedVar::new(field, path)));
        let caller = named.caller.into_iter();
        self.caller.extend(caller.map(|used| (Some(name.clone()), used)));
        Ok(if whole.is_some() {
            Leaf::Expression(name)
        } else {
            Leaf::Text(name)
        })
    }

    /// Headers of the client's request that a template needs; those that are one name look them up themselves.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.caller
            .iter()
            .filter_map(|(template, name)| match (template, name) {
                (Some(_), CallerName::Header(name)) => Some(name),
                _ => None,
            })
    }

    /// What the template of that name names of the caller.
    pub(crate) fn caller_names_of<'a>(&'a self, template: &'a str) -> impl Iterator<Item = &'a CallerName> {
        let of = self
            .caller
            .iter()
            .filter(move |(of, _)| of.as_deref() == Some(template));
        of.map(|(_, name)| name)
    }

    /// The arguments that the template of that name uses.
    pub(crate) fn arguments_of(&self, name: &str) -> Vec<Vec<String>> {
        let Ok(template) = self.environment.get_template(name) else {
            return Vec::new();
        };
        let mut used: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        used.sort_unstable();
        let arguments = used.iter().filter_map(|name| name.strip_prefix("args."));
        arguments
            .map(|path| path.split('.').map(str::to_owned).collect())
            .collect()
    }

    /// The value of a [`Leaf::Expression`] as JSON text of at most `limit` bytes; `None` where it is undefined.
    pub(crate) fn evaluate(
        &self,
        name: &str,
        context: minijinja::Value,
        limit: u64,
    ) -> Result<Option<String>, Unrendered> {
        value_in(&self.environment, name, context, limit)
    }

    /// The text of a [`Leaf::Text`], which may have `limit` bytes.
    pub(crate) fn render(
        &self,
        name: &str,
        context: minijinja::Value,
        limit: u64,
    ) -> Result<String, Unrendered> {
        written_in(&self.environment, name, context, limit)
    }

    /// The template of that name by itself.
    pub(crate) fn filling(&self, purpose: Purpose, name: &str, limit: u64) -> Result<Filling, Unrendered> {
        let template = self.environment.get_template(name)?;
        Ok(Filling {
            purpose,
            name: name.to_owned(),
            source: template.source().to_owned(),
            levels: self.bounds.levels(template.source()),
            limit,
        })
    }
}

fn value_in(
    environment: &Environment<'_>,
    name: &str,
    context: minijinja::Value,
    limit: u64,
) -> Result<Option<String>, Unrendered> {
    let template = environment.get_template(name)?;
    let captured = template.render_captured(context)?;
    let value = captured.state().lookup("value").unwrap_or_default();
    if value.is_undefined() {
        return Ok(None);
    }
    // Text, because an integer may have more digits than a JSON value holds.
    let mut out = Bounded::new(usize::try_from(limit).unwrap_or(usize::MAX));
    let written = serde_json::to_writer(&mut out, &value);
    if out.is_full() {
        return Err(format!("is longer than {limit} bytes").into());
    }
    written.map_err(|error| error.to_string())?;
    let text = String::from_utf8(out.text).map_err(|error| error.to_string())?;
    Ok(Some(text))
}

fn written_in(
    environment: &Environment<'_>,
    name: &str,
    context: minijinja::Value,
    limit: u64,
) -> Result<String, Unrendered> {
    let template = environment.get_template(name)?;
    let mut out = Bounded::new(usize::try_from(limit).unwrap_or(usize::MAX));
    let rendered = template.render_captured_to(context, &mut out).map(drop);
    if out.is_full() {
        return Err(format!("is longer than {limit} bytes").into());
    }
    rendered?;
    Ok(String::from_utf8(out.text).map_err(|error| error.to_string())?)
}

/// Why a value or a text cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unrendered {
    pub(crate) reason: String,
    /// Whether it was about something that is not there.
    pub(crate) is_undefined: bool,
}

impl From<String> for Unrendered {
    fn from(reason: String) -> Self {
        Self {
            reason,
            is_undefined: false,
        }
    }
}

impl From<minijinja::Error> for Unrendered {
    fn from(error: minijinja::Error) -> Self {
        Self {
            reason: first_line(&error),
            // What is not there is an operand that does not fit, too.
            is_undefined: matches!(
                error.kind(),
                minijinja::ErrorKind::UndefinedError | minijinja::ErrorKind::InvalidOperation
            ),
        }
    }
}

/// A text that stops growing soon after its bound.
struct Bounded {
    text: Vec<u8>,
    limit: usize,
}

impl Bounded {
    fn new(limit: usize) -> Self {
        Self {
            text: Vec::new(),
            limit,
        }
    }

    /// Whether the bound was reached.
    fn is_full(&self) -> bool {
        self.text.len() > self.limit
    }
}

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.is_full() {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn first_line(error: &minijinja::Error) -> String {
    let detail = error
        .detail()
        .map(|detail| format!(": {detail}"))
        .unwrap_or_default();
    format!("{}{detail}", error.kind())
}

/// What stands between the braces, if the text is exactly one expression.
fn whole_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let inner = inner.strip_prefix('-').unwrap_or(inner);
    let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
    let is_one = !["{{", "}}", "{%", "%}", "{#", "#}"]
        .iter()
        .any(|mark| inner.contains(mark));
    (is_one && !inner.is_empty()).then_some(inner)
}
