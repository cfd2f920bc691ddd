//! The audit log: what has a record and what it says, who may read it, and what happens when it cannot be written.

mod sinks;
mod trouble;

use crate::test_app::{Answer, Client, DEADLINE, McpClient, TestApp, eventually};
use mcp_core::policy::Door;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

/// What the holder of a new key shows, and the key's id.
async fn key(app: &TestApp, wanted: Value) -> (Client, String) {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    let client = Client::new(app.address(), data["key"].as_str().map(str::to_owned));
    (client, data["id"].as_str().unwrap().to_owned())
}

/// With a log, and an instance `desk` with tools that answer by themselves.
async fn desk(settings: &[(&'static str, &str)]) -> TestApp {
    let mut all = vec![("audit.enabled", "true")];
    all.extend(settings);
    let app = TestApp::with(&all).await;
    for id in ["get_order", "refund_order"] {
        let tool = json!({
            "name": id, "description": "Says its name.",
            "input_schema": {"type": "object"},
            "static": {"content": [{"type": "text", "text": id}]},
        });
        app.admin().put(&format!("/admin/tds/{id}"), &tool).await.ok();
    }
    app.put_instance("desk", &["get_order", "refund_order"]).await;
    app
}

/// Records that a query finds, the latest first; waits until there are so many.
async fn records(app: &TestApp, query: &str, number: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..200 {
        let data = app
            .admin()
            .get(&format!("/admin/audit?{query}"))
            .await
            .ok()
            .data();
        found = data.as_array().unwrap().clone();
        if found.len() >= number {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(found.len(), number, "{query}: {found:#?}");
    found
}

/// Some members of a record; what is not there is null.
fn members(record: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| record[*name].clone()).collect()
}

#[tokio::test]
async fn a_call_has_one_record_that_says_who_did_what_and_how_it_ended() {
    let app = desk(&[]).await;
    let (client, id) = key(&app, json!({"name": "ann", "instances": ["desk"]})).await;
    let client = client.with_header("x-request-id", "call-1").with_header(
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    );
    let mcp = McpClient::new(client, "desk");
    mcp.tool_names().await;
    mcp.call("get_order", json!({"secret of": "ann"})).await;
    let record = records(&app, "principal=ann", 1).await.remove(0);
    let revision = app.admin().get("/admin/tds/get_order").await.ok().revision();
    let names = [
        "principal",
        "key_id",
        "action",
        "instance",
        "tool",
        "decision",
        "outcome",
        "status",
        "request_id",
        "trace_id",
        "address",
        "revision",
        "arguments",
        "error",
    ];
    assert_eq!(
        members(&record, &names),
        json!([
            "ann",
            id,
            "tools/call",
            "desk",
            "get_order",
            "allow",
            "ok",
            200,
            "call-1",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "127.0.0.1",
            revision,
            null,
            null
        ])
    );
    assert!(
        record["ms"].as_f64().unwrap() >= 0.0 && record["bytes"].as_u64().unwrap() > 50,
        "{record}"
    );
    // By the id of the key as well.
    records(
        &app,
        &format!("principal={id}&tool=get_*&action=tools/*&since=1h"),
        1,
    )
    .await;
    records(&app, "principal=ann&until=1h", 0).await;
}

#[tokio::test]
async fn a_registration_that_is_refused_has_its_record() {
    let tables = json!([{"type": "registration", "max_per_key": 1}]).to_string();
    let app = desk(&[("discovery", &*tables)]).await;
    let role = json!({"allow": [{"actions": ["register/*"]}]});
    app.admin().put("/admin/roles/server", &role).await.ok();
    let (ann, _) = key(&app, json!({"name": "ann", "roles": ["server"]})).await;
    let (bob, _) = key(&app, json!({"name": "bob", "roles": ["server"]})).await;
    let server = |name: &str| json!({"name": name, "url": "http://127.0.0.1:9/mcp"});
    post(&ann, "/api/register", &server("a")).await.expect(201);
    post(&bob, "/api/register", &server("a")).await.error(409);
    let wrong = json!({"name": "b", "url": "gopher://x"});
    post(&bob, "/api/register", &wrong).await.error(400);
    post(&bob, "/api/register", &server("b")).await.expect(201);
    post(&bob, "/api/register", &server("c")).await.error(507);
    post(&bob, "/api/servers/a/heartbeat", &json!({}))
        .await
        .error(409);
    bob.delete("/api/servers/nowhere").await.error(404);
    let found = records(&app, "principal=bob", 6).await;
    let found: Vec<Value> = found
        .iter()
        .rev()
        .map(|record| members(record, &["action", "outcome", "status"]))
        .collect();
    assert_eq!(
        found,
        [
            json!(["register/a", "error", 409]),
            json!(["register/b", "error", 400]),
            json!(["register/b", "ok", 201]),
            json!(["register/c", "error", 507]),
            json!(["register/a", "error", 409]),
            json!(["register/nowhere", "error", 404]),
        ]
    );
}

#[tokio::test]
async fn what_is_refused_has_a_record_wherever_it_is_refused() {
    let app = desk(&[]).await;
    let role = json!({"allow": [
        {"actions": ["tools/call"], "instances": ["desk"], "tools": ["refund_order"], "when": "args.amount < 1000"},
        {"actions": ["admin/tds/read"]},
    ]});
    app.admin().put("/admin/roles/careful", &role).await.ok();
    let (client, id) = key(
        &app,
        json!({"name": "ann", "roles": ["careful"], "limits": {"rate": "2/h"}}),
    )
    .await;
    let mcp = McpClient::new(client.clone(), "desk");
    // Not with these arguments; not a tool of theirs; too many.
    mcp.call("refund_order", json!({"amount": 2000})).await;
    mcp.modern("tools/call", json!({"name": "get_order", "arguments": {}}))
        .await;
    assert_eq!(
        mcp.modern("tools/call", json!({"name": "refund_order"}))
            .await
            .status,
        429
    );
    // Not this instance; not that in /admin.
    assert_eq!(
        McpClient::new(client.clone(), "other")
            .modern("tools/list", json!({}))
            .await
            .status,
        403
    );
    client.delete("/admin/tds/get_order").await.error(403);
    client.get("/admin/ids").await.error(403);
    let names = [
        "action", "instance", "tool", "target", "decision", "outcome", "status", "error",
    ];
    let found = records(&app, "principal=ann&decision=refuse", 6).await;
    let found: Vec<Value> = found.iter().rev().map(|record| members(record, &names)).collect();
    assert_eq!(
        found,
        [
            json!([
                "tools/call",
                "desk",
                "refund_order",
                null,
                "refuse",
                "refused",
                200,
                null
            ]),
            json!([
                "tools/call",
                "desk",
                "get_order",
                null,
                "refuse",
                "unknown",
                200,
                -32602
            ]),
            json!([
                "tools/call",
                "desk",
                "refund_order",
                null,
                "refuse",
                "limited",
                null,
                null
            ]),
            json!(["enter", "other", null, null, "refuse", "refused", 403, null]),
            json!([
                "admin/tds/delete",
                null,
                null,
                "/tds/get_order",
                "refuse",
                "refused",
                null,
                null
            ]),
            json!([
                "admin/ids/read",
                null,
                null,
                "/ids",
                "refuse",
                "refused",
                null,
                null
            ]),
        ]
    );
    let all = records(&app, &format!("principal={id}"), 6).await;
    assert!(
        all[3]["reason"].as_str().unwrap().contains("limits.rate"),
        "{:?}",
        all[3]
    );
    // Nobody knows who that was.
    app.anonymous().get("/admin/tds").await.error(401);
    let stranger = Client::new(app.address(), Some("a-key-that-nobody-has".to_owned()));
    assert_eq!(
        McpClient::new(stranger, "desk")
            .modern("tools/list", json!({}))
            .await
            .status,
        401
    );
    let found = records(&app, "action=enter&decision=refuse", 3).await;
    assert_eq!(
        members(&found[1], &["status", "target", "principal"]),
        json!([401, "GET /admin/tds", null])
    );
    assert_eq!(
        members(&found[0], &["status", "instance", "principal"]),
        json!([401, "desk", null])
    );
    assert!(
        !found
            .iter()
            .any(|record| record.to_string().contains("nobody-has"))
    );
}

#[tokio::test]
async fn guesses_do_not_fill_the_log() {
    let app = desk(&[]).await;
    for _ in 0..150 {
        app.anonymous().get("/admin/tds").await.error(401);
    }
    let count = |door: Door| {
        let labels = match door {
            Door::Admin => "door=\"admin\",status=\"401\"",
            Door::Mcp => "door=\"mcp\",status=\"401\"",
        };
        app.metrics()
            .contains(&format!("dynmcp_requests_refused_total{{{labels}}} 150"))
    };
    eventually("all are counted", || count(Door::Admin)).await;
    let found = app
        .admin()
        .get("/admin/audit?action=enter&limit=1000")
        .await
        .ok()
        .data();
    // A minute may have ended meanwhile.
    let found = found.as_array().unwrap().len();
    assert!((60..=120).contains(&found), "{found}");
}

#[tokio::test]
async fn a_change_has_a_record_with_the_revision_that_it_made() {
    let app = desk(&[]).await;
    let written = app.put_instance("other", &["get_order"]).await.revision();
    app.admin()
        .put("/admin/tds/wrong", &json!({"name": "wrong"}))
        .await
        .error(400);
    app.admin().get("/admin/tds").await.ok();
    let names = ["action", "target", "decision", "outcome", "status", "revision"];
    let found = records(&app, "action=admin/tds/write", 3).await;
    let principal = found[0]["principal"].as_str().unwrap().to_owned();
    assert_eq!(
        members(&found[0], &names),
        json!(["admin/tds/write", "/tds/wrong", "allow", "error", 400, null])
    );
    let found = records(&app, "action=admin/ids/write", 2).await;
    assert_eq!(found[0]["principal"], principal);
    assert_eq!(
        members(&found[0], &names),
        json!(["admin/ids/write", "/ids/other", "allow", "ok", 200, written])
    );
    records(&app, "action=admin/*/read", 0).await;

    let app = desk(&[("audit.reads", "true")]).await;
    app.admin().get("/admin/tds").await.ok();
    let found = records(&app, "action=admin/tds/read", 1).await;
    assert_eq!(
        members(&found[0], &names[..3]),
        json!(["admin/tds/read", "/tds", "allow"])
    );
}

#[tokio::test]
async fn each_message_of_a_batch_has_its_own_and_so_has_a_call_whose_client_went_away() {
    let app = desk(&[]).await;
    let call = |id: u32, tool: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {}}});
    let batch = json!([call(1, "get_order"), call(2, "nothing"), {"jsonrpc": "2.0", "id": 3, "method": "tools/list"}]);
    let answer = post(&app.user(), "/mcp/desk", &batch).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let found = records(&app, "action=tools/call", 2).await;
    assert_eq!(found[0]["request_id"], found[1]["request_id"]);
    assert_eq!(
        members(&found[1], &["tool", "outcome"]),
        json!(["get_order", "ok"])
    );
    assert_eq!(
        members(&found[0], &["tool", "outcome", "decision"]),
        json!(["nothing", "unknown", "refuse"])
    );

    // Takes a connection, and answers nothing.
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let binding =
        json!({"domain": upstream.local_addr().unwrap().to_string(), "method": "POST", "path": "/slow"});
    let tool = json!({"name": "slow", "description": "Never answers.", "tds_ext_info": binding});
    app.admin().put("/admin/tds/slow", &tool).await.ok();
    app.put_instance("desk", &["slow"]).await;
    let client = app.mcp("desk");
    let call = tokio::spawn(async move { client.call("slow", json!({})).await });
    let _asked = tokio::time::timeout(DEADLINE, upstream.accept())
        .await
        .unwrap()
        .unwrap();
    call.abort();
    let found = records(&app, "tool=slow", 1).await;
    assert_eq!(
        members(&found[0], &["outcome", "decision", "status"]),
        json!(["cancelled", "allow", null])
    );
}

