//! Lists that the environment writes as one comma-separated text, or as JSON.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, ops::Deref};

/// A list of texts: an array in a file, `a,b` or `["a","b"]` in the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List(pub Vec<String>);

impl Deref for List {
    type Target = [String];
    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = List;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of texts, or one comma-separated text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<List, E> {
                if text.trim_start().starts_with('[') {
                    let read = serde_json::from_str(text).map(List);
                    return read.map_err(|error| {
                        E::custom(format!("begins like a list in JSON, and is none: {error}"))
                    });
                }
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(List(parts.map(str::to_owned).collect()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<List, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(List(list))
            }
        }
        input.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::List;
    use serde_json::json;

    fn read(value: serde_json::Value) -> Result<Vec<String>, String> {
        let list: Result<List, _> = serde_json::from_value(value);
        list.map(|list| list.0).map_err(|error| error.to_string())
    }

    #[test]
    fn one_text_is_a_list_in_either_way() {
        for (text, expected) in [
            (json!("a, b,"), &["a", "b"][..]),
            (json!(r#"["a, b"]"#), &["a, b"]),
            (json!("[]"), &[]),
            (json!(["a", "b"]), &["a", "b"]),
        ] {
            assert_eq!(read(text).unwrap(), expected);
        }
        for wrong in ["[a", "[1]", r#"["a"] b"#] {
            let reason = read(json!(wrong)).unwrap_err();
            assert!(reason.contains("begins like a list in JSON"), "{reason}");
        }
    }
}
