//! Arguments and definitions never change the structure of what is sent.

use crate::test_app::{TestApp, Upstream};
use serde_json::{Value, json};

/// A tool with this binding, in the instance `i`.
async fn define(app: &TestApp, upstream: &Upstream, mut binding: Value) {
    binding["domain"] = upstream.origin().into();
    let properties = json!({"id": {"type": "string"}, "note": {"type": "string"}, "tag": {"type": "string"}});
    let document = json!({
        "name": "t", "description": "Test tool.", "tds_ext_info": binding,
        "input_schema": {"type": "object", "properties": properties},
    });
    app.admin().put("/admin/tds/t", &document).await.ok();
    app.put_instance("i", &["t"]).await;
}

#[tokio::test]
async fn a_value_that_would_leave_its_place_is_refused_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let binding = json!({"method": "GET", "path": "/items/{id}", "headers": {"X-Note": "{{ args.note }}"}});
    define(&app, &upstream, binding).await;
    for (argument, value) in [
        ("id", "../.."),
        ("id", ".."),
        ("id", "."),
        ("id", "a/../b"),
        ("note", "a\r\nX-Evil: 1"),
        ("note", "a\nb"),
        ("note", "a\0b"),
    ] {
        let mut arguments = json!({"id": "1", "note": "fine"});
        arguments[argument] = value.into();
        let result = app.mcp("i").call("t", arguments).await;
        assert_eq!(result["isError"], true, "{value:?}: {result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(argument), "{value:?}: {text}");
    }
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
    app.mcp("i")
        .call("t", json!({"id": "a/b?c#d e", "note": "fine"}))
        .await;
    let sent = upstream.last();
    assert_eq!((&*sent.path, sent.query), ("/items/a%2Fb%3Fc%23d%20e", None));
    assert_eq!(sent.headers["x-note"], "fine");
}

#[tokio::test]
async fn a_line_break_in_the_path_of_a_definition_is_only_a_character() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let path = "/a HTTP/1.1\r\nX-Evil: 1\r\n\r\n/{id}";
    define(&app, &upstream, json!({"method": "GET", "path": path})).await;
    app.mcp("i").call("t", json!({"id": "1"})).await;
    let requests = upstream.requests();
    assert_eq!(requests.len(), 1);
    assert!(!requests[0].headers.contains_key("x-evil"));
    assert!(
        requests[0].path.starts_with("/a%20HTTP/1.1%0D%0AX-Evil:%201"),
        "{}",
        requests[0].path
    );
}

#[tokio::test]
async fn a_value_cannot_add_query_parameters() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    define(
        &app,
        &upstream,
        json!({"method": "GET", "path": "/items", "query": {"fixed": "1"}}),
    )
    .await;
    app.mcp("i").call("t", json!({"tag": "a&fixed=2&b=c#d+e"})).await;
    let query = upstream.last().query.unwrap();
    let pairs: Vec<&str> = query.split('&').collect();
    assert_eq!(pairs.len(), 2, "{query}");
    assert!(
        pairs.contains(&"fixed=1") && pairs.contains(&"tag=a%26fixed%3D2%26b%3Dc%23d%2Be"),
        "{query}"
    );
}

#[tokio::test]
async fn a_client_chooses_no_header_and_no_cookie_that_the_definition_does_not_name() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let object = json!({"type": "object"});
    let open = json!({"type": "object", "additionalProperties": true, "properties": {"X-Trace": {"type": "string"}}});
    let schemas = [
        json!({}),
        json!({"type": "object", "properties": {"query": object}}),
        json!({"type": "object", "properties": {"header": object, "cookie": object}}),
        json!({"type": "object", "properties": {"header": open}}),
    ];
    for (index, schema) in schemas.iter().enumerate() {
        let id = format!("t{index}");
        let document = json!({
            "name": id, "description": "Test tool.", "input_schema": schema,
            "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/"},
        });
        app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
    }
    app.put_instance("i", &["t0", "t1", "t2", "t3"]).await;
    for index in 0..schemas.len() {
        for (group, name) in [
            ("header", "Authorization"),
            ("header", "X-Forwarded-For"),
            ("header", "x-trace"),
            ("cookie", "session"),
        ] {
            let result = app
                .mcp("i")
                .call(&format!("t{index}"), json!({group: {name: "x"}}))
                .await;
            let text = result["content"][0]["text"].as_str().unwrap();
            assert!(
                text.contains(&format!("/{group}/{name}: is not a {group} of this tool")),
                "{text}"
            );
        }
    }
    assert!(upstream.requests().is_empty(), "{:?}", upstream.requests());
    app.mcp("i").call("t3", json!({"header": {"X-Trace": "1"}})).await;
    assert_eq!(upstream.last().headers["x-trace"], "1");
}

/// Hours of work, or gigabytes, each of them, for less than 4 MiB.
#[tokio::test]
async fn large_arguments_end_in_a_moment() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let binding = json!({"method": "GET", "path": "/items/{id}"});
    define(&app, &upstream, binding).await;
    let document = json!({
        "name": "u", "description": "Test tool.", "input_schema": {},
        "tds_ext_info": {"domain": upstream.origin(), "method": "POST", "path": "/", "body": {"mode": "form"}},
    });
    app.admin().put("/admin/tds/u", &document).await.ok();
    app.put_instance("i", &["t", "u"]).await;
    // As many as a message may have; more are refused before they are read.
    let many = vec![1; 120_000];
    let long = "n".repeat(1_900_000);
    for (tool, arguments) in [
        ("t", json!({"id": format!("%{}", "25".repeat(1_900_000))})),
        ("t", json!({"id": many, "note": many})),
        ("u", json!({"query": {&long: many}})),
        ("u", json!({"body": {&long: many}})),
    ] {
        let client = app.mcp("i");
        let call = client.call(tool, arguments);
        let result = tokio::time::timeout(std::time::Duration::from_secs(120), call).await;
        let result = result.expect("it ends");
        assert_eq!(result["isError"], true, "{tool}");
        assert!(result.to_string().len() < 5_000, "{tool}");
    }
    assert!(upstream.requests().is_empty());
}
