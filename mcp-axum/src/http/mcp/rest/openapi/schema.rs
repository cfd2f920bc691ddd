//! A schema that was a document of its own, as a part of another one: in the dialect of OpenAPI 3.1 (2020-12), and with references
//! that lead to where everything is now.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};
use std::collections::HashMap;
use url::Url;

/// Members of a schema that are values, whatever they look like.
const VALUES: [&str; 5] = ["const", "enum", "default", "example", "examples"];
/// Members that say what a schema is called; here it is called by its place.
const NAMES: [&str; 4] = ["$schema", "$id", "$anchor", "$dynamicAnchor"];
/// Members whose own members are schemas by names that people chose.
const BY_NAME: [&str; 5] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
];
/// What cannot stand in a reference as it is.
const NO_FRAGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Where a schema without a name is.
const NOWHERE: &str = "schema:/";

/// The schema below `root`, a reference (`#/…`).
pub(super) fn moved(mut schema: Value, root: &str) -> Value {
    let is_older = schema.get("$schema").and_then(Value::as_str);
    if is_older.is_some_and(|dialect| dialect.contains("draft-07")) {
        each(&mut schema, &mut newer);
    }
    // A constant, so that it is read.
    let Ok(base) = Url::parse(NOWHERE) else {
        return schema;
    };
    let mut places = Places(HashMap::new());
    places.find(&schema, &base, root.to_owned());
    places.lead(&mut schema, &base);
    schema
}

/// Places by what references call them.
struct Places(HashMap<String, String>);

impl Places {
    /// Notes what each schema is called.
    fn find(&mut self, schema: &Value, base: &Url, place: String) {
        let Some(members) = schema.as_object() else { return };
        let own = own_base(members, base);
        let is_named = own != *base || base.as_str() == NOWHERE;
        if is_named {
            self.0.entry(own.to_string()).or_insert_with(|| place.clone());
        }
        for name in ["$anchor", "$dynamicAnchor"] {
            if let Some(anchor) = members.get(name).and_then(Value::as_str) {
                self.0.insert(format!("{own}#{anchor}"), place.clone());
            }
        }
        for (step, inner) in inner(members) {
            self.find(inner, &own, format!("{place}{step}"));
        }
    }

    fn lead(&self, schema: &mut Value, base: &Url) {
        let Some(members) = schema.as_object_mut() else {
            return;
        };
        let own = own_base(members, base);
        // What a dynamic reference leads to in a schema that nobody extends is what it says.
        for name in ["$dynamicRef", "$ref"] {
            let Some(to) = members.get(name).and_then(Value::as_str) else {
                continue;
            };
            if let Some(place) = self.place(&own, to) {
                members.remove(name);
                members.insert("$ref".to_owned(), place.into());
                break;
            }
        }
        members.retain(|name, value| !(NAMES.contains(&name.as_str()) && value.is_string()));
        for inner in inner_mut(members) {
            self.lead(inner, &own);
        }
    }

    fn place(&self, base: &Url, to: &str) -> Option<String> {
        let target = base.join(to).ok()?;
        if let Some(place) = self.0.get(target.as_str()) {
            return Some(place.clone());
        }
        let fragment = target.fragment().unwrap_or_default();
        let mut document = target.clone();
        document.set_fragment(None);
        let place = self.0.get(document.as_str())?;
        match fragment {
            "" => Some(place.clone()),
            pointer if pointer.starts_with('/') => Some(format!("{place}{pointer}")),
            _ => None,
        }
    }
}

/// What relative references in it go from.
fn own_base(members: &Map<String, Value>, base: &Url) -> Url {
    let id = members.get("$id").and_then(Value::as_str);
    let own = id.and_then(|id| base.join(id).ok());
    let mut own = own.unwrap_or_else(|| base.clone());
    own.set_fragment(None);
    own
}

/// The schemas in a schema, and where: `/properties/a~1b`.
fn inner(members: &Map<String, Value>) -> Vec<(String, &Value)> {
    let step = |name: &str| {
        let step = name.replace('~', "~0").replace('/', "~1");
        utf8_percent_encode(&step, NO_FRAGMENT).to_string()
    };
    let mut found = Vec::new();
    for (name, value) in members
        .iter()
        .filter(|(name, _)| !VALUES.contains(&name.as_str()))
    {
        match value {
            Value::Object(named) if BY_NAME.contains(&name.as_str()) => {
                let named = named.iter();
                found.extend(named.map(|(key, value)| (format!("/{name}/{}", step(key)), value)));
            }
            Value::Object(_) => found.push((format!("/{}", step(name)), value)),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                found.extend(items.map(|(at, value)| (format!("/{}/{at}", step(name)), value)));
            }
            _ => {}
        }
    }
    found
}

