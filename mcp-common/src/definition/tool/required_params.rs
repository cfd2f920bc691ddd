//! The three shapes of `required_params`.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

/// Which arguments must be there, beside what the schema says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredParams {
    /// Arguments that must be in the path or in the query (`{name: anything}`).
    pub anywhere: Vec<String>,
    /// Arguments that must be in their group (`{path: [..], query: [..], body: [..]}`): pairs of group and name.
    pub grouped: Vec<(String, String)>,
}

/// The places that a v1 document sorts arguments into.
pub const GROUPS: [&str; 5] = ["path", "query", "header", "cookie", "body"];

impl RequiredParams {
    /// Reads `{path: [names], …}`, also where a schema's `required` has that shape.
    pub fn by_group(members: &Map<String, Value>) -> Option<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        for (group, names) in members {
            if !GROUPS.contains(&group.as_str()) {
                return None;
            }
            for name in names.as_array()? {
                pairs.push((group.clone(), name.as_str()?.to_owned()));
            }
        }
        Some(pairs)
    }
}

impl<'de> Deserialize<'de> for RequiredParams {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let members = match Value::deserialize(input)? {
            Value::Null => Map::new(),
            Value::Object(members) => members,
            other => {
                let expected = "expected {name: anything} or {path: [..], query: [..], body: [..]}";
                return Err(D::Error::custom(format!("{expected}, found {other}")));
            }
        };
        Ok(match Self::by_group(&members) {
            Some(grouped) => Self {
                anywhere: Vec::new(),
                grouped,
            },
            None => Self {
                anywhere: members.into_iter().map(|(name, _)| name).collect(),
                grouped: Vec::new(),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RequiredParams;

    fn read(text: &str) -> Result<RequiredParams, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn all_three_shapes_are_read() {
        assert_eq!(read("{}"), Ok(RequiredParams::default()));
        let anywhere = RequiredParams {
            anywhere: vec!["id".into(), "path".into()],
            grouped: vec![],
        };
        assert_eq!(read(r#"{"id":"string","path":true}"#), Ok(anywhere));
        let pair = |group: &str, name: &str| (group.to_owned(), name.to_owned());
        let grouped = vec![pair("path", "id"), pair("query", "a"), pair("query", "b")];
        let expected = RequiredParams {
            anywhere: vec![],
            grouped,
        };
        assert_eq!(
            read(r#"{"path":["id"],"query":["a","b"],"body":[]}"#),
            Ok(expected)
        );
        assert!(read(r#"["id"]"#).is_err_and(|reason| reason.contains("found [\"id\"]")));
    }
}
