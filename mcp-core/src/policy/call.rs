//! Whether the rules of roles let somebody use something, with the arguments that it is used with.

use crate::{
    engine,
    tool::{ToolCompiler, template::exact_value},
    view::Condition,
};
use mcp_common::{
    authenticator::{Decision, Placed, Principal},
    definition::role::Thing,
};
use minijinja::{Value, context};
use std::{cell::OnceCell, sync::Arc};

/// The longest arguments about which conditions decide, in bytes: they are computed where other calls wait.
const MOST_BYTES: usize = 512 * 1024;

/// What a refusal begins with.
const NOT_ALLOWED: &str = "This call is not allowed with these arguments";

/// A call, as far as rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Who calls.
    pub principal: &'a Principal,
    /// The instance's id.
    pub instance: &'a str,
    /// The tool's name in the instance.
    pub tool: &'a str,
    /// The tool's tags.
    pub tags: &'a [Arc<str>],
    /// What the tool and its instance say themselves (`access.when`).
    pub conditions: &'a [Condition],
    /// The arguments, as the client sent them.
    pub arguments: Option<&'a str>,
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// The call may be made; by which rule, where one was needed.
    Allowed(Option<Arc<str>>),
    /// It may not, and why.
    Refused(String),
    /// The caller is not to know that there is such a tool.
    Unknown,
}

impl Call<'_> {
    /// What the rules of the caller say about it.
    pub fn ruling(&self, compiler: &ToolCompiler) -> Ruling {
        let names = OnceCell::new();
        let holds = |condition: &str| {
            let names: &Result<Value, String> = names.get_or_init(|| self.names());
            compiler.holds(condition, names.clone()?)
        };
        // One that cannot be computed does not allow.
        let unmet = |condition: &&Condition| holds(&condition.when) != Ok(true);
        let mut conditions = self.conditions.iter().filter(|_| !self.principal.admin);
        if let Some(Condition { place, when }) = conditions.find(unmet) {
            let reason = format!("{NOT_ALLOWED}: {place} allows it when `{when}`");
            return Ruling::Refused(reason);
        }
        let Some(rights) = self.principal.rights() else {
            return Ruling::Allowed(None);
        };
        match rights.decide(self.instance, Thing::Tool(self.tool, self.tags), holds) {
            Decision::Allowed(by) => Ruling::Allowed(Some(by.place.clone())),
            Decision::Denied(by) => Ruling::Refused(refusal("refuses", &[by])),
            Decision::Conditional(rules) => Ruling::Refused(refusal("allows", &rules)),
            Decision::Unknown => Ruling::Unknown,
        }
    }

    fn names(&self) -> Result<Value, String> {
        let arguments = self.arguments.unwrap_or("{}");
        if arguments.len() > MOST_BYTES {
            return Err(format!("the arguments have more than {MOST_BYTES} bytes"));
        }
        if engine::is_heavy(&[arguments]) {
            return Err("the arguments have too many values".to_owned());
        }
        Ok(context! {
            args => exact_value::read_given(arguments)?,
            principal => engine::named_principal(self.principal),
            instance => context! { id => self.instance },
            tool => context! { name => self.tool, tags => self.tags.iter().cloned().map(Value::from).collect::<Value>() },
        })
    }
}

/// What a model is told: which rule it was, and what the arguments have to be like.
fn refusal(does: &str, rules: &[&Placed]) -> String {
    let rule = |placed: &&Placed| match placed.rule.when.as_deref() {
        Some(condition) => format!("{} {does} it when `{condition}`", placed.place),
        None => format!("{} {does} it", placed.place),
    };
    let rules: Vec<String> = rules.iter().map(rule).collect();
    format!("{NOT_ALLOWED}: {}", rules.join("; "))
}
