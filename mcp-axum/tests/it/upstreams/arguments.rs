//! What instances say about arguments of proxied tools, and what of a server's entries clients can read.

use super::{offered::with, server::McpServer};
use crate::{
    test_app::{MODERN, TestApp},
    websocket::{Socket, modern},
};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};

const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string","x-mcp-header":"City"},"key":{"type":"string","x-mcp-header":"Key"},"days":{"type":"integer","maximum":12345678901234567890123}},"required":["city","key"],"x-own":1.10}"#;

/// Gives the arguments back as it got them.
async fn echo(is_modern: bool, tools: &str) -> McpServer {
    let server = McpServer::start(is_modern, json!({"tools": {}}), |received, talk| {
        async move {
            let text = received.params()["arguments"].to_string();
            let content = json!([{"type": "text", "text": text}]);
            talk.result(&format!(r#"{{"resultType":"complete","content":{content}}}"#));
        }
        .boxed()
    })
    .await;
    server.list("tools/list", "tools", tools);
    server
}

async fn instance(app: &TestApp, said: &Value) {
    let document = json!({"name": "i", "tool_ids": [said]});
    app.admin().put("/admin/ids/i", &document).await.ok();
}

/// The text of a call with these headers, or the error.
async fn call(app: &TestApp, arguments: &Value, headers: &[(&str, &str)]) -> Result<String, Value> {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}});
    let params = json!({"name": "forecast", "arguments": arguments, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    let mut request = app
        .user()
        .request(Method::POST, "/mcp/i")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", "tools/call")
        .header("mcp-name", "forecast");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = app.user().send(request.body(body.to_string())).await.json();
    match &answer["error"] {
        Value::Null => Ok(answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned()),
        error => Err(error.clone()),
    }
}

#[tokio::test]
async fn an_instance_hides_arguments_and_gives_them_values() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let server = echo(
            is_modern,
            &format!(r#"[{{"name":"get","inputSchema":{SCHEMA}}}]"#),
        )
        .await;
        with(&app, "u", &server, &json!({})).await;
        let said = json!({"id": "u/get", "name": "forecast", "hide": ["key", "gone"], "defaults": {"key": "k-1", "days": 3}});
        instance(&app, &said).await;
        let listed = app.mcp("i").modern("tools/list", json!({})).await.ok().text;
        let seen = r#""inputSchema":{"type":"object","properties":{"city":{"type":"string","x-mcp-header":"City"},"days":{"type":"integer","maximum":12345678901234567890123,"default":3}},"required":["city"],"x-own":1.10}"#;
        assert!(listed.contains(seen), "{listed}");

        let city = [("mcp-param-city", "Bern")];
        let answer = call(&app, &json!({"city": "Bern"}), &city).await.unwrap();
        let sent: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(sent, json!({"city": "Bern", "key": "k-1", "days": 3}));
        let received = server.received("tools/call").pop().unwrap();
        let key = received
            .headers
            .get("mcp-param-key")
            .map(|value| value.to_str().unwrap());
        assert_eq!(
            key,
            is_modern.then_some("k-1"),
            "the server's own headers are made of what it gets"
        );
        let refused = call(&app, &json!({"city": "Bern", "key": "mine"}), &city)
            .await
            .unwrap();
        assert_eq!(refused, "`/key` is not an argument of this tool");
        assert_eq!(server.received("tools/call").len(), 1, "nothing was sent");
    }
}

