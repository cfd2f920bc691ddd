//! Paths of server managers that were there before: the same gateway in other words.

use crate::test_app::{Answer, Client, DEADLINE, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    client.send(client.request(method, path).json(body)).await
}

async fn far() -> TestApp {
    let far = TestApp::start().await;
    far.with_item_tools("shop").await;
    let mut open = far.admin().get("/admin/ids/shop").await.data();
    open["auth"] = json!("none");
    far.admin().put("/admin/ids/shop", &open).await.ok();
    far
}

#[tokio::test]
async fn servers_are_made_read_changed_and_removed() {
    let (far, app) = (far().await, TestApp::start().await);
    let admin = app.admin();
    assert_eq!(
        admin.get("/api/v1/mcp/servers").await.ok().json()["servers"],
        json!([])
    );
    let said = json!({"name": "My Server", "endpoint": far.url("/mcp/shop"), "description": "Far.", "is_active": true, "unknown": 1});
    let made = send(&admin, Method::POST, "/api/v1/mcp/servers", &said).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(
        (&made["id"], &made["name"], &made["url"], &made["is_active"]),
        (
            &json!("my-server"),
            &json!("My Server"),
            &json!(far.url("/mcp/shop")),
            &json!(true)
        )
    );
    let instance = json!({"name": "i", "include": {"upstreams": ["my-server"]}});
    admin.put("/admin/ids/i", &instance).await.ok();
    let start = Instant::now();
    while app.mcp("i").tool_names().await != ["add_item", "get_item"] {
        assert!(start.elapsed() < DEADLINE, "it is not usable");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let again = send(&admin, Method::POST, "/api/v1/mcp/servers", &said)
        .await
        .error(409);
    assert!(again.contains("there is a server `my-server` already"), "{again}");
    send(
        &admin,
        Method::POST,
        "/api/v1/mcp/servers",
        &json!({"url": "http://x/mcp"}),
    )
    .await
    .error(400);
    let wrong = json!({"name": "x", "url": "nowhere"});
    let wrong = send(&admin, Method::POST, "/api/v1/mcp/servers", &wrong)
        .await
        .error(400);
    assert!(wrong.contains("url: must begin with"), "{wrong}");

    let shown = admin.get("/api/v1/mcp/servers/my-server").await.ok().json();
    assert_eq!(
        (&shown["status"], &shown["tools_count"]),
        (&json!("connected"), &json!(2))
    );
    assert_eq!(admin.get("/api/v1/mcp/servers").await.ok().json()["total"], 1);
    let servers = admin.get("/api/v1/admin/servers").await.ok().json();
    assert_eq!(servers["servers"][0]["id"], "my-server");
    let tools = admin.get("/api/v1/admin/tools").await.ok().json();
    let add = json!({"id": "my-server/add_item", "name": "add_item", "server": "my-server", "enabled": true});
    assert!(tools["tools"].as_array().unwrap().contains(&add), "{tools}");

    // What is not said stays; what is switched off shows nothing.
    let off = json!({"is_active": false});
    let changed = send(&admin, Method::PUT, "/api/v1/mcp/servers/my-server", &off)
        .await
        .ok()
        .json();
    assert_eq!(
        (&changed["is_active"], &changed["status"], &changed["description"]),
        (&json!(false), &json!("inactive"), &json!("Far."))
    );
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
    assert_eq!(admin.get("/admin/uds/my-server").await.data()["enabled"], false);
    let removed = admin.delete("/api/v1/mcp/servers/my-server").await;
    assert_eq!((removed.status, removed.text.as_str()), (204, ""));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        send(&admin, method, "/api/v1/mcp/servers/my-server", &off)
            .await
            .error(404);
    }
}

#[tokio::test]
async fn rights_are_those_of_the_admin_api() {
    let app = TestApp::start().await;
    let made = send(
        &app.admin(),
        Method::POST,
        "/admin/keys",
        &json!({"name": "v", "roles": ["viewer"]}),
    )
    .await;
    let viewer = Client::new(app.address(), made.ok().data()["key"].as_str().map(str::to_owned));
    let body = json!({"name": "x", "url": "http://127.0.0.1:9/mcp"});
    for path in ["health", "servers", "tools", "system", "metrics"] {
        let path = format!("/api/v1/admin/{path}");
        app.anonymous().get(&path).await.error(401);
        app.user().get(&path).await.error(403);
        viewer.get(&path).await.ok();
    }
    app.anonymous().get("/api/v1/mcp/servers").await.error(401);
    app.user().get("/api/v1/mcp/servers").await.error(403);
    viewer.get("/api/v1/mcp/servers").await.ok();
    let refused = send(&viewer, Method::POST, "/api/v1/mcp/servers", &body)
        .await
        .error(403);
    assert!(refused.contains("admin/uds/write"), "{refused}");
    let refused = viewer.delete("/api/v1/mcp/servers/x").await.error(403);
    assert!(refused.contains("admin/uds/delete"), "{refused}");
}

