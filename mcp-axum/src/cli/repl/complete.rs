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
        Ok(candidates(typed, &self.tools))
    }
}

/// Where the word begins that is being typed, and what it may become.
fn candidates(typed: &str, tools: &[Tool]) -> (usize, Vec<Pair>) {
    let start = last_word(typed);
    let words = shlex::split(&typed[..start]).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = words_after(&words, &plain(&typed[start..]), tools);
    let pairs = found.into_iter().filter_map(|word| {
        Some(Pair {
            replacement: written(&word)?,
            display: word.trim_end().to_owned(),
        })
    });
    (start, pairs.collect())
}

impl Helper for Completion {}
impl Highlighter for Completion {}
impl Validator for Completion {}
impl Hinter for Completion {
    type Hint = String;
}

/// Where the word begins that is being typed, as a shell tells words apart.
fn last_word(typed: &str) -> usize {
    let (mut start, mut quote, mut is_escaped) = (0, None, false);
    for (at, c) in typed.char_indices() {
        match (c, quote) {
            _ if is_escaped => is_escaped = false,
            ('\\', None | Some('"')) => is_escaped = true,
            ('\'' | '"', None) => quote = Some(c),
            (_, Some(open)) if c == open => quote = None,
            (_, None) if c.is_whitespace() => start = at + c.len_utf8(),
            _ => {}
        }
    }
    start
}

/// What the beginning of a word says, whether or not its quotation mark is there again.
fn plain(begun: &str) -> String {
    let ends = ["", "'", "\""].iter();
    let mut read = ends.filter_map(|end| shlex::split(&format!("{begun}{end}")));
    read.next()
        .and_then(|words| words.into_iter().next())
        .unwrap_or_default()
}

/// A word as it is to be typed: names and values that a shell would not read as one word stand in quotation marks.
fn written(word: &str) -> Option<String> {
    let quoted = |text: &str| shlex::try_quote(text).ok().map(std::borrow::Cow::into_owned);
    let (text, end) = match word.strip_suffix(' ') {
        Some(text) => (text, " "),
        None => (word, ""),
    };
    Some(match text.split_once('=') {
        Some((name, "")) => quoted(name)? + "=" + end,
        Some((name, value)) => quoted(name)? + "=" + &quoted(value)? + end,
        None => quoted(text)? + end,
    })
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

    #[test]
    fn what_is_no_single_word_stands_in_quotation_marks() {
        let schema = json!({"type": "object", "properties": {
            "state": {"enum": ["open", "in progress", "it's late"]}, "first name": {"type": "string"}}});
        let tools = [Tool {
            name: "look up".to_owned(),
            description: String::new(),
            schema,
            raw: to_raw_value(&json!({})).unwrap(),
        }];
        let table: &[(&str, usize, &[&str])] = &[
            ("loo", 0, &["'look up' "]),
            ("'loo", 0, &["'look up' "]),
            ("call 'look up' s", 15, &["state="]),
            ("call 'look up' f", 15, &["'first name'="]),
            ("call 'look up' 'first n", 15, &["'first name'="]),
            (
                "call 'look up' state=",
                15,
                &["state=open ", "state='in progress' ", "state=\"it's late\" "],
            ),
            ("call 'look up' state='in p", 15, &["state='in progress' "]),
            ("call 'look up' state=in\\ p", 15, &["state='in progress' "]),
            ("call 'look up' state='in progress' ", 35, &["'first name'="]),
        ];
        for (typed, start, expected) in table {
            let (at, pairs) = candidates(typed, &tools);
            let said: Vec<&str> = pairs.iter().map(|pair| &*pair.replacement).collect();
            assert_eq!((at, &said[..]), (*start, *expected), "{typed}");
            for pair in &pairs {
                let read = shlex::split(&pair.replacement).unwrap();
                assert_eq!(
                    read,
                    std::slice::from_ref(&pair.display),
                    "it is read as it is meant"
                );
            }
        }
    }
}
