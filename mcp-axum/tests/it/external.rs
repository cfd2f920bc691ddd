//! A service outside that is asked about calls which keys and roles allow.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, McpClient, Reply, TestApp, Upstream, eventually},
    upstreams::offered,
    websocket::{Socket, older},
};
use mcp_axum::settings::{Layers, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const KEY: &str = "key-of-the-policy-service";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn key(app: &TestApp, wanted: Value) -> (McpClient, String) {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    let client = Client::new(app.address(), data["key"].as_str().map(str::to_owned));
    (
        McpClient::new(client, "desk"),
        data["id"].as_str().unwrap().to_owned(),
    )
}

/// A gateway that asks the service, with an instance `desk` of two tools of which the second is for some roles alone.
async fn desk(service: &Upstream, more: &[(&'static str, &str)]) -> TestApp {
    let url = format!("{}/decide", service.origin());
    let mut settings = vec![
        ("access.external.authorizer", "http"),
        ("authorizer.http.url", &*url),
        ("authorizer.http.key", KEY),
        ("audit.enabled", "true"),
    ];
    settings.extend(more);
    let app = TestApp::with(&settings).await;
    for (id, access) in [
        ("get_order", Value::Null),
        (
            "refund_order",
            json!({"roles": ["lead"], "when": "args.amount < 1000"}),
        ),
    ] {
        let mut tool = json!({
            "name": id, "description": "Says its name.",
            "input_schema": {"type": "object", "properties": {"amount": {"type": "integer"}}},
            "static": {"content": [{"type": "text", "text": id}]},
        });
        if !access.is_null() {
            tool["access"] = access;
        }
        app.admin().put(&format!("/admin/tds/{id}"), &tool).await.ok();
    }
    app.put_instance("desk", &["get_order", "refund_order"]).await;
    app
}

/// A service that has said this from the beginning.
async fn service(status: u16, body: &Value) -> Upstream {
    let service = Upstream::start().await;
    service.reply_json(status, body);
    service
}

/// The text of a refused call.
#[track_caller]
fn refused(result: &Value) -> String {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap().to_owned()
}

#[track_caller]
fn made(result: &Value) {
    assert_eq!(result["isError"], false, "{result}");
}

/// Records of calls, the latest first; waits until there are so many.
async fn records(app: &TestApp, number: usize) -> Vec<Value> {
    for _ in 0..200 {
        let data = app
            .admin()
            .get("/admin/audit?action=tools/call")
            .await
            .ok()
            .data();
        let found = data.as_array().unwrap().clone();
        if found.len() == number {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not {number} records")
}

#[tokio::test]
async fn it_is_asked_who_wants_what_after_the_roles_and_never_before() {
    let service = service(200, &json!({"allow": true})).await;
    let app = desk(&service, &[("access.external.arguments", "true")]).await;
    let wanted = json!({"name": "ann", "roles": ["agent", "lead"], "claims": {"desk": 7}});
    let (ann, id) = key(&app, wanted).await;
    made(&ann.call("get_order", json!({"amount": 5})).await);
    let asked = service.last();
    assert_eq!((&*asked.method, &*asked.path), ("POST", "/decide"));
    assert_eq!(asked.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(
        asked.json(),
        json!({
            "principal": {"subject": "ann", "key_id": id, "admin": false, "roles": ["agent", "lead"], "claims": {"desk": 7}},
            "action": "tools/call", "instance": "desk", "tool": "get_order", "arguments": {"amount": 5},
        })
    );
    // Lists are the gateway's own; what it refuses itself is nobody else's business.
    let (bob, _) = key(&app, json!({"name": "bob", "roles": ["agent"]})).await;
    assert_eq!(bob.tool_names().await, ["get_order"]);
    let unknown = bob
        .modern("tools/call", json!({"name": "refund_order", "arguments": {}}))
        .await;
    assert_eq!(unknown.json()["error"]["code"], -32602, "{unknown:?}");
    assert!(
        refused(&ann.call("refund_order", json!({"amount": 1000})).await).contains("`access` of the tool")
    );
    assert_eq!(service.requests().len(), 1);
    // Whoever has the right of everything, and whoever has a configured key, is asked about like everybody else.
    service.reply_json(403, &json!({"reason": "the shop is closed"}));
    for client in [McpClient::new(app.admin(), "desk"), app.mcp("desk"), ann.clone()] {
        let text = refused(&client.call("get_order", json!({})).await);
        assert_eq!(
            text,
            "This call is not allowed: the policy service refuses it: the shop is closed"
        );
    }
    assert_eq!(service.requests().len(), 4);
}

#[tokio::test]
async fn an_answer_is_remembered_for_what_it_was_about() {
    let service = service(200, &json!({"result": true})).await;
    let app = desk(&service, &[("access.external.cache_seconds", "60")]).await;
    let (ann, id) = key(&app, json!({"name": "ann", "roles": ["agent"]})).await;
    for amount in [1, 2, 3] {
        made(&ann.call("get_order", json!({"amount": amount})).await);
    }
    assert_eq!(service.requests().len(), 1, "arguments are not asked about");
    assert_eq!(service.last().json()["arguments"], Value::Null);
    service.reply_json(200, &json!({"result": false}));
    made(&ann.call("get_order", json!({})).await);
    // With another role it is another question.
    let changed = json!({"roles": ["agent", "lead"], "name": "ann"});
    let stored = app.admin().get(&format!("/admin/keys/{id}")).await.ok().data();
    let mut document = stored.clone();
    document["roles"] = changed["roles"].clone();
    app.admin()
        .put(&format!("/admin/keys/{id}"), &document)
        .await
        .ok();
    assert_eq!(
        refused(&ann.call("get_order", json!({})).await),
        "This call is not allowed: the policy service refuses it"
    );
    assert_eq!(service.requests().len(), 2);
    let metrics = app.metrics();
    for expected in [
        "dynmcp_external_decisions_total{verdict=\"allow\",source=\"asked\"} 1",
        "dynmcp_external_decisions_total{verdict=\"allow\",source=\"cached\"} 3",
        "dynmcp_external_decisions_total{verdict=\"refuse\",source=\"asked\"} 1",
        "dynmcp_external_decision_seconds_count 2",
    ] {
        assert!(metrics.contains(expected), "{expected}: {metrics}");
    }
    let records = records(&app, 5).await;
    let said: Vec<&Value> = records.iter().map(|record| &record["external"]).collect();
    assert_eq!(said, ["refuse", "allow", "allow", "allow", "allow"]);
    assert_eq!(records[0]["decision"], "refuse");
    assert_eq!(records[0]["outcome"], "refused");
    assert_eq!(records[1]["decision"], "allow");
}

#[tokio::test]
async fn whatever_is_no_answer_lets_nobody_in() {
    let service = service(200, &json!({"allow": true})).await;
    let app = desk(
        &service,
        &[
            ("access.external.cache_seconds", "0"),
            ("access.external.timeout_ms", "300"),
        ],
    )
    .await;
    let desk = app.mcp("desk");
    made(&desk.call("get_order", json!({})).await);
    let large = format!("{{\"allow\": true, \"x\": \"{}\"}}", "x".repeat(80 << 10));
    let fixed = |status, content_type, body: &str| Reply::Fixed {
        status,
        content_type,
        body: body.as_bytes().to_vec(),
    };
    for reply in [
        fixed(500, "application/json", "{\"allow\": true}"),
        fixed(302, "text/plain", ""),
        fixed(404, "text/plain", ""),
        fixed(200, "application/json", "{}"),
        fixed(200, "text/html", "<html>please log in</html>"),
        fixed(200, "application/json", &large),
        Reply::After(Duration::from_secs(5)),
    ] {
        service.reply(reply.clone());
        let text = refused(&desk.call("get_order", json!({})).await);
        assert_eq!(
            text, "This call is not allowed now: the policy service does not answer; try again later",
            "{reply:?}"
        );
    }
    service.reply_json(200, &json!(true));
    made(&desk.call("get_order", json!({})).await);
    drop(service);
    refused(&desk.call("get_order", json!({})).await);
    let records = records(&app, 10).await;
    assert_eq!(records[0]["external"], "fail_closed");
    assert_eq!(records[0]["decision"], "refuse");
    assert_eq!(records[0]["outcome"], "unable");
    assert!(
        app.metrics()
            .contains("dynmcp_external_decisions_total{verdict=\"fail_closed\",source=\"asked\"} 8")
    );
}

#[tokio::test]
async fn an_operator_may_have_calls_made_where_nobody_answers() {
    let service = service(500, &json!({})).await;
    let app = desk(&service, &[("access.external.fail", "open")]).await;
    made(&app.mcp("desk").call("get_order", json!({})).await);
    // A refusal is an answer.
    service.reply_json(403, &json!({}));
    refused(&app.mcp("desk").call("get_order", json!({})).await);
    let records = records(&app, 2).await;
    assert_eq!(records[1]["external"], "fail_open");
    assert_eq!(records[1]["decision"], "allow");
}

#[tokio::test]
async fn a_flood_waits_for_its_turn_and_no_longer_than_the_timeout() {
    let service = service(200, &json!(true)).await;
    service.reply(Reply::After(Duration::from_millis(400)));
    let app = desk(
        &service,
        &[
            ("access.external.max_concurrent", "1"),
            ("access.external.timeout_ms", "600"),
            ("access.external.arguments", "true"),
        ],
    )
    .await;
    let desk = app.mcp("desk");
    let started = std::time::Instant::now();
    let calls = (0..6).map(|number| {
        let desk = desk.clone();
        async move { desk.call("get_order", json!({"amount": number})).await }
    });
    for result in futures_util::future::join_all(calls).await {
        refused(&result);
    }
    assert!(
        started.elapsed() < Duration::from_secs(3),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn resources_prompts_and_completion_of_other_servers_are_asked_about_too() {
    let service = service(403, &json!({"reason": "not today"})).await;
    let app = desk(&service, &[]).await;
    let server = offered::server(true).await;
    offered::with(&app, "docs", &server, &json!({})).await;
    let instance = json!({"name": "Docs", "include": {"upstreams": ["docs"]}});
    app.admin().put("/admin/ids/docs", &instance).await.ok();
    let client = app.mcp("docs");
    let template = json!({"type": "ref/resource", "uri": "test://item/{id}"});
    for (method, params, (name, value)) in [
        (
            "resources/read",
            json!({"uri": "test://a"}),
            ("resource", "test://a"),
        ),
        ("prompts/get", json!({"name": "ask"}), ("prompt", "ask")),
        (
            "completion/complete",
            json!({"ref": template, "argument": {"name": "id", "value": ""}}),
            ("resource", "test://item/{id}"),
        ),
    ] {
        let answer = client.modern(method, params.clone()).await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.text.contains("not today"), "{answer:?}");
        let asked = service.last().json();
        assert_eq!((&asked["action"], &asked[name]), (&json!(method), &json!(value)));
    }
    assert!(refused(&client.call("t", json!({})).await).ends_with("not today"));
    // Without an answer it is the gateway that cannot do it now.
    service.reply_json(500, &json!({}));
    let away = client.modern("resources/read", json!({"uri": "test://b"})).await;
    assert_eq!(away.status, 503, "{away:?}");
    service.reply_json(200, &json!(true));
    let read = client.modern("resources/read", json!({"uri": "test://b"})).await;
    assert_eq!(read.status, 200, "{read:?}");
}

#[tokio::test]
async fn explain_says_what_the_service_says() {
    let service = service(403, &json!({"reason": "over budget"})).await;
    let app = desk(&service, &[("access.external.arguments", "true")]).await;
    key(&app, json!({"name": "ann", "roles": ["agent", "lead"]})).await;
    let question =
        json!({"key": "ann", "instance": "desk", "tool": "refund_order", "arguments": {"amount": 7}});
    let explain = async || {
        post(&app.admin(), "/admin/access/explain", &question)
            .await
            .ok()
            .data()["tool"]
            .take()
    };
    let said = explain().await;
    assert_eq!(said["allowed"], false);
    assert_eq!(said["external"], "refuse");
    assert_eq!(said["rule"], "role `agent`, allow[0]");
    assert!(
        said["reason"].as_str().unwrap().ends_with("over budget"),
        "{said}"
    );
    assert_eq!(service.last().json()["arguments"], json!({"amount": 7}));
    // What the rules refuse is not asked about.
    let asked = service.requests().len();
    let refused =
        json!({"key": "ann", "instance": "desk", "tool": "refund_order", "arguments": {"amount": 7000}});
    let said = post(&app.admin(), "/admin/access/explain", &refused)
        .await
        .ok()
        .data();
    assert_eq!(said["tool"]["external"], Value::Null);
    assert_eq!(service.requests().len(), asked);
}

#[tokio::test]
async fn it_comes_and_goes_with_the_configuration() {
    let service = service(403, &json!({})).await;
    let app = desk(&service, &[("access.external.authorizer", "")]).await;
    made(&app.mcp("desk").call("get_order", json!({})).await);
    assert_eq!(service.requests().len(), 0);

    // Overrides stand above the file, so that another gateway is needed whose file says it.
    let app = TestApp::start().await;
    let tool = json!({
        "name": "get_order", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "x"}]},
    });
    app.admin().put("/admin/tds/get_order", &tool).await.ok();
    let legacy = json!({"name": "Desk", "tool_ids": ["get_order"], "metadata": {"proto_type": "legacy"}});
    app.admin().put("/admin/ids/desk", &legacy).await.ok();
    // Channels are opened before, and stay open.
    let mut socket = Socket::of_user(&app, "desk").await;
    socket.initialize().await;
    let user = app.user();
    let mut events = EventStream::open(user.request(Method::GET, "/sse/desk")).await;
    let place = events.endpoint().await;
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}});
    let hello = user
        .request(Method::POST, &place)
        .json(&older(0, "initialize", params));
    user.send(hello).await.expect(202);
    events.next().await.unwrap();
    let mut calls = 1;
    let mut over_channels = async || {
        calls += 1;
        let call = older(calls, "tools/call", json!({"name": "get_order", "arguments": {}}));
        let over_socket = socket.ask(&call).await;
        let request = user.request(Method::POST, &place).json(&call);
        user.send(request).await.expect(202);
        let over_events = events.next().await.unwrap();
        [over_socket, over_events].map(|answer| answer["result"].clone())
    };
    over_channels().await.iter().for_each(made);
    let base = std::fs::read_to_string(app.configuration()).unwrap();
    app.follow().await;
    let write = |tables: String| std::fs::write(app.configuration(), format!("{base}{tables}")).unwrap();
    let reloads = |number: u64| {
        let app = &app;
        eventually("the configuration is read again", move || {
            json!(app.app().config.report())["reloads"] == number
        })
    };
    let url = service.origin();
    write(format!(
        "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nurl = '{url}'\nkey = '{KEY}'\n"
    ));
    reloads(1).await;
    refused(&app.mcp("desk").call("get_order", json!({})).await);
    for result in over_channels().await {
        assert!(
            refused(&result).contains("the policy service refuses it"),
            "{result}"
        );
    }
    // Without an answer it stays closed, whatever is remembered of before.
    write(
        "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nurl = 'http://127.0.0.1:1'\n".to_owned(),
    );
    reloads(2).await;
    assert!(refused(&app.mcp("desk").call("get_order", json!({})).await).contains("does not answer"));
    for result in over_channels().await {
        assert!(refused(&result).contains("does not answer"), "{result}");
    }
    // What is wrong changes nothing.
    write("[access.external]\nauthorizer = 'http'\n".to_owned());
    eventually("the configuration is refused", || {
        json!(app.app().config.report())["errors"] == 1
    })
    .await;
    refused(&app.mcp("desk").call("get_order", json!({})).await);
    write(String::new());
    reloads(3).await;
    made(&app.mcp("desk").call("get_order", json!({})).await);
    over_channels().await.iter().for_each(made);
}

#[test]
fn what_is_wrong_is_named_and_the_key_is_shown_nowhere() {
    let load = |overrides: &[(&'static str, &str)]| {
        Settings::load(&Layers {
            overrides: overrides
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned()))
                .collect(),
            ..Layers::default()
        })
    };
    for (key, value) in [
        ("access.external.timeout_ms", "0"),
        ("access.external.timeout_ms", "30001"),
        ("access.external.cache_seconds", "3601"),
        ("access.external.max_concurrent", "0"),
        ("access.external.fail", "ajar"),
    ] {
        let error = load(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
    let good = [
        ("access.external.authorizer", "http"),
        ("authorizer.http.url", "http://127.0.0.1:1/decide"),
        ("authorizer.http.key", KEY),
    ];
    let shown = load(&good).unwrap().to_redacted_toml();
    assert!(
        !shown.contains(KEY) && shown.contains("[authorizer.http]"),
        "{shown}"
    );
}
