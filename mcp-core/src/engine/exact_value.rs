//! JSON values as templates see them. Integers keep all of their digits, up to 128 bits, also in the middle of a text.

use crate::engine::{encode::Plain, members::Members};
use minijinja::Value;
use std::collections::BTreeMap;

/// As deep as the JSON reader goes.
const MAX_DEPTH: usize = 128;

/// Reads one JSON value.
pub(in crate::engine) fn read(json: &str) -> Result<Value, String> {
    value(json, 0)
}

fn value(json: &str, depth: usize) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    if !json.starts_with(['"', '[', '{', 'n']) {
        return Ok(scalar(json));
    }
    match Plain::read(json)? {
        Plain::Null => Ok(Value::from(())),
        Plain::Text(text) => Ok(Value::from(text.into_owned())),
        Plain::List(items) => {
            let items = items.iter().map(|raw| value(raw.get(), depth + 1));
            items.collect::<Result<Vec<_>, _>>().map(Value::from)
        }
        Plain::Object(members) => object(&members, depth),
    }
}

fn object(members: &Members<'_>, depth: usize) -> Result<Value, String> {
    let mut map = BTreeMap::new();
    for (name, raw) in members.iter() {
        map.insert(name.to_owned(), value(raw.get(), depth + 1)?);
    }
    Ok(Value::from(map))
}

fn scalar(json: &str) -> Value {
    match json {
        "true" => true.into(),
        "false" => false.into(),
        number => {
            let small = number.parse::<i64>().map(Value::from);
            let large = || number.parse::<i128>().map(Value::from);
            let positive = || number.parse::<u128>().map(Value::from);
            let other = || number.parse::<f64>().map(Value::from);
            small
                .or_else(|_| large())
                .or_else(|_| positive())
                .or_else(|_| other())
                .unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn values_are_what_they_are() {
        for json in [
            r#"{"a":[1,-2,1.5,true,null,"x\n",{"b":{}}],"c":123456789012345678901234567890}"#,
            "18446744073709551616",
            "-170141183460469231731687303715884105728",
            "[]",
        ] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
        assert!(read(&format!("{}{}", "[".repeat(500), "]".repeat(500))).is_err());
        assert!(read(r#"{"a":1,"a":2}"#).is_err());
    }
}
