//! For arbitrary Unicode arguments the structure of the request is the definition's, and the values arrive.

use crate::{
    calling::{call_text, engine, text, tool},
    upstream::{Seen, Server},
};
use mcp_core::engine::{CallResult, Engine, Outcome};
use mcp_core::tool::CompiledTool;
use percent_encoding::percent_decode_str;
use proptest::{prelude::*, test_runner::TestCaseError};
use serde_json::{Value, json};

pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[./%\\\\2eE]{0,6}",
        r#"[a-z&=?#/;:,"'<> \r\n\t%+]{0,12}"#,
        prop::collection::vec(any::<char>(), 0..8).prop_map(|chars| chars.into_iter().collect()),
    ]
}

pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

pub(crate) struct World {
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) server: Server,
    engine: Engine,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(Server::start());
        let engine = runtime.block_on(async { engine() });
        Self {
            runtime,
            server,
            engine,
        }
    }

    pub(crate) fn call(&self, tool: &CompiledTool, arguments: &Value) -> CallResult {
        self.runtime
            .block_on(call_text(&self.engine, tool, &arguments.to_string()))
    }

    pub(crate) fn sent(&self, result: &CallResult) -> Result<Seen, TestCaseError> {
        prop_assert!(!result.is_error, "{}", text(result));
        Ok(self.server.take())
    }
}

pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

pub(crate) fn check(
    strategy: impl Strategy<Value = Value>,
    test: impl Fn(Value) -> Result<(), TestCaseError>,
) {
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest::test_runner::TestRunner::new(config)
        .run(&strategy, test)
        .unwrap();
}

#[test]
fn path_segments_are_the_definitions() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}});
    let tool = tool(&world.server.origin, "GET", "/a/{x}/b/{y}.json", &schema);
    let arguments = (any_text(), any_text()).prop_map(|(x, y)| json!({"x": x, "y": y}));
    check(arguments, |arguments| {
        let result = world.call(&tool, &arguments);
        if result.is_error {
            prop_assert_eq!(result.outcome, Outcome::InvalidArguments);
            prop_assert!(world.server.seen().is_empty());
            let says_why = ["/x: ", "/y: "]
                .iter()
                .any(|pointer| text(&result).contains(pointer));
            let is_odd = |name: &str| {
                let value = arguments[name].as_str().unwrap();
                value.is_empty() || value.contains(['.', '%'])
            };
            prop_assert!(says_why && (is_odd("x") || is_odd("y")), "{}", text(&result));
            return Ok(());
        }
        let seen = world.sent(&result)?;
        let segments: Vec<&str> = seen.target.split('/').collect();
        prop_assert_eq!(segments.len(), 5, "{}", seen.target);
        prop_assert!(!seen.target.contains(['?', '#']));
        prop_assert_eq!(decoded(segments[2]), arguments["x"].as_str().unwrap());
        prop_assert_eq!(
            decoded(segments[4]),
            format!("{}.json", arguments["y"].as_str().unwrap())
        );
        Ok(())
    });
}

#[test]
fn query_pairs_are_the_definitions() {
    let world = World::new();
    let schema = json!({"type": "object", "properties": {"q": {"type": "string"}, "list": {"items": {"type": "string"}}}, "additionalProperties": {"type": "string"}});
    let tool = tool(&world.server.origin, "GET", "/", &schema);
    let names = any_text().prop_filter("another name", |name| name != "q" && name != "list");
    let arguments = (
        any_text(),
        prop::collection::vec(any_text(), 0..4),
        names,
        any_text(),
    )
        .prop_map(|(q, list, name, value)| json!({"q": q, "list": list, name: value}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&tool, &arguments))?;
        let mut expected = Vec::new();
        for (name, value) in arguments.as_object().unwrap() {
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            expected.extend(
                values
                    .iter()
                    .map(|value| (name.clone(), value.as_str().unwrap().to_owned())),
            );
        }
        prop_assert_eq!(seen.query(), expected);
        prop_assert_eq!(seen.path(), "/");
        Ok(())
    });
}

#[test]
fn json_bodies_are_the_arguments() {
    let world = World::new();
    let flat = tool(
        &world.server.origin,
        "POST",
        "/",
        &json!({"type": "object", "additionalProperties": true}),
    );
    let grouped = tool(
        &world.server.origin,
        "POST",
        "/",
        &json!({"properties": {"body": {}}}),
    );
    let arguments =
        (any_text(), any_json(), any_json()).prop_map(|(name, a, b)| json!({name: a, "x-fixed": b}));
    check(arguments, |arguments| {
        let seen = world.sent(&world.call(&flat, &arguments))?;
        prop_assert_eq!(seen.text(), arguments.to_string());
        let seen = world.sent(&world.call(&grouped, &json!({"body": arguments})))?;
        prop_assert_eq!(seen.text(), arguments.to_string());
        Ok(())
    });
}

#[test]
fn header_and_cookie_counts_are_the_definitions() {
    let world = World::new();
    let schema = json!({"properties": {
        "header": {"type": "object", "properties": {"X-A": {}, "X-B": {}}},
        "cookie": {"type": "object", "properties": {"c": {}, "d": {}}}
    }});
    let tool = tool(&world.server.origin, "GET", "/", &schema);
    let arguments = (any_text(), "[ -~]{1,20}", any_text(), any_text())
        .prop_map(|(a, b, c, d)| json!({"header": {"X-A": a, "X-B": b}, "cookie": {"c": c, "d": d}}));
    check(arguments, |arguments| {
        let result = world.call(&tool, &arguments);
        let a = arguments["header"]["X-A"].as_str().unwrap();
        let fits = a.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b));
        if !fits {
            prop_assert!(text(&result).contains("/header/X-A: "), "{}", text(&result));
            prop_assert!(world.server.seen().is_empty());
            return Ok(());
        }
        let seen = world.sent(&result)?;
        prop_assert_eq!(seen.headers.len(), 6, "{:?}", seen.headers);
        // HTTP does not keep blanks around a value.
        prop_assert_eq!(seen.header("x-a").unwrap(), a.trim_matches([' ', '\t']));
        prop_assert_eq!(
            seen.header("x-b").unwrap(),
            arguments["header"]["X-B"]
                .as_str()
                .unwrap()
                .trim_matches([' ', '\t'])
        );
        let cookies: Vec<&str> = seen.header("cookie").unwrap().split("; ").collect();
        prop_assert_eq!(cookies.len(), 2);
        for (cookie, name) in cookies.iter().zip(["c", "d"]) {
            let value = cookie.strip_prefix(name).unwrap().strip_prefix('=').unwrap();
            prop_assert_eq!(decoded(value), arguments["cookie"][name].as_str().unwrap());
        }
        Ok(())
    });
}
