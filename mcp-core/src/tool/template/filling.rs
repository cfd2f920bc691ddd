//! A template by itself: its text and what becomes of it, for a process that does not have its tool.

use super::{Unrendered, answer, environment, value_in, written_in};
use crate::stack;
use minijinja::{Environment, UndefinedBehavior, Value};

/// What a template is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Whether something is so, of an answer.
    Condition,
    /// A text over an answer.
    Message,
    /// A typed value of a request.
    Value,
    /// A text of a request.
    Text,
}

/// A template as it is compiled, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filling {
    pub(crate) purpose: Purpose,
    /// Its name among those of the tool.
    pub(crate) name: String,
    pub(crate) source: String,
    /// How deep its text can nest.
    pub(crate) levels: usize,
    /// The bytes that what it makes may have.
    pub(crate) limit: u64,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Condition, Self::Message, Self::Value, Self::Text];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Condition => "condition",
            Self::Message => "message",
            Self::Value => "value",
            Self::Text => "text",
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }

    fn environment(self) -> Environment<'static> {
        match self {
            Self::Condition => answer::environment(UndefinedBehavior::Chainable),
            Self::Message => answer::environment(UndefinedBehavior::Strict),
            Self::Value | Self::Text => environment(),
        }
    }

    /// Whether it is for a request, which is not sent without it.
    pub(crate) fn is_of_request(self) -> bool {
        matches!(self, Self::Value | Self::Text)
    }
}

impl Filling {
    /// The template's field in the document, as messages about it name it.
    pub(crate) fn field(&self) -> &str {
        let field = self.name.split(" (").next().unwrap_or(&self.name);
        match self.purpose.is_of_request() {
            true => field,
            false => field.strip_prefix("tds_ext_info.").unwrap_or(field),
        }
    }

    /// What it makes of these names; `None` where that is undefined.
    pub(crate) fn fill(&self, names: Value) -> Result<Option<String>, Unrendered> {
        let mut environment = self.purpose.environment();
        let (name, source) = (self.name.clone(), self.source.clone());
        // Compiled it is flat.
        stack::with_room_for(self.levels, || environment.add_template_owned(name, source))?;
        match self.purpose {
            Purpose::Condition => {
                answer::holds_in(&environment, &self.name, names).map(|holds| Some(holds.to_string()))
            }
            Purpose::Message => answer::text_in(&environment, &self.name, names).map(Some),
            Purpose::Value => value_in(&environment, &self.name, names, self.limit),
            Purpose::Text => written_in(&environment, &self.name, names, self.limit).map(Some),
        }
    }
}
