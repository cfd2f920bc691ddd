//! Changes under load: every request sees one configuration from its beginning to its end.

use super::{Configuration, reloaded, status};
use crate::test_app::{Client, TestApp, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

const CHANGES: u64 = 60;
const NAMES: [&str; 2] = ["north", "south"];

fn key(name: &str) -> String {
    format!("the-key-of-{name}-only")
}

/// As editors do it: nobody reads a file that is half written.
fn replace(app: &TestApp, text: &str) {
    let new = app.configuration().with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, app.configuration()).unwrap();
}

/// The names of the tools that `/mcp` shows; `None` for who is not let in.
async fn tools(client: &Client) -> Option<Vec<String>> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let request = client
        .request(Method::POST, "/mcp")
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = client.send(request).await;
    if answer.status == 401 {
        return None;
    }
    let answer: Value = answer.ok().json();
    let tools = answer["result"]["tools"].as_array().unwrap().iter();
    Some(
        tools
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_sees_half_of_a_change() {
    let app = TestApp::start().await;
    for name in NAMES {
        let tool =
            json!({"name": name, "description": "d", "input_schema": {}, "static": {"structured": {}}});
        app.admin().put(&format!("/admin/tds/{name}"), &tool).await.ok();
        app.put_instance(name, &[name]).await;
    }
    let configuration = Configuration::followed(&app).await;
    // Each has a key of its own, and the instance that `/mcp` is.
    let version = |name: &str| {
        configuration
            .with_key(name, &key(name))
            .replace("[app]\n", &format!("[app]\ndefault_instance = '{name}'\n"))
    };
    replace(&app, &version(NAMES[1]));
    app.reload();
    reloaded(&app, 1).await;
    let over = Arc::new(AtomicBool::new(false));
    let seen: Arc<[AtomicUsize; 2]> = Arc::default();
    let callers: Vec<_> = (0..8)
        .map(|number| {
            let name = NAMES[number % 2];
            let client = Client::new(app.address(), Some(key(name)));
            let (over, seen) = (over.clone(), seen.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    if let Some(tools) = tools(&client).await {
                        assert_eq!(
                            tools,
                            [name],
                            "its key is good where its instance is at /mcp, and nowhere else"
                        );
                        seen[number % 2].fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for change in 2..CHANGES + 2 {
        replace(&app, &version(NAMES[usize::try_from(change).unwrap() % 2]));
        app.reload();
        eventually("it is in effect", || {
            status(&app)["reloads"].as_u64().unwrap() >= change
        })
        .await;
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    for seen in &*seen {
        assert!(seen.load(Ordering::Relaxed) > 0, "both were let in at some time");
    }
    assert_eq!(status(&app)["errors"], 0);
}
