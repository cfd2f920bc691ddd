//! A file of configuration as what it says, and in the other format.

use super::{SettingsError, aggregator, env_file, large_numbers::LargeNumbers};
use serde_json::{Map, Value};
use std::{fs, io, path::Path};
use toml_edit::Item;

/// The text of a file.
pub(crate) fn read_text(file: &Path) -> Result<String, SettingsError> {
    let name = file.display();
    fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SettingsError::NoFile(format!("there is no configuration file {name}")),
        _ => SettingsError::NoFile(format!("{name} cannot be read: {error}")),
    })
}

/// Whether it is that of an aggregator.
pub(crate) fn is_of_aggregator(file: &Path, text: &str) -> bool {
    aggregator::is_meant(file, text)
}

/// The same keys as TOML. What is null is left out: TOML has no word for it, and to whoever reads the file it is the same.
pub(crate) fn to_toml(file: &Path, text: &str) -> Result<String, SettingsError> {
    let mut value = value(file, text)?;
    without_nulls(&mut value);
    toml::to_string_pretty(&value).map_err(|error| unsayable(file, "TOML", &error))
}

/// The same keys as YAML.
pub(crate) fn to_yaml(file: &Path, text: &str) -> Result<String, SettingsError> {
    serde_saphyr::to_string(&value(file, text)?).map_err(|error| unsayable(file, "YAML", &error))
}

fn unsayable(file: &Path, format: &str, error: &dyn std::fmt::Display) -> SettingsError {
    SettingsError::Syntax {
        file: file.display().to_string(),
        reason: format!("cannot be said in {format}: {error}"),
    }
}

/// Names in a file of variables that mean nothing here; `None` of any other file.
pub(crate) fn strangers(file: &Path, text: &str) -> Result<Option<Vec<String>>, SettingsError> {
    match env_file::is_meant(file) {
        true => Ok(Some(env_file::read(file, text)?.strangers)),
        false => Ok(None),
    }
}

fn value(file: &Path, text: &str) -> Result<Value, SettingsError> {
    if env_file::is_meant(file) {
        let table = env_file::read(file, text)?.into_table();
        return serde_json::to_value(table).map_err(|error| unsayable(file, "JSON", &error));
    }
    if aggregator::is_yaml(file) {
        return aggregator::yaml(file, text);
    }
    as_toml(file, text)?;
    // Unlike a table that is read alone it knows the order.
    let document: toml_edit::DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| unsayable(file, "TOML", &error))?;
    table(document.iter()).ok_or_else(|| unsayable(file, "YAML", &"a number that is none (`nan`, `inf`)"))
}

/// `None` where a number is none.
fn table<'a>(members: impl Iterator<Item = (&'a str, &'a Item)>) -> Option<Value> {
    let members = members.map(|(name, item)| Some((name.to_owned(), json(item)?)));
    Some(members.collect::<Option<Map<_, _>>>()?.into())
}

fn json(item: &Item) -> Option<Value> {
    match item {
        Item::None => Some(Value::Null),
        Item::Value(one) => json_of(one),
        Item::Table(members) => table(members.iter()),
        Item::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|one| table(one.iter()));
            Some(tables.collect::<Option<Vec<_>>>()?.into())
        }
    }
}

/// Times become texts, as both formats have them.
fn json_of(value: &toml_edit::Value) -> Option<Value> {
    Some(match value {
        toml_edit::Value::String(text) => text.value().as_str().into(),
        toml_edit::Value::Integer(number) => (*number.value()).into(),
        toml_edit::Value::Float(number) => serde_json::Number::from_f64(*number.value())?.into(),
        toml_edit::Value::Boolean(flag) => (*flag.value()).into(),
        toml_edit::Value::Datetime(time) => time.value().to_string().into(),
        toml_edit::Value::Array(items) => items.iter().map(json_of).collect::<Option<Vec<_>>>()?.into(),
        toml_edit::Value::InlineTable(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| Some((name.to_owned(), json_of(value)?)))
                .collect::<Option<Map<_, _>>>()?
                .into()
        }
    })
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(without_nulls);
        }
        _ => {}
    }
}

/// What a TOML file says, or where it is none.
pub(super) fn as_toml(file: &Path, text: &str) -> Result<toml::Table, SettingsError> {
    text.parse::<toml::Table>().map_err(|error| {
        if let Some(refusal) = LargeNumbers::find(file, text).refusal() {
            return refusal;
        }
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        let line = before.matches('\n').count() + 1;
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        SettingsError::Syntax {
            file: format!("{}:{line}", file.display()),
            reason,
        }
    })
}