#[tokio::test]
async fn headers_of_clients_are_held_against_arguments_as_for_other_tools() {
    let app = TestApp::start().await;
    let server = echo(false, &format!(r#"[{{"name":"get","inputSchema":{SCHEMA}}}]"#)).await;
    with(&app, "u", &server, &json!({})).await;
    instance(
        &app,
        &json!({"id": "u/get", "name": "forecast", "hide": ["key"], "defaults": {"key": "k"}}),
    )
    .await;
    let bern = json!({"city": "Bern"});
    for (headers, code) in [
        (vec![("mcp-param-city", "Bern")], None),
        (vec![("mcp-param-city", "=?base64?QmVybg==?=")], None),
        (
            vec![
                ("mcp-param-city", "Bern"),
                ("mcp-param-key", "of no argument that is seen"),
            ],
            None,
        ),
        (vec![("mcp-param-city", "Basel")], Some(-32020)),
        (vec![], Some(-32020)),
    ] {
        let answer = call(&app, &bern, &headers).await;
        assert_eq!(
            answer.err().map(|error| error["code"].clone()),
            code.map(|code| json!(code)),
            "{headers:?}"
        );
    }
    assert_eq!(server.received("tools/call").len(), 3);
}

#[tokio::test]
async fn one_entry_that_clients_cannot_read_does_not_cost_the_others() {
    let app = TestApp::start().await;
    let tools = r#"[
        {"name":"odd","title":7,"inputSchema":{"properties":{}},"annotations":{"readOnlyHint":"yes"},"x-own":1.10},
        {"name":"list","inputSchema":{"type":"array"}},
        {"name":"out","inputSchema":{"type":"object"},"outputSchema":{"type":"array"}}]"#;
    let server = echo(true, &tools.replace('\n', "")).await;
    with(&app, "u", &server, &json!({})).await;
    app.admin()
        .put(
            "/admin/ids/i",
            &json!({"name": "i", "include": {"upstreams": ["u"]}}),
        )
        .await
        .ok();
    let modern = app.mcp("i").modern("tools/list", json!({})).await.ok().text;
    let odd = r#"{"name":"odd","inputSchema":{"type":"object","properties":{}},"x-own":1.10}"#;
    assert!(
        modern.contains(&format!(
            r#"[{odd},{{"name":"out","inputSchema":{{"type":"object"}},"outputSchema":{{"type":"array"}}}}]"#
        )),
        "{modern}"
    );
    let legacy = app
        .mcp("i")
        .legacy("2025-11-25", "tools/list", json!({}))
        .await
        .ok()
        .text;
    assert!(
        legacy.contains(&format!(
            r#"[{odd},{{"name":"out","inputSchema":{{"type":"object"}}}}]"#
        )),
        "{legacy}"
    );
    let inventory = app.admin().get("/admin/uds/u/inventory").await.data();
    let skipped: Vec<_> = inventory["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{}: {}",
                one["name"].as_str().unwrap(),
                one["reason"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        skipped,
        [
            "odd: its title is no text, and is left out",
            "odd: its inputSchema has no type, and gets `object`",
            "odd: its annotations is not what the protocol says, and is left out",
            "list: its inputSchema is not of the type `object`",
        ]
    );
}

#[tokio::test]
async fn over_a_channel_no_header_has_to_repeat_an_argument() {
    let app = TestApp::start().await;
    let server = echo(true, &format!(r#"[{{"name":"get","inputSchema":{SCHEMA}}}]"#)).await;
    with(&app, "u", &server, &json!({})).await;
    instance(&app, &json!({"id": "u/get", "name": "forecast"})).await;
    let mut socket = Socket::of_user(&app, "i").await;
    let params = json!({"name": "forecast", "arguments": {"city": "Bonn", "key": "k"}});
    let answer = socket.ask(&modern(1, "tools/call", params)).await;
    let text = answer["result"]["content"][0]["text"].as_str();
    assert_eq!(text, Some(r#"{"city":"Bonn","key":"k"}"#), "{answer}");
}

#[tokio::test]
async fn null_counts_as_not_given_where_the_instance_says_so() {
    let app = TestApp::start().await;
    let server = echo(true, &format!(r#"[{{"name":"get","inputSchema":{SCHEMA}}}]"#)).await;
    with(&app, "u", &server, &json!({})).await;
    let given = json!({"city": "Bern", "key": "k", "days": null, "more": {"x": null}});
    let headers = [("mcp-param-city", "Bern"), ("mcp-param-key", "k")];
    for (switch, expected) in [
        (false, given.clone()),
        (true, json!({"city": "Bern", "key": "k", "more": {"x": null}})),
    ] {
        let document =
            json!({"name": "i", "tool_ids": [{"id": "u/get", "name": "forecast"}], "null_as_absent": switch});
        app.admin().put("/admin/ids/i", &document).await.ok();
        let answer = call(&app, &given, &headers).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected);
    }
}
