//! What a line that is being typed can go on with.

use super::line;
use crate::{
    cli::{call, foreign, tool_arguments},
    client::Tool,
};
use rustyline::{
    Context, Helper, Result,
    completion::{Completer, Pair},
    highlight::Highlighter,
    hint::Hinter,
    validate::Validator,
};
use std::sync::Arc;

/// Knows the tools of the last look.
#[derive(Default)]
pub(super) struct Completion {
    pub(super) tools: Arc<Vec<Tool>>,
}

impl Completer for Completion {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or_default();
        let start = typed.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let words: Vec<&str> = typed[..start].split_whitespace().collect();
        let found = words_after(&words, &typed[start..], &self.tools);
        let pairs = found.into_iter().map(|replacement| Pair {
            display: replacement.trim_end().to_owned(),
            replacement,
        });
        Ok((start, pairs.collect()))
    }
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Hinter for Completion {
    type Hint = String;
}

/// Whole words that begin like `begun`; a space stands behind what is finished.
fn words_after(words: &[&str], begun: &str, tools: &[Tool]) -> Vec<String> {
    let names = || tools.iter().map(|tool| format!("{} ", tool.name));
    let mut found: Vec<String> = match words {
        [] => line::NAMES
            .iter()
            .map(|name| format!("{name} "))
            .chain(names())
            .collect(),
        ["describe" | "call"] => names().collect(),
        ["format"] => vec!["text ".to_owned(), "json ".to_owned()],
        ["list" | "search" | "describe" | "format" | "help" | "quit", ..] => Vec::new(),
        ["call", name, given @ ..] | [name, given @ ..] => {
            match tools.iter().find(|tool| tool.name == *name) {
                Some(tool) => arguments(tool, given, begun),
                None => Vec::new(),
            }
        }
    };
    // What would steer the terminal is written by whoever means it.
    found.retain(|word| word.starts_with(begun) && foreign::line(word) == *word);
    found
}

/// Names that are not given yet, or the values that the schema has for one.
fn arguments(tool: &Tool, given: &[&str], begun: &str) -> Vec<String> {
    if let Some((name, _)) = begun.split_once('=') {
        let values = tool_arguments::values(&tool.schema, name.trim_end_matches(':'));
        return values.map(|value| format!("{name}={value} ")).collect();
    }
    let is_given = |name: &str| {
        given
            .iter()
            .any(|pair| pair.split([':', '=']).next() == Some(name))
    };
    call::list::arguments(&tool.schema)
        .iter()
        .map(|name| name.trim_matches(['[', ']']))
        .filter(|name| !is_given(name))
        .map(|name| format!("{name}="))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, value::to_raw_value};

    #[test]
    fn a_line_goes_on_with_what_the_instance_has() {
        let schema = json!({"type": "object", "required": ["id"], "properties": {
            "id": {"type": "integer"}, "state": {"enum": ["open", "paid"]}, "vip": {"type": "boolean"}}});
        let tool = |name: &str| Tool {
            name: name.to_owned(),
            description: String::new(),
            schema: schema.clone(),
            raw: to_raw_value(&json!({})).unwrap(),
        };
        let tools = [tool("get_order"), tool("get_orders"), tool("look")];
        let table: &[(&[&str], &str, &[&str])] = &[
            (&[], "l", &["list ", "look "]),
            (&[], "get", &["get_order ", "get_orders "]),
            (&["call"], "lo", &["look "]),
            (&["describe"], "get_orders", &["get_orders "]),
            (&["list"], "", &[]),
            (&["format"], "j", &["json "]),
            (&["look"], "", &["id=", "state=", "vip="]),
            (&["look", "id=7"], "", &["state=", "vip="]),
            (&["call", "look", "state:=\"x\""], "", &["id=", "vip="]),
            (&["call", "look"], "state=", &["state=open ", "state=paid "]),
            (&["look"], "vip=t", &["vip=true "]),
            (&["look"], "id=", &[]),
            (&["nobody"], "", &[]),
        ];
        for (words, begun, expected) in table {
            assert_eq!(
                words_after(words, begun, &tools),
                *expected,
                "{words:?} {begun:?}"
            );
        }
    }
}
