//! `exec`.

use super::{gateway, ids, listed, server, until};
use serde_json::json;
use std::fs;
use tempfile::TempDir;

#[tokio::test]
async fn what_a_command_prints_is_found_and_stays_while_it_fails() {
    let (far, folder) = (server().await, TempDir::new().unwrap());
    let script = folder.path().join("list.sh");
    let listing = json!([{"name": "far", "url": far.url("/mcp/shop")}]);
    fs::write(&script, format!("printf '%s' '{listing}'")).unwrap();
    let table =
        json!([{"type": "exec", "command": ["sh", script], "interval": 1, "timeout": 1, "tags": ["found"]}]);
    let app = gateway(&table).await;
    listed(&app, &["add_item", "get_item"]).await;
    for (content, expected) in [
        ("echo no luck >&2; exit 3", "exit status: 3: no luck"),
        ("echo hello", "is no JSON"),
        ("sleep 600 & sleep 600", "did not end within 1s"),
        ("yes", "did not end within 1s"),
    ] {
        fs::write(&script, content).unwrap();
        let now = until(expected, &app, |now| {
            now["problem"]
                .as_str()
                .is_some_and(|problem| problem.contains(expected))
        })
        .await;
        assert_eq!(ids(&now), ["far"]);
    }
    assert_eq!(app.mcp("i").tool_names().await, ["add_item", "get_item"]);
}
