//! Keys of the store: what each opens, and that a change holds from the next request on, for open streams too.

mod usage;

use crate::{
    event_stream::EventStream,
    test_app::{Client, DEADLINE, McpClient, TestApp, eventually},
    websocket::Socket,
};
use mcp_common::definition::api_key::{Timestamp, Token};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

async fn post(app: &TestApp, path: &str, body: &Value) -> crate::test_app::Answer {
    let admin = app.admin();
    admin.send(admin.request(Method::POST, path).json(body)).await
}

/// A new key: its id and what its holder shows.
async fn create(app: &TestApp, wanted: Value) -> (String, String) {
    let data = post(app, "/admin/keys", &wanted).await.ok().data();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

fn holder(app: &TestApp, key: &str) -> Client {
    Client::new(app.address(), Some(key.to_owned()))
}

/// The status of a list of the instance's tools.
async fn status(app: &TestApp, key: &str, instance: &str) -> u16 {
    let client = McpClient::new(holder(app, key), instance);
    client.modern("tools/list", json!({})).await.status
}

#[tokio::test]
async fn a_key_opens_the_instances_that_it_names_and_nothing_else() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    app.put_instance("desk-2", &["get_item"]).await;
    app.put_instance("shop", &["get_item"]).await;
    let (id, key) = create(&app, json!({"name": "ann", "instances": ["desk", "desk-*"]})).await;
    let client = McpClient::new(holder(&app, &key), "desk");
    assert_eq!(client.tool_names().await, ["get_item", "add_item"]);
    assert_eq!(status(&app, &key, "desk-2").await, 200);

    let refused = McpClient::new(holder(&app, &key), "shop")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains("this key does not open the instance `shop`"),
        "{message}"
    );
    let unknown = McpClient::new(holder(&app, &key), "nowhere")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(
        unknown.text,
        refused.text.replace("shop", "nowhere"),
        "whether there is such an instance is not to be found out"
    );
    let admin = holder(&app, &key).get("/admin/status").await;
    let refusal = admin.error(403);
    assert!(refusal.contains("not /admin"), "{refusal}");

    let usage = app.admin().get(&format!("/admin/keys/{id}/usage")).await.data();
    assert_eq!(usage["requests"], 2, "those that were refused are none: {usage}");
    // As times: how many digits a second has differs.
    let time = |name: &str| usage[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(time("last_used_at") >= time("since"), "{usage}");
}

#[tokio::test]
async fn a_key_without_instances_opens_nothing_and_one_of_an_administrator_everything() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let answer = post(&app, "/admin/keys", &json!({"name": "nobody"}))
        .await
        .ok()
        .json();
    assert!(
        answer["warnings"][0].as_str().unwrap().contains("opens nothing"),
        "{answer}"
    );
    assert_eq!(
        status(&app, answer["data"]["key"].as_str().unwrap(), "desk").await,
        403
    );

    let (_, root) = create(&app, json!({"name": "root-2", "roles": ["admin"]})).await;
    assert_eq!(status(&app, &root, "desk").await, 200);
    holder(&app, &root)
        .put("/admin/ids/by-root", &json!({"name": "By root"}))
        .await
        .ok();
    let history = app.admin().get("/admin/ids/by-root/history").await.data();
    assert_eq!(history[0]["principal"], "root-2", "{history}");
}

#[tokio::test]
async fn what_is_shown_of_a_key_is_in_one_answer_and_nowhere_else() {
    let app = TestApp::sqlite().await;
    let (id, key) = create(&app, json!({"name": "ann", "instances": ["*"]})).await;
    let (_, secret) = key.trim_start_matches("mcp_").split_once('_').unwrap();
    let paths = [
        format!("/admin/keys/{id}"),
        format!("/admin/keys/{id}/history"),
        "/admin/keys".to_owned(),
        "/admin/export".to_owned(),
        "/admin/status".to_owned(),
    ];
    for path in &paths {
        let text = app.admin().get(path).await.ok().text;
        assert!(!text.contains(&secret[..16]), "{path}: {text}");
    }
    // The database and its log.
    let has = |text: &str| {
        let files = ["definitions.db", "definitions.db-wal"].map(|file| app.directory().join(file));
        let stored = files
            .into_iter()
            .filter_map(|file| std::fs::read(file).ok())
            .flatten();
        stored
            .collect::<Vec<u8>>()
            .windows(text.len())
            .any(|bytes| bytes == text.as_bytes())
    };
    assert!(has(&id), "the definition itself is there");
    assert!(!has(&secret[..16]));
}

