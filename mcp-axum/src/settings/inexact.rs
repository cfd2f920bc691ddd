//! Values of another type than their key's, which the reader would change without a word: `8080.7` for a port, a number for a host. A text
//! may stand for a number, as variables of the environment are nothing else.

use super::{
    Settings, SettingsError,
    display::{REDACTED, touches_secret},
    layers::DEFAULT_TOML,
    unknown,
};
use toml::Value;

/// What no key has among its words.
const ANY_TEXT: &str = "any text";

/// Those of the merged values that stand for a whole number or a text and are neither. Nothing is said of what is wrong with the other layers.
pub(super) fn find(merged: &toml::Table) -> Vec<SettingsError> {
    let defaults: toml::Table = DEFAULT_TOML.parse().unwrap_or_default();
    let paths = unknown::paths(merged).into_iter();
    let problems = paths.filter_map(|path| {
        let found = at(merged, &path)?;
        let is_scalar = matches!(
            found,
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_)
        );
        if !is_scalar || at(&defaults, &path) == Some(found) {
            return None;
        }
        // Types are taken as they are here.
        let refused = refusal(&defaults, &path, found.clone())?;
        let expected = refused.lines().next()?.strip_prefix("invalid type: ")?;
        let expected = expected.rsplit_once(", expected ")?.1;
        // What takes a few words only, such as `auto`, takes `true` as one of them.
        if expected == "a string" && refusal(&defaults, &path, Value::String(ANY_TEXT.to_owned())).is_some() {
            return None;
        }
        let expected = in_words(expected)?;
        let shown = match touches_secret(&path) {
            true => REDACTED.to_owned(),
            false => found.to_string(),
        };
        Some(SettingsError::value(
            path,
            format!("found `{shown}`, expected {expected}"),
        ))
    });
    problems.collect()
}

/// Why the value cannot stand there, where all else is as it is by default.
fn refusal(defaults: &toml::Table, path: &str, value: Value) -> Option<String> {
    let mut alone = defaults.clone();
    put(&mut alone, path, value)?;
    Some(alone.try_into::<Settings>().err()?.to_string())
}

/// `None` for types of which several kinds of values are understood.
fn in_words(expected: &str) -> Option<&'static str> {
    match expected {
        "a string" => Some("a text, in quotation marks"),
        "u16" => Some("a whole number from 0 to 65535"),
        "u8" | "u32" | "u64" | "usize" => Some("a whole number, 0 or more"),
        "i8" | "i16" | "i32" | "i64" | "isize" => Some("a whole number"),
        nonzero if nonzero.starts_with("a nonzero ") => Some("a whole number, 1 or more"),
        _ => None,
    }
}

fn at<'v>(table: &'v toml::Table, path: &str) -> Option<&'v Value> {
    match path.split_once('.') {
        None => table.get(path),
        Some((name, rest)) => at(table.get(name)?.as_table()?, rest),
    }
}

fn put(table: &mut toml::Table, path: &str, value: Value) -> Option<()> {
    match path.split_once('.') {
        None => drop(table.insert(path.to_owned(), value)),
        Some((name, rest)) => {
            let inner = table
                .entry(name)
                .or_insert_with(|| Value::Table(toml::Table::new()));
            put(inner.as_table_mut()?, rest, value)?;
        }
    }
    Some(())
}
