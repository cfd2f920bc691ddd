//! Quarantine, status, history: what an administrator sees of what happens behind the API.

use super::{instance, tool, v1_tool};
use crate::test_app::TestApp;
use mcp_common::key::Key;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_bad_record_is_quarantined_and_the_last_good_one_stays() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let upstream = app.with_item_tools("shop").await;
    let good = admin.get("/admin/tds/get_item").await.ok();
    let bad = app
        .store(Key::tool("get_item"), r#"{"name":"get item","description":"x"}"#)
        .await;
    let never = app
        .store(Key::tool("never"), r#"{"name":"never","colour":1}"#)
        .await;
    let text = app.store(Key::instance("text"), "no JSON at all").await;

    let findings = admin.get("/admin/quarantine").await.ok().json();
    insta::assert_json_snapshot!("quarantine", findings, {
        ".data[].at" => "[time]", ".data[].revision" => "[n]", ".data[].serving_revision" => "[n]", ".revision" => "[n]",
    });
    let revisions: Vec<_> = findings["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["revision"].clone())
        .collect();
    assert_eq!(revisions, [json!(bad), json!(never), json!(text)]);
    let serving = |at: usize| findings["data"][at]["serving_revision"].clone();
    assert_eq!(
        [serving(0), serving(1), serving(2)],
        [json!(good.revision()), json!(null), json!(null)]
    );

    // The good one is served, to administrators with a warning.
    let served = admin.get("/admin/tds/get_item").await.ok();
    assert_eq!(served.json()["data"], good.json()["data"]);
    assert!(
        served
            .warnings()
            .concat()
            .contains(&format!("revision {bad} is quarantined")),
        "{}",
        served.text
    );
    app.mcp("shop").call("get_item", json!({"id": 5})).await;
    assert_eq!(upstream.last().path, "/items/5");

    // What was never good is shown as it is stored, if it is a document.
    let stored = admin.get("/admin/tds/never").await.ok();
    assert_eq!(stored.json()["data"]["colour"], 1);
    assert!(
        stored.warnings().concat().contains("quarantined"),
        "{}",
        stored.text
    );
    let text = admin.get("/admin/ids/text").await.error(404);
    assert!(text.contains("quarantine"), "{text}");
    let listed = admin.get("/admin/tds").await.ok();
    let ids: Vec<_> = listed.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids, ["add_item", "get_item", "never"]);
    assert_eq!(listed.warnings().len(), 2, "{}", listed.text);
    assert_eq!(admin.get("/admin/status").await.data()["quarantined"], 3);

    // A good write, or a delete, takes it out.
    admin.put("/admin/tds/never", &tool("never", "never")).await.ok();
    admin.put("/admin/tds/get_item", &good.json()["data"]).await.ok();
    admin.delete("/admin/ids/text").await.ok();
    assert_eq!(admin.get("/admin/quarantine").await.data(), json!([]));
}

#[tokio::test]
async fn a_quarantined_revision_can_be_replaced_by_who_has_seen_it() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let good = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let bad = app.store(Key::tool("t"), "{}").await;
    admin.put_if("/admin/tds/t", &v1_tool(), good).await.error(409);
    admin.put_if("/admin/tds/t", &v1_tool(), bad).await.ok();
}

#[tokio::test]
async fn a_clash_from_the_store_keeps_the_last_good_view() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/tds/a", &tool("a", "find")).await.ok();
    admin.put("/admin/tds/b", &tool("b", "other")).await.ok();
    admin
        .put("/admin/ids/shop", &instance("shop", &["a", "b"]))
        .await
        .ok();
    app.store(Key::tool("b"), &tool("b", "find").to_string()).await;
    assert_eq!(app.mcp("shop").tool_names().await, ["find", "other"]);
    let findings = admin.get("/admin/quarantine").await.data();
    assert_eq!(
        (&findings[0]["kind"], &findings[0]["id"]),
        (&json!("IDS"), &json!("shop")),
        "{findings}"
    );
    assert!(!admin.get("/admin/ids/shop").await.warnings().is_empty());
    app.store(Key::tool("b"), &tool("b", "third").to_string()).await;
    assert_eq!(admin.get("/admin/quarantine").await.data(), json!([]));
    assert_eq!(app.mcp("shop").tool_names().await, ["find", "third"]);
}

/// The tool that makes the clash is younger than the instance, and that is not what the writer says that it replaces.
#[tokio::test]
async fn an_instance_whose_tools_clash_can_be_replaced_by_who_has_seen_it() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/tds/a", &tool("a", "find")).await.ok();
    admin.put("/admin/tds/b", &tool("b", "other")).await.ok();
    let both = instance("shop", &["a", "b"]);
    let put = |document: &Value, revision: &str| {
        let request = admin
            .request(Method::PUT, "/admin/ids/shop")
            .header("if-match", revision);
        admin.send(request.body(document.to_string()))
    };
    let stored = admin.put("/admin/ids/shop", &both).await.ok().revision();
    app.store(Key::tool("b"), &tool("b", "find").to_string()).await;
    let renamed = |name: &str| json!({"name": "shop", "tool_ids": ["a", {"id": "b", "name": name}]});
    let seen = put(&renamed("find_b"), &format!("\"{stored}\"")).await.ok();
    assert_eq!(app.mcp("shop").tool_names().await, ["find", "find_b"]);

    app.store(Key::tool("a"), &tool("a", "find_b").to_string()).await;
    assert_eq!(admin.get("/admin/quarantine").await.data()[0]["id"], "shop");
    put(&renamed("find"), &format!("\"{stored}\"")).await.error(409);
    let repaired = put(&renamed("find"), "*").await.ok();
    assert!(repaired.revision() > seen.revision());
    assert_eq!(app.mcp("shop").tool_names().await, ["find_b", "find"]);
}

