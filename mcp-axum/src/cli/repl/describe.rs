//! One tool for whoever wants to call it, and tools that somebody looks for.

use crate::{
    cli::{call::list::arguments, foreign, output::table, tool_arguments},
    client::Tool,
};
use serde_json::Value;

/// Values of an argument that are worth a line.
const MOST_VALUES: usize = 12;

/// Those that have all of the words, in the order of the list; those that have them in their names come first.
pub(super) fn search<'a>(tools: &'a [Tool], words: &[String]) -> Vec<&'a Tool> {
    let words: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let has = |text: String| {
        let text = text.to_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<&Tool> = tools
        .iter()
        .filter(|tool| {
            let arguments = arguments(&tool.schema).join(" ");
            has(format!("{} {} {arguments}", tool.name, tool.description))
        })
        .collect();
    found.sort_by_key(|tool| !has(tool.name.clone()));
    found
}

/// Its description, its arguments and what its results have.
pub(super) fn text(tool: &Tool) -> String {
    let whole: Value = serde_json::from_str(tool.raw.get()).unwrap_or_default();
    let mut out = format!("{}{}\n", foreign::line(&tool.name), hints(&whole["annotations"]));
    for line in foreign::text(tool.description.trim_end()).lines() {
        out.push_str(&format!("    {line}\n"));
    }
    let named = arguments(&tool.schema);
    match named.is_empty() {
        true => out.push_str("no arguments\n"),
        false => out.push_str(&table(
            &["ARGUMENT", "TYPE", "", "DESCRIPTION"],
            named.iter().map(|name| row(&tool.schema, name)),
        )),
    }
    if let Some(members) = whole["outputSchema"]["properties"].as_object() {
        let names: Vec<&str> = members.keys().map(String::as_str).collect();
        out.push_str(&format!("results have {}\n", foreign::line(&names.join(", "))));
    }
    out
}

fn row(schema: &Value, name: &str) -> Vec<String> {
    let is_optional = name.starts_with('[');
    let name = name.trim_matches(['[', ']']);
    let values: Vec<String> = tool_arguments::values(schema, name).take(MOST_VALUES).collect();
    let kind = match values.is_empty() {
        true => tool_arguments::kind(schema, name),
        false => values.join("|"),
    };
    let need = if is_optional { "" } else { "required" };
    let description = tool_arguments::description(schema, name);
    let first = description.lines().next().unwrap_or_default();
    [name, &kind, need, first].map(str::to_owned).into()
}

/// What it says of what a call does.
fn hints(annotations: &Value) -> String {
    let says = |name: &str| annotations[name] == true;
    match (says("readOnlyHint"), says("destructiveHint")) {
        (true, _) => " (only reads)".to_owned(),
        (_, true) => " (may destroy something)".to_owned(),
        _ => String::new(),
    }
}
