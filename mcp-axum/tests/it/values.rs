//! Of what is small on the wire much may be made: calls whose arguments or answers have too many values are refused.

use crate::{test_app::TestApp, websocket::Socket};
use reqwest::Method;
use serde_json::{Value, json};

/// Longer than what is not looked at.
const MANY: usize = 3_000;

#[tokio::test]
async fn arguments_and_answers_have_at_most_so_many_values() {
    let app = TestApp::with(&[
        ("bounds.arguments_nodes", "1000"),
        ("bounds.answer_nodes", "1000"),
    ])
    .await;
    let upstream = app.upstream().await;
    let mut tool = json!({"name": "t", "description": "Test tool.", "input_schema": {},
        "tds_ext_info": {"domain": upstream.origin(), "method": "POST", "path": "/"}});
    app.admin().put("/admin/tds/plain", &tool).await.ok();
    tool["tds_ext_info"]["response"] = json!({"jq": "length"});
    tool["name"] = "shaped".into();
    app.admin().put("/admin/tds/shaped", &tool).await.ok();
    app.put_instance("i", &["plain", "shaped"]).await;

    let refusal = |result: Value, key: &str| {
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(result["isError"] == true && text.contains(key), "{result}");
    };
    upstream.reply_json(200, &json!([1]));
    let many = json!({"ids": vec![1; MANY]});
    refusal(app.mcp("i").call("t", many).await, "bounds.arguments_nodes");
    assert!(upstream.requests().is_empty());
    let few = json!({"ids": vec!["long enough to be looked at"; 900]});
    assert_eq!(app.mcp("i").call("t", few.clone()).await["isError"], false);

    upstream.reply_json(200, &json!(vec![1; MANY]));
    refusal(
        app.mcp("i").call("shaped", json!({})).await,
        "bounds.answer_nodes",
    );
    // What is only given on has no tree.
    assert_eq!(app.mcp("i").call("t", json!({})).await["isError"], false);
    upstream.reply_json(200, &few);
    assert_eq!(app.mcp("i").call("shaped", json!({})).await["isError"], false);
}

#[tokio::test]
async fn a_message_with_far_more_values_than_a_call_may_have_is_not_read() {
    let app = TestApp::with(&[("bounds.arguments_nodes", "1000")]).await;
    app.put_instance("i", &[]).await;
    let call = |ids: usize| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "t", "arguments": {"ids": vec![1; ids]}}})
    };
    let post = async |message: Value| {
        let answer = app.admin().request(Method::POST, "/mcp/i").json(&message);
        let answer = answer
            .header("accept", "application/json, text/event-stream")
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let (status, body) = post(call(5_200)).await;
    assert_eq!((status, &body["id"]), (413, &Value::Null), "{body}");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("more than 1000 values, the bound `bounds.arguments_nodes`"),
        "{message}"
    );
    // What is only a little more is the tool's to refuse.
    let (status, body) = post(call(3_000)).await;
    assert_ne!((status, &body["id"]), (413, &Value::Null), "{body}");
    // The messages of a batch are one: none of them is served.
    let ping = json!({"jsonrpc": "2.0", "id": 2, "method": "ping"});
    let (status, body) = post(json!([call(3_000), ping, call(3_000)])).await;
    assert_eq!((status, &body["id"]), (413, &Value::Null), "{body}");
    let (status, body) = post(json!([ping])).await;
    assert_eq!((status, &body[0]["id"]), (200, &json!(2)), "{body}");
    // A channel has no status: what is refused is named, and the channel stays.
    let mut socket = Socket::of_user(&app, "i").await;
    socket.say(&call(5_200)).await;
    let refused = socket.next().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(1), &json!(413))
    );
    socket.say(&ping).await;
    assert_eq!(socket.next().await["id"], 2);
}

#[tokio::test]
async fn headers_of_a_request_are_as_many_and_as_large_as_the_configuration_says() {
    let app = TestApp::with(&[("bounds.headers", "20"), ("bounds.header_bytes", "128KiB")]).await;
    let with = |count: usize, bytes: usize| {
        let mut request = app.anonymous().request(Method::GET, "/healthz");
        for number in 0..count {
            request = request.header(format!("x-{number}"), "a".repeat(bytes));
        }
        request
    };
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    assert_eq!(status(with(10, 10_000)).await, 200);
    assert_eq!(status(with(10, 20_000)).await, 431);
    assert_eq!(status(with(30, 10)).await, 431);
}
