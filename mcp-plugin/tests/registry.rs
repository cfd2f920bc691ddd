//! The plugins are found by name, and open with settings as the configuration gives them.

use mcp_common::plugin::Registry;
use mcp_plugin as _;
use serde_json::{Value, json};

#[tokio::test]
async fn every_plugin_is_registered_under_its_name() {
    let sources = Registry::data_sources().unwrap();
    let names: Vec<_> = sources.names().collect();
    assert_eq!(names, ["etcd", "file", "memory", "mysql", "postgres", "sqlite"]);
    let authenticators = Registry::authenticators().unwrap();
    assert_eq!(
        authenticators.names().collect::<Vec<_>>(),
        ["api_key", "introspection", "jwt", "mtls", "none"]
    );
    let discoveries = Registry::discoveries().unwrap();
    assert_eq!(
        discoveries.names().collect::<Vec<_>>(),
        [
            "consul",
            "dns",
            "etcd",
            "exec",
            "file_watch",
            "http_polling",
            "multicast",
            "static"
        ]
    );
    let probes = Registry::health_probes().unwrap();
    assert_eq!(probes.names().collect::<Vec<_>>(), ["exec"]);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/x.db");
    let sqlite = sources
        .get("sqlite")
        .unwrap()
        .open(&json!({ "path": path }))
        .await
        .unwrap();
    assert_eq!(sqlite.load().await.unwrap().revision, 0);
    assert!(path.exists());
    let memory = sources.get("memory").unwrap().open(&Value::Null).await.unwrap();
    assert_eq!(memory.load().await.unwrap().revision, 0);
}

#[tokio::test]
async fn only_none_is_open() {
    let authenticators = Registry::authenticators().unwrap();
    let keys = json!({"keys": [{"name": "a", "key": "a-key-for-this-test"}]});
    let api_key = authenticators.get("api_key").unwrap().make(&keys).await.unwrap();
    assert!(!api_key.open());
    assert!(api_key.authenticate(&http::HeaderMap::new()).await.is_err());
    assert_eq!(api_key.challenge(), "Bearer");
    let none = authenticators
        .get("none")
        .unwrap()
        .make(&Value::Null)
        .await
        .unwrap();
    assert!(none.open());
    assert!(none.authenticate(&http::HeaderMap::new()).await.unwrap().admin);
}
