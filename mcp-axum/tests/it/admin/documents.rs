//! Definitions go in and come out.

use super::{instance, tool, v1_tool};
use crate::test_app::TestApp;
use mcp_common::key::Key;
use serde_json::{Value, json};

#[tokio::test]
async fn a_v1_document_comes_out_member_for_member() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        let stored = app.admin().put("/admin/tds/tool123", &v1_tool()).await.ok();
        let etag = format!("\"{}\"", stored.revision());
        assert_eq!(stored.header("etag"), Some(&*etag));
        let read = app.admin().get("/admin/tds/tool123").await.ok();
        assert_eq!(read.header("etag"), Some(&*etag));
        assert_eq!(read.revision(), stored.revision());
        assert_eq!(read.json()["data"], stored.json()["data"]);
        insta::assert_json_snapshot!("v1_tool", read.json(), {".data.updated_at" => "[time]"});
        let at = read.json()["data"]["updated_at"].as_str().unwrap().to_owned();
        assert!(
            at.ends_with('Z') && at.starts_with("20") && at.contains('T'),
            "{at}"
        );
    }
}

#[tokio::test]
async fn values_stay_the_text_they_are() {
    let app = TestApp::sqlite().await;
    let text = r#"{"name":"exact","z_unknown":{"big":123456789012345678901234567890,"one":1.0},"description":"d",
        "input_schema":{"type":"object","properties":{"b":{"default":1.10},"a":{"default":1e2}}},
        "tds_ext_info":{"domain":"x.example","method":"get","path":"/"}}"#;
    let stored = app.admin().put_text("/admin/tds/exact", text).await.ok();
    assert_eq!(
        stored.warnings(),
        ["z_unknown: unknown member, kept but not used"]
    );
    let read = app.admin().get("/admin/tds/exact").await.ok();
    for part in [
        r#""z_unknown":{"big":123456789012345678901234567890,"one":1.0}"#,
        r#""properties":{"b":{"default":1.10},"a":{"default":1e2}}"#,
        r#""method":"get""#,
    ] {
        assert!(read.text.contains(part), "{part} is not in {}", read.text);
    }
    assert_eq!(read.warnings(), stored.warnings());
}

#[tokio::test]
async fn the_id_in_the_url_wins() {
    let app = TestApp::start().await;
    let mut document = tool("somebody_else", "one");
    assert_eq!(
        app.admin().put("/admin/tds/mine", &document).await.data()["id"],
        "mine"
    );
    document.as_object_mut().unwrap().remove("id");
    assert_eq!(
        app.admin().put("/admin/tds/other", &document).await.data()["id"],
        "other"
    );
    app.admin().get("/admin/tds/somebody_else").await.error(404);
    let data = app.admin().get("/admin/tds").await.data();
    let ids: Vec<&str> = data
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["mine", "other"]);
}

#[tokio::test]
async fn what_the_server_maintains_is_not_stored() {
    let app = TestApp::sqlite().await;
    let mut document = v1_tool();
    document["revision"] = json!(999_999);
    document["updated_at"] = json!("1999-01-01T00:00:00Z");
    let stored = app.admin().put("/admin/tds/t", &document).await.ok();
    assert!(stored.warnings().is_empty(), "{}", stored.text);
    let history = app.admin().get("/admin/tds/t/history").await.data();
    let document = history[0]["document"].as_object().unwrap();
    assert!(
        !document.contains_key("revision") && !document.contains_key("updated_at"),
        "{document:?}"
    );
    // What was read can be written back as it is, also by a strict writer.
    let read = app.admin().get("/admin/tds/t").await.data();
    app.admin().put("/admin/tds/t?strict=true", &read).await.ok();
}

