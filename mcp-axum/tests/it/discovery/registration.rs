//! Servers that announce themselves.

use super::{gateway, ids, listed, server, until};
use crate::test_app::{Answer, Client, DEADLINE, TestApp};
use reqwest::Method;
use serde_json::{Value, json};

fn table(more: &Value) -> Value {
    let mut table = json!({"type": "registration", "name": "registry", "tags": ["found"]});
    for (name, value) in more.as_object().unwrap() {
        table[name] = value.clone();
    }
    json!([table])
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn register(client: &Client, body: &Value) -> Answer {
    post(client, "/api/register", body).await
}

/// The holder of a key with a role that has this rule.
async fn holder(app: &TestApp, id: &str, actions: &[&str]) -> Client {
    let role = json!({"allow": [{"actions": actions}]});
    app.admin().put(&format!("/admin/roles/{id}"), &role).await.ok();
    let wanted = json!({"name": id, "roles": [id]});
    let made = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    Client::new(app.address(), made["key"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn a_server_registers_is_called_moves_and_leaves() {
    let far = server().await;
    let app = gateway(&table(&json!({}))).await;
    let admin = app.admin();
    let mut said = json!({"name": "Weather One", "url": far.url("/mcp/shop"), "description": "Rain.", "tags": ["weather", "api"],
        "priority": 5, "auto_connect": true, "metadata": {"capabilities": ["rain"], "version": "1.0"}});
    let made = register(&admin, &said).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (&made["status"], &made["server"]["id"]),
        (&json!("registered"), &json!("weather-one"))
    );
    assert_eq!(
        (&made["stale_after"], &made["heartbeat_interval"]),
        (&json!(600), &json!(200))
    );
    listed(&app, &["add_item", "get_item"]).await;
    let called = app.mcp("i").call("get_item", json!({"id": 7})).await;
    assert_eq!(called["structuredContent"]["path"], "/items/7");
    let upstreams = admin.get("/admin/upstreams?capability=rain").await.data();
    assert_eq!(
        (&upstreams[0]["origin"], &upstreams[0]["id"]),
        (&json!("registry"), &json!("weather-one"))
    );

    // Everything that was said comes back, and is found by any of its tags.
    let shown = admin.get("/api/servers/Weather%20One").await.ok().json();
    for (member, value) in said.as_object().unwrap() {
        assert_eq!(&shown[member], value, "{member}");
    }
    assert_eq!(
        (&shown["status"], &shown["connection"]),
        (&json!("active"), &json!("ready"))
    );
    assert_eq!(
        register(
            &admin,
            &json!({"name": "high", "url": "http://127.0.0.1:9/mcp", "tags": ["api"], "priority": 50})
        )
        .await
        .status,
        201
    );
    let names = async |query: &str| -> Vec<String> {
        let found = admin.get(&format!("/api/discover{query}")).await.ok().json();
        let servers = found["servers"].as_array().unwrap().iter();
        servers
            .map(|server| server["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names("").await, ["high", "Weather One"]);
    assert_eq!(names("?tags=weather,other").await, ["Weather One"]);
    assert_eq!(names("?tags=nothing").await, Vec::<String>::new());

    let beat = post(&admin, "/api/servers/Weather%20One/heartbeat", &json!({}))
        .await
        .ok()
        .json();
    assert_eq!(beat["status"], "ok");
    // Another address is another connection, and the same server.
    said["url"] = json!("http://127.0.0.1:9/mcp");
    let updated = register(&admin, &said).await.ok().json();
    assert_eq!(
        (&updated["status"], &updated["server"]["id"]),
        (&json!("updated"), &json!("weather-one"))
    );
    let status = async || admin.get("/admin/uds/weather-one/status").await.data();
    while status().await["state"] != "waiting" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    said["url"] = json!(far.url("/mcp/shop"));
    register(&admin, &said).await.ok();
    listed(&app, &["add_item", "get_item"]).await;
    let counted = admin.get("/api/status").await.ok().json();
    assert_eq!(
        (&counted["status"], &counted["servers"], &counted["active"]),
        (&json!("running"), &json!(2), &json!(2))
    );
    admin.delete("/api/servers/Weather%20One").await.ok();
    listed(&app, &[]).await;
    admin.delete("/api/servers/Weather%20One").await.error(404);
    post(&admin, "/api/servers/Weather%20One/heartbeat", &json!({}))
        .await
        .error(404);
    admin.get("/api/servers/Weather%20One").await.error(404);
}

#[tokio::test]
async fn without_a_heartbeat_a_server_is_stale_and_comes_back_with_one() {
    let far = server().await;
    let app = gateway(&table(&json!({"stale_after": 2}))).await;
    let admin = app.admin();
    register(&admin, &json!({"name": "lab-a", "url": far.url("/mcp/shop")}))
        .await
        .expect_created();
    until("it is found", &app, |now| ids(now) == ["lab-a"]).await;
    until("its lease has ended", &app, |now| ids(now).is_empty()).await;
    assert_eq!(admin.get("/api/discover").await.ok().json()["servers"], json!([]));
    let shown = admin.get("/api/servers/lab-a").await.ok().json();
    assert_eq!(
        (&shown["status"], shown.get("connection")),
        (&json!("stale"), None)
    );
    assert_eq!(admin.get("/api/status").await.ok().json()["stale"], 1);
    post(&admin, "/api/servers/lab-a/heartbeat", &json!({}))
        .await
        .ok();
    until("it is back", &app, |now| ids(now) == ["lab-a"]).await;
}

#[tokio::test]
async fn registrations_outlive_a_restart() {
    let far = server().await;
    let tables = table(&json!({})).to_string();
    let mut app = TestApp::with(&[("discovery", &*tables), ("app.data_source", "sqlite")]).await;
    let instance = json!({"name": "i", "include": {"upstream_tags": ["found"]}});
    app.admin().put("/admin/ids/i", &instance).await.ok();
    register(
        &app.admin(),
        &json!({"name": "lab-a", "url": far.url("/mcp/shop"), "metadata": {"a": [1, {"b": null}]}}),
    )
    .await
    .expect_created();
    let before = app.admin().get("/api/servers/lab-a").await.ok().json();
    app.restart().await;
    listed(&app, &["add_item", "get_item"]).await;
    let after = app.admin().get("/api/servers/lab-a").await.ok().json();
    for member in ["registered_at", "metadata", "url", "id"] {
        assert_eq!(before[member], after[member], "{member}");
    }
}

/// Waits until the gateway's registry says so of this server.
async fn known(app: &TestApp, name: &str, is_so: impl Fn(&Answer) -> bool) {
    let start = std::time::Instant::now();
    loop {
        let shown = app.admin().get(&format!("/api/servers/{name}")).await;
        if is_so(&shown) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "{shown:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn replicas_on_one_store_have_the_same_registrations() {
    let (far, folder) = (server().await, tempfile::TempDir::new().unwrap());
    let mut one = on_store(&folder, 600).await;
    let instance = json!({"name": "i", "include": {"upstream_tags": ["found"]}});
    one.admin().put("/admin/ids/i", &instance).await.ok();
    let other = on_store(&folder, 600).await;
    let said = json!({"name": "weather", "url": far.url("/mcp/shop"), "metadata": {"version": "1.0"}});
    register(&one.admin(), &said).await.expect_created();
    // Another replica knows it when it is asked, and calls it.
    known(&other, "weather", |shown| shown.status == 200).await;
    let shown = other.admin().get("/api/servers/weather").await.ok().json();
    assert_eq!(
        (&shown["metadata"], &shown["status"]),
        (&said["metadata"], &json!("active"))
    );
    listed(&other, &["add_item", "get_item"]).await;
    let called = other.mcp("i").call("get_item", json!({"id": 7})).await;
    assert_eq!(called["structuredContent"]["path"], "/items/7");
    assert_eq!(other.admin().get("/api/status").await.ok().json()["shared"], true);

    // Heartbeats may go to any of them, and so may whoever leaves.
    post(&other.admin(), "/api/servers/weather/heartbeat", &json!({}))
        .await
        .ok();
    let second = json!({"name": "second", "url": "http://127.0.0.1:9/mcp"});
    register(&other.admin(), &second).await.expect_created();
    one.admin().delete("/api/servers/second").await.ok();
    known(&other, "second", |shown| shown.status == 404).await;

    // The one that was told dies; the other one has the server still.
    one.stop().await;
    assert_eq!(
        other.admin().get("/api/servers/weather").await.ok().json()["status"],
        "active"
    );
    assert_eq!(other.mcp("i").tool_names().await, ["add_item", "get_item"]);
}

/// A gateway whose definitions, and registrations, are in this folder.
async fn on_store(folder: &tempfile::TempDir, stale_after: u64) -> TestApp {
    let tables = table(&json!({"stale_after": stale_after})).to_string();
    let store = folder.path().join("definitions.db").display().to_string();
    TestApp::with(&[
        ("discovery", &*tables),
        ("app.data_source", "sqlite"),
        ("data_source.sqlite.path", &*store),
    ])
    .await
}

#[tokio::test]
async fn a_lease_that_ends_ends_at_all_replicas_and_begins_again_at_all() {
    let (far, folder) = (server().await, tempfile::TempDir::new().unwrap());
    let mut one = on_store(&folder, 2).await;
    let instance = json!({"name": "i", "include": {"upstream_tags": ["found"]}});
    one.admin().put("/admin/ids/i", &instance).await.ok();
    let other = on_store(&folder, 2).await;
    let said = json!({"name": "weather", "url": far.url("/mcp/shop")});
    register(&one.admin(), &said).await.expect_created();
    known(&other, "weather", |shown| shown.status == 200).await;
    // The one that was told dies, and nobody hears of the server any more.
    one.stop().await;
    known(&other, "weather", |shown| shown.json()["status"] == "stale").await;
    listed(&other, &[]).await;
    // And the one that comes back learns that.
    one.start_again().await;
    let is_stale = |shown: &Answer| shown.status == 200 && shown.json()["status"] == "stale";
    known(&one, "weather", is_stale).await;
    let start = std::time::Instant::now();
    loop {
        post(&one.admin(), "/api/servers/weather/heartbeat", &json!({}))
            .await
            .ok();
        let shown = other.admin().get("/api/servers/weather").await.ok().json();
        if shown["status"] == "active" {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "{shown}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn registrations_are_a_replicas_own_where_the_store_keeps_none() {
    let far = server().await;
    let app = gateway(&table(&json!({}))).await;
    register(
        &app.admin(),
        &json!({"name": "lab-a", "url": far.url("/mcp/shop")}),
    )
    .await
    .expect_created();
    assert_eq!(app.admin().get("/api/status").await.ok().json()["shared"], false);
}

#[tokio::test]
async fn who_may_register_what_is_a_matter_of_names() {
    let app = gateway(&table(&json!({"max_per_key": 2}))).await;
    let weather = holder(&app, "weather", &["register/weather-*"]).await;
    let other = holder(&app, "other", &["register/*"]).await;
    let viewer = holder(&app, "looks", &["admin/upstreams/read"]).await;
    let nowhere = |name: &str| json!({"name": name, "url": "http://127.0.0.1:9/mcp"});
    register(&app.anonymous(), &nowhere("weather-a")).await.error(401);
    register(&app.user(), &nowhere("weather-a")).await.error(403);
    register(&viewer, &nowhere("weather-a")).await.error(403);
    let refused = register(&weather, &nowhere("billing")).await.error(403);
    assert!(refused.contains("register/billing"), "{refused}");
    register(&weather, &nowhere("weather-a")).await.expect_created();
    // Its name is its own, whatever else others may register.
    let taken = register(&other, &nowhere("weather-a")).await.error(409);
    assert!(taken.contains("registered by somebody else"), "{taken}");
    other.delete("/api/servers/weather-a").await.error(409);
    post(&other, "/api/servers/weather-a/heartbeat", &json!({}))
        .await
        .error(409);
    // Another key of the same name is somebody else, and a name that is none becomes no id.
    let wanted = json!({"name": "weather", "roles": ["weather"]});
    let made = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    let namesake = Client::new(app.address(), made["key"].as_str().map(str::to_owned));
    register(&namesake, &nowhere("weather-a")).await.error(409);
    let whole = register(&weather, &nowhere("weather-")).await.error(400);
    assert!(whole.contains("begin and end with a letter"), "{whole}");
    // What an administrator changes stays whose it was.
    let moved = json!({"name": "weather-a", "url": "http://127.0.0.1:9/moved"});
    register(&app.admin(), &moved).await.ok();
    post(&weather, "/api/servers/weather-a/heartbeat", &json!({}))
        .await
        .ok();
    register(&other, &nowhere("billing")).await.expect_created();
    let seen = async |client: &Client| client.get("/api/discover").await.ok().json()["count"].clone();
    assert_eq!(
        (seen(&weather).await, seen(&viewer).await, seen(&other).await),
        (json!(1), json!(2), json!(2))
    );
    weather.get("/api/servers/billing").await.error(404);
    weather.get("/admin/uds").await.error(403);

    register(&other, &nowhere("c")).await.expect_created();
    let full = register(&other, &nowhere("d")).await.error(507);
    assert!(full.contains("max_per_key"), "{full}");
    app.admin().delete("/api/servers/c").await.ok();
    assert_eq!(
        ids(&until("two are left", &app, |now| ids(now).len() == 2).await),
        ["billing", "weather-a"]
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let app = gateway(&table(&json!({}))).await;
    let admin = app.admin();
    register(&admin, &json!({"name": "a", "url": "http://127.0.0.1:9/mcp"}))
        .await
        .expect_created();
    for (body, status, expected) in [
        (json!({"name": "b"}), 400, "missing field `url`"),
        (
            json!({"name": "b", "url": "gopher://x"}),
            400,
            "url: must begin with http",
        ),
        (
            json!({"name": "a", "url": "file:///etc/passwd"}),
            400,
            "url: is not a URL",
        ),
        (
            json!({"name": "a/b", "url": "http://x/mcp"}),
            400,
            "name: must have 1 to 128 bytes",
        ),
        (
            json!({"name": "", "url": "http://x/mcp"}),
            400,
            "name: must have 1 to 128 bytes",
        ),
        (
            json!({"name": "A", "url": "http://x/mcp"}),
            409,
            "its id `a` is that of the server `a`",
        ),
        (json!([]), 400, "expected a JSON object"),
        (
            json!({"name": "b", "url": "http://x/mcp", "tags": vec!["x"; 100]}),
            400,
            "tags: has 101 words",
        ),
        (
            json!({"name": "b", "url": "http://x/mcp", "metadata": {"x": "y".repeat(70_000)}}),
            413,
            "65536 bytes",
        ),
    ] {
        let refused = register(&admin, &body).await.error(status);
        assert!(refused.contains(expected), "{body}: {refused}");
    }
    assert_eq!(
        admin.get("/api/servers/a").await.ok().json()["url"],
        "http://127.0.0.1:9/mcp"
    );
    assert_eq!(admin.get("/api/status").await.ok().json()["servers"], 1);
    let flood = async |number: usize| {
        register(
            &admin,
            &json!({"name": "a", "url": format!("http://127.0.0.1:9/{number}")}),
        )
        .await
    };
    let mut refused = None;
    for number in 0..500 {
        let answer = flood(number).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a flood is let in");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    let without = TestApp::start().await;
    assert_eq!(
        register(&without.admin(), &json!({})).await.status,
        404,
        "no registry is configured"
    );
}

impl Answer {
    #[track_caller]
    fn expect_created(self) -> Self {
        assert_eq!(self.status, 201, "{}: {}", self.request, self.text);
        self
    }
}

#[tokio::test]
async fn a_server_is_told_what_is_not_used_as_it_says() {
    let app = gateway(&table(&json!({}))).await;
    let admin = app.admin();
    let mut said = json!({"name": "weather", "url": "http://127.0.0.1:9/mcp"});
    let made = register(&admin, &said).await.json();
    assert_eq!(made["notes"], json!([]));
    let stored = json!({"url": "http://127.0.0.1:9/other", "auto_connect": false});
    admin.put("/admin/uds/weather", &stored).await.ok();
    said["health_check_url"] = json!("http://127.0.0.1:10/health");
    let made = register(&admin, &said).await.json();
    assert_eq!(
        made["notes"],
        json!([
            "it is not used while there is a stored upstream with its id, `weather`",
            "health_check_url: `http://127.0.0.1:10/health` is not asked, since it is not at the address of `url`",
        ])
    );
}
