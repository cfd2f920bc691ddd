//! Rules of clients that only the author can follow. `docs/DEFINITIONS.md` has the table of all rules, with their sources.

use super::subschemas::any;
use crate::{
    json::tree::{Members, Tree},
    tool::pattern,
};
use mcp_common::definition::{ToolDefinition, client_limits::of_tool_description};
use serde_json::Value;
use std::cell::RefCell;

/// Of an argument's name.
const LONGEST_NAME: usize = 64;
const COMBINATORS: [&str; 8] = ["oneOf", "anyOf", "allOf", "not", "if", "then", "else", "enum"];
/// Names in a warning.
const MAX_NAMES: usize = 5;

/// What clients will refuse or leave out. `input` is the schema that calls are checked against; it may be listed without the patterns that
/// clients do not compile.
pub(super) fn warnings(
    definition: &ToolDefinition,
    input: &Value,
    is_listed_without_patterns: bool,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let field = || "description".to_owned();
    warnings.extend(of_tool_description(field, &definition.description));
    let found = COMBINATORS
        .iter()
        .filter(|keyword| input.get(**keyword).is_some());
    let found: Vec<_> = found.map(|keyword| format!("`{keyword}`")).collect();
    if !found.is_empty() {
        warnings.push(format!(
            "input_schema: has {} at its root; the APIs of Anthropic and OpenAI refuse the whole list of tools then, and \
             VS Code leaves it out: say it in a property, or in the description",
            found.join(", ")
        ));
    }
    let names = input.get("properties").and_then(Value::as_object);
    let names = names.into_iter().flatten().map(|(name, _)| name.as_str());
    let mut unfit: Vec<_> = names
        .filter(|name| !is_plain(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if !unfit.is_empty() {
        let more = if unfit.len() > MAX_NAMES { ", …" } else { "" };
        unfit.truncate(MAX_NAMES);
        warnings.push(format!(
            "input_schema.properties: Anthropic's API refuses the name {}{more} and the whole list with it; it takes 1 to \
             {LONGEST_NAME} of A-Z a-z 0-9 _ . - (`params` gives an argument another name on the wire: `as`)",
            unfit.join(", ")
        ));
    }
    warnings.extend(patterns(input, is_listed_without_patterns));
    warnings
}

/// One warning for all patterns that only the gateway may be able to read.
fn patterns(input: &Value, is_listed_without: bool) -> Option<String> {
    let found = RefCell::new(Vec::new());
    let add = |pattern: &str| {
        if !pattern::is_for_clients(pattern) {
            found.borrow_mut().push(format!("`{pattern}`"));
        }
    };
    any(&Tree::read(&input.to_string()), &|members: &Members| {
        if let Some(pattern) = members.get("pattern").and_then(Tree::text) {
            add(&pattern);
        }
        let named = members.get("patternProperties").and_then(Tree::members);
        named
            .into_iter()
            .flat_map(Members::keys)
            .for_each(|name| add(name));
        false
    });
    let mut found = found.into_inner();
    let more = if found.len() > MAX_NAMES { ", …" } else { "" };
    found.truncate(MAX_NAMES);
    let end = match is_listed_without {
        true => "; it is not listed (calls are held to it all the same)",
        false => "",
    };
    (!found.is_empty()).then(|| {
        format!(
            "input_schema: {}{more} is no pattern of ECMA-262 with the flag `u`, which clients that check arguments compile{end}",
            found.join(", ")
        )
    })
}

fn is_plain(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_plain)
}