#[tokio::test]
async fn servers_are_for_those_who_may_read_their_documents() {
    let (far, app) = (far().await, TestApp::start().await);
    app.with_item_tools("i").await;
    let url = far.url("/mcp/shop");
    app.admin().put("/admin/uds/far", &json!({"url": url})).await.ok();
    let holder = async |id: &str, action: &str| {
        let role = json!({"allow": [{"actions": [action]}]});
        app.admin().put(&format!("/admin/roles/{id}"), &role).await.ok();
        let made = send(
            &app.admin(),
            Method::POST,
            "/admin/keys",
            &json!({"name": id, "roles": [id]}),
        )
        .await;
        Client::new(app.address(), made.ok().data()["key"].as_str().map(str::to_owned))
    };
    let documents = holder("documents", "admin/uds/read").await;
    let states = holder("states", "admin/upstreams/read").await;
    let tools = holder("tools", "admin/tds/read").await;
    for path in ["/api/v1/admin/servers", "/api/v1/mcp/servers"] {
        assert_eq!(documents.get(path).await.ok().json()["servers"][0]["url"], *url);
        let refused = states.get(path).await.error(403);
        assert!(refused.contains("admin/uds/read"), "{refused}");
    }
    let start = Instant::now();
    let owners = async |client: &Client| {
        let listed = client.get("/api/v1/admin/tools").await.ok().json();
        let tools = listed["tools"].as_array().unwrap().iter();
        tools.map(|tool| tool["server"].clone()).collect::<Vec<_>>()
    };
    while !owners(&app.admin()).await.contains(&json!("far")) {
        assert!(start.elapsed() < DEADLINE, "its tools are not known");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(owners(&tools).await, [Value::Null, Value::Null]);
}

#[tokio::test]
async fn each_endpoint_of_a_server_is_shown_and_http_services_are_servers() {
    let (app, upstreams) = crate::fleet::started(
        "GET",
        2,
        &json!({"balance": {"algorithm": "round_robin"}, "breaker": {"failures": 1, "cool_down_seconds": 600}}),
    )
    .await;
    let shown = async || app.admin().get("/api/v1/admin/servers").await.ok().json();
    let is_used = |servers: &Value| -> Vec<Value> {
        let endpoints = servers["servers"][0]["endpoints"].as_array().unwrap().iter();
        endpoints.map(|endpoint| endpoint["healthy"].clone()).collect()
    };
    let servers = shown().await;
    let billing = &servers["servers"][0];
    assert_eq!(servers["total"], 1);
    assert_eq!(
        (&billing["id"], &billing["transport"], &billing["status"]),
        (&json!("billing"), &json!("http"), &json!("connected"))
    );
    assert_eq!(
        billing["endpoints"],
        json!([
            {"url": upstreams[0].origin(), "healthy": true, "breaker": "closed"},
            {"url": upstreams[1].origin(), "healthy": true, "breaker": "closed"},
        ])
    );
    upstreams[1].reply_json(503, &json!({"error": "down"}));
    for _ in 0..4 {
        app.mcp("i").call("t", json!({})).await;
    }
    let servers = shown().await;
    assert_eq!(is_used(&servers), [true, false], "{servers}");
    assert_eq!(servers["servers"][0]["status"], "connected");
}

#[tokio::test]
async fn health_says_what_is_away() {
    let (mut far, app) = (far().await, TestApp::start().await);
    let health = app.anonymous().get("/health").await.ok().json();
    let members: Vec<_> = health.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        members,
        [
            "status",
            "agent",
            "version",
            "uptime_seconds",
            "servers",
            "checks"
        ]
    );
    assert_eq!(
        (&health["status"], &health["servers"]),
        (&json!("healthy"), &json!({"total": 0, "ready": 0}))
    );
    let until = async |status: u16, word: &str| {
        let start = Instant::now();
        loop {
            let health = app.anonymous().get("/health").await;
            if health.status == status && health.json()["status"] == word {
                return health.json();
            }
            assert!(start.elapsed() < DEADLINE, "{status} {word}: {}", health.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    app.admin()
        .put("/admin/uds/far", &json!({"url": far.url("/mcp/shop")}))
        .await
        .ok();
    until(200, "healthy").await;
    app.admin()
        .put("/admin/uds/nowhere", &json!({"url": "http://127.0.0.1:9/mcp"}))
        .await
        .ok();
    let degraded = until(200, "degraded").await;
    assert_eq!(degraded["checks"]["servers"], "some are away");
    // What is connected to when somebody asks for it is not away before.
    app.admin().delete("/admin/uds/nowhere").await.ok();
    let mut resting = json!({"url": "http://127.0.0.1:9/mcp", "auto_connect": false});
    app.admin().put("/admin/uds/resting", &resting).await.ok();
    let healthy = until(200, "healthy").await;
    assert_eq!(healthy["servers"], json!({"total": 1, "ready": 1}));
    let refresh = app.admin().request(Method::POST, "/admin/uds/resting/refresh");
    app.admin().send(refresh).await.error(502);
    until(200, "degraded").await;
    resting["url"] = json!(far.url("/mcp/shop"));
    app.admin().put("/admin/uds/resting", &resting).await.ok();
    until(200, "healthy").await;
    app.admin().delete("/admin/uds/resting").await.ok();
    app.admin()
        .put("/admin/uds/nowhere", &json!({"url": "http://127.0.0.1:9/mcp"}))
        .await
        .ok();
    far.stop().await;
    app.admin().delete("/admin/uds/far").await.ok();
    let unhealthy = until(503, "unhealthy").await;
    assert_eq!(unhealthy["servers"], json!({"total": 1, "ready": 0}));
    let system = app.admin().get("/api/v1/admin/system").await.ok().json();
    assert_eq!(
        (&system["data_source"], &system["ready"]),
        (&json!("memory"), &json!(true))
    );
    let metrics = app.admin().get("/api/v1/admin/metrics").await.ok().text;
    assert!(metrics.contains("dynmcp_upstream_ready"), "{metrics}");
    assert_eq!(
        app.admin().get("/api/v1/admin/health").await.ok().json()["status"],
        "unhealthy"
    );
}

#[tokio::test]
async fn a_tool_of_a_server_is_executed() {
    let (far, app) = (far().await, TestApp::start().await);
    let admin = app.admin();
    let said = json!({"name": "far", "url": far.url("/mcp/shop")});
    send(&admin, Method::POST, "/api/v1/mcp/servers", &said)
        .await
        .expect(201);
    let path = "/api/v1/mcp/servers/far/tools/get_item/execute";
    let start = Instant::now();
    while send(&admin, Method::POST, path, &json!({"id": 7})).await.status == 404 {
        assert!(start.elapsed() < DEADLINE, "it is not usable");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for body in [
        json!({"id": 7}),
        json!({"arguments": {"id": 7}}),
        json!({"parameters": {"id": 7}}),
    ] {
        let result = send(&admin, Method::POST, path, &body).await.ok();
        assert_eq!(result.header("content-type"), Some("application/json"));
        let result = result.json();
        assert!(
            result["content"][0]["text"].is_string() && result["isError"] != true,
            "{result}"
        );
    }
    // What the tool says itself is a result, too.
    let wrong = send(&admin, Method::POST, path, &json!({})).await.ok().json();
    assert_eq!(wrong["isError"], true, "{wrong}");
    let none = "/api/v1/mcp/servers/far/tools/nothing/execute";
    let refused = send(&admin, Method::POST, none, &json!({})).await.error(404);
    assert!(
        refused.contains("the server `far` has no tool `nothing`"),
        "{refused}"
    );
    let elsewhere = "/api/v1/mcp/servers/near/tools/get_item/execute";
    send(&admin, Method::POST, elsewhere, &json!({})).await.error(404);
    send(&admin, Method::POST, path, &json!([1])).await.error(400);

    // Whoever may only read upstreams may not.
    let viewer = json!({"name": "v", "roles": ["viewer"]});
    let made = send(&admin, Method::POST, "/admin/keys", &viewer)
        .await
        .ok()
        .data();
    let viewer = Client::new(app.address(), made["key"].as_str().map(str::to_owned));
    send(&viewer, Method::POST, path, &json!({"id": 7}))
        .await
        .error(403);
    send(&app.user(), Method::POST, path, &json!({"id": 7}))
        .await
        .error(403);
    drop(far);
    let begun = Instant::now();
    loop {
        let refused = send(&admin, Method::POST, path, &json!({"id": 7})).await;
        if refused.status == 502 {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "{}: {}", refused.status, refused.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn figures_want_the_same_right_as_anywhere() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let caller = async |name: &str, actions: Value| {
        let role = json!({"allow": [{"actions": actions}]});
        send(&admin, Method::PUT, &format!("/admin/roles/{name}"), &role)
            .await
            .ok();
        let wanted = json!({"name": name, "roles": [name]});
        let made = send(&admin, Method::POST, "/admin/keys", &wanted).await;
        Client::new(app.address(), made.ok().data()["key"].as_str().map(str::to_owned))
    };
    let looker = caller("looker", json!(["admin/status/read"])).await;
    looker.get("/api/v1/admin/health").await.ok();
    for path in ["/api/v1/admin/metrics", "/metrics"] {
        let refused = looker.get(path).await.error(403);
        assert!(refused.contains("admin/metrics/read"), "{path}: {refused}");
    }
    let scraper = caller("scraper", json!(["admin/metrics/read"])).await;
    for path in ["/api/v1/admin/metrics", "/metrics"] {
        assert!(
            scraper.get(path).await.ok().text.contains("dynmcp_catalog_tools"),
            "{path}"
        );
    }
    scraper.get("/api/v1/admin/health").await.expect(403);
}
