//! A JSON value for the validator. A member that stands twice is refused: the validator would see the one, and the
//! upstream perhaps the other.

use super::members::Members;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads one JSON value.
pub(crate) fn read(json: &str) -> Result<Value, serde_json::Error> {
    let mut input = serde_json::Deserializer::from_str(json);
    let value = Strict.deserialize(&mut input)?;
    input.end()?;
    Ok(value)
}

/// The value of an object whose members have been read.
pub(crate) fn of_members(members: &Members<'_>) -> Result<Value, serde_json::Error> {
    let mut object = Map::with_capacity(members.len());
    for (name, raw) in members.iter() {
        object.insert(name.to_owned(), of_member(raw.get())?);
    }
    Ok(Value::Object(object))
}

/// The value of a text that has been read as JSON before. Most are numbers and texts that say what they are at once.
fn of_member(json: &str) -> Result<Value, serde_json::Error> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    if let Some(text) = inner.filter(|text| memchr::memchr(b'\\', text.as_bytes()).is_none()) {
        return Ok(text.into());
    }
    // Those in which no number has more digits than there are.
    let is_small = json.len() < 19 && json.bytes().all(|byte| byte.is_ascii_digit());
    match json.parse::<u64>() {
        Ok(number) if is_small => Ok(number.into()),
        _ => read(json),
    }
}

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(Self)?;
            match members.entry(name) {
                serde_json::map::Entry::Vacant(place) => drop(place.insert(value)),
                serde_json::map::Entry::Occupied(place) => {
                    return Err(A::Error::custom(format!(
                        "the member `{}` appears twice",
                        place.key()
                    )));
                }
            }
        }
        Ok(Value::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::{of_members, read};
    use crate::json::members::Members;
    use proptest::prelude::*;

    #[test]
    fn it_reads_what_serde_json_reads_except_for_repeated_members() {
        let text = r#"{"a":[1,-2,1.5,true,null,"x\n",{"b":{}}],"c":123456789012345678901234567890}"#;
        assert_eq!(
            read(text).unwrap(),
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
        assert!(
            read(r#"{"a":[{"b":1,"b":2}]}"#)
                .unwrap_err()
                .to_string()
                .contains("`b` appears twice")
        );
        assert!(read("1 2").is_err());
    }

    fn value() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            "-?(0|[1-9][0-9]{0,22})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
            "\"([a-z ü]|\\\\[nt\\\\\"/]|\\\\u00[4-6][0-9]){0,6}\"",
            "true|false|null",
        ];
        scalar.prop_recursive(3, 12, 4, |inner| {
            let member = ("[a-c]", inner.clone()).prop_map(|(name, json)| format!("\"{name}\": {json}"));
            let list = prop::collection::vec(inner, 0..4);
            let members = prop::collection::vec(member, 0..4);
            prop_oneof![
                list.prop_map(|items| format!("[{}]", items.join(" ,"))),
                members.prop_map(|members| format!("{{{} }}", members.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn members_that_have_been_read_make_the_same_value(values in prop::collection::vec(value(), 0..5)) {
            let members = values.iter().zip(0..).map(|(json, n)| format!("\"m{n}\": {json}"));
            let text = format!("{{{}}}", members.collect::<Vec<_>>().join(", "));
            let members = Members::read(&text).unwrap();
            let expected = read(&text).map_err(|error| mcp_common::json::reason(&error));
            let made = of_members(&members).map_err(|error| mcp_common::json::reason(&error));
            prop_assert_eq!(made, expected);
        }
    }
}
