//! Values that the definition makes out of the call.

use super::{arguments::Arguments, body::too_large};
use crate::{
    engine::{
        CallContext, caller,
        failure::Failure,
        is_heavy,
        result::Outcome,
        seen::Seen,
        work::{Filled as Done, Stop, Work},
    },
    tool::{Call, CallerName, Leaf, Purpose, Reference, Unrendered, template::exact_value},
};
use serde_json::Value;
use std::{borrow::Cow, cell::OnceCell, fmt};

/// The most bytes of JSON text that stand for one (`\u0041`).
const LONGEST_ESCAPE: u64 = 6;

/// What a leaf came to.
#[derive(Debug)]
pub(crate) enum Filled<'a> {
    Nothing,
    /// A typed value as JSON text.
    Json(Cow<'a, str>),
    Text(Cow<'a, str>),
}

/// What templates see.
pub(crate) struct Scope<'a> {
    call: &'a Call,
    context: &'a CallContext<'a>,
    arguments: &'a Arguments<'a>,
    json: &'a str,
    /// What a text made of arguments may have.
    max_bytes: u64,
    /// Where templates are filled whose values take much memory.
    work: &'a dyn Work,
    names: OnceCell<minijinja::Value>,
    is_heavy: OnceCell<bool>,
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        call: &'a Call,
        context: &'a CallContext<'a>,
        arguments: &'a Arguments<'a>,
        json: &'a str,
        max_bytes: u64,
        work: &'a dyn Work,
    ) -> Self {
        Self {
            call,
            context,
            arguments,
            json,
            max_bytes,
            work,
            names: OnceCell::new(),
            is_heavy: OnceCell::new(),
        }
    }

    /// The leaf's value in this call; `field` is its place in the document.
    pub(crate) fn fill(&self, leaf: &'a Leaf, field: &str) -> Result<Filled<'a>, Failure> {
        let filled = match leaf {
            Leaf::Fixed(value) => Ok(Filled::Json(value.to_string().into())),
            Leaf::Reference(Reference::Subject) => {
                Ok(Filled::Text(Cow::Borrowed(&self.context.principal.subject)))
            }
            Leaf::Reference(Reference::Roles) => {
                let roles = serde_json::to_string(self.context.principal.roles());
                let roles = roles.map_err(|error| error.to_string().into());
                roles.map(|json| Filled::Json(json.into()))
            }
            Leaf::Reference(Reference::Caller(name)) => match self.of_caller(name) {
                Some(filled) => filled.map_err(Into::into),
                None => return Err(lacks(field, &format!("`{name}`"))),
            },
            Leaf::Reference(Reference::InstanceId) => Ok(Filled::Text(self.context.instance.id().into())),
            Leaf::Reference(Reference::InstanceName) => Ok(Filled::Text(self.context.instance.name().into())),
            Leaf::Reference(Reference::InstanceVar(path)) => {
                let json = self.context.instance.var(path);
                Ok(json.map_or(Filled::Nothing, |json| Filled::Json(json.into())))
            }
            Leaf::Reference(Reference::Argument(path)) => self.argument(path).map_err(Into::into),
            Leaf::Expression(name) => {
                let value = match self.is_heavy() {
                    true => self.elsewhere(Purpose::Value, name)?,
                    false => self.call.templates.evaluate(name, self.names()?, self.max_bytes),
                };
                value.map(|json| json.map_or(Filled::Nothing, |json| Filled::Json(json.into())))
            }
            Leaf::Text(name) => {
                let text = match self.is_heavy() {
                    true => self
                        .elsewhere(Purpose::Text, name)?
                        .map(Option::unwrap_or_default),
                    false => self.call.templates.render(name, self.names()?, self.max_bytes),
                };
                text.map(|text| Filled::Text(text.into()))
            }
        };
        filled.map_err(|unrendered: Unrendered| match self.lacking(leaf) {
            Some(names) if unrendered.is_undefined => lacks(field, &names),
            _ => self.blame(leaf, field, &unrendered.reason),
        })
    }

    fn of_caller(&self, name: &CallerName) -> Option<Result<Filled<'a>, String>> {
        match name {
            CallerName::Claim(path) => {
                let json = caller::claim(self.context.principal, path)?;
                Some(Ok(Filled::Json(json.into())))
            }
            CallerName::Header(name) => Some(caller::header(self.context, name)?.map(Filled::Text)),
        }
    }

    /// What the leaf needs and the caller does not have, where all arguments that it names are there.
    fn lacking(&self, leaf: &Leaf) -> Option<String> {
        let (Leaf::Expression(name) | Leaf::Text(name)) = leaf else {
            return None;
        };
        let templates = &self.call.templates;
        let names = caller::lacking(self.context, templates.caller_names_of(name))?;
        let arguments = templates.arguments_of(name);
        let has_all = arguments
            .iter()
            .all(|path| matches!(self.arguments.at(path), Ok(Some(_))));
        has_all.then_some(names)
    }

    /// Whether JSON text of this length can still become a body.
    pub(super) fn check_size(&self, length: usize) -> Result<(), Failure> {
        let most = self.max_bytes.saturating_mul(LONGEST_ESCAPE);
        if length as u64 <= most {
            return Ok(());
        }
        Err(too_large(length as u64, self.max_bytes))
    }

    /// The failure, naming the arguments that the leaf is made of.
    pub(super) fn blame(&self, leaf: &Leaf, field: &str, reason: &str) -> Failure {
        match leaf {
            Leaf::Reference(Reference::Argument(path)) => {
                Failure::argument(&format!("/{}", path.join("/")), reason)
            }
            _ => {
                let named: Vec<String> = self
                    .call
                    .templates
                    .arguments
                    .iter()
                    .map(|path| format!("/{}", path.join("/")))
                    .collect();
                let named = if named.is_empty() {
                    "(root)".to_owned()
                } else {
                    named.join(", ")
                };
                Failure::argument(&named, &format!("the value of `{field}` {reason}"))
            }
        }
    }

    /// The leaf's value as JSON text; `None` where there is none, while `null` stays a value.
    pub(crate) fn json(&self, leaf: &'a Leaf, field: &str) -> Result<Option<Cow<'a, str>>, Failure> {
        Ok(match self.fill(leaf, field)? {
            Filled::Nothing => None,
            Filled::Json(json) => Some(json),
            Filled::Text(text) => Some(Value::from(text).to_string().into()),
        })
    }

    fn argument(&self, path: &[String]) -> Result<Filled<'a>, String> {
        let value = self.arguments.at(path)?;
        Ok(value.map_or(Filled::Nothing, |raw| Filled::Json(Cow::Borrowed(raw.get()))))
    }

    /// Whether the values of the arguments are not to be made here.
    fn is_heavy(&self) -> bool {
        *self.is_heavy.get_or_init(|| is_heavy(&[self.json]))
    }

    /// What a template makes of values that take much memory.
    fn elsewhere(&self, purpose: Purpose, name: &str) -> Result<Done, Failure> {
        let templates = &self.call.templates;
        let filling = match templates.filling(purpose, name, self.max_bytes) {
            Ok(filling) => filling,
            Err(unrendered) => return Ok(Err(unrendered)),
        };
        let own = vec![("args", Cow::Borrowed(self.json))];
        let seen = Seen::new(self.context, templates.headers(), own);
        self.work.fill(&filling, &seen).map_err(|stop| match stop {
            Stop::Failed(failure) => failure,
            Stop::Long => {
                let text = format!(
                    "`{}` is not filled here: these arguments may take too much memory for that. A call fills it.",
                    filling.field()
                );
                Failure::new(Outcome::InvalidArguments, text)
            }
        })
    }

    /// Made once, if some template needs it.
    fn names(&self) -> Result<minijinja::Value, Failure> {
        if let Some(names) = self.names.get() {
            return Ok(names.clone());
        }
        let args = exact_value::read(self.json).map_err(|reason| Failure::argument("(root)", &reason))?;
        let names = minijinja::context! {
            args => args,
            principal => caller::principal(self.context.principal),
            request => caller::request(self.context, self.call.templates.headers()),
            instance => self.context.instance.value(),
        };
        Ok(self.names.get_or_init(|| names).clone())
    }
}

/// The caller does not have what the definition needs.
fn lacks(field: &str, names: &str) -> Failure {
    let text =
        format!("This tool needs {names} for `{field}`, which the caller does not have; nothing was sent.");
    Failure::new(Outcome::Refused, text)
}
