//! How many calls may be made: by the holder of a key, and by all callers together.

mod common;

use crate::test_app::{Client, McpClient, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Makes a key; its id, and what its holder shows.
async fn create(app: &TestApp, wanted: Value) -> (String, String) {
    let admin = app.admin();
    let request = admin.request(Method::POST, "/admin/keys").json(&wanted);
    let made = admin.send(request).await.ok().data();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

fn holder(app: &TestApp, key: &str) -> Client {
    Client::new(app.address(), Some(key.to_owned()))
}

#[tokio::test]
async fn calls_beyond_the_limits_of_a_key_are_refused_and_nobody_else_notices() {
    let app = TestApp::start().await;
    let upstream = app.with_item_tools("desk").await;
    let (limited_id, limited) = create(&app, json!({"instances": ["desk"], "limits": {"rate": "2/h"}})).await;
    let (_, free) = create(&app, json!({"instances": ["desk"]})).await;
    let client = McpClient::new(holder(&app, &limited), "desk");
    for _ in 0..3 {
        client.tool_names().await;
    }
    for _ in 0..2 {
        client.call("get_item", json!({"id": 1})).await;
    }
    let params = json!({"name": "get_item", "arguments": {"id": 1}});
    let refused = client.modern("tools/call", params.clone()).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1_700..=1_800).contains(&seconds), "{seconds}");
    let error = refused.json()["error"].clone();
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("2/h calls (`limits.rate` of the key)"),
        "{error}"
    );
    assert!(
        error["data"]["retryAfterSeconds"].as_f64().unwrap() > 1_700.0,
        "{error}"
    );
    let refused = client.legacy("2025-11-25", "tools/call", params).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    McpClient::new(holder(&app, &free), "desk")
        .call("get_item", json!({"id": 1}))
        .await;
    assert_eq!(
        upstream.requests().len(),
        3,
        "nothing was sent for what was refused"
    );
    client.tool_names().await;
    let counted = format!(
        "dynmcp_limit_refusals_total{{limit=\"rate\",scope=\"key\",place=\"the key\",key=\"{limited_id}\"}} 2"
    );
    let metrics = app.metrics();
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

/// How many of the calls are made, by fifty callers at once who have `number` each, and go on until `until`.
async fn made_by_fifty(app: &TestApp, key: &str, number: usize, until: Instant) -> f64 {
    let callers = (0..50).map(|_| {
        let client = McpClient::new(holder(app, key), "desk");
        tokio::spawn(async move {
            let (mut made, mut tried) = (0_u32, 0);
            while tried < number || Instant::now() < until {
                tried += 1;
                let params = json!({"name": "echo", "arguments": {}});
                match client.modern("tools/call", params).await.status {
                    200 => made += 1,
                    429 => tokio::time::sleep(Duration::from_millis(5)).await,
                    other => panic!("{other}"),
                }
            }
            made
        })
    });
    let made = futures_util::future::join_all(callers.collect::<Vec<_>>()).await;
    f64::from(made.into_iter().map(Result::unwrap).sum::<u32>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_callers_at_once_have_what_the_limit_of_their_key_says() {
    let app = TestApp::start().await;
    let tool = json!({
        "name": "echo", "description": "Says its name.", "input_schema": {"type": "object"},
        "static": {"content": [{"type": "text", "text": "echo"}]},
    });
    app.admin().put("/admin/tds/echo", &tool).await.ok();
    app.put_instance("desk", &["echo"]).await;
    let (_, quota) = create(
        &app,
        json!({"instances": ["desk"], "limits": {"rate": "1/h", "burst": 500}}),
    )
    .await;
    assert_eq!(made_by_fifty(&app, &quota, 20, Instant::now()).await, 500.0);
    let (_, rate) = create(
        &app,
        json!({"instances": ["desk"], "limits": {"rate": "200/s", "burst": 400}}),
    )
    .await;
    let begun = Instant::now();
    let mut made = made_by_fifty(&app, &rate, 0, begun + Duration::from_secs(3)).await;
    // What is left of it.
    while status_of_call(&app, &rate).await == 200 {
        made += 1.0;
    }
    let allowed = 400.0 + begun.elapsed().as_secs_f64() * 200.0;
    assert!(made <= allowed && made >= 0.99 * allowed, "{made} of {allowed}");
}

async fn status_of_call(app: &TestApp, key: &str) -> u16 {
    let client = McpClient::new(holder(app, key), "desk");
    let params = json!({"name": "echo", "arguments": {}});
    client.modern("tools/call", params).await.status
}
