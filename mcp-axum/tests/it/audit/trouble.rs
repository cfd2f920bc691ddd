//! What happens when the log cannot be written.

use super::{desk, records};
use crate::test_app::{TestApp, eventually};
use serde_json::{Value, json};
use std::fs;

/// Puts a file where the log's folder was.
fn break_folder(app: &TestApp) {
    let folder = app.directory().join("audit");
    fs::rename(&folder, app.directory().join("aside")).unwrap();
    fs::write(&folder, "").unwrap();
}

fn mend_folder(app: &TestApp) {
    let folder = app.directory().join("audit");
    fs::remove_file(&folder).unwrap();
    fs::rename(app.directory().join("aside"), &folder).unwrap();
}

#[tokio::test]
async fn calls_go_on_where_it_cannot_be_written_and_what_is_lost_is_counted() {
    let app = desk(&[("audit.buffer", "64KiB")]).await;
    records(&app, "action=admin/ids/write", 1).await;
    break_folder(&app);
    let client = app.mcp("desk");
    let lost = || {
        let metrics = app.metrics();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("dynmcp_audit_records_lost_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    let mut calls = 0;
    while lost() < 20 {
        assert_eq!(client.call("get_order", json!({})).await["isError"], false);
        calls += 1;
    }
    assert!(app.metrics().contains("dynmcp_audit_failing 1\n"));
    mend_folder(&app);
    eventually("it is written again", || {
        app.metrics().contains("dynmcp_audit_failing 0\n")
    })
    .await;
    client.call("get_order", json!({})).await;
    calls += 1;
    let folder = app.directory().join("audit");
    let lines = || -> Vec<Value> {
        let files = fs::read_dir(&folder).unwrap();
        let texts = files.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
        let text: String = texts.collect();
        let lines = text.lines().map(serde_json::from_str);
        lines.filter_map(Result::ok).collect()
    };
    eventually("each call is there, or counted", || {
        let lines = lines();
        let told: u64 = lines.iter().filter_map(|line| line["lost"].as_u64()).sum();
        let called = lines.iter().filter(|line| line["tool"] == "get_order").count() as u64;
        told == lost() && called + told == calls
    })
    .await;
}

#[tokio::test]
async fn nothing_is_done_that_has_no_record_where_that_is_wanted() {
    let app = desk(&[("audit.buffer", "64KiB"), ("audit.on_full", "refuse")]).await;
    records(&app, "action=admin/ids/write", 1).await;
    break_folder(&app);
    let client = app.mcp("desk");
    let mut made = 0;
    let refused = loop {
        let answer = client
            .modern("tools/call", json!({"name": "get_order", "arguments": {}}))
            .await;
        if answer.status != 200 {
            break answer;
        }
        made += 1;
    };
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("audit.on_full"), "{}", refused.text);
    // What there is can be seen, and nothing be changed.
    assert_eq!(client.tool_names().await.len(), 2);
    app.admin().get("/admin/tds").await.ok();
    app.admin().delete("/admin/tds/get_order").await.error(503);
    mend_folder(&app);
    eventually("it is written again", || {
        app.metrics().contains("dynmcp_audit_failing 0\n")
    })
    .await;
    assert_eq!(client.call("get_order", json!({})).await["isError"], false);
    let found = records(&app, "tool=get_order&decision=allow&limit=1000", made + 1).await;
    assert!(found.iter().all(|record| record["outcome"] == "ok"));
}