#[tokio::test]
async fn status_says_how_the_replica_is_doing() {
    let app = TestApp::sqlite().await;
    let stored = app.admin().put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let status = app
        .admin()
        .get(&format!("/admin/status?wait_revision={stored}"))
        .await
        .ok();
    assert_eq!(status.json()["data"]["revision"], stored);
    insta::assert_json_snapshot!("status", status.json(), {
        ".data.started_at" => "[time]", ".data.version" => "[version]", ".data.revision" => "[n]", ".revision" => "[n]",
        // Threads may still be starting.
        ".data.tasks[].running" => "[n]",
    });
    app.admin().get("/admin/status?wait_revision=x").await.error(400);
}

#[tokio::test]
async fn what_is_switched_off_in_the_store_is_counted() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/tds/t", &v1_tool()).await.ok();
    let revision = admin.put("/admin/tds/u", &v1_tool()).await.ok().revision();
    assert_eq!(admin.get("/admin/status").await.data()["disabled"], 0);
    app.sqlite3("UPDATE dynmcp_xds SET status = 0 WHERE key = 'u'");
    let path = format!("/admin/status?wait_revision={}", revision + 1);
    assert_eq!(admin.get(&path).await.data()["disabled"], 1);
    app.sqlite3("UPDATE dynmcp_xds SET status = 1");
    let path = format!("/admin/status?wait_revision={}", revision + 2);
    assert_eq!(admin.get(&path).await.data()["disabled"], 0);
}

#[tokio::test]
async fn status_can_wait_for_a_revision() {
    let app = TestApp::sqlite().await;
    let next = app.admin().put("/admin/tds/t", &v1_tool()).await.ok().revision() + 1;
    let (waiting, writing) = (app.admin(), app.admin());
    let path = format!("/admin/status?wait_revision={next}");
    let document = v1_tool();
    let (status, written) = tokio::join!(waiting.get(&path), writing.put("/admin/tds/t", &document));
    assert!(status.data()["revision"].as_u64().unwrap() >= next);
    assert_eq!(written.revision(), next);
}

#[tokio::test]
async fn history_shows_past_states_newest_first() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        let admin = app.admin();
        let first = admin.put("/admin/tds/t", &tool("t", "one")).await.ok().revision();
        admin.put("/admin/tds/t", &tool("t", "two")).await.ok();
        app.store(Key::tool("t"), "no JSON").await;
        admin.delete("/admin/tds/t").await.ok();
        let history = admin.get("/admin/tds/t/history").await.ok().json();
        insta::assert_json_snapshot!("history", history, {".data[].at" => "[time]", ".data[].revision" => "[n]"});
        assert_eq!(history["data"][3]["revision"], first);
        let newest = admin.get("/admin/tds/t/history?limit=1").await.data();
        assert_eq!(newest, json!([history["data"][0]]));
        admin.get("/admin/tds/t/history?limit=0").await.error(400);
        admin.get("/admin/ids/t/history").await.error(404);
    }
}

#[tokio::test]
async fn metrics_are_written_as_the_scraper_reads_them() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    // Rendered, but not called: tools that nobody calls have no series.
    app.mcp("i").tool_names().await;
    let admin = app.admin();
    let plain = admin.get("/metrics").await.ok();
    assert_eq!(
        plain.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        plain.text.contains("# TYPE dynmcp_mcp_requests_total counter\n"),
        "{}",
        plain.text
    );
    assert!(
        plain.text.contains("# TYPE dynmcp_build_info gauge\n"),
        "{}",
        plain.text
    );
    assert!(
        !plain.text.contains("# EOF") && !plain.text.contains("tool=\"get_item\""),
        "{}",
        plain.text
    );
    let scraper = admin.request(reqwest::Method::GET, "/metrics").header(
        "accept",
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3",
    );
    let open = admin.send(scraper).await.ok();
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.text.ends_with("# EOF\n"), "{}", open.text);
    app.mcp("i").call("get_item", serde_json::json!({"id": 1})).await;
    let called = app.metrics();
    let counted = "dynmcp_tool_calls_total{mcp_instance=\"i\",tool=\"get_item\",outcome=\"ok\"} 1\n";
    assert!(called.contains(counted), "{called}");
}

#[tokio::test]
async fn a_path_without_anything_says_where_to_go() {
    let app = TestApp::start().await;
    for path in ["/mcp/x/y", "/mcpx", "/favicon.ico"] {
        let text = app.anonymous().get(path).await.error(404);
        assert!(text.contains("MCP clients use /mcp/INSTANCE"), "{path}: {text}");
    }
}

#[tokio::test]
async fn the_deletion_of_a_tool_names_the_instances_that_list_it() {
    let app = TestApp::sqlite().await;
    app.with_item_tools("shop").await;
    app.put_instance("other", &["get_item"]).await;
    let deleted = app.admin().delete("/admin/tds/get_item").await.ok().json();
    let warning = deleted["warnings"][0].as_str().unwrap();
    assert!(warning.contains("`other`, `shop`"), "{deleted}");
    let again = app.admin().delete("/admin/tds/get_item").await.ok().json();
    assert_eq!(again.get("warnings"), None, "{again}");
    app.put_instance("other", &[]).await;
    app.put_instance("shop", &[]).await;
    let deleted = app.admin().delete("/admin/tds/add_item").await.ok().json();
    assert_eq!(deleted.get("warnings"), None, "{deleted}");
}
