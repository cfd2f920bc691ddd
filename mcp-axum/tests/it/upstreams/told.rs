//! What upstreams tell by themselves reaches those who want to hear it, and nobody else: changes of resources, log messages.

use super::{
    clients::{OldClient, modern_stream},
    offered::with,
    server::McpServer,
};
use crate::{
    test_app::{TestApp, eventually},
    websocket::{Socket, older},
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::time::Duration;

const SILENCE: Duration = Duration::from_millis(200);
const UPDATED: &str = "notifications/resources/updated";

async fn watched(is_modern: bool) -> McpServer {
    let capabilities = json!({"tools": {}, "resources": {"subscribe": true, "listChanged": true}});
    let server = McpServer::start(is_modern, capabilities, |received, talk| {
        async move {
            match received.params()["uri"].as_str() {
                Some("test://mute") => talk.error(&json!({"code": -32602, "message": "not this one"})),
                _ => talk.result("{}"),
            }
        }
        .boxed()
    })
    .await;
    server.list("tools/list", "tools", "[]");
    let resources = r#"[{"uri":"test://a","name":"a"},{"uri":"test://b","name":"b"},{"uri":"test://mute","name":"mute"}]"#;
    server.list("resources/list", "resources", resources);
    server
}

/// With sessions.
async fn instance(app: &TestApp) {
    let document = json!({"name": "i", "include": {"upstreams": ["u"]}, "metadata": {"proto_type": "streamable-stateful"}});
    app.admin().put("/admin/ids/i", &document).await.ok();
}

/// The resources that the gateway has asked to hear of, on the subscription that is in use.
fn wanted(server: &McpServer, is_modern: bool) -> Vec<String> {
    if !is_modern {
        let count = |method: &str, uri: &str| {
            let all = server.received(method);
            all.iter().filter(|one| one.params()["uri"] == uri).count()
        };
        return ["test://a", "test://b"]
            .into_iter()
            .filter(|uri| count("resources/subscribe", uri) > count("resources/unsubscribe", uri))
            .map(str::to_owned)
            .collect();
    }
    let last = server.received("subscriptions/listen").pop();
    let uris = last.map(|last| last.params()["notifications"]["resourceSubscriptions"].clone());
    serde_json::from_value(uris.unwrap_or_default()).unwrap_or_default()
}

#[tokio::test]
async fn who_subscribed_hears_of_its_resource_and_nobody_else() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let server = watched(is_modern).await;
        with(&app, "u", &server, &json!({})).await;
        instance(&app).await;
        eventually("the gateway listens", || server.listeners() == 1).await;
        let (one, two) = (
            OldClient::start(&app, "i", json!({})).await,
            OldClient::start(&app, "i", json!({})).await,
        );
        assert_eq!(
            one.initialized["result"]["capabilities"]["resources"]["subscribe"],
            true
        );
        let (mut first, mut second) = (one.listen().await, two.listen().await);
        let answer = one.ask("resources/subscribe", json!({"uri": "test://a"})).await;
        assert_eq!(answer["result"], json!({}), "{answer}");
        let params =
            json!({"notifications": {"resourceSubscriptions": ["test://b"], "toolsListChanged": true}});
        let mut third = modern_stream(&app, "i", "subscriptions/listen", params).await;
        let acknowledged = third.next().await.unwrap();
        assert_eq!(
            acknowledged["params"]["notifications"],
            json!({"toolsListChanged": true, "resourceSubscriptions": ["test://b"]})
        );
        assert_eq!(wanted(&server, is_modern), ["test://a", "test://b"]);

        // A part of a resource that somebody subscribed to.
        server.tell(UPDATED, &json!({"uri": "test://a"}));
        assert_eq!(
            first.next().await.unwrap(),
            json!({"jsonrpc": "2.0", "method": UPDATED, "params": {"uri": "test://a"}})
        );
        server.tell(UPDATED, &json!({"uri": "test://b"}));
        let told = third.next().await.unwrap();
        assert_eq!(
            told["params"],
            json!({"_meta": {"io.modelcontextprotocol/subscriptionId": "l-1"}, "uri": "test://b"})
        );
        second.stays_silent(SILENCE).await;

        one.ask("resources/unsubscribe", json!({"uri": "test://a"})).await;
        drop(third);
        eventually("nobody wants to hear of anything", || {
            wanted(&server, is_modern).is_empty()
        })
        .await;
        server.tell(UPDATED, &json!({"uri": "test://a"}));
        first.stays_silent(SILENCE).await;
        two.ask("resources/subscribe", json!({"uri": "test://b"})).await;
        two.end().await;
        eventually("the session took its subscription along", || {
            wanted(&server, is_modern).is_empty()
        })
        .await;
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_with_what_belongs_to_it_and_one_with_a_stream_stays() {
    let app = TestApp::with(&[("mcp.session_idle_seconds", "1")]).await;
    let server = watched(false).await;
    with(&app, "u", &server, &json!({})).await;
    instance(&app).await;
    let (listens, leaves) = (
        OldClient::start(&app, "i", json!({})).await,
        OldClient::start(&app, "i", json!({})).await,
    );
    let _stream = listens.listen().await;
    listens
        .ask("resources/subscribe", json!({"uri": "test://a"}))
        .await;
    leaves
        .ask("resources/subscribe", json!({"uri": "test://b"}))
        .await;
    eventually("the session ended", || wanted(&server, false) == ["test://a"]).await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    leaves.send(&ping).await.expect(404);
    listens.send(&ping).await.ok();
}

#[tokio::test]
async fn what_no_server_tells_of_is_not_promised() {
    let app = TestApp::start().await;
    let server = watched(false).await;
    with(&app, "u", &server, &json!({})).await;
    instance(&app).await;
    let client = OldClient::start(&app, "i", json!({})).await;
    let refused = client
        .ask("resources/subscribe", json!({"uri": "test://mute"}))
        .await;
    assert_eq!(refused["error"]["code"], -32603, "{refused}");
    let params = json!({"notifications": {"resourceSubscriptions": ["test://mute", "test://a"]}});
    let mut stream = modern_stream(&app, "i", "subscriptions/listen", params).await;
    let acknowledged = stream.next().await.unwrap();
    assert_eq!(
        acknowledged["params"]["notifications"],
        json!({"resourceSubscriptions": ["test://a"]})
    );

    // Without sessions there is nobody whom an older client could be told apart by.
    let document = json!({"name": "i", "include": {"upstreams": ["u"]}});
    app.admin().put("/admin/ids/plain", &document).await.ok();
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    let initialized = app
        .mcp("plain")
        .legacy("2025-11-25", "initialize", params)
        .await
        .ok()
        .json();
    assert_eq!(
        initialized["result"]["capabilities"]["resources"],
        json!({"listChanged": true})
    );
    let refused = app
        .mcp("plain")
        .legacy("2025-11-25", "resources/subscribe", json!({"uri": "test://a"}))
        .await;
    assert!(
        refused.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("there is no session")
    );
    let discovered = app
        .mcp("plain")
        .modern("server/discover", json!({}))
        .await
        .ok()
        .json();
    assert_eq!(
        discovered["result"]["capabilities"]["resources"],
        json!({"listChanged": true, "subscribe": true})
    );
}

/// Logs at three levels, then answers.
async fn logging(is_modern: bool) -> McpServer {
    let server = McpServer::start(
        is_modern,
        json!({"tools": {}, "logging": {}}),
        move |received, talk| {
            async move {
                if received.method() == "tools/call" {
                    for level in ["debug", "info", "error"] {
                        let data = received.params()["arguments"].clone();
                        talk.tell(
                            "notifications/message",
                            &json!({"level": level, "logger": "l", "data": data}),
                        );
                    }
                }
                talk.result(r#"{"resultType":"complete","content":[]}"#);
            }
            .boxed()
        },
    )
    .await;
    server.list(
        "tools/list",
        "tools",
        r#"[{"name":"t","inputSchema":{"type":"object"}}]"#,
    );
    server
}

#[tokio::test]
async fn log_messages_reach_the_client_whose_call_it_was_as_far_as_it_wants_them() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let server = logging(is_modern).await;
        with(&app, "u", &server, &json!({})).await;
        instance(&app).await;
        let levels = async |mut stream: crate::event_stream::EventStream, own: &Value| {
            let mut levels = Vec::new();
            while let Some(message) = stream.next().await {
                if message["method"] == "notifications/message" {
                    assert_eq!(
                        (&message["params"]["data"], &message["params"]["logger"]),
                        (own, &json!("l"))
                    );
                    levels.push(message["params"]["level"].as_str().unwrap().to_owned());
                }
            }
            levels.join(" ")
        };
        let call = |own: &Value| json!({"name": "t", "arguments": own});
        let (quiet, loud) = (
            OldClient::start(&app, "i", json!({})).await,
            OldClient::start(&app, "i", json!({})).await,
        );
        assert_eq!(quiet.initialized["result"]["capabilities"]["logging"], json!({}));
        quiet.ask("logging/setLevel", json!({"level": "error"})).await;
        loud.ask("logging/setLevel", json!({"level": "info"})).await;
        let (one, two) = (json!({"n": 1}), json!({"n": 2}));
        assert_eq!(
            levels(loud.stream(1, "tools/call", call(&one)).await, &one).await,
            "info error"
        );
        assert_eq!(
            levels(quiet.stream(2, "tools/call", call(&two)).await, &two).await,
            "error"
        );
        if is_modern {
            let level = |number: usize| {
                server.received("tools/call")[number].params()["_meta"]["io.modelcontextprotocol/logLevel"]
                    .clone()
            };
            assert_eq!((level(0), level(1)), (json!("info"), json!("error")));
        } else {
            let levels = server.received("logging/setLevel");
            assert_eq!(levels.len(), 1, "one level is enough for both");
            assert_eq!(levels[0].params()["level"], "info");
        }
        let mut params = call(&one);
        params["_meta"] = json!({"io.modelcontextprotocol/logLevel": "info"});
        assert_eq!(
            levels(modern_stream(&app, "i", "tools/call", params).await, &one).await,
            "info error"
        );
        // 2026-07-28 has none unless a request asks for them.
        let silent = app.mcp("i").modern("tools/call", call(&one)).await.ok();
        assert_eq!(silent.json()["result"]["content"], json!([]));
    }
}

