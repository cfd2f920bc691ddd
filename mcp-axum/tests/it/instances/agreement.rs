//! Whatever an instance says about the arguments: what is listed and what is accepted are the same.

use super::{instance, listed, put_orders};
use crate::test_app::TestApp;
use serde_json::{Map, Value, json};

const NAMES: [&str; 3] = ["region", "q", "limit"];

/// Every choice of one value for each name; `None` is no member.
fn every(values: [&[Option<Value>]; 3]) -> Vec<Map<String, Value>> {
    let mut all = vec![Map::new()];
    for (name, choices) in NAMES.into_iter().zip(values) {
        let with = |before: &Map<String, Value>| {
            let before = before.clone();
            choices.iter().map(move |choice| {
                let mut members = before.clone();
                members.extend(choice.clone().map(|value| (name.to_owned(), value)));
                members
            })
        };
        all = all.iter().flat_map(with).collect();
    }
    all
}

/// `{"region": …}` as the groups that the arguments stand in.
fn grouped(members: &Map<String, Value>) -> Value {
    let mut groups = Map::new();
    for (name, value) in members {
        let group = if name == "region" { "path" } else { "query" };
        groups.entry(group).or_insert_with(|| json!({}))[name] = value.clone();
    }
    Value::Object(groups)
}

struct Layout {
    schema: Value,
    is_grouped: bool,
}

fn layouts() -> Vec<Layout> {
    let region = json!({"enum": ["eu", "us"]});
    let q = json!({"type": ["string", "null"], "maxLength": 3});
    let limit = json!({"type": "integer", "maximum": 9});
    let flat = |more: Value| {
        let mut schema = json!({"type": "object", "properties": {"region": region, "q": q, "limit": limit}, "required": ["region", "q"]});
        schema
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        Layout {
            schema,
            is_grouped: false,
        }
    };
    let groups = |required: Value| {
        let schema = json!({"type": "object", "required": required, "additionalProperties": false, "properties": {
            "path": {"type": "object", "properties": {"region": region}, "required": ["region"], "additionalProperties": false},
            "query": {"type": "object", "properties": {"q": q, "limit": limit}, "required": ["q"]}}});
        Layout {
            schema,
            is_grouped: true,
        }
    };
    vec![
        flat(json!({"additionalProperties": false})),
        flat(
            json!({"$schema": "http://json-schema.org/draft-07/schema#", "anyOf": [{}, {"required": ["other"]}]}),
        ),
        groups(json!(["path", "query"])),
        groups(json!(["path"])),
    ]
}

#[tokio::test]
async fn for_every_instance_and_every_call() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let defaults = every([
        &[None, Some(json!("eu"))],
        &[None, Some(json!("abc"))],
        &[None, Some(json!(9))],
    ]);
    let arguments = every([
        &[None, Some(json!("us")), Some(json!("mars"))],
        &[None, Some(json!("x")), Some(Value::Null)],
        &[None, Some(json!(5)), Some(json!(10))],
    ]);
    let (mut accepted, mut refused, mut impossible) = (0, 0, 0);
    let (mut number, mut instances) = (0, 0);
    for Layout { schema, is_grouped } in layouts() {
        // The path needs the region in any case; whether the query is needed is the schema's to say.
        put_orders(&app, &upstream, schema.clone(), json!({})).await;
        for defaults in &defaults {
            for hidden in every([&[None, Some(json!(1))]; 3]) {
                // A part of them, so that the test is done in time; each time other ones.
                instances += 1;
                if (instances + instances / 8) % 4 != 0 {
                    continue;
                }
                let hide: Vec<&String> = hidden.keys().collect();
                let document = instance(json!({"defaults": defaults, "hide": hide}));
                let stored = app.admin().put("/admin/ids/i", &document).await;
                let needs = |name: &&&String| {
                    ["region", "q"].contains(&name.as_str()) && !defaults.contains_key(**name)
                };
                if hide.iter().any(|name| needs(&name)) {
                    stored.error(400);
                    impossible += 1;
                    continue;
                }
                stored.ok();
                let listed = listed(&app, "i").await;
                let validator = jsonschema::validator_for(&listed).unwrap();
                for given in &arguments {
                    // A part of them, each time another one.
                    number += 1;
                    if number % 2 != 0 {
                        continue;
                    }
                    let sent = if is_grouped {
                        grouped(given)
                    } else {
                        Value::Object(given.clone())
                    };
                    let is_hidden = given.keys().any(|name| hidden.contains_key(name));
                    let expected = validator.is_valid(&sent) && !is_hidden;
                    let result = app.mcp("i").call("orders", sent.clone()).await;
                    let is_accepted = result["isError"] == false;
                    assert_eq!(
                        is_accepted, expected,
                        "{document} lists {listed}, {sent}: {result}"
                    );
                    if !is_accepted {
                        refused += 1;
                        continue;
                    }
                    accepted += 1;
                    let value = |name: &str| given.get(name).or_else(|| defaults.get(name)).cloned();
                    let seen = upstream.last();
                    assert_eq!(
                        seen.path,
                        format!("/{}/orders", value("region").unwrap().as_str().unwrap())
                    );
                    let query = seen.query.unwrap_or_default();
                    let has_query =
                        !is_grouped || given.keys().any(|name| name != "region") || !query.is_empty();
                    for name in ["q", "limit"].into_iter().filter(|_| has_query) {
                        let value = value(name).filter(|value| !value.is_null());
                        let text = value
                            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                        let found = query
                            .split('&')
                            .find_map(|pair| pair.strip_prefix(&format!("{name}=")));
                        assert_eq!(found, text.as_deref(), "{document}, {sent}: {query}");
                    }
                }
            }
        }
    }
    assert!(
        accepted > 30 && refused > 100 && impossible > 8,
        "{accepted} {refused} {impossible}"
    );
}
