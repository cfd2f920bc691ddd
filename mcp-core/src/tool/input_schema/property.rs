//! Changes of single properties in a schema's text, which stays as it was written everywhere else.

use indexmap::IndexMap;
use serde_json::value::{RawValue, to_raw_value};

type Members = IndexMap<String, Box<RawValue>>;

/// What becomes of a property.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'a> {
    /// It is not there any more.
    Remove,
    /// It need not be given; the JSON text is its value then.
    Default(&'a str),
    /// It need not be given.
    Optional,
}

/// The schema with the property changed, in `properties` and `required`. `path` is its name, or a group and its name in
/// there. `None` where there is no such property.
pub(crate) fn change(
    schema: &str,
    path: &[&str],
    change: Change<'_>,
) -> Result<Option<String>, serde_json::Error> {
    let Some((name, inner)) = path.split_first() else {
        return Ok(None);
    };
    let mut members: Members = serde_json::from_str(schema)?;
    let Some(properties) = members.get("properties") else {
        return Ok(None);
    };
    let mut properties: Members = serde_json::from_str(properties.get())?;
    let Some(property) = properties.get_mut(*name) else {
        return Ok(None);
    };
    if !inner.is_empty() {
        if !property.get().starts_with('{') {
            return Ok(None);
        }
        let Some(changed) = self::change(property.get(), inner, change)? else {
            return Ok(None);
        };
        *property = RawValue::from_string(changed)?;
        members.insert("properties".into(), to_raw_value(&properties)?);
        return serde_json::to_string(&members).map(Some);
    }
    match change {
        Change::Remove => drop(properties.shift_remove(*name)),
        Change::Optional => {}
        Change::Default(value) => {
            // `true` as a property's schema has no members to add to.
            let mut schema: Members = serde_json::from_str(property.get()).unwrap_or_default();
            schema.insert("default".into(), RawValue::from_string(value.to_owned())?);
            *property = to_raw_value(&schema)?;
        }
    }
    members.insert("properties".into(), to_raw_value(&properties)?);
    let required = members.get("required");
    let required = required.and_then(|raw| serde_json::from_str::<Vec<String>>(raw.get()).ok());
    if let Some(mut required) = required {
        required.retain(|other| other != name);
        if required.is_empty() {
            members.shift_remove("required");
        } else {
            members.insert("required".into(), to_raw_value(&required)?);
        }
    }
    serde_json::to_string(&members).map(Some)
}

#[cfg(test)]
mod tests {
    use super::{Change, change};

    const FLAT: &str = r#"{"type":"object","properties":{"a":{"type":"number","maximum":1.10},"b":true},"required":["a","b"],"x":1e2}"#;

    #[test]
    fn one_property_changes_and_the_rest_stays_as_it_was_written() {
        let flat = |path: &[&str], to: Change<'_>| change(FLAT, path, to).unwrap();
        assert_eq!(
            flat(&["b"], Change::Remove).unwrap(),
            r#"{"type":"object","properties":{"a":{"type":"number","maximum":1.10}},"required":["a"],"x":1e2}"#
        );
        assert_eq!(
            flat(&["a"], Change::Default("0.10")).unwrap(),
            r#"{"type":"object","properties":{"a":{"type":"number","maximum":1.10,"default":0.10},"b":true},"required":["b"],"x":1e2}"#
        );
        assert_eq!(
            flat(&["b"], Change::Default("null")).unwrap(),
            r#"{"type":"object","properties":{"a":{"type":"number","maximum":1.10},"b":{"default":null}},"required":["a"],"x":1e2}"#
        );
        assert_eq!(flat(&["c"], Change::Remove), None);
        assert_eq!(flat(&["b", "c"], Change::Remove), None);
    }

    #[test]
    fn a_property_of_a_group() {
        let grouped =
            r#"{"properties":{"query":{"properties":{"a":{}},"required":["a"]}},"required":["query"]}"#;
        let removed = change(grouped, &["query", "a"], Change::Remove).unwrap().unwrap();
        assert_eq!(
            removed,
            r#"{"properties":{"query":{"properties":{}}},"required":["query"]}"#
        );
        let optional = change(&removed, &["query"], Change::Optional).unwrap().unwrap();
        assert_eq!(optional, r#"{"properties":{"query":{"properties":{}}}}"#);
    }
}
