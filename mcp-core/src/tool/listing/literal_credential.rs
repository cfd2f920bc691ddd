//! Values of arguments that are credentials: every client reads them in the list.

use super::subschemas::{Holds, held_by};
use mcp_common::credential_name::{is_literal_argument, looks_random, shows_credential};
use serde_json::Value;

/// A warning for each place; never with the credential in it.
pub(super) fn warnings(input: &Value) -> Vec<String> {
    let mut places = Vec::new();
    look("", input, "input_schema", &mut places);
    let say = |place: String| {
        format!(
            "{place}: a credential stands here for every client, which sees it in the list; put it into an environment variable or a file \
             of the gateway, refer to it with `auth`, and hide the argument"
        )
    };
    places.into_iter().map(say).collect()
}

fn look(name: &str, schema: &Value, place: &str, places: &mut Vec<String>) {
    let Value::Object(members) = schema else { return };
    for (keyword, value) in members {
        let place = format!("{place}.{keyword}");
        match (keyword.as_str(), value) {
            ("default" | "const", Value::String(text)) if is_literal_argument(name, text) => {
                places.push(place)
            }
            ("enum" | "examples", Value::Array(all)) => {
                let mut texts = all.iter().filter_map(Value::as_str);
                // Of several somebody chooses: a list of kinds, unless nobody could have chosen their names. Examples are no values.
                let is_one = |text: &str| match (keyword.as_str(), all.len()) {
                    ("examples", _) => shows_credential(text),
                    (_, 1) => is_literal_argument(name, text),
                    _ => looks_random(text) && text.len() >= LONG && is_literal_argument(name, text),
                };
                places.extend(texts.any(is_one).then_some(place));
            }
            (keyword, value) => match (held_by(keyword), value) {
                (Holds::Named, Value::Object(named)) => {
                    for (inner, schema) in named {
                        look(inner, schema, &format!("{place}.{inner}"), places);
                    }
                }
                (Holds::List | Holds::One, Value::Array(all)) => {
                    for (index, schema) in all.iter().enumerate() {
                        look(name, schema, &format!("{place}[{index}]"), places);
                    }
                }
                (Holds::Nothing, _) => {}
                (_, schema) => look(name, schema, &place, places),
            },
        }
    }
}

/// Shorter ones are words.
const LONG: usize = 16;

#[cfg(test)]
mod tests {
    use super::warnings;
    use serde_json::json;

    #[test]
    fn values_of_arguments_are_looked_at_by_their_names() {
        let token = ["ghp", "_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
        let found = warnings(&json!({"properties": {
            "password": {"default": "hunter2"},
            "api_key": {"enum": ["hunter2"]},
            "login": {"properties": {"client_secret": {"anyOf": [{"const": "hunter2"}]}}},
            "other": {"default": token, "examples": [token]},
            "token": {"enum": ["USDT", "ERC20"], "default": "USDT"},
            "session": {"default": "morning"},
            "secret": {"default": "<your secret>", "examples": ["hunter2"]},
            "limit": {"default": "10"},
        }}));
        assert!(found.iter().all(|text| !text.contains("hunter2")), "{found:?}");
        let places: Vec<_> = found
            .iter()
            .map(|text| text.split_once(": ").unwrap().0)
            .collect();
        assert_eq!(
            places,
            [
                "input_schema.properties.password.default",
                "input_schema.properties.api_key.enum",
                "input_schema.properties.login.properties.client_secret.anyOf[0].const",
                "input_schema.properties.other.default",
                "input_schema.properties.other.examples",
            ]
        );
    }
}
