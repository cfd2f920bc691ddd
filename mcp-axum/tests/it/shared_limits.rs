//! Limits that several gateways count together, in a real Redis; and what holds while it is away.

use crate::{
    servers::redis::RedisServer,
    test_app::{Answer, Client, McpClient, TestApp, eventually},
};
use mcp_axum::settings::{Layers, Settings};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

/// A gateway with the instance `desk`, whose tool `echo` needs nobody, and `slow`, which waits for an upstream.
async fn gateway(redis: &str, more: &[(&'static str, &str)]) -> TestApp {
    let mut settings = vec![("limits.redis.url", redis), ("limits.redis.timeout_ms", "2000")];
    settings.extend(more);
    let app = TestApp::with(&settings).await;
    let tool = json!({
        "name": "echo", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "echo"}]},
    });
    app.admin().put("/admin/tds/echo", &tool).await.ok();
    app.put_instance("desk", &["echo"]).await;
    app
}

async fn shared(redis: &str, number: usize) -> Vec<TestApp> {
    let mut apps = Vec::new();
    for _ in 0..number {
        apps.push(gateway(redis, &[]).await);
    }
    for app in &apps {
        counts(app, "together").await;
    }
    apps
}

/// Waits until the status says so.
async fn counts(app: &TestApp, how: &str) -> Value {
    let begun = Instant::now();
    loop {
        let status = app.admin().get("/admin/status").await.data();
        let said = &status["shared_limits"];
        if said["counted"] == how {
            return said.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "not {how}: {said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same key on all of them: what its holder shows.
async fn key(apps: &[TestApp], wanted: &Value) -> String {
    let made = post(&apps[0].admin(), "/admin/keys", wanted).await.ok().data();
    let path = format!("/admin/keys/{}", made["id"].as_str().unwrap());
    let mut document = apps[0].admin().get(&path).await.ok().data();
    for member in ["revision", "updated_at", "version"] {
        document.as_object_mut().unwrap().remove(member);
    }
    for app in &apps[1..] {
        app.admin().put(&path, &document).await.ok();
    }
    made["key"].as_str().unwrap().to_owned()
}

fn holder(app: &TestApp, key: &str) -> McpClient {
    McpClient::new(Client::new(app.address(), Some(key.to_owned())), "desk")
}

async fn call(client: &McpClient, tool: &str) -> Answer {
    client
        .modern("tools/call", json!({"name": tool, "arguments": {}}))
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_of_three_gateways_get_what_one_would_give_them() {
    let redis = RedisServer::start(&[]);
    let apps = shared(&redis.url(), 3).await;
    let (rate, burst, quota) = (50.0, 50.0, 220);
    let limits = json!({"instances": ["desk"], "limits": {"rate": "50/s", "per_day": quota}});
    let key = key(&apps, &limits).await;
    let (begun, time) = (Instant::now(), Duration::from_secs(3));
    let callers: Vec<_> = (0..50)
        .map(|caller| {
            let client = holder(&apps[caller % 3], &key);
            tokio::spawn(async move {
                let mut admitted = 0_u32;
                while begun.elapsed() < time {
                    match call(&client, "echo").await.status {
                        200 => admitted += 1,
                        429 => tokio::time::sleep(Duration::from_millis(20)).await,
                        other => panic!("{other}"),
                    }
                }
                admitted
            })
        })
        .collect();
    let mut admitted = 0;
    for caller in callers {
        admitted += caller.await.unwrap();
    }
    let allowed = burst + begun.elapsed().as_secs_f64() * rate;
    let share = f64::from(admitted) / allowed;
    assert!((0.95..=1.05).contains(&share), "{admitted} of {allowed}");
    // The rest of the day is counted to the last call, wherever it is made.
    let begun = Instant::now();
    while admitted < quota {
        assert!(begun.elapsed() < Duration::from_secs(10), "{admitted}");
        for app in &apps {
            admitted += u32::from(call(&holder(app, &key), "echo").await.status == 200);
        }
    }
    assert_eq!(admitted, quota);
    tokio::time::sleep(Duration::from_millis(200)).await;
    for app in &apps {
        let refused = call(&holder(app, &key), "echo").await;
        assert!(
            refused.text.contains("`limits.per_day` of the key"),
            "{}",
            refused.text
        );
        assert!(refused.header("retry-after").is_some());
        let metrics = app.metrics();
        assert!(metrics.contains("dynmcp_shared_limits_calls_total{outcome=\"admitted\"}"));
        assert!(!metrics.contains("outcome=\"alone\""), "{metrics}");
        assert!(metrics.contains("dynmcp_shared_limits_away 0"));
    }
}

#[tokio::test]
async fn headers_say_what_all_gateways_have_left() {
    let redis = RedisServer::start(&[]);
    let apps = shared(&redis.url(), 2).await;
    let role = json!({
        "allow": [{"actions": ["*"]}],
        "limits": {"per_tool": {"ech*": "4/h"}},
    });
    for app in &apps {
        app.admin().put("/admin/roles/slow", &role).await.ok();
    }
    let wanted = json!({"roles": ["slow"], "limits": {"rate": "100/h", "burst": 10, "per_day": 50}});
    let key = key(&apps, &wanted).await;
    let clients: Vec<_> = apps.iter().map(|app| holder(app, &key)).collect();
    for (client, left) in [(0, 3), (1, 2), (0, 1), (1, 0)] {
        let answer = call(&clients[client], "echo").await.ok();
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some("\"per_day\";q=50;w=86400, \"per_tool\";q=4;w=3600, \"rate\";q=10;w=360")
        );
        let said = answer.header("ratelimit").unwrap();
        let begins = format!("\"per_day\";r={};t=", 46 + left);
        assert!(said.starts_with(&begins), "{said}");
        let ends = format!(
            ", \"per_tool\";r={left};t={}, \"rate\";r={};t={}",
            (4 - left) * 900,
            6 + left,
            (4 - left) * 36
        );
        assert!(said.ends_with(&ends), "{said}");
    }
    for client in &clients {
        let refused = call(client, "echo").await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert!(refused.text.contains("4/h calls of `ech*`"), "{}", refused.text);
        let said = refused.header("ratelimit").unwrap();
        assert!(said.starts_with("\"per_tool\";r=0;t="), "{said}");
    }
    // Whoever programs without MCP reads them, too; what was refused has been counted nowhere.
    let program = Client::new(apps[0].address(), Some(key));
    let refused = post(&program, "/instances/desk/tools/echo", &json!({})).await;
    assert_eq!(refused.status, 429);
    assert!(refused.header("ratelimit").unwrap().contains("r=0"));
}

#[tokio::test]
async fn a_gateway_alone_says_what_it_has_left() {
    let app = TestApp::start().await;
    app.with_item_tools("desk").await;
    let wanted = json!({"instances": ["desk"], "limits": {"rate": "3/h", "concurrent": 5}});
    let key = key(std::slice::from_ref(&app), &wanted).await;
    let client = holder(&app, &key);
    let item = json!({"name": "get_item", "arguments": {"id": 1}});
    for left in [2, 1, 0] {
        let answer = client.modern("tools/call", item.clone()).await.ok();
        assert_eq!(answer.header("ratelimit-policy"), Some("\"rate\";q=3;w=3600"));
        let expected = format!("\"rate\";r={left};t={}", (3 - left) * 1_200);
        assert_eq!(answer.header("ratelimit"), Some(&*expected));
    }
    let program = Client::new(app.address(), Some(key));
    for refused in [
        client.modern("tools/call", item.clone()).await,
        client.legacy("2025-11-25", "tools/call", item).await,
        post(&program, "/instances/desk/tools/get_item", &json!({"id": 1})).await,
    ] {
        assert_eq!(refused.status, 429);
        let said = refused.header("ratelimit").unwrap();
        let seconds = said.strip_prefix("\"rate\";r=0;t=").unwrap();
        assert_eq!(Some(seconds), refused.header("retry-after"));
    }
    // Lists are not counted, and nobody else has limits.
    assert_eq!(
        client.modern("tools/list", json!({})).await.header("ratelimit"),
        None
    );
    assert_eq!(call(&app.mcp("desk"), "get_item").await.header("ratelimit"), None);
    assert_eq!(
        app.admin().get("/admin/status").await.data()["shared_limits"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_under_way_count_on_all_gateways() {
    let redis = RedisServer::start(&[]);
    let apps = shared(&redis.url(), 2).await;
    let upstream = apps[0].upstream().await;
    upstream.reply(crate::test_app::Reply::After(Duration::from_secs(2)));
    for app in &apps {
        app.put_tool("slow", &upstream, "GET", "/slow", json!({"type": "object"}))
            .await;
        app.put_instance("desk", &["echo", "slow"]).await;
    }
    let wanted = json!({"instances": ["desk"], "limits": {"concurrent": 3}});
    let key = key(&apps, &wanted).await;
    let slow: Vec<_> = (0..3)
        .map(|caller| {
            let client = holder(&apps[caller % 2], &key);
            tokio::spawn(async move { call(&client, "slow").await.status })
        })
        .collect();
    eventually("all three are under way", || upstream.requests().len() == 3).await;
    for app in &apps {
        let refused = call(&holder(app, &key), "echo").await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        assert!(
            refused.text.contains("`limits.concurrent` of the key"),
            "{}",
            refused.text
        );
    }
    for call in slow {
        call.await.unwrap();
    }
    // One after the other, on one gateway and from one to the other: nobody is refused for what has ended.
    for turn in 0..12 {
        let client = holder(&apps[turn / 6], &key);
        assert_eq!(call(&client, "echo").await.status, 200, "{turn}");
    }
    eventually("nothing is left", || redis.cli(&["KEYS", "*now-*"]).is_empty()).await;
}

#[tokio::test]
async fn while_it_is_away_each_gateway_counts_for_itself_and_calls_go_on() {
    let redis = RedisServer::start(&[]);
    let apps = shared(&redis.url(), 2).await;
    let key = key(&apps, &json!({"instances": ["desk"], "limits": {"per_day": 10}})).await;
    let clients: Vec<_> = apps.iter().map(|app| holder(app, &key)).collect();
    for turn in 0..6 {
        call(&clients[turn % 2], "echo").await.ok();
    }
    redis.stop();
    // Of the ten calls each of the two has let three in.
    for (app, client) in apps.iter().zip(&clients) {
        for _ in 0..7 {
            call(client, "echo").await.ok();
        }
        let refused = call(client, "echo").await;
        assert_eq!(refused.status, 429, "{}", refused.text);
        let away = counts(app, "alone").await;
        assert!(
            away["reason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{away}"
        );
        let metrics = app.metrics();
        assert!(metrics.contains("dynmcp_shared_limits_away 1"), "{metrics}");
        assert!(
            metrics.contains("dynmcp_shared_limits_calls_total{outcome=\"alone\"} 8"),
            "{metrics}"
        );
    }
    redis.resume();
    for app in &apps {
        counts(app, "together").await;
        assert!(app.metrics().contains("dynmcp_shared_limits_away 0"));
    }
    // It has forgotten everything: ten more, of both together.
    let mut admitted = 0;
    for turn in 0..16 {
        admitted += u32::from(call(&clients[turn % 2], "echo").await.status == 200);
    }
    assert_eq!(admitted, 10);
}

#[tokio::test]
async fn a_redis_that_hangs_holds_up_one_call_for_the_timeout_and_no_call_without_limits() {
    let redis = RedisServer::start(&[]);
    let apps = [gateway(&redis.url(), &[]).await];
    let app = &apps[0];
    counts(app, "together").await;
    let limited = holder(
        app,
        &key(&apps, &json!({"instances": ["desk"], "limits": {"rate": "3/h"}})).await,
    );
    let free = holder(app, &key(&apps, &json!({"instances": ["desk"]})).await);
    redis.signal("STOP");
    let begun = Instant::now();
    for client in [&free, &app.mcp("desk")] {
        call(client, "echo").await.ok();
    }
    for _ in 0..4 {
        limited.tool_names().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    // Nobody opens what is limited by having Redis hang.
    for _ in 0..3 {
        call(&limited, "echo").await.ok();
    }
    let refused = call(&limited, "echo").await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let away = counts(app, "alone").await;
    assert!(away["reason"].as_str().unwrap().contains("timeout_ms"), "{away}");
    redis.signal("CONT");
    counts(app, "together").await;
}

#[tokio::test]
async fn a_redis_that_lets_nobody_in_is_said_and_limits_hold() {
    let redis = RedisServer::start(&["--requirepass", "the-right-one"]);
    let apps = [gateway(&redis.url(), &[("limits.redis.password", "the-wrong-one")]).await];
    let away = counts(&apps[0], "alone").await;
    let reason = away["reason"].as_str().unwrap();
    assert!(
        !reason.is_empty() && !reason.contains("the-wrong-one"),
        "{reason}"
    );
    let client = holder(
        &apps[0],
        &key(&apps, &json!({"instances": ["desk"], "limits": {"rate": "2/h"}})).await,
    );
    for expected in [200, 200, 429] {
        assert_eq!(call(&client, "echo").await.status, expected);
    }
    let right = gateway(&redis.url(), &[("limits.redis.password", "the-right-one")]).await;
    counts(&right, "together").await;
}

#[tokio::test]
async fn the_task_beside_calls_is_started_again() {
    let redis = RedisServer::start(&[]);
    let apps = shared(&redis.url(), 1).await;
    let app = &apps[0];
    app.app().tasks.make_panic("shared_limits");
    let restarted = || {
        let report = app.app().tasks.report();
        let task = report.iter().find(|task| task.name == "shared_limits").unwrap();
        task.restarts > 0 && task.running == 1
    };
    eventually("it runs again", restarted).await;
    let client = holder(
        app,
        &key(
            &apps,
            &json!({"instances": ["desk"], "limits": {"concurrent": 1}}),
        )
        .await,
    );
    for _ in 0..3 {
        call(&client, "echo").await.ok();
    }
    redis.stop();
    counts(app, "alone").await;
    redis.resume();
    counts(app, "together").await;
}

#[test]
fn what_is_wrong_is_named_and_the_password_is_shown_nowhere() {
    let load = |overrides: &[(&'static str, &str)]| {
        Settings::load(&Layers {
            overrides: overrides
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned()))
                .collect(),
            ..Layers::default()
        })
    };
    let good = ("limits.redis.url", "redis://127.0.0.1:1/3");
    for (key, value) in [
        ("limits.redis.url", "cache.internal:6379"),
        ("limits.redis.url", "redis://me:secret-word@cache.internal"),
        ("limits.redis.timeout_ms", "0"),
        ("limits.redis.timeout_ms", "5001"),
        ("limits.redis.prefix", "with blanks"),
        ("limits.redis.prefix", "{x}"),
        ("limits.redis.username", "me"),
        ("limits.redis.password_file", "/does/not/exist"),
        ("limits.redis.ca_file", "/does/not/exist"),
    ] {
        let error = load(&[good, (key, value)]).unwrap_err().to_string();
        assert!(error.contains(key) && !error.contains("secret-word"), "{error}");
    }
    let shown = load(&[good, ("limits.redis.password", "secret-word")]).unwrap();
    let shown = shown.to_redacted_toml();
    assert!(
        !shown.contains("secret-word") && shown.contains("[limits.redis]"),
        "{shown}"
    );
}