#[tokio::test]
async fn arguments_are_remembered_where_it_is_wanted_without_what_is_not_to_be_seen() {
    let app = desk(&[
        ("audit.arguments", "desk/refund_*"),
        ("audit.redact_paths", "/card/number"),
        ("audit.redact_patterns", r"\d{16}"),
    ])
    .await;
    let arguments = json!({"amount": 5, "card": {"number": "x", "holder": "Ann"}, "note": "4111111111111111!", "api_key": "k"});
    app.mcp("desk").call("refund_order", arguments.clone()).await;
    app.mcp("desk").call("get_order", arguments).await;
    let found = records(&app, "action=tools/call", 2).await;
    assert_eq!(found[0]["arguments"], Value::Null);
    let seen = json!({"amount": 5, "card": {"number": "[redacted]", "holder": "Ann"}, "note": "[redacted]!", "api_key": "[redacted]"});
    assert_eq!(found[1]["arguments"], seen);
}

#[tokio::test]
async fn reading_it_is_a_right_of_its_own() {
    let app = desk(&[]).await;
    let (viewer, _) = key(&app, json!({"roles": ["viewer"]})).await;
    let refusal = viewer.get("/admin/audit").await.error(403);
    assert!(refusal.contains("`audit/read`"), "{refusal}");
    let role = json!({"allow": [{"actions": ["audit/read"]}]});
    app.admin().put("/admin/roles/auditor", &role).await.ok();
    let (auditor, _) = key(&app, json!({"roles": ["auditor"]})).await;
    auditor.get("/admin/tds").await.error(403);
    auditor.get("/admin/audit").await.ok();
    let (admin, _) = key(&app, json!({"roles": ["admin"]})).await;
    admin.get("/admin/audit").await.ok();
    for (query, expected) in [
        ("since=yesterday", "since: `yesterday` is no time"),
        ("decision=maybe", "decision: `maybe` is none"),
        ("cursor=x", "cursor:"),
        ("limit=0", "limit: 0"),
    ] {
        let refusal = auditor.get(&format!("/admin/audit?{query}")).await.error(400);
        assert!(refusal.contains(expected), "{refusal}");
    }
    // Page by page, each record once.
    let mut seqs = Vec::new();
    let mut cursor = String::new();
    records(&app, "limit=9", 9).await;
    loop {
        let page = auditor
            .get(&format!("/admin/audit?limit=3{cursor}"))
            .await
            .ok()
            .json();
        seqs.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["seq"].as_u64().unwrap()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<u64> = (1..=seqs[0]).rev().collect();
    assert_eq!(seqs, expected);
    let refusal = TestApp::start()
        .await
        .admin()
        .get("/admin/audit")
        .await
        .error(404);
    assert!(refusal.contains("audit.enabled"), "{refusal}");
}
