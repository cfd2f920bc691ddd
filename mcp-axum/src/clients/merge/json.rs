//! Files of JSON, in which editors allow comments and a comma at the end.

use super::{Broken, with_entry};
use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode},
};
use serde_json::Value;

/// What a file of JSON may begin with on Windows.
const MARK: char = '\u{feff}';

/// The whole file, if the entry can be found in it without doubt.
pub(super) fn read(text: &str, path: &[&str], name: &str) -> Result<Value, Broken> {
    let root = parse(text)?;
    let mut object = top(&root)?;
    for member in path {
        object = match object {
            Some(object) => inner(&object, member)?,
            None => None,
        };
    }
    if let Some(object) = object {
        only(&object, name)?;
    }
    Ok(whole(&root))
}

pub(super) fn merge(text: &str, path: &[&str], name: &str, entry: &Value) -> Result<String, Broken> {
    let before = read(text, path, name)?;
    let root = parse(text)?;
    let mut object = match top(&root)? {
        Some(object) => object,
        None => root.object_value_or_set(),
    };
    for member in path {
        object = match inner(&object, member)? {
            Some(inner) => inner,
            None => object.object_value_or_set(member),
        };
    }
    match only(&object, name)? {
        Some(property) => property.set_value(input(entry)),
        None => {
            object.append(name, input(entry));
        }
    }
    let mut merged = root.to_string();
    if text.trim_matches(MARK).trim().is_empty() && !merged.ends_with('\n') {
        merged.push('\n');
    }
    if whole(&parse(&merged)?) != with_entry(before, path, name, entry) {
        return Err(Broken::Lossy);
    }
    if text.starts_with(MARK) {
        merged.insert(0, MARK);
    }
    Ok(merged)
}

fn parse(text: &str) -> Result<CstRootNode, Broken> {
    // What a client would not read, or read as something else, is broken.
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_extended_string_escapes: false,
        allow_non_finite_numbers: false,
    };
    let text = text.strip_prefix(MARK).unwrap_or(text);
    CstRootNode::parse(text, &options).map_err(|error| Broken::Syntax {
        line: error.line_display(),
        column: error.column_display(),
        reason: error.kind().to_string(),
    })
}

fn whole(root: &CstRootNode) -> Value {
    root.to_serde_value().unwrap_or_default()
}

/// `None` where there is nothing yet.
fn top(root: &CstRootNode) -> Result<Option<CstObject>, Broken> {
    match root.value() {
        None => Ok(None),
        Some(value) => as_object(&value, "the file").map(Some),
    }
}

fn inner(object: &CstObject, member: &str) -> Result<Option<CstObject>, Broken> {
    let Some(property) = only(object, member)? else {
        return Ok(None);
    };
    let value = property.value().ok_or_else(|| Broken::Type {
        member: format!("`{member}`"),
        expected: "object",
    })?;
    as_object(&value, &format!("`{member}`")).map(Some)
}

fn as_object(value: &CstNode, member: &str) -> Result<CstObject, Broken> {
    value.as_object().ok_or_else(|| Broken::Type {
        member: member.to_owned(),
        expected: "object",
    })
}

/// The property of this name, whatever escapes it is written with.
fn only(object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, Broken> {
    let is_meant = |property: &CstObjectProp| {
        let written = property.name().and_then(|name| name.decoded_value().ok());
        written.as_deref() == Some(name)
    };
    let mut found = object.properties().into_iter().filter(is_meant);
    let first = found.next();
    match found.next() {
        None => Ok(first),
        Some(_) => Err(Broken::Twice(name.to_owned())),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(is) => CstInputValue::Bool(*is),
        Value::Number(number) => CstInputValue::Number(number.to_string()),
        Value::String(text) => CstInputValue::String(text.clone()),
        Value::Array(items) => CstInputValue::Array(items.iter().map(input).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), input(value)));
            CstInputValue::Object(members.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(text: &str) -> Result<String, String> {
        let entry = json!({"url": "http://h/mcp/desk", "headers": {"Authorization": "Bearer k"}});
        merge(text, &["mcpServers"], "desk", &entry).map_err(|broken| broken.to_string())
    }

    #[test]
    fn comments_order_and_manner_stay() {
        let text = "\u{feff}// mine\r\n{\r\n\t\"b\": 1, /* why */\r\n\t\"mcpServers\": {\r\n\t\t\"z\": {\"command\": \"x\"}, // last\r\n\t},\r\n\t\"a\": [1, 2],\r\n}\r\n";
        let merged = merged(text).unwrap();
        for kept in [
            "\u{feff}// mine\r\n",
            "\"b\": 1, /* why */\r\n",
            "\"z\": {\"command\": \"x\"}",
            "// last",
            "\t\"a\": [1, 2],\r\n}\r\n",
        ] {
            assert!(merged.contains(kept), "{kept:?} is missing:\n{merged}");
        }
        assert!(
            merged.contains("\t\t\"desk\": {\r\n\t\t\t\"url\": \"http://h/mcp/desk\""),
            "{merged}"
        );
        assert!(!merged.replace("\r\n", "").contains('\n'), "{merged:?}");
    }

    #[test]
    fn an_entry_is_replaced_where_it_stands() {
        let text = "{\"mcpServers\": {\"desk\": {\"command\": \"old\"}, \"other\": {}}}";
        let merged = merged(text).unwrap();
        assert!(!merged.contains("old"), "{merged}");
        assert!(
            merged.find("desk").unwrap() < merged.find("other").unwrap(),
            "{merged}"
        );
        assert_eq!(
            serde_json::from_str::<Value>(&merged).unwrap()["mcpServers"]["other"],
            json!({})
        );
    }

    #[test]
    fn what_is_not_understood_is_not_touched() {
        for (text, expected) in [
            ("{\"mcpServers\": {", "line 1, column "),
            ("{\n  \"a\": 1\n  \"b\": 2\n}", "line 2, column "),
            ("[1]", "the file is no object"),
            ("{\"mcpServers\": []}", "`mcpServers` is no object"),
            ("{\"mcpServers\": null}", "`mcpServers` is no object"),
            (
                "{\"mcpServers\": {}, \"mcpServers\": {}}",
                "`mcpServers` stands there twice",
            ),
            (
                "{\"mcpServers\": {\"desk\": {}, \"d\\u0065sk\": {}}}",
                "`desk` stands there twice",
            ),
            ("{'mcpServers': {}}", "line 1, column "),
            ("{mcpServers: {}}", "line 1, column "),
        ] {
            let refused = merged(text).unwrap_err();
            assert!(refused.starts_with(expected), "{text}: {refused}");
        }
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(merged(&deep).unwrap_err().contains("depth"));
    }

    #[test]
    fn an_empty_file_becomes_one() {
        for text in ["", " \n", "\u{feff}", "{}", "// nothing yet\n"] {
            let merged = merged(text).unwrap();
            assert_eq!(
                read(&merged, &["mcpServers"], "desk").unwrap()["mcpServers"]["desk"]["url"],
                "http://h/mcp/desk"
            );
        }
    }
}
