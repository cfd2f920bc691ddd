//! The members of a JSON object, their values as the text they are.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap, fmt};

/// The number of members from which on a map is cheaper than looking at each name.
const MANY: usize = 32;

/// The members in the order in which they were written; no name stands twice.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    list: Vec<(Cow<'a, str>, &'a RawValue)>,
    /// The place of each name in the list; empty where they are few.
    places: HashMap<Cow<'a, str>, usize>,
}

impl<'a> Members<'a> {
    /// Reads one JSON object.
    pub(crate) fn read(json: &'a str) -> Result<Self, String> {
        // The text is the client's own, but not the one it counts lines in.
        serde_json::from_str(json).map_err(|error| mcp_common::json::reason(&error))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = if self.places.is_empty() {
            self.list.iter().find(|(member, _)| member == name)?
        } else {
            &self.list[*self.places.get(name)?]
        };
        Some(value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.list.iter().map(|(name, value)| (&**name, *value))
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut list = Vec::<(Cow<'de, str>, &'de RawValue)>::with_capacity(8);
                let mut places = HashMap::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    let is_second = if list.len() < MANY {
                        list.iter().any(|(other, _)| *other == name)
                    } else {
                        if places.is_empty() {
                            let names = list.iter().map(|(name, _)| name.clone());
                            places.extend(names.zip(0..));
                        }
                        places.insert(name.clone(), list.len()).is_some()
                    };
                    if is_second {
                        return Err(A::Error::custom(format!("the member `{name}` appears twice")));
                    }
                    list.push((name, value));
                }
                Ok(Members { list, places })
            }
        }

        input.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::Members;

    #[test]
    fn values_stay_text_and_names_are_unescaped() {
        let members = Members::read(r#"{"b":1.10,"\u0061":[ 1 ]}"#).unwrap();
        let shown: Vec<_> = members.iter().map(|(name, value)| (name, value.get())).collect();
        assert_eq!(shown, [("b", "1.10"), ("a", "[ 1 ]")]);
        assert!(members.get("c").is_none());
    }

    #[test]
    fn a_second_member_of_one_name_is_refused_also_among_many() {
        assert_eq!(
            Members::read(r#"{"a":1,"\u0061":2}"#).unwrap_err(),
            "the member `a` appears twice"
        );
        let many: Vec<String> = (0..100).chain([7]).map(|n| format!("\"m{n}\":0")).collect();
        let text = format!("{{{}}}", many.join(","));
        assert_eq!(Members::read(&text).unwrap_err(), "the member `m7` appears twice");
    }

    #[test]
    fn all_of_many_are_found() {
        let many: Vec<String> = (0..100).map(|n| format!("\"m{n}\":{n}")).collect();
        let text = format!("{{{}}}", many.join(","));
        let members = Members::read(&text).unwrap();
        for n in 0..100 {
            let value = members.get(&format!("m{n}")).map(|value| value.get().to_owned());
            assert_eq!(value, Some(n.to_string()));
        }
        assert!(members.get("m100").is_none());
    }
}
