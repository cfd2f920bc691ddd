//! Conditions of roles: expressions over a call's arguments and its caller, compiled when the role is written.

use super::{FUEL, TemplateBounds, bounded, callables, first_line, growth};
use crate::stack;
use mcp_common::problem::Problem;
use minijinja::{Environment, UndefinedBehavior, Value};
use moka::sync::Cache;
use std::sync::Arc;

/// What an expression may name.
const ROOTS: [&str; 4] = ["args", "principal", "instance", "tool"];
/// Conditions that are kept at the most; others are compiled again when they are needed.
const MOST: u64 = 10_000;
const NAME: &str = "when";

/// Conditions by their texts, compiled. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct CallConditions(Cache<Arc<str>, Arc<Environment<'static>>>);

impl Default for CallConditions {
    fn default() -> Self {
        Self(Cache::new(MOST))
    }
}

impl CallConditions {
    /// Compiles the condition that stands in the document's member `field`.
    pub(crate) fn check(&self, field: &str, expression: &str, bounds: TemplateBounds) -> Result<(), Problem> {
        self.compiled(field, expression, bounds).map(drop)
    }

    /// Whether it holds with these names. What is not there makes it one that cannot be computed.
    pub(crate) fn holds(
        &self,
        expression: &str,
        bounds: TemplateBounds,
        names: Value,
    ) -> Result<bool, String> {
        let compiled = self.compiled(NAME, expression, bounds);
        let environment = compiled.map_err(|problem| problem.to_string())?;
        let template = environment
            .get_template(NAME)
            .map_err(|error| first_line(&error))?;
        let captured = template
            .render_captured(names)
            .map_err(|error| first_line(&error))?;
        match captured.state().lookup("value") {
            Some(value) if !value.is_undefined() => Ok(value.is_true()),
            _ => Err("names something that is not there".to_owned()),
        }
    }

    fn compiled(
        &self,
        field: &str,
        expression: &str,
        bounds: TemplateBounds,
    ) -> Result<Arc<Environment<'static>>, Problem> {
        if let Some(known) = self.0.get(expression) {
            return Ok(known);
        }
        if ["{{", "{%", "{#", "%}"]
            .iter()
            .any(|mark| expression.contains(mark))
        {
            let reason = "is an expression and stands without braces: \"args.amount < 1000\"";
            return Err(Problem::at(field, reason));
        }
        bounds.check(field, expression)?;
        let compiled = stack::with_room_for(bounds.levels(expression), || compile(expression, bounds));
        let compiled = Arc::new(compiled.map_err(|reason| Problem::at(field, reason))?);
        self.0.insert(expression.into(), compiled.clone());
        Ok(compiled)
    }
}

fn compile(expression: &str, bounds: TemplateBounds) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    bounded::install(&mut environment);
    let source = format!("{{% set value = ({expression}) %}}");
    callables::check(&environment, &source)?;
    let source = growth::bounded(&source, bounds.tag_words)?;
    environment
        .add_template_owned(NAME, source)
        .map_err(|error| format!("is not an expression: {}", first_line(&error)))?;
    let template = environment
        .get_template(NAME)
        .map_err(|error| first_line(&error))?;
    let used = template.undeclared_variables(false);
    let globals: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
    let is_known = |name: &str| ROOTS.contains(&name) || globals.contains(&name);
    if let Some(unknown) = used.iter().find(|name| !is_known(name)) {
        return Err(format!(
            "names `{unknown}`, which is unknown; known are {}",
            ROOTS.join(", ")
        ));
    }
    if used.is_empty() {
        return Err("names nothing of a call, so that it is always the same".to_owned());
    }
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::template::exact_value;
    use mcp_common::bounds::Bounds;

    fn bounds() -> TemplateBounds {
        TemplateBounds::from(&Bounds::default())
    }

    fn holds(expression: &str, args: &str) -> Result<bool, String> {
        let names = minijinja::context! { args => exact_value::read_given(args).unwrap() };
        CallConditions::default().holds(expression, bounds(), names)
    }

    #[test]
    fn conditions_are_computed_from_arguments() {
        assert_eq!(holds("args.amount < 1000", r#"{"amount": 999}"#), Ok(true));
        assert_eq!(holds("args.amount < 1000", r#"{"amount": 1000.5}"#), Ok(false));
        let large = "args.n == 123456789012345678901234567890";
        assert_eq!(holds(large, r#"{"n": 123456789012345678901234567890}"#), Ok(true));
        assert_eq!(holds("\"x\" in args.tags", r#"{"tags": ["x"]}"#), Ok(true));
        assert_eq!(holds("args.a is defined and args.a == 1", "{}"), Ok(false));
    }

    #[test]
    fn what_is_not_there_or_is_no_number_does_not_pass_a_comparison() {
        for args in [
            "{}",
            r#"{"amount": null}"#,
            r#"{"amount": "5"}"#,
            r#"{"amount": []}"#,
        ] {
            assert_ne!(holds("args.amount < 1000", args), Ok(true), "{args}");
            // The other way round, for rules that refuse.
            assert_ne!(holds("args.amount >= 1000", args), Ok(false), "{args}");
        }
    }

    #[test]
    fn what_is_wrong_is_found_when_it_is_written() {
        let refused = |expression: &str| {
            let conditions = CallConditions::default();
            conditions
                .check("w", expression, bounds())
                .unwrap_err()
                .to_string()
        };
        for (expression, expected) in [
            ("{{ args.a }}", "stands without braces"),
            ("args.a <", "is not an expression"),
            (
                "arg.a == 1",
                "names `arg`, which is unknown; known are args, principal",
            ),
            ("args.a | uper == 'X'", "uses the filter `uper`"),
            ("true", "names nothing of a call"),
        ] {
            let reason = refused(expression);
            assert!(reason.contains(expected), "{expression}: {reason}");
        }
        let deep = format!("{}args.a{}", "(".repeat(1500), ")".repeat(1500));
        assert!(refused(&deep).starts_with("w: "));
    }
}
