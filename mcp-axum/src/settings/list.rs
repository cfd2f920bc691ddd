//! Lists that the environment writes as one comma-separated text.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, ops::Deref};

/// A list of texts: an array in a file, `a,b` in the environment.
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
