//! A setting that cannot work is named, and no password with it.

use mcp_plugin::datasource::etcd::EtcdSettings;
use serde_json::{Value, json};

fn refusal(settings: &Value) -> String {
    EtcdSettings::read(settings).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_key() {
    let one = "http://127.0.0.1:2379";
    let cases = [
        (
            json!({}),
            "data_source.etcd.endpoints: is empty; name the members",
        ),
        (
            json!({ "endpoints": [3] }),
            "data_source.etcd.endpoints: expected a list of texts",
        ),
        (
            json!({ "endpoints": "ftp://x" }),
            "`ftp://x` is not of the form http(s)://host:port",
        ),
        (
            json!({ "endpoints": "http://x/y" }),
            "`http://x/y` is not of the form",
        ),
        (
            json!({ "endpoints": "http://u:hunter2@x" }),
            "must not contain a user or a password",
        ),
        (
            json!({ "endpoints": one, "username": "u" }),
            "data_source.etcd.password: is missing",
        ),
        (
            json!({ "endpoints": one, "password": "hunter2" }),
            "data_source.etcd.username: is missing",
        ),
        (
            json!({ "endpoints": one, "ca_file": "/none" }),
            "data_source.etcd.ca_file: `/none` cannot be read",
        ),
        (
            json!({ "endpoints": one, "server_name": "x" }),
            "no endpoint starts with https://",
        ),
        (
            json!({ "endpoints": "https://x", "ca_file": "Cargo.toml" }),
            "`Cargo.toml` is not a PEM file",
        ),
        (
            json!({ "endpoints": one, "history": 0 }),
            "expected a whole number from 1 to 1000, not `0`",
        ),
        (
            json!({ "endpoints": one, "history_prefix": "/dynmcp/h" }),
            "set one apart",
        ),
        (
            json!({ "endpoints": one, "prefx": "/" }),
            "data_source.etcd.prefx: no such setting",
        ),
    ];
    for (settings, expected) in cases {
        let refusal = refusal(&settings);
        assert!(refusal.contains(expected), "{settings}: {refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}

#[test]
fn sizes_may_have_a_unit() {
    let settings = json!({ "endpoints": "127.0.0.1", "max_request_bytes": "4MiB" });
    let shown = format!("{:?}", EtcdSettings::read(&settings).unwrap());
    assert!(shown.contains("max_request_bytes: 4194304"), "{shown}");
}

#[test]
fn a_password_is_not_shown() {
    let settings = json!({ "endpoints": "127.0.0.1", "username": "u", "password": "hunter2" });
    let shown = format!("{:?}", EtcdSettings::read(&settings).unwrap());
    assert!(
        shown.contains("http://127.0.0.1:2379") && !shown.contains("hunter2"),
        "{shown}"
    );
}
