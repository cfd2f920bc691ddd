//! Files of TOML.

use super::{Broken, with_entry};
use crate::clients::Client;
use serde_json::Value;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

/// The whole file.
pub(super) fn read(text: &str) -> Result<Value, Broken> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Broken::Syntax {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            reason: error.message().to_owned(),
        }
    })?;
    // Times have no word in JSON; they are compared as what they are written as.
    Ok(serde_json::to_value(table).unwrap_or_default())
}

pub(super) fn merge(text: &str, path: &[&str], name: &str, entry: &Value) -> Result<String, Broken> {
    let before = read(text)?;
    let mut document: DocumentMut = text.parse().map_err(|_| Broken::Lossy)?;
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for member in path {
        let item = table.entry(member).or_insert_with(|| {
            let mut list = Table::new();
            list.set_implicit(true);
            Item::Table(list)
        });
        table = item.as_table_like_mut().ok_or_else(|| Broken::Type {
            member: format!("`{member}`"),
            expected: "table",
        })?;
    }
    let mut written = Table::new();
    for (member, value) in entry.as_object().into_iter().flatten() {
        written.insert(member, Item::Value(inline(value)));
    }
    table.insert(name, Item::Table(written));
    let merged = document.to_string();
    if read(&merged)? != with_entry(before, path, name, entry) {
        return Err(Broken::Lossy);
    }
    Ok(merged)
}

/// The entry alone.
pub(in crate::clients) fn as_text(client: Client, name: &str, entry: &Value) -> String {
    let text = merge("", client.path(), name, entry).unwrap_or_default();
    text.trim_end().to_owned()
}

fn inline(value: &Value) -> toml_edit::Value {
    match value {
        Value::Null => "".into(),
        Value::Bool(is) => (*is).into(),
        Value::Number(number) => number.as_i64().unwrap_or_default().into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(inline).collect::<Array>().into(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.as_str(), inline(value)));
            members.collect::<InlineTable>().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(text: &str) -> Result<String, String> {
        let entry = json!({"url": "http://h/mcp/desk", "http_headers": {"Authorization": "Bearer k"}});
        merge(text, &["mcp_servers"], "desk", &entry).map_err(|broken| broken.to_string())
    }

    #[test]
    fn comments_and_order_stay() {
        let text = "# mine\nmodel = 'x' # why\nsince = 2026-11-30T01:02:03Z\n\n[mcp_servers.other]\ncommand = \"y\"\n\n[tui]\ntheme = 1\n";
        let merged = merged(text).unwrap();
        for line in text.lines() {
            assert!(merged.lines().any(|kept| kept == line), "{line}:\n{merged}");
        }
        assert!(
            merged.contains(
                "[mcp_servers.desk]\nurl = \"http://h/mcp/desk\"\nhttp_headers = { Authorization = \"Bearer k\" }\n"
            ),
            "{merged}"
        );
    }

    #[test]
    fn an_inline_list_stays_one_and_an_entry_is_replaced() {
        let inline = merged("mcp_servers = { a = { command = 'x' } }\n").unwrap();
        assert_eq!(read(&inline).unwrap()["mcp_servers"]["a"]["command"], "x");
        let replaced =
            merged("[mcp_servers.desk]\ncommand = 'old'\n[mcp_servers.desk.env]\nA = 'b'\n").unwrap();
        assert!(
            !replaced.contains("old") && !replaced.contains("env"),
            "{replaced}"
        );
    }

    #[test]
    fn what_is_not_understood_is_not_touched() {
        for (text, expected) in [
            ("a = 1\n[mcp_servers", "line 2, column "),
            ("a = 1\na = 2\n", "line 2, column 1"),
            ("mcp_servers = 1\n", "`mcp_servers` is no table"),
            ("[[mcp_servers]]\na = 1\n", "`mcp_servers` is no table"),
        ] {
            let refused = merged(text).unwrap_err();
            assert!(refused.starts_with(expected), "{text}: {refused}");
        }
    }
}