fn inner_mut(members: &mut Map<String, Value>) -> Vec<&mut Value> {
    let mut found: Vec<&mut Value> = Vec::new();
    for (name, value) in members
        .iter_mut()
        .filter(|(name, _)| !VALUES.contains(&name.as_str()))
    {
        match (BY_NAME.contains(&name.as_str()), value) {
            (true, Value::Object(named)) => found.extend(named.values_mut()),
            (_, Value::Array(items)) => found.extend(items),
            (_, value) => found.push(value),
        }
    }
    found
}

/// The schema and all in it, from the ground up.
fn each(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    for inner in inner_mut(members) {
        each(inner, change);
    }
    change(members);
}

/// What draft-07 says with other words.
fn newer(members: &mut Map<String, Value>) {
    if members.get("items").is_some_and(Value::is_array) {
        let first = members.remove("items").unwrap_or_default();
        members.insert("prefixItems".to_owned(), first);
        if let Some(others) = members.remove("additionalItems") {
            members.insert("items".to_owned(), others);
        }
    }
    if let Some(Value::Object(dependencies)) = members.remove("dependencies") {
        let (names, schemas): (Map<_, _>, Map<_, _>) =
            dependencies.into_iter().partition(|(_, value)| value.is_array());
        for (name, found) in [("dependentRequired", names), ("dependentSchemas", schemas)] {
            if !found.is_empty() {
                members.insert(name.to_owned(), found.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_lead_to_where_everything_is_now() {
        let here = |schema: Value| moved(schema, "#/t");
        let own = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"a": {"$ref": "#"}},
            "properties": {"default": {"$ref": "#/$defs/a"}, "$ref": {"const": {"$ref": "#/$defs/a"}}},
        });
        assert_eq!(
            here(own),
            json!({
                "$defs": {"a": {"$ref": "#/t"}},
                "properties": {"default": {"$ref": "#/t/$defs/a"}, "$ref": {"const": {"$ref": "#/$defs/a"}}},
            })
        );
        let named = json!({
            "$id": "https://example.com/root.json",
            "properties": {
                "leaf": {"$ref": "#leaf"}, "self": {"$ref": "root.json"}, "inner": {"$ref": "inner.json"},
                "deep": {"$ref": "https://example.com/inner.json#/$defs/t"}, "any": {"$dynamicRef": "#node"},
                "away": {"$ref": "https://example.org/other"},
            },
            "$dynamicAnchor": "node",
            "$defs": {
                "leaf": {"$anchor": "leaf", "type": "string"},
                "in/ner": {"$id": "inner.json", "properties": {"y": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"type": "string"}}},
            },
        });
        assert_eq!(
            here(named),
            json!({
                "properties": {
                    "leaf": {"$ref": "#/t/$defs/leaf"}, "self": {"$ref": "#/t"}, "inner": {"$ref": "#/t/$defs/in~1ner"},
                    "deep": {"$ref": "#/t/$defs/in~1ner/$defs/t"}, "any": {"$ref": "#/t"},
                    "away": {"$ref": "https://example.org/other"},
                },
                "$defs": {
                    "leaf": {"type": "string"},
                    "in/ner": {"properties": {"y": {"$ref": "#/t/$defs/in~1ner/$defs/t"}}, "$defs": {"t": {"type": "string"}}},
                },
            })
        );
    }

    #[test]
    fn an_older_dialect_becomes_that_of_openapi() {
        let older = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"pair": {"items": [{"type": "string"}, true], "additionalItems": false}},
            "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
            "properties": {"x": {"$ref": "#/definitions/pair"}, "dependencies": {"type": "string"}},
        });
        assert_eq!(
            moved(older, "#/t"),
            json!({
                "definitions": {"pair": {"prefixItems": [{"type": "string"}, true], "items": false}},
                "dependentRequired": {"a": ["b"]},
                "dependentSchemas": {"c": {"required": ["d"]}},
                "properties": {"x": {"$ref": "#/t/definitions/pair"}, "dependencies": {"type": "string"}},
            })
        );
    }
}
