//! Tools and results for people at a terminal.

use crate::{cli::foreign, client::Tool};
use serde_json::Value;

/// How much of a description is worth a line.
const MOST: usize = 100;

/// Each tool with its arguments: `get_order id [expand]`, and what it does.
pub(in crate::cli) fn text(tools: &[&Tool]) -> String {
    if tools.is_empty() {
        return "no tools\n".to_owned();
    }
    let mut out = String::new();
    for tool in tools {
        out.push_str(&foreign::line(&tool.name));
        for argument in arguments(&tool.schema) {
            out.push(' ');
            out.push_str(&foreign::line(&argument));
        }
        out.push('\n');
        let first = tool.description.lines().next().unwrap_or_default();
        let cut: String = first.chars().take(MOST).collect();
        let more = if cut.len() < tool.description.trim_end().len() {
            " …"
        } else {
            ""
        };
        out.push_str(&format!("    {}{more}\n", foreign::line(cut.trim_end())));
    }
    out
}

/// The required ones first, others in brackets; groups by their members.
pub(in crate::cli) fn arguments(schema: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    for (name, property) in properties.into_iter().flatten() {
        let inner = ["path", "query", "header", "cookie", "body"].contains(&name.as_str());
        match property.get("properties").filter(|_| inner) {
            Some(_) => found.extend(arguments(property)),
            None if is_required(name) => found.push(name.clone()),
            None => found.push(format!("[{name}]")),
        }
    }
    found.sort_by_key(|name| name.starts_with('['));
    found
}

/// Texts as they are; other blocks by their kind.
pub(super) fn content(blocks: &[Value]) -> String {
    let mut out = String::new();
    for block in blocks {
        let member = |name: &str| block.get(name).and_then(Value::as_str);
        match (member("text"), member("type")) {
            (Some(text), _) => out.push_str(&foreign::text(text)),
            (None, kind) => {
                let kind = foreign::line(kind.unwrap_or("block"));
                let media = foreign::line(member("mimeType").unwrap_or_default());
                let size = member("data").map_or(0, |data| data.len() / 4 * 3);
                out.push_str(&format!(
                    "({kind} {media}, about {size} bytes; --format json has it)"
                ));
            }
        }
        if !out.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}