#[tokio::test]
async fn switching_off_rotating_and_deleting_hold_from_the_next_request_on() {
    let mut app = TestApp::sqlite().await;
    app.with_item_tools("desk").await;
    let (id, first) = create(&app, json!({"name": "ann", "instances": ["desk"]})).await;
    post(&app, &format!("/admin/keys/{id}/inactivate"), &json!({}))
        .await
        .ok();
    let refused = McpClient::new(holder(&app, &first), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(refused.status, 401);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(
        message.contains(&format!("the key `{id}` is not active")),
        "{message}"
    );
    post(&app, &format!("/admin/keys/{id}/activate"), &json!({}))
        .await
        .ok();
    assert_eq!(status(&app, &first, "desk").await, 200);

    let rotate = format!("/admin/keys/{id}/rotate");
    let second = post(&app, &rotate, &json!({"grace_seconds": 3600}))
        .await
        .ok()
        .data();
    let second = second["key"].as_str().unwrap();
    assert_eq!(
        (
            status(&app, &first, "desk").await,
            status(&app, second, "desk").await
        ),
        (200, 200)
    );
    let third = post(&app, &rotate, &json!({})).await.ok().data();
    let third = third["key"].as_str().unwrap().to_owned();
    assert_eq!(
        (
            status(&app, &first, "desk").await,
            status(&app, second, "desk").await
        ),
        (401, 401)
    );
    assert_eq!(status(&app, &third, "desk").await, 200);
    for (body, said) in [
        (json!([5]), "expected a JSON object"),
        (json!({"grace_seconds": u64::MAX}), "the grace is too long"),
        (
            json!({"grace_seconds": 1_000_000_000_000_000_u64}),
            "the grace is too long",
        ),
    ] {
        let refusal = post(&app, &rotate, &body).await.error(400);
        assert!(refusal.contains(said), "{body}: {refusal}");
    }
    let mistyped = post(&app, &rotate, &json!({"grace": 1})).await;
    let refusal = mistyped.error(400);
    assert!(refusal.contains("unknown field `grace`"), "{refusal}");

    app.restart().await;
    assert_eq!(status(&app, &third, "desk").await, 200);
    app.admin().delete(&format!("/admin/keys/{id}")).await.ok();
    let gone = McpClient::new(holder(&app, &third), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(gone.status, 401);
    assert!(gone.text.contains("the key is not known here"), "{}", gone.text);
    let unknown = post(&app, &rotate, &json!({})).await;
    let refusal = unknown.error(404);
    assert!(refusal.contains("there is no KDS"), "{refusal}");
}

fn listen(app: &TestApp, key: &str) -> reqwest::RequestBuilder {
    holder(app, key)
        .request(Method::GET, "/mcp/desk")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream")
}

#[tokio::test]
async fn a_stream_ends_with_its_key_and_those_of_others_go_on() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let (id, key) = create(&app, json!({"name": "ann", "instances": ["desk"]})).await;
    let (_, other) = create(&app, json!({"name": "bob", "instances": ["desk"]})).await;
    let mut revoked = EventStream::open(listen(&app, &key)).await;
    let mut others = EventStream::open(listen(&app, &other)).await;
    post(&app, &format!("/admin/keys/{id}/inactivate"), &json!({}))
        .await
        .ok();
    assert_eq!(revoked.next().await, None, "it ends");
    others.stays_silent(Duration::from_millis(300)).await;
    let again = listen(&app, &key).send().await.unwrap();
    assert_eq!(again.status(), 401);
}

#[tokio::test]
async fn what_one_gateway_takes_back_another_one_refuses() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("store.db").display().to_string();
    let store = [
        ("app.data_source", "sqlite"),
        ("data_source.sqlite.path", path.as_str()),
    ];
    let one = TestApp::with(&store).await;
    one.with_item_tools("desk").await;
    let (id, key) = create(&one, json!({"instances": ["desk"]})).await;
    let (_, other) = create(&one, json!({"instances": ["desk"]})).await;
    let elsewhere = TestApp::with(&store).await;
    let until = async |key: &str, expected: u16| {
        let start = Instant::now();
        while status(&elsewhere, key, "desk").await != expected {
            assert!(start.elapsed() < DEADLINE, "not yet {expected}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until(&key, 200).await;
    let mut stream = EventStream::open(listen(&elsewhere, &key)).await;
    post(&one, &format!("/admin/keys/{id}/inactivate"), &json!({}))
        .await
        .ok();
    until(&key, 401).await;
    assert_eq!(stream.next().await, None, "it ends there, too");
    assert_eq!(status(&elsewhere, &other, "desk").await, 200);
}

#[tokio::test]
async fn channels_end_with_their_key() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let document = json!({"name": "Old", "tool_ids": ["get_item"], "metadata": {"proto_type": "legacy"}});
    app.admin().put("/admin/ids/desk", &document).await.ok();
    let (id, key) = create(&app, json!({"instances": ["desk"]})).await;
    let bearer = format!("Bearer {key}");
    let mut socket = Socket::open(&app, "/ws/desk", &[("authorization", &bearer)])
        .await
        .unwrap();
    socket.initialize().await;
    let request = holder(&app, &key).request(Method::GET, "/sse/desk");
    let mut events = EventStream::open(request.header("accept", "text/event-stream")).await;
    post(&app, &format!("/admin/keys/{id}/inactivate"), &json!({}))
        .await
        .ok();
    let (code, reason) = socket.closed_with().await;
    assert_eq!(
        (code, reason.as_str()),
        (
            CloseCode::Policy,
            "what let this caller in, a key or the configuration, has changed or ended; open another one"
        )
    );
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_so_do_its_streams() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let end = SystemTime::now() + Duration::from_secs(2);
    let end = Timestamp(end).to_string();
    let (_, key) = create(
        &app,
        json!({"name": "ann", "instances": ["desk"], "expires_at": end}),
    )
    .await;
    let mut stream = EventStream::open(listen(&app, &key)).await;
    assert_eq!(stream.next().await, None, "it ends");
    eventually("the key has ended", || {
        SystemTime::now() > end.parse::<Timestamp>().unwrap().0
    })
    .await;
    let refused = McpClient::new(holder(&app, &key), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(refused.status, 401);
    assert!(
        refused.text.contains(&format!("ended at {end}")),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn forged_keys_are_unknown_whatever_they_look_like() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let (id, key) = create(&app, json!({"name": "ann", "instances": ["desk"]})).await;
    let hash = app.admin().get(&format!("/admin/keys/{id}")).await.data();
    let hash = hash["secrets"][0]["sha256"].as_str().unwrap().to_owned();
    let other = Token::text(&id, &[7; 32]);
    for forged in [
        hash.as_str(),
        &format!("mcp_{id}_{hash}"),
        &other,
        &id,
        &key.to_uppercase(),
        &format!("{key}0"),
    ] {
        let refused = McpClient::new(holder(&app, forged), "desk")
            .modern("tools/list", json!({}))
            .await;
        assert_eq!(refused.status, 401, "{forged}");
        assert!(
            refused.text.contains("the key is not known here"),
            "{}",
            refused.text
        );
    }
    assert_eq!(status(&app, &key, "desk").await, 200);
    let both = holder(&app, &key).with_header("x-api-key", &other);
    let both = McpClient::new(both, "desk").modern("tools/list", json!({})).await;
    assert!(both.text.contains("two different keys"), "{}", both.text);
}

#[tokio::test]
async fn what_a_key_carries_is_there_for_templates() {
    let app = TestApp::start().await;
    let upstream = app.upstream().await;
    let document = json!({
        "name": "who", "description": "Says who calls.", "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/",
            "headers": {"X-Who": "{{ principal.claims.account }}-{{ principal.roles | join('+') }}"}},
    });
    app.admin().put("/admin/tds/who", &document).await.ok();
    app.put_instance("desk", &["who"]).await;
    let wanted = json!({"instances": ["desk"], "roles": ["ops", "billing"], "claims": {"account": 9007199254740993_u64}});
    let (_, key) = create(&app, wanted).await;
    McpClient::new(holder(&app, &key), "desk")
        .call("who", json!({}))
        .await;
    let seen = upstream.requests();
    assert_eq!(seen[0].headers["x-who"], "9007199254740993-ops+billing");
}

#[tokio::test]
async fn what_a_key_does_not_show_is_neither_listed_nor_called() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("desk").await;
    let mut tagged = app.admin().get("/admin/tds/add_item").await.data();
    tagged["name"] = json!("count_items");
    tagged["tags"] = json!(["read-only"]);
    app.admin().put("/admin/tds/count_items", &tagged).await.ok();
    app.put_instance("desk", &["get_item", "add_item", "count_items"])
        .await;
    let all = app.mcp("desk").tool_names().await;
    assert_eq!(all, ["get_item", "add_item", "count_items"]);
    let shown = json!({"instances": ["desk"], "tools": ["get_*", "tag:read-only"]});
    let (id, key) = create(&app, shown).await;
    let client = McpClient::new(holder(&app, &key), "desk");
    assert_eq!(client.tool_names().await, ["get_item", "count_items"]);
    client.call("get_item", json!({"id": 1})).await;
    let params = json!({"name": "add_item", "arguments": {"name": "x"}});
    let hidden = client.modern("tools/call", params).await;
    let unknown = client
        .modern("tools/call", json!({"name": "no_such_tool", "arguments": {}}))
        .await;
    assert_eq!(hidden.text.replace("add_item", "no_such_tool"), unknown.text);
    assert_eq!(upstream.requests().len(), 1);
    let (_, none) = create(&app, json!({"instances": ["desk"], "tools": []})).await;
    assert_eq!(
        McpClient::new(holder(&app, &none), "desk").tool_names().await,
        Vec::<String>::new()
    );

    // The instance changes, then the key.
    app.put_instance("desk", &["count_items", "get_item"]).await;
    assert_eq!(client.tool_names().await, ["count_items", "get_item"]);
    tagged["tags"] = json!([]);
    app.admin().put("/admin/tds/count_items", &tagged).await.ok();
    assert_eq!(client.tool_names().await, ["get_item"]);
    let mut document = app.admin().get(&format!("/admin/keys/{id}")).await.data();
    document["tools"] = json!(["count_*"]);
    app.admin()
        .put(&format!("/admin/keys/{id}"), &document)
        .await
        .ok();
    assert_eq!(client.tool_names().await, ["count_items"]);
    assert_eq!(
        app.mcp("desk").tool_names().await,
        ["count_items", "get_item"],
        "others see what they saw"
    );
}

/// Nobody is locked out for good without having said so: neither by switching the last one off, nor by taking its rights, nor by deleting it.
#[tokio::test]
async fn the_last_admin_of_the_store_stays_where_no_configured_key_opens_anything() {
    let mut app = TestApp::sqlite().await;
    let (first, key) = create(&app, json!({"name": "first", "roles": ["admin"]})).await;
    app.configure(
        "authenticator.jwt.issuers",
        r#"[{"name": "a", "issuer": "https://issuer.example.com"}]"#,
    );
    app.configure("app.authenticators", "jwt");
    app.restart().await;
    assert_eq!(app.admin().get("/admin/status").await.status, 401);
    let (admin, path) = (holder(&app, &key), format!("/admin/keys/{first}"));
    let inactivate = format!("{path}/inactivate");
    let mut without_roles = admin.get(&path).await.data();
    without_roles["roles"] = json!([]);
    for refused in [
        admin.send(admin.request(Method::POST, &inactivate)).await,
        admin.put(&path, &without_roles).await,
        admin.delete(&path).await,
    ] {
        let reason = refused.error(409);
        assert!(reason.contains("is the last key that may write keys"), "{reason}");
    }

    // Where there is another one, or with the word that it is meant, it is done.
    let wanted = json!({"name": "second", "roles": ["admin"]});
    let second = admin.send(admin.request(Method::POST, "/admin/keys").json(&wanted));
    let second = second.await.ok().data();
    admin.send(admin.request(Method::POST, &inactivate)).await.ok();
    let admin = holder(&app, second["key"].as_str().unwrap());
    let path = format!("/admin/keys/{}", second["id"].as_str().unwrap());
    admin.delete(&path).await.error(409);
    admin.delete(&format!("{path}?force=true")).await.ok();
    assert_eq!(admin.get("/admin/status").await.status, 401);
}
