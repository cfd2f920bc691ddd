//! Where arguments go.

use crate::{
    calling::{call, call_text, engine, text, tool, with},
    upstream::Server,
};
use mcp_core::engine::Outcome;
use serde_json::{Value, json};

fn open(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({"type": "object", "properties": properties})
}

#[tokio::test]
async fn flat_arguments_go_to_the_path_and_the_query_or_the_body() {
    let server = Server::start().await;
    let schema = open(&["id", "q", "n"]);
    let arguments = json!({"q": "a b&c=d", "id": "x/y z", "n": 5});
    for (method, target, body) in [
        ("GET", "/users/x%2Fy%20z?q=a%20b%26c%3Dd&n=5", ""),
        ("DELETE", "/users/x%2Fy%20z?q=a%20b%26c%3Dd&n=5", ""),
        ("POST", "/users/x%2Fy%20z", r#"{"q":"a b&c=d","n":5}"#),
        ("patch", "/users/x%2Fy%20z", r#"{"q":"a b&c=d","n":5}"#),
        ("PUT", "/users/x%2Fy%20z", r#"{"q":"a b&c=d","n":5}"#),
    ] {
        let result = call(&tool(&server.origin, method, "/users/:id", &schema), &arguments).await;
        assert!(!result.is_error, "{}", text(&result));
        let seen = server.take();
        assert_eq!(
            (seen.method.as_str(), seen.target.as_str()),
            (method.to_uppercase().as_str(), target)
        );
        assert_eq!(seen.text(), body);
    }
}

#[tokio::test]
async fn grouped_arguments_go_where_they_say() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {
        "path": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "query": {"type": "object", "properties": {"q": {"type": "string"}}},
        "header": {"type": "object", "properties": {"X-Trace": {"type": "string"}}},
        "cookie": {"type": "object", "properties": {"sid": {"type": "string"}}},
        "body": {"type": "array"}
    }});
    let tool = tool(&server.origin, "POST", "/users/{id}:activate", &schema);
    let arguments = r#"{"path":{"id":7},"query":{"q":"ü"},"header":{"x-trace":"t 1"},"cookie":{"sid":"a;b c"},"body":[1.10,{"a":null}, 123456789012345678901234567890]}"#;
    // The schema names the header in another letter case; only what it names is sent.
    let refused = call_text(&engine(), &tool, arguments).await;
    assert!(
        text(&refused).contains("/header/x-trace: is not a header of this tool"),
        "{}",
        text(&refused)
    );
    let result = call_text(&engine(), &tool, &arguments.replace("x-trace", "X-Trace")).await;
    assert!(!result.is_error, "{}", text(&result));
    let seen = server.take();
    assert_eq!(seen.target, "/users/7:activate?q=%C3%BC");
    assert_eq!(seen.header("x-trace"), Some("t 1"));
    assert_eq!(seen.header("cookie"), Some("sid=a%3Bb%20c"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(
        seen.text(),
        r#"[1.10,{"a":null}, 123456789012345678901234567890]"#
    );
}

#[tokio::test]
async fn an_empty_schema_takes_both_shapes() {
    let server = Server::start().await;
    let tool = tool(&server.origin, "POST", "/x/{id}", &json!({}));
    call(
        &tool,
        &json!({"path": {"id": 1}, "query": {"a": [1, 2]}, "body": "text"}),
    )
    .await;
    let seen = server.take();
    assert_eq!((seen.target.as_str(), seen.text()), ("/x/1?a=1&a=2", "\"text\""));
    call(&tool, &json!({"id": 1, "query": "not a group", "body": {"x": 1}})).await;
    let seen = server.take();
    assert_eq!(
        (seen.target.as_str(), seen.text()),
        ("/x/1", r#"{"query":"not a group","body":{"x":1}}"#)
    );
}

#[tokio::test]
async fn headers_and_cookies_are_those_that_the_definition_names() {
    let server = Server::start().await;
    let object = json!({"type": "object"});
    let open = json!({"type": "object", "properties": {"X-A": {}}, "patternProperties": {"": {}}, "additionalProperties": true});
    let exploded =
        json!({"type": "object", "properties": {"b": {}, "c": {"type": "object", "properties": {"d": {}}}}});
    for schema in [
        json!({}),
        json!({"additionalProperties": true}),
        json!({"properties": {"query": object}}),
        json!({"properties": {"header": object, "cookie": object}}),
        json!({"properties": {"header": open, "cookie": exploded}}),
    ] {
        let params = json!({"params": [{"name": "X-B", "in": "header"}, {"name": "b", "in": "cookie"}]});
        let has_groups = schema["properties"].is_null() || schema["properties"]["header"].is_object();
        let params = if has_groups { params } else { json!({}) };
        let tool = with(&server.origin, "GET", "/", &schema, &params);
        for (group, name) in [
            ("header", "Authorization"),
            ("header", "X-Forwarded-For"),
            ("header", "x-a"),
            ("cookie", "sid"),
        ] {
            for value in [json!("x"), json!(["x"]), json!({"x": "y"}), json!(null)] {
                let result = call(&tool, &json!({group: {name: value}})).await;
                let expected = format!("/{group}/{name}: ");
                assert!(text(&result).contains(&expected), "{schema}: {}", text(&result));
                assert!(text(&result).contains(&format!("is not a {group} of this tool")));
            }
        }
        let result = call(&tool, &json!({"cookie": {"c": {"sid": "x"}}})).await;
        assert!(
            text(&result).contains("is not a cookie of this tool"),
            "{}",
            text(&result)
        );
        assert!(server.seen().is_empty());
        if !has_groups {
            continue;
        }
        call(&tool, &json!({"header": {"X-B": "1"}, "cookie": {"b": "2"}})).await;
        let seen = server.take();
        assert_eq!(
            (seen.header("x-b"), seen.header("cookie")),
            (Some("1"), Some("b=2"))
        );
    }
    let tool = tool(
        &server.origin,
        "GET",
        "/",
        &json!({"properties": {"header": open, "cookie": exploded}}),
    );
    call(
        &tool,
        &json!({"header": {"X-A": "1"}, "cookie": {"c": {"d": "2"}}}),
    )
    .await;
    let seen = server.take();
    assert_eq!(
        (seen.header("x-a"), seen.header("cookie")),
        (Some("1"), Some("d=2"))
    );
}

#[tokio::test]
async fn there_is_an_end_of_headers() {
    let server = Server::start().await;
    let names: Vec<String> = (0..10_000).map(|n| format!("X-{n}")).collect();
    let properties: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!({}))).collect();
    let given: serde_json::Map<_, _> = names.iter().map(|name| (name.clone(), json!("x"))).collect();
    let schema = json!({"properties": {"header": {"type": "object", "properties": properties}}});
    let many = tool(&server.origin, "GET", "/", &schema);
    let result = call(&many, &json!({"header": given})).await;
    assert!(
        text(&result).contains("at most 200 headers are sent"),
        "{}",
        text(&result)
    );
    assert!(server.seen().is_empty());
    let fixed = json!({"domain": "a", "method": "GET", "path": "/", "headers": given});
    let reason = crate::calling::compile(&crate::calling::definition(&json!({}), &fixed)).unwrap_err();
    assert!(reason.contains("at most 200 are sent"), "{reason}");
}

#[tokio::test]
async fn values_arrive_as_what_they_are() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "additionalProperties": true});
    let arguments = r#"{"n":1.10,"big":123456789012345678901234567890,"e":1E+2,"t":true,"z":null,"o":{"b":[1,{"c":"ü\n"}],"a":-0.0},"s":"\u00fc\"","":[]}"#;
    let post = tool(&server.origin, "POST", "/", &schema);
    call_text(&engine(), &post, arguments).await;
    let body = server.take();
    assert_eq!(body.text(), arguments);

    let get = tool(&server.origin, "GET", "/", &schema);
    call_text(&engine(), &get, r#"{"n":1.10,"big":12345678901234567890123,"t":true,"z":null,"l":["a,b",1.0,null,[1, 2]],"e":[],"o":{"x":"1 ","y":{"z":1},"n":null}}"#)
        .await;
    let expected = [
        ("n", "1.10"),
        ("big", "12345678901234567890123"),
        ("t", "true"),
        ("l", "a,b"),
        ("l", "1.0"),
        ("l", "[1, 2]"),
        ("x", "1 "),
        ("y", r#"{"z":1}"#),
    ];
    assert_eq!(
        server.take().query(),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn lists_and_objects_in_the_path_are_comma_lists() {
    let server = Server::start().await;
    let tool = tool(&server.origin, "GET", "/x/{ids}/y", &open(&["ids"]));
    call(&tool, &json!({"ids": ["a/b", "c,d", 3]})).await;
    assert_eq!(server.take().target, "/x/a%2Fb,c%2Cd,3/y");
    call(&tool, &json!({"ids": {"k": "v", "n": 1}})).await;
    assert_eq!(server.take().target, "/x/k,v,n,1/y");
}

#[tokio::test]
async fn path_values_cannot_climb_or_vanish() {
    let server = Server::start().await;
    let tool = tool(&server.origin, "DELETE", "/files/.{name}/x", &open(&["name"]));
    for wrong in [
        "../..",
        "..",
        ".",
        "a/../b",
        "%2e%2e",
        "%2E%2e%2f",
        "..\\..",
        "%252e%252e",
        "",
    ] {
        let result = call(&tool, &json!({"name": wrong})).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments, "{wrong}");
        assert!(text(&result).contains("/name: "), "{}", text(&result));
    }
    for wrong in [
        json!({"name": null}),
        json!({"name": []}),
        json!({}),
        json!({"name": ["a", ".."]}),
    ] {
        assert_eq!(
            call(&tool, &wrong).await.outcome,
            Outcome::InvalidArguments,
            "{wrong}"
        );
    }
    assert!(server.seen().is_empty());
    call(&tool, &json!({"name": "a..b/c.d"})).await;
    assert_eq!(server.take().target, "/files/.a..b%2Fc.d/x");
}

#[tokio::test]
async fn header_values_cannot_end_their_line() {
    let server = Server::start().await;
    let schema =
        json!({"properties": {"header": {"type": "object", "properties": {"X-A": {"type": "string"}}}}});
    let tool = tool(&server.origin, "GET", "/", &schema);
    for wrong in ["a\r\nX-B: 1", "a\nb", "a\rb", "a\0", "ü", "\u{7f}"] {
        let result = call(&tool, &json!({"header": {"X-A": wrong}})).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments, "{wrong:?}");
        assert!(text(&result).contains("/header/X-A: has "), "{}", text(&result));
    }
    assert!(server.seen().is_empty());
    call(&tool, &json!({"header": {"X-A": "a\tb ~"}})).await;
    assert_eq!(server.take().header("x-a"), Some("a\tb ~"));
}

#[tokio::test]
async fn only_named_headers_go_upstream() {
    let server = Server::start().await;
    call(&tool(&server.origin, "GET", "/", &json!({})), &json!({})).await;
    let seen = server.take();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "host", "user-agent"]);
    assert_eq!(
        seen.header("user-agent"),
        Some(concat!("dynmcp/", env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(seen.header("host"), server.origin.strip_prefix("http://"));

    call(&tool(&server.origin, "POST", "/", &json!({})), &json!({"a": 1})).await;
    let seen = server.take();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "content-length", "content-type", "host", "user-agent"]
    );

    let open_group = tool(&server.origin, "GET", "/", &json!({}));
    for name in [
        "Host",
        "Content-Length",
        "transfer-encoding",
        "Connection",
        "a b",
        "",
    ] {
        let result = call(&open_group, &json!({"header": {name: "x"}})).await;
        assert_eq!(result.outcome, Outcome::InvalidArguments, "{name}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_post_without_arguments_has_no_body_unless_the_schema_speaks_of_one() {
    let server = Server::start().await;
    call(
        &tool(&server.origin, "POST", "/{id}", &open(&["id"])),
        &json!({"id": 1}),
    )
    .await;
    let seen = server.take();
    assert_eq!(
        (
            seen.text(),
            seen.header("content-length"),
            seen.header("content-type")
        ),
        ("", Some("0"), None)
    );
    call(
        &tool(&server.origin, "POST", "/{id}", &open(&["id", "note"])),
        &json!({"id": 1}),
    )
    .await;
    assert_eq!(server.take().text(), "{}");
}
