//! What comes into effect at once, and what waits for a restart.

use super::{Configuration, failed, metric, reloaded, status, with_key, write};
use crate::{
    event_stream::EventStream,
    test_app::{Client, McpClient, TestApp, eventually},
    upstreams::server::McpServer,
    websocket::{Socket, older},
};
use futures_util::FutureExt;
use reqwest::Method;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

const KEY: &str = "a-key-that-was-added";

#[tokio::test]
async fn keys_come_and_go_while_calls_run() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let configuration = Configuration::followed(&app).await;
    let over = Arc::new(AtomicBool::new(false));
    let callers = (0..4).map(|_| {
        let (mcp, over) = (app.mcp("i"), over.clone());
        tokio::spawn(async move {
            let mut calls = 0;
            while !over.load(Ordering::Relaxed) {
                let result = mcp.call("get_item", json!({"id": 1})).await;
                assert_eq!(result["isError"], json!(false), "{result}");
                calls += 1;
            }
            calls
        })
    });
    let callers: Vec<_> = callers.collect();
    let added = with_key(&app, KEY);
    added.get("/metrics").await.error(401);
    for round in 0..3 {
        write(&app, &configuration.with_key("added", KEY));
        reloaded(&app, 2 * round + 1).await;
        added.get("/metrics").await.ok();
        assert!(McpClient::new(added.clone(), "i").tool_names().await.len() > 1);
        write(&app, &configuration.base);
        reloaded(&app, 2 * round + 2).await;
        added.get("/metrics").await.error(401);
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() > 0);
    }
    assert_eq!(metric(&app, "dynmcp_config_reload_total"), 6);
}

#[tokio::test]
async fn a_key_that_is_gone_closes_what_it_opened() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let configuration = Configuration::followed(&app).await;
    write(&app, &configuration.with_key("added", KEY));
    reloaded(&app, 1).await;
    let shown = format!("Bearer {KEY}");
    let mut socket = Socket::open(&app, "/ws/i", &[("authorization", &shown)])
        .await
        .unwrap();
    socket.initialize().await;
    socket.ask(&older(2, "tools/list", json!({}))).await;
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    socket.say(&older(3, "tools/list", json!({}))).await;
    let (_, reason) = socket.closed_with().await;
    assert!(reason.contains("key"), "{reason}");
}

/// What clients are told of changes over.
async fn open_stream(client: &Client) -> EventStream {
    let request = client
        .request(Method::GET, "/mcp/i")
        .header("accept", "text/event-stream")
        .header("mcp-protocol-version", "2025-06-18");
    EventStream::open(request).await
}

async fn describe(app: &TestApp, description: &str) {
    let mut document = app.admin().get("/admin/tds/get_item").await.data();
    document["description"] = json!(description);
    app.admin().put("/admin/tds/get_item", &document).await.ok();
}

#[tokio::test]
async fn streams_end_of_whom_another_configuration_does_not_let_in() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let configuration = Configuration::followed(&app).await;
    write(&app, &configuration.with_key("added", KEY));
    reloaded(&app, 1).await;
    let mut gone = open_stream(&with_key(&app, KEY)).await;
    let mut stays = open_stream(&app.user()).await;
    let shown = format!("Bearer {KEY}");
    let mut socket = Socket::open(&app, "/ws/i", &[("authorization", &shown)])
        .await
        .unwrap();
    socket.initialize().await;

    // Its key is gone.
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    assert_eq!(gone.next().await, None);
    let (_, reason) = socket.closed_with().await;
    assert!(reason.contains("key"), "nothing was asked: {reason}");
    describe(&app, "Another description.").await;
    assert_eq!(
        stays.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );

    // Whoever was somebody is nobody in particular now, and the other way round.
    write(&app, &configuration.with_app("authenticators = ['none']"));
    reloaded(&app, 3).await;
    assert_eq!(stays.next().await, None);
    let mut nobody = open_stream(&app.anonymous()).await;
    let mut late = open_stream(&app.anonymous()).await;
    write(
        &app,
        &configuration.with_app("authenticators = ['none']\ncompression = false"),
    );
    reloaded(&app, 4).await;
    describe(&app, "One more.").await;
    assert_eq!(
        late.next().await.unwrap()["method"],
        "notifications/tools/list_changed",
        "nothing of it was about callers"
    );
    write(&app, &configuration.base);
    reloaded(&app, 5).await;
    assert_eq!(
        nobody.next().await.unwrap()["method"],
        "notifications/tools/list_changed"
    );
    assert_eq!(nobody.next().await, None);
    assert_eq!(late.next().await, None);
}