#[tokio::test]
async fn ids_are_percent_decoded() {
    let app = TestApp::start().await;
    for (path, id) in [
        ("gr%C3%B6%C3%9Fe%20%231", "größe #1"),
        ("a%2Eb%3Fc", "a.b?c"),
        ("%25", "%"),
        ("a+b", "a+b"),
    ] {
        let stored = app
            .admin()
            .put(&format!("/admin/tds/{path}"), &tool("x", "x"))
            .await;
        assert_eq!(stored.data()["id"], id);
        assert_eq!(
            app.admin().get(&format!("/admin/tds/{path}")).await.data()["id"],
            id
        );
        let text = app.admin().delete(&format!("/admin/tds/{path}")).await.data();
        assert_eq!(text, format!("TDS `{id}` delete result: true"));
    }
    let long = "x".repeat(257);
    for path in ["a%2Fb", "a%00b", "a%0Ab", "%FF", &long] {
        for answer in [
            app.admin()
                .put(&format!("/admin/tds/{path}"), &tool("x", "x"))
                .await,
            app.admin().get(&format!("/admin/ids/{path}")).await,
            app.admin().delete(&format!("/admin/ids/{path}")).await,
        ] {
            answer.error(400);
        }
    }
}

#[tokio::test]
async fn deleting_says_whether_something_was_there() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        app.admin().put("/admin/tds/t", &v1_tool()).await.ok();
        let stored = app.admin().put("/admin/ids/t", &instance("t", &["t"])).await.ok();
        let deleted = app.admin().delete("/admin/ids/t").await.ok();
        assert!(deleted.revision() > stored.revision());
        assert_eq!(deleted.data(), "IDS `t` delete result: true");
        let again = app.admin().delete("/admin/ids/t").await.ok();
        assert_eq!(
            again.json(),
            json!({"code": 200, "message": "success", "data": "IDS `t` delete result: false"})
        );
        app.admin().get("/admin/ids/t").await.error(404);
        app.admin().get("/admin/tds/t").await.ok();
    }
}

#[tokio::test]
async fn strict_turns_warnings_into_refusals() {
    let app = TestApp::start().await;
    let mut document = v1_tool();
    document["colour"] = json!("green");
    let text = app
        .admin()
        .put("/admin/tds/t?strict=true", &document)
        .await
        .error(400);
    assert!(
        text.contains("colour: unknown member, which `strict` refuses") && !text.contains("kept"),
        "{text}"
    );
    app.admin().get("/admin/tds/t").await.error(404);
    let text = app
        .admin()
        .put("/admin/ids/i?strict=true", &instance("i", &["nowhere"]))
        .await
        .error(400);
    assert!(text.contains("nowhere"), "{text}");
    app.admin().put("/admin/tds/t?strict=true", &v1_tool()).await.ok();
    let text = app
        .admin()
        .put("/admin/tds/t?strict=maybe", &v1_tool())
        .await
        .error(400);
    assert_eq!(
        text,
        "the parameter `strict` is `maybe`: expected `true` or `false`"
    );
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let app = TestApp::start().await;
    let before = app.admin().get("/admin/status").await.data()["revision"].clone();
    let answer = app
        .admin()
        .put("/admin/tds/t?dry_run=true", &v1_tool())
        .await
        .ok();
    assert_eq!(answer.header("etag"), None);
    assert_eq!(answer.json()["data"]["id"], "t");
    let mut bad = v1_tool();
    bad["description"] = json!("");
    app.admin()
        .put("/admin/tds/t?dry_run=true", &bad)
        .await
        .error(400);
    app.admin().get("/admin/tds/t").await.error(404);
    assert_eq!(app.admin().get("/admin/status").await.data()["revision"], before);
}

#[tokio::test]
async fn any_content_type_is_read() {
    let app = TestApp::start().await;
    let client = app.admin();
    for content_type in [
        None,
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
        Some("application/json; charset=utf-8"),
    ] {
        let mut request = client
            .request(reqwest::Method::PUT, "/admin/tds/t")
            .body(v1_tool().to_string());
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        client.send(request).await.ok();
    }
}

