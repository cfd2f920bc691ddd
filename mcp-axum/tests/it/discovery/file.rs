//! `file_watch`.

use super::{discovery, gateway, ids, listed, server, until};
use crate::test_app::{DEADLINE, TestApp, eventually};
use mcp_core::upstream::State;
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

/// As editors and deployments do: another file takes the place.
fn replace(path: &Path, content: &str) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, path).unwrap();
}

fn servers(entries: &[(&str, String)]) -> String {
    let servers = entries
        .iter()
        .map(|(name, url)| json!({"name": name, "url": url, "tags": ["weather"], "metadata": {"capabilities": ["routing"]}}));
    json!({"servers": servers.collect::<Vec<_>>(), "discovery_metadata": {"version": "1.0"}}).to_string()
}

fn table(path: &Path) -> Value {
    json!([{"type": "file_watch", "name": "lab", "file_path": path, "interval": 1, "tags": ["found"], "tools_prefix": "w"}])
}

#[tokio::test]
async fn servers_of_a_file_come_are_called_and_go() {
    let (far, folder) = (server().await, TempDir::new().unwrap());
    let file = folder.path().join("discovered_servers.json");
    replace(&file, &servers(&[("Far Away", far.url("/mcp/shop"))]));
    let app = gateway(&table(&file)).await;
    listed(&app, &["w_add_item", "w_get_item"]).await;
    let called = app.mcp("i").call("w_get_item", json!({"id": 7})).await;
    assert_eq!(called["structuredContent"]["path"], "/items/7", "{called}");
    let upstreams = app
        .admin()
        .get("/admin/upstreams?capability=routing&tag=found")
        .await
        .data();
    assert_eq!(
        (
            &upstreams[0]["id"],
            &upstreams[0]["origin"],
            &upstreams[0]["tags"]
        ),
        (&json!("far-away"), &json!("lab"), &json!(["weather", "found"]))
    );
    assert_eq!(
        app.admin()
            .get("/admin/upstreams?capability=cooking")
            .await
            .data(),
        json!([])
    );
    app.admin().get("/admin/uds/far-away/status").await.ok();
    let stored = app.admin().get("/admin/uds/far-away").await;
    assert_eq!(stored.status, 404, "no document: {}", stored.text);
    assert!(
        app.metrics()
            .contains("dynmcp_discovery_upstreams{discovery=\"lab\"} 1\n")
    );

    // What is there beside it comes, what is not there any more goes.
    replace(&file, &servers(&[("other", "http://127.0.0.1:9/mcp".to_owned())]));
    listed(&app, &[]).await;
    let now = until("the other one is found", &app, |now| ids(now) == ["other"]).await;
    assert_eq!(now["problem"], Value::Null);
    let events = app
        .admin()
        .request(Method::GET, "/admin/events?since=0&types=upstream.*");
    let mut events = events.send().await.unwrap();
    let mut told = String::new();
    while !told.contains("upstream.removed") {
        let chunk = tokio::time::timeout(DEADLINE, events.chunk()).await.unwrap();
        told.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    assert!(
        told.contains(r#""upstream":"far-away","kind":"mcp","origin":"lab""#),
        "{told}"
    );
}

#[tokio::test]
async fn what_cannot_be_read_takes_nothing_away() {
    let (far, folder) = (server().await, TempDir::new().unwrap());
    let file = folder.path().join("servers.json");
    let app = gateway(&table(&file)).await;
    let missing = until("it is missed", &app, |now| now["problem"].is_string()).await;
    assert!(
        missing["problem"].as_str().unwrap().contains("No such file"),
        "{missing}"
    );
    replace(&file, &servers(&[("far", far.url("/mcp/shop"))]));
    listed(&app, &["w_add_item", "w_get_item"]).await;
    let sparse = fs::File::create(folder.path().join("huge")).unwrap();
    sparse.set_len(100 << 20).unwrap();
    for (content, expected) in [
        (Some("{\"servers\": ["), "is no JSON"),
        (Some("{\"servers\": []}"), "allow_empty = true"),
        (Some("[1, 2"), "is no JSON"),
        (None, "more than 4194304 bytes"),
        (Some("{}"), "has no servers"),
    ] {
        match content {
            Some(content) => replace(&file, content),
            None => fs::rename(folder.path().join("huge"), &file).unwrap(),
        }
        let now = until(expected, &app, |now| {
            now["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains(expected))
        })
        .await;
        assert_eq!(ids(&now), ["far"]);
    }
    assert_eq!(app.mcp("i").tool_names().await, ["w_add_item", "w_get_item"]);
    assert!(
        app.metrics()
            .contains("dynmcp_discovery_failing{discovery=\"lab\"} 1\n")
    );
    // An entry that is wrong costs itself alone.
    let both = json!({"servers": [{"name": "far", "url": far.url("/mcp/shop")}, {"name": "bad", "url": "gopher://x"}]});
    replace(&file, &both.to_string());
    let now = until("it works again", &app, |now| now["problem"].is_null()).await;
    assert_eq!(ids(&now), ["far"]);
    assert_eq!(now["skipped"][0]["entry"], "bad");
    assert!(
        now["skipped"][0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("url: must begin with"),
        "{now}"
    );
}

#[tokio::test]
async fn a_stored_document_has_its_id_for_itself() {
    let (far, folder) = (server().await, TempDir::new().unwrap());
    let file = folder.path().join("servers.json");
    replace(&file, &servers(&[("lab-a", far.url("/mcp/shop"))]));
    let app = gateway(&table(&file)).await;
    listed(&app, &["w_add_item", "w_get_item"]).await;
    let stored = json!({"url": far.url("/mcp/shop"), "tools": {"prefix": "stored"}});
    app.admin().put("/admin/uds/lab-a", &stored).await.ok();
    listed(&app, &["stored_add_item", "stored_get_item"]).await;
    assert_eq!(
        discovery(&app).await["upstreams"][0]["hidden_by"],
        "a stored document"
    );
    assert_eq!(
        app.admin().get("/admin/upstreams").await.data()[0]["origin"],
        Value::Null
    );
    // Switched off is said by its document, too.
    app.admin()
        .put(
            "/admin/uds/lab-a",
            &json!({"url": far.url("/mcp/shop"), "enabled": false}),
        )
        .await
        .ok();
    listed(&app, &[]).await;
    app.admin().delete("/admin/uds/lab-a").await.ok();
    listed(&app, &["w_add_item", "w_get_item"]).await;
    assert_eq!(discovery(&app).await["upstreams"][0]["hidden_by"], Value::Null);
}

#[tokio::test]
async fn clients_files_start_what_the_operator_allows_and_nothing_connects_unasked() {
    let (far, folder) = (server().await, TempDir::new().unwrap());
    let file = folder.path().join("mcp.json");
    let programs = json!({"mcpServers": {"lab-no": {"command": "bash", "args": ["-c", "exit 0"]},
        "lab-yes": {"command": "sh", "args": ["-c", "exit 3"]}}});
    replace(&file, &programs.to_string());
    let app = gateway(&table(&file)).await;
    until("both are found", &app, |now| ids(now) == ["lab-no", "lab-yes"]).await;
    let error = async |id: &str| {
        let restart = app
            .admin()
            .request(Method::POST, &format!("/admin/uds/{id}/restart"));
        app.admin().send(restart).await.error(502)
    };
    assert!(
        error("lab-no")
            .await
            .contains("`stdio.allow` of the gateway's configuration does not name it")
    );
    let started = error("lab-yes").await;
    assert!(!started.contains("stdio.allow"), "{started}");

    let resting =
        json!({"servers": [{"name": "lab-rest", "url": far.url("/mcp/shop"), "auto_connect": false}]});
    replace(&file, &resting.to_string());
    until("it is found", &app, |now| ids(now) == ["lab-rest"]).await;
    let hub = app.app().hub.clone();
    eventually("it waits", || {
        hub.status("lab-rest")
            .is_some_and(|status| status.state == State::Waiting)
    })
    .await;
    let status = app.admin().get("/admin/uds/lab-rest/status").await.data();
    assert_eq!(
        (&status["state"], &status["tools"], &status["attempts"]),
        (&json!("waiting"), &json!(0), &json!(0))
    );
    assert_eq!(app.mcp("i").tool_names().await, Vec::<String>::new());
    let refresh = app.admin().request(Method::POST, "/admin/uds/lab-rest/refresh");
    app.admin().send(refresh).await.ok();
    listed(&app, &["w_add_item", "w_get_item"]).await;
}

#[tokio::test]
async fn who_may_not_see_it_does_not_and_a_panic_ends_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("servers.json");
    replace(&file, &servers(&[("lab-a", "http://127.0.0.1:9/mcp".to_owned())]));
    let app: TestApp = gateway(&table(&file)).await;
    until("it is found", &app, |now| ids(now) == ["lab-a"]).await;
    app.anonymous().get("/admin/discovery").await.error(401);
    app.user().get("/admin/discovery").await.error(403);
    app.app().tasks.make_panic("discovery");
    replace(&file, &servers(&[("lab-b", "http://127.0.0.1:9/mcp".to_owned())]));
    until("it goes on", &app, |now| ids(now) == ["lab-b"]).await;
}