#[tokio::test]
async fn the_rest_waits_for_a_restart_and_is_named() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let configuration = Configuration::followed(&app).await;
    let app_lines = "default_instance = 'i'\nhost = '::1'";
    write(
        &app,
        &format!("{}[mcp]\npage_size = 1\n", configuration.with_app(app_lines)),
    );
    reloaded(&app, 1).await;
    assert_eq!(
        status(&app)["requires_restart"],
        json!(["app.host", "mcp.page_size"])
    );
    assert_eq!(metric(&app, "dynmcp_config_restart_required"), 2);
    // What needs none is in effect, and what needs one is as it was.
    let names = app.mcp("i").tool_names().await;
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(app.mcp("").tool_names().await, names);
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    assert_eq!(status(&app)["requires_restart"], json!([]));
    app.mcp("").modern("tools/list", json!({})).await.expect(404);
}

#[tokio::test]
async fn what_tools_may_reach_holds_for_the_next_call() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("i").await;
    let server = McpServer::start(true, json!({"tools": {}}), |_, talk| {
        async move { talk.result("{}") }.boxed()
    })
    .await;
    server.list("tools/list", "tools", "[]");
    app.admin().put("/admin/uds/other", &server.document()).await.ok();
    let state = || async { app.admin().get("/admin/uds/other/status").await.data()["state"].clone() };
    while state().await != "ready" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let configuration = Configuration::followed(&app).await;
    let call = || async { app.mcp("i").call("get_item", json!({"id": 1})).await };
    assert_eq!(call().await["isError"], json!(false));
    // A channel is opened before, and stays open.
    let mut socket = Socket::of_user(&app, "i").await;
    socket.initialize().await;
    let mut over_socket = async |id| {
        let call = older(
            id,
            "tools/call",
            json!({"name": "get_item", "arguments": {"id": 1}}),
        );
        socket.ask(&call).await["result"].clone()
    };
    assert_eq!(over_socket(1).await["isError"], json!(false));
    write(&app, &configuration.with("[egress]\nallow_loopback = false"));
    reloaded(&app, 1).await;
    let before = upstream.requests().len();
    for refused in [call().await, over_socket(2).await] {
        assert_eq!(refused["isError"], true, "{refused}");
        let text = refused["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("egress.allow_loopback"), "{text}");
    }
    assert_eq!(
        upstream.requests().len(),
        before,
        "not over a connection that was open"
    );
    eventually("the upstream is let go", || {
        app.app()
            .hub
            .status("other")
            .is_some_and(|status| format!("{status:?}").contains("egress.allow_loopback"))
    })
    .await;
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    assert_eq!(call().await["isError"], json!(false));
    assert_eq!(over_socket(3).await["isError"], json!(false));
    while state().await != "ready" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn doors_for_browsers_and_bounds_of_bodies_too() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let configuration = Configuration::followed(&app).await;
    let origin = "https://page.example";
    let preflight = || async {
        let client = app.anonymous();
        let request = client
            .request(Method::OPTIONS, "/mcp/i")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        client
            .send(request)
            .await
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    assert_eq!(preflight().await, None);
    let lines =
        format!("cors_origins = ['{origin}']\nmax_body_bytes = 100\nconfig_revision_header = 'x-revision'");
    write(&app, &configuration.with_app(&lines));
    reloaded(&app, 1).await;
    assert_eq!(preflight().await.as_deref(), Some(origin));
    let large = app.mcp("i").bare(" ".repeat(101)).await.expect(413);
    assert!(large.header("x-revision").is_some());
    write(&app, &configuration.base);
    reloaded(&app, 2).await;
    assert_eq!(preflight().await, None);
    assert!(app.mcp("i").bare(" ".repeat(101)).await.status != 413);
}

#[tokio::test]
async fn what_would_not_fit_to_what_stays_is_refused() {
    let app = TestApp::with(&[("app.memory_budget", "64MiB")]).await;
    let configuration = Configuration::followed(&app).await;
    write(&app, &configuration.with_app("max_body_bytes = '32MiB'"));
    let error = failed(&app, 1).await;
    assert!(error.contains("app.memory_budget"), "{error}");
}

#[tokio::test]
async fn discoveries_come_change_and_go() {
    let app = TestApp::start().await;
    let list = |name: &str, upstream: &str| {
        let file = app.directory().join(name);
        let servers =
            json!({"servers": [{"name": upstream, "url": "http://127.0.0.1:9/mcp", "auto_connect": false}]});
        std::fs::write(&file, servers.to_string()).unwrap();
        let file = file.display().to_string();
        move |name: &str| {
            format!(
                "[[discovery]]\ntype = 'file_watch'\nname = '{name}'\nfile_path = '{file}'\ninterval = 1\n"
            )
        }
    };
    let (a, b) = (list("a.json", "a"), list("b.json", "b"));
    let found = async |expected: &[(&str, &[&str])]| {
        let expected = json!(expected);
        let start = std::time::Instant::now();
        loop {
            let all = app.admin().get("/admin/discovery").await.data();
            let all = all.as_array().unwrap().iter();
            let now: Vec<_> = all
                .map(|one| {
                    let ids = one["upstreams"].as_array().unwrap().iter();
                    json!([
                        one["name"],
                        ids.map(|found| found["id"].clone()).collect::<Vec<_>>()
                    ])
                })
                .collect();
            if json!(now) == expected {
                return;
            }
            assert!(
                start.elapsed() < crate::test_app::DEADLINE,
                "{now:?} instead of {expected}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    // It looks when it is started, and not again for an hour.
    let starts = app.directory().join("starts");
    let script = app.directory().join("list.sh");
    let listing = json!([{"name": "c", "url": "http://127.0.0.1:9/mcp", "auto_connect": false}]);
    let text = format!("echo once >> '{}'\nprintf '%s' '{listing}'\n", starts.display());
    std::fs::write(&script, text).unwrap();
    let script = script.display();
    let counted = format!(
        "[[discovery]]\ntype = 'exec'\nname = 'counted'\ncommand = ['sh', '{script}']\ninterval = 3600\n"
    );
    let configuration = Configuration::followed(&app).await;
    write(&app, &configuration.with(&(counted.clone() + &a("one"))));
    reloaded(&app, 1).await;
    found(&[("counted", &["c"]), ("one", &["a"])]).await;
    // Another place among the others is no other place.
    write(&app, &configuration.with(&(a("one") + &counted + &b("two"))));
    reloaded(&app, 2).await;
    found(&[("one", &["a"]), ("counted", &["c"]), ("two", &["b"])]).await;
    // Another place under the same name.
    write(&app, &configuration.with(&(b("one") + &counted)));
    reloaded(&app, 3).await;
    found(&[("one", &["b"]), ("counted", &["c"])]).await;
    let count = || std::fs::read_to_string(&starts).unwrap().lines().count();
    assert_eq!(count(), 1, "what did not change goes on");
    // One that is started anew does look, so that this shows it.
    write(
        &app,
        &configuration.with(&(b("one") + &counted + "tags = ['new']\n")),
    );
    reloaded(&app, 4).await;
    eventually("it is started", || count() == 2).await;
    write(&app, &configuration.with(&b("one")));
    reloaded(&app, 5).await;
    found(&[("one", &["b"])]).await;
    assert_eq!(status(&app)["requires_restart"], json!([]));
    let refused = "[[discovery]]\ntype = 'file_watch'\nfile_path = ''\n";
    write(&app, &configuration.with(refused));
    let reason = failed(&app, 1).await;
    assert!(reason.contains("discovery[0].file_path"), "{reason}");
    found(&[("one", &["b"])]).await;
    // A registry has registrations, which are not moved while it runs.
    write(
        &app,
        &configuration.with(&(b("one") + "[[discovery]]\ntype = 'registration'\n")),
    );
    eventually("it waits for a restart", || {
        status(&app)["requires_restart"] == json!(["discovery"])
    })
    .await;
    found(&[("one", &["b"])]).await;
    write(&app, &configuration.base);
    found(&[]).await;
}
