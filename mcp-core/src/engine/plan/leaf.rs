//! Values that the definition makes out of the call.

use super::arguments::Arguments;
use crate::{
    engine::{CallContext, failure::Failure, members::Members, strict_value},
    tool::{Call, Leaf, Reference},
};
use serde_json::{Value, json};
use std::borrow::Cow;

/// What a leaf came to.
#[derive(Debug)]
pub(super) enum Filled<'a> {
    Nothing,
    /// A typed value as JSON text.
    Json(Cow<'a, str>),
    Text(Cow<'a, str>),
}

/// What templates see.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    call: &'a Call,
    context: &'a CallContext<'a>,
    arguments: &'a Arguments<'a>,
    json: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        call: &'a Call,
        context: &'a CallContext<'a>,
        arguments: &'a Arguments<'a>,
        json: &'a str,
    ) -> Self {
        Self {
            call,
            context,
            arguments,
            json,
        }
    }

    /// The leaf's value in this call; `field` is its place in the document.
    pub(super) fn fill(&self, leaf: &'a Leaf, field: &str) -> Result<Filled<'a>, Failure> {
        let filled = match leaf {
            Leaf::Fixed(value) => Ok(Filled::Json(value.to_string().into())),
            Leaf::Reference(Reference::Subject) => {
                Ok(Filled::Text(Cow::Borrowed(&self.context.principal.subject)))
            }
            Leaf::Reference(Reference::Instance) => Ok(Filled::Text(Cow::Borrowed(self.context.instance))),
            Leaf::Reference(Reference::Argument(path)) => self.argument(path),
            Leaf::Expression(name) => self.call.templates.evaluate(name, self.names()?).map(|value| {
                if value.is_null() {
                    Filled::Nothing
                } else {
                    Filled::Json(value.to_string().into())
                }
            }),
            Leaf::Text(name) => self
                .call
                .templates
                .render(name, self.names()?)
                .map(|text| Filled::Text(text.into())),
        };
        filled.map_err(|reason| self.blame(leaf, field, &reason))
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

    fn argument(&self, path: &[String]) -> Result<Filled<'a>, String> {
        let mut steps = path.iter();
        let mut value = steps.next().and_then(|name| self.arguments.root.get(name));
        for name in steps {
            value = match value {
                Some(raw) if raw.get().starts_with('{') => Members::read(raw.get())?.get(name),
                _ => None,
            };
        }
        Ok(match value.map(|raw| raw.get()) {
            None | Some("null") => Filled::Nothing,
            Some(json) => Filled::Json(Cow::Borrowed(json)),
        })
    }

    fn names(&self) -> Result<minijinja::Value, Failure> {
        let args: Value =
            strict_value::read(self.json).map_err(|error| Failure::argument("(root)", &error.to_string()))?;
        let principal = json!({"sub": &*self.context.principal.subject});
        let names = json!({"args": args, "principal": principal, "instance": self.context.instance});
        Ok(minijinja::Value::from(minijinja::value::Serde(names)))
    }
}