#[tokio::test]
async fn unknown_tools_are_warned_about_until_they_come() {
    let app = TestApp::start().await;
    let warned = app
        .admin()
        .put("/admin/ids/i", &instance("i", &["late"]))
        .await
        .ok();
    assert!(warned.warnings().concat().contains("late"), "{}", warned.text);
    assert_eq!(
        app.admin().get("/admin/ids/i").await.warnings(),
        warned.warnings()
    );
    app.admin()
        .put("/admin/tds/late", &tool("late", "late"))
        .await
        .ok();
    assert!(app.admin().get("/admin/ids/i").await.warnings().is_empty());
    assert_eq!(app.mcp("i").tool_names().await, ["late"]);
}

#[tokio::test]
async fn definitions_survive_a_restart() {
    let mut app = TestApp::sqlite().await;
    app.admin().put("/admin/tds/t", &v1_tool()).await.ok();
    let before = app.admin().get("/admin/tds/t").await.ok().json();
    app.restart().await;
    assert_eq!(app.admin().get("/admin/tds/t").await.ok().json(), before);
}

#[tokio::test]
async fn what_a_platform_team_wrote_under_another_id_is_served_under_its_key() {
    let app = TestApp::sqlite().await;
    app.store(Key::tool("key"), &tool("document", "one").to_string())
        .await;
    let read = app.admin().get("/admin/tds/key").await.ok();
    assert_eq!(read.json()["data"]["id"], "key");
    assert!(read.warnings().concat().contains("`document`"), "{}", read.text);
    let without: Value = json!({"name": "i", "tool_ids": ["key"]});
    app.store(Key::instance("key"), &without.to_string()).await;
    assert_eq!(app.admin().get("/admin/ids/key").await.data()["id"], "key");
}

#[tokio::test]
async fn by_default_definitions_reach_only_variables_that_are_meant_for_them() {
    let app = TestApp::start().await;
    for (variable, said) in [
        ("PATH", "add its name to `secrets.allow_env`"),
        // Adding this one would not help.
        ("APP__APP__API_KEY", "which `secrets.allow_env` does not open"),
        ("DYNMCP_SECRET_NOT_SET_HERE", "is not set where the gateway runs"),
    ] {
        let mut tool = super::v1_tool();
        tool["tds_ext_info"]["auth"] =
            json!({"type": "bearer", "credential": format!("${{env:{variable}}}")});
        let stored = app.admin().put("/admin/tds/x", &tool).await.ok();
        let warnings = stored.warnings().join(" ");
        assert!(
            warnings.contains(variable) && warnings.contains(said),
            "{warnings}"
        );
    }
}

#[tokio::test]
async fn a_credential_in_a_definition_is_warned_of_and_refused_when_strict() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let binding = json!({
        "domain": "api.example.com", "method": "GET", "path": "/", "headers": {"Authorization": "Bearer hunter2"},
    });
    let tool = json!({"name": "t", "description": "d", "tds_ext_info": binding});
    let strict = admin.put("/admin/tds/t?strict=true", &tool).await;
    assert!(!strict.text.contains("hunter2"), "{}", strict.text);
    let refusal = strict.error(400);
    assert!(
        refusal.contains("tds_ext_info.headers.Authorization: a credential stands here"),
        "{refusal}"
    );
    let stored = admin.put("/admin/tds/t", &tool).await.ok().json();
    let warning = stored["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("tds_ext_info.headers.Authorization") && !warning.contains("hunter2"),
        "{warning}"
    );
    let wanted = json!({"definitions": [{"kind": "tds", "id": "u", "document": tool}]});
    let plan = admin
        .send(admin.request(reqwest::Method::POST, "/admin/plan").json(&wanted))
        .await;
    let plan = plan.ok().data();
    assert!(
        plan["warnings"]
            .to_string()
            .contains("tds_ext_info.headers.Authorization"),
        "{plan}"
    );
}
