//! Tokens that stand for a key for some minutes: `POST /api/v1/auth/token`.

use crate::{
    event_stream::EventStream,
    test_app::{Answer, Client, McpClient, TestApp},
};
use reqwest::Method;
use serde_json::{Value, json};

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn exchange(app: &TestApp, key: &str) -> Answer {
    post(&app.anonymous(), "/api/v1/auth/token", &json!({"api_key": key})).await
}

async fn create(app: &TestApp, wanted: Value) -> (String, String) {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

fn holder(app: &TestApp, shown: &str) -> Client {
    Client::new(app.address(), Some(shown.to_owned()))
}

async fn status(app: &TestApp, shown: &str, instance: &str) -> u16 {
    let client = McpClient::new(holder(app, shown), instance);
    client.modern("tools/list", json!({})).await.status
}

async fn token(app: &TestApp, key: &str) -> String {
    let answer = exchange(app, key).await.expect(200);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_exchanged_for_a_token_that_opens_what_the_key_opens() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    app.put_instance("other", &["get_item"]).await;
    let (id, key) = create(
        &app,
        json!({"name": "ann", "instances": ["desk"], "tools": ["get_*"], "limits": {"per_day": 1}}),
    )
    .await;
    let answer = exchange(&app, &key).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    let token = body["access_token"].as_str().unwrap().to_owned();
    let client = McpClient::new(holder(&app, &token), "desk");
    assert_eq!(client.tool_names().await, ["get_item"]);
    assert_eq!(status(&app, &token, "other").await, 403);
    holder(&app, &token).get("/admin/tds").await.error(403);
    // It is the key, also for what is counted.
    client.call("get_item", json!({"id": 1})).await;
    let params = json!({"name": "get_item", "arguments": {"id": 1}});
    let limited = McpClient::new(holder(&app, &key), "desk")
        .modern("tools/call", params)
        .await;
    assert_eq!(limited.status, 429, "{}", limited.text);
    let usage = app.admin().get(&format!("/admin/keys/{id}/usage")).await.data();
    assert!(usage["requests"].as_u64().unwrap() >= 2, "{usage}");
    // A token is exchanged for nothing.
    exchange(&app, &token).await.expect(401);
}

#[tokio::test]
async fn what_is_no_key_of_the_store_is_exchanged_for_nothing() {
    let app = TestApp::start().await;
    let (_, off) = create(&app, json!({"instances": ["desk"]})).await;
    let id = off.split('_').nth(1).unwrap().to_owned();
    post(&app.admin(), &format!("/admin/keys/{id}/inactivate"), &json!({}))
        .await
        .ok();
    let (_, ended) = create(
        &app,
        json!({"instances": ["desk"], "expires_at": "2020-01-01T00:00:00Z"}),
    )
    .await;
    for key in [
        "",
        "nobody",
        &off,
        &ended,
        &off.replace('a', "b"),
        app.user_key(),
        app.admin_key(),
        "ey.ey.ey",
    ] {
        let refused = exchange(&app, key).await.expect(401);
        let body = refused.json();
        assert_eq!(body["error"], "invalid_client", "{key}");
        assert!(body["error_description"].is_string(), "{}", refused.text);
        assert!(key.is_empty() || !refused.text.contains(key), "{}", refused.text);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    }
    for body in [json!([]), json!({}), json!({"api_key": 7}), json!("x")] {
        let refused = post(&app.anonymous(), "/api/v1/auth/token", &body)
            .await
            .expect(400);
        assert_eq!(refused.json()["error"], "invalid_request", "{body}");
    }
    post(
        &app.anonymous(),
        "/api/v1/auth/token",
        &json!({"api_key": "x".repeat(5000)}),
    )
    .await
    .expect(413);
    app.anonymous().get("/api/v1/auth/token").await.expect(405);
}

#[tokio::test]
async fn a_good_key_that_opens_nothing_is_no_wrong_key() {
    let app = TestApp::start().await;
    let (_, key) = create(&app, json!({"instances": ["desk"], "roles": ["broken"]})).await;
    exchange(&app, &key).await.expect(200);
    let wrong = json!({"allow": [{"actions": ["*"], "when": "args.amount <"}]});
    app.store(mcp_common::key::Key::role("broken"), &wrong.to_string())
        .await;
    let refused = exchange(&app, &key).await.expect(400);
    let body = refused.json();
    assert_eq!(body["error"], "invalid_grant", "{}", refused.text);
    let reason = body["error_description"].as_str().unwrap();
    assert!(reason.contains("the role `broken` is in quarantine"), "{reason}");
    assert_eq!(refused.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_token_ends_with_its_key_and_with_the_secret_that_it_was_made_for() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let (id, key) = create(&app, json!({"instances": ["desk"]})).await;
    let first = token(&app, &key).await;
    assert_eq!(status(&app, &first, "desk").await, 200);
    let stream = holder(&app, &first)
        .request(Method::GET, "/mcp/desk")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream");
    let mut stream = EventStream::open(stream).await;
    // Another secret, with a grace and without one.
    let path = format!("/admin/keys/{id}/rotate");
    let data = post(&app.admin(), &path, &json!({"grace_seconds": 600}))
        .await
        .ok()
        .data();
    let second_key = data["key"].as_str().unwrap().to_owned();
    assert_eq!(stream.next().await, None, "the key changed");
    assert_eq!(
        status(&app, &first, "desk").await,
        200,
        "its secret is still good"
    );
    let second = token(&app, &second_key).await;
    post(&app.admin(), &path, &json!({})).await.ok();
    for ended in [&first, &second] {
        assert_eq!(status(&app, ended, "desk").await, 401);
    }
    let (id, key) = create(&app, json!({"instances": ["desk"]})).await;
    let third = token(&app, &key).await;
    assert_eq!(status(&app, &third, "desk").await, 200);
    app.admin().delete(&format!("/admin/keys/{id}")).await.ok();
    assert_eq!(status(&app, &third, "desk").await, 401);
    exchange(&app, &key).await.expect(401);
    // A key that ends soon has tokens that do not live longer.
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(120);
    let soon = mcp_common::definition::api_key::Timestamp(soon).to_string();
    let (_, key) = create(&app, json!({"instances": ["desk"], "expires_at": soon})).await;
    let life = exchange(&app, &key).await.expect(200).json()["expires_in"]
        .as_u64()
        .unwrap();
    assert!((100..=120).contains(&life), "{life}");
}

#[tokio::test]
async fn a_forged_token_is_refused_and_one_of_another_gateway_with_the_same_secret_is_not() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let (id, key) = create(&app, json!({"instances": ["desk"]})).await;
    let good = token(&app, &key).await;
    let parts: Vec<&str> = good.split('.').collect();
    let changed = parts[1].replace(|c: char| c.is_ascii_digit(), "0");
    for forged in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{changed}.{}", parts[0], parts[2]),
        format!(
            "{}.{}.{}",
            parts[0],
            parts[1],
            parts[2].replace(|c: char| c.is_ascii_lowercase(), "x")
        ),
        format!("{good}x"),
        format!("{}.{}.{}", parts[0], "x".repeat(3000), parts[2]),
    ] {
        assert_eq!(status(&app, &forged, "desk").await, 401, "{forged}");
    }
    assert_eq!(status(&app, &good, "desk").await, 200);

    // The same key in two gateways.
    let document = app.admin().get(&format!("/admin/keys/{id}")).await.data();
    let with = async |secret: &str| {
        let other = TestApp::with(&[("mcp.session_secret", secret)]).await;
        other.with_item_tools("desk").await;
        other
            .admin()
            .put(&format!("/admin/keys/{id}"), &document)
            .await
            .ok();
        other
    };
    let (one, two, three) = (
        with("a-secret-of-both").await,
        with("a-secret-of-both").await,
        with("another-one").await,
    );
    let shared = token(&one, &key).await;
    assert_eq!(status(&two, &shared, "desk").await, 200);
    assert_eq!(status(&three, &shared, "desk").await, 401);
    assert_eq!(status(&app, &shared, "desk").await, 401);
}