#[tokio::test]
async fn a_channel_is_told_of_its_resources_too() {
    let app = TestApp::start().await;
    let server = watched(false).await;
    with(&app, "u", &server, &json!({})).await;
    instance(&app).await;
    eventually("the gateway listens", || server.listeners() == 1).await;
    let mut socket = Socket::of_user(&app, "i").await;
    socket.initialize().await;
    let subscribed = socket
        .ask(&older(1, "resources/subscribe", json!({"uri": "test://a"})))
        .await;
    assert_eq!(subscribed["result"], json!({}), "{subscribed}");
    server.tell(UPDATED, &json!({"uri": "test://a"}));
    let told = socket.next().await;
    assert_eq!(
        (&told["method"], &told["params"]["uri"]),
        (&json!(UPDATED), &json!("test://a"))
    );
}

#[tokio::test]
async fn a_channel_takes_its_subscriptions_with_it() {
    for is_modern in [true, false] {
        let app = TestApp::start().await;
        let server = watched(is_modern).await;
        with(&app, "u", &server, &json!({})).await;
        instance(&app).await;
        eventually("the gateway listens", || server.listeners() == 1).await;
        let mut socket = Socket::of_user(&app, "i").await;
        socket.initialize().await;
        socket
            .ask(&older(1, "resources/subscribe", json!({"uri": "test://a"})))
            .await;
        eventually("the server tells", || wanted(&server, is_modern) == ["test://a"]).await;
        drop(socket);
        eventually("nobody wants to hear of it", || {
            wanted(&server, is_modern).is_empty()
        })
        .await;
    }
}
