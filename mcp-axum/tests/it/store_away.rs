//! The data source goes away, and the gateway goes on; it starts without it, too.

mod flaky;
mod panics;

use crate::test_app::{Client, McpClient, TestApp, eventually};
use flaky::INTERNALS;
use mcp_common::{
    datasource::{DataSource, Expected, Write},
    key::Key,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A gateway on a store that can be taken away.
struct Away {
    app: TestApp,
    directory: TempDir,
}

impl Away {
    async fn start(settings: &[(&'static str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = path(&directory);
        let mut all = vec![
            ("app.data_source", "flaky"),
            ("data_source.flaky.path", path.to_str().unwrap()),
        ];
        all.extend(settings);
        let app = TestApp::with(&all).await;
        app.with_item_tools("i").await;
        Self { app, directory }
    }

    fn take_away(&self) {
        std::fs::write(flaky::down(&path(&self.directory)), "").unwrap();
    }

    fn bring_back(&self) {
        std::fs::remove_file(flaky::down(&path(&self.directory))).unwrap();
    }

    /// A platform team's own way in.
    async fn write_past_the_gateway(&self, key: Key, body: Option<Value>) {
        let file = flaky::file(&path(&self.directory)).await;
        let write = Write {
            key: &key,
            expected: Expected::Any,
            principal: "pipeline",
        };
        match body {
            Some(body) => drop(file.put(write, body.to_string().into()).await.unwrap()),
            None => drop(file.delete(write).await.unwrap()),
        }
    }

    async fn call_works(&self) {
        let result = self.app.mcp("i").call("get_item", json!({"id": 7})).await;
        assert_ne!(result["isError"], true, "{result}");
        assert!(self.listed().await.contains(&"get_item".to_owned()));
    }

    async fn listed(&self) -> Vec<String> {
        self.app.mcp("i").tool_names().await
    }

    async fn until_stale(&self, stale: bool) {
        eventually("the status of the store", || self.app.app().sync.stale() == stale).await;
    }

    async fn is_stale_and_serves(&self) {
        let (app, admin) = (&self.app, self.app.admin());
        app.anonymous().get("/readyz").await.ok();
        app.anonymous().get("/readyz?strict").await.error(503);
        let status = admin.get("/admin/status").await.data();
        assert_eq!(
            (&status["stale"], &status["ready"]),
            (&json!(true), &json!(true)),
            "{status}"
        );
        self.call_works().await;
        let tool = json!({"name": "n", "description": "d", "input_schema": {},
            "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/"}});
        for answer in [
            admin.put("/admin/tds/new", &tool).await,
            admin.delete("/admin/tds/get_item").await,
        ] {
            assert_eq!(answer.header("retry-after"), Some("1"));
            assert!(!answer.text.contains(INTERNALS), "{}", answer.text);
            answer.error(503);
        }
        admin.get("/admin/tds/get_item").await.ok();
        admin.get("/admin/tds/new").await.error(404);
    }

    /// `add_item` is deleted and `get_item` has another instance, both written while the store was away.
    async fn change_meanwhile(&self) {
        self.write_past_the_gateway(Key::tool("add_item"), None).await;
        let instance = json!({"name": "second", "tool_ids": ["get_item"]});
        self.write_past_the_gateway(Key::instance("second"), Some(instance))
            .await;
    }

    async fn has_loaded_the_changes(&self) {
        self.until_stale(false).await;
        eventually("the changes made meanwhile", || {
            let snapshot = self.app.app().catalog.snapshot();
            !snapshot.tools.contains_key("add_item") && snapshot.instances.contains_key("second")
        })
        .await;
    }

    async fn has_caught_up(&self) {
        self.has_loaded_the_changes().await;
        assert_eq!(self.listed().await, ["get_item"]);
        self.app.mcp("second").call("get_item", json!({"id": 8})).await;
        self.app.anonymous().get("/readyz?strict").await.ok();
        self.app.put_instance("written-again", &["get_item"]).await;
    }
}

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("store.db")
}

fn snapshot_file(app: &TestApp) -> PathBuf {
    app.directory().join("definitions.snapshot")
}

#[tokio::test]
async fn calls_go_on_and_it_catches_up_by_itself() {
    let store = Away::start(&[]).await;
    store.call_works().await;
    store.take_away();
    store.until_stale(true).await;
    store.is_stale_and_serves().await;
    store.change_meanwhile().await;
    assert_eq!(store.listed().await, ["get_item", "add_item"]);
    store.bring_back();
    store.has_caught_up().await;
}

#[tokio::test]
async fn a_start_without_the_store_serves_the_snapshot() {
    for eager in ["true", "false"] {
        let mut store = Away::start(&[("data_source.flaky.eager", eager)]).await;
        store.take_away();
        store.app.restart().await;
        store.is_stale_and_serves().await;
        let before = std::fs::read(snapshot_file(&store.app)).unwrap();
        store.change_meanwhile().await;
        // A second start without it changes nothing.
        store.app.restart().await;
        store.is_stale_and_serves().await;
        assert_eq!(std::fs::read(snapshot_file(&store.app)).unwrap(), before);
        store.bring_back();
        store.has_caught_up().await;
    }
}

#[tokio::test]
async fn a_key_that_was_taken_back_opens_nothing_without_the_store_either() {
    let mut store = Away::start(&[]).await;
    let admin = store.app.admin();
    let post = async |path: &str, body: &Value| {
        let request = admin.request(reqwest::Method::POST, path).json(body);
        admin.send(request).await.ok().data()
    };
    let [good, off, gone] = [
        post("/admin/keys", &json!({"instances": ["i"]})).await,
        post("/admin/keys", &json!({"instances": ["i"]})).await,
        post("/admin/keys", &json!({"instances": ["i"]})).await,
    ];
    let id = |key: &Value| key["id"].as_str().unwrap().to_owned();
    post(&format!("/admin/keys/{}/inactivate", id(&off)), &json!({})).await;
    admin.delete(&format!("/admin/keys/{}", id(&gone))).await.ok();
    store.take_away();
    for _ in 0..2 {
        for (key, expected) in [(&good, 200), (&off, 401), (&gone, 401)] {
            let holder = Client::new(store.app.address(), key["key"].as_str().map(str::to_owned));
            let listed = McpClient::new(holder, "i").modern("tools/list", json!({})).await;
            assert_eq!(listed.status, expected, "{}", listed.text);
        }
        store.app.restart().await;
    }
    assert!(store.app.app().sync.stale(), "it has been away all the time");
}

#[tokio::test]
async fn or_it_waits() {
    for (setting, spoil) in [("false", None), ("true", Some("not a snapshot"))] {
        let mut store = Away::start(&[("app.start_from_snapshot", setting)]).await;
        store.take_away();
        store.app.stop().await;
        match spoil {
            Some(text) => std::fs::write(snapshot_file(&store.app), text).unwrap(),
            None => assert!(is_private(&snapshot_file(&store.app))),
        }
        store.app.start_again().await;
        eventually("the store is missed", || {
            store.app.app().sync.last_error().is_some()
        })
        .await;
        store.app.anonymous().get("/readyz").await.error(503);
        let list = store.app.mcp("i").modern("tools/list", json!({})).await;
        list.error(503);
        store.bring_back();
        eventually("it is ready", || store.app.app().catalog.loaded()).await;
        store.call_works().await;
    }
}

#[tokio::test]
async fn the_last_good_version_survives_a_restart() {
    let mut store = Away::start(&[]).await;
    store
        .app
        .store(Key::tool("get_item"), r#"{"name": "get_item"}"#)
        .await;
    store.call_works().await;
    store.app.restart().await;
    assert!(!store.app.app().sync.stale());
    store.call_works().await;
    let quarantine = store.app.admin().get("/admin/quarantine").await.data();
    assert_eq!(quarantine[0]["id"], "get_item", "{quarantine}");
    assert!(quarantine[0]["serving_revision"].is_u64(), "{quarantine}");
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_disturbs_nothing() {
    let directory = TempDir::new().unwrap();
    let in_the_way = directory.path().join("in-the-way");
    std::fs::write(&in_the_way, "").unwrap();
    let mut store = Away::start(&[("app.data_dir", in_the_way.to_str().unwrap())]).await;
    store.call_works().await;
    store.app.restart().await;
    store.call_works().await;
    assert_eq!(std::fs::read(in_the_way).unwrap(), b"");
}

#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).unwrap().permissions().mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(file: &Path) -> bool {
    file.exists()
}
