//! One past state, what differs between two, and the way back.

use super::{instance, tool};
use crate::test_app::{Answer, TestApp};
use mcp_common::key::Key;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Whatever the data source is, this is the same.
async fn both() -> [TestApp; 2] {
    [TestApp::start().await, TestApp::sqlite().await]
}

fn rollback(app: &TestApp, path: &str, body: &Value) -> RequestBuilder {
    let path = format!("/admin/{path}/rollback");
    app.admin().request(Method::POST, &path).body(body.to_string())
}

async fn roll_back(app: &TestApp, path: &str, revision: u64) -> Answer {
    app.admin()
        .send(rollback(app, path, &json!({"revision": revision})))
        .await
}

/// A rename, text that is no JSON, and a deletion: the revisions.
async fn lived(app: &TestApp) -> [u64; 4] {
    let admin = app.admin();
    let mut second = tool("t", "two");
    second["tds_ext_info"]["path"] = json!("/v2/example");
    second["tags"] = json!(["new"]);
    [
        admin.put("/admin/tds/t", &tool("t", "one")).await.ok().revision(),
        admin.put("/admin/tds/t", &second).await.ok().revision(),
        app.store(Key::tool("t"), "no JSON").await,
        admin.delete("/admin/tds/t").await.ok().revision(),
    ]
}

#[tokio::test]
async fn one_past_state_is_shown_with_who_and_when() {
    for app in both().await {
        let [first, _, text, deleted] = lived(&app).await;
        let admin = app.admin();
        let path = |revision| format!("/admin/tds/t/history/{revision}");
        let state = admin.get(&path(first)).await.ok();
        assert_eq!(state.header("etag"), Some(&*format!("\"{first}\"")));
        insta::assert_json_snapshot!("revision", state.json(), {
            ".data.at" => "[time]", ".data.revision" => "[n]", ".revision" => "[n]",
        });
        let state = admin.get(&path(text)).await.data();
        assert_eq!(
            (&state["principal"], &state["text"]),
            (&json!("platform-team"), &json!("no JSON"))
        );
        assert_eq!(admin.get(&path(deleted)).await.data()["deleted"], true);
        let missing = admin.get(&path(deleted + 1)).await.error(404);
        let expected = format!("revision {} is none of the kept states of TDS `t`", deleted + 1);
        assert!(missing.starts_with(&expected), "{missing}");
        admin.get("/admin/tds/t/history/x").await.error(400);
        admin.get("/admin/ids/t/history/1").await.error(404);
        app.user().get(&path(first)).await.error(403);
    }
}

#[tokio::test]
async fn a_diff_names_each_member_that_changed() {
    for app in both().await {
        let [first, second, text, deleted] = lived(&app).await;
        let admin = app.admin();
        let diff = |from, to: String| {
            let admin = admin.clone();
            async move { admin.get(&format!("/admin/tds/t/history/{from}/diff{to}")).await }
        };
        let changes = diff(first, format!("?to={second}")).await.ok().json();
        insta::assert_json_snapshot!("diff", changes, {
            ".data.*.at" => "[time]", ".data.*.revision" => "[n]",
        });
        let none = diff(second, format!("?to={second}")).await.data();
        assert_eq!(none["changes"], json!([]));
        let to_text = diff(second, format!("?to={text}")).await.data();
        assert_eq!(to_text["changes"][0]["to"], "no JSON");
        // What is stored now is nothing.
        for to in ["", "?to=current"] {
            let now = diff(second, to.to_owned()).await.data();
            assert_eq!(now["to"]["revision"], deleted);
            let changes = now["changes"].as_array().unwrap();
            assert_eq!(changes.len(), 1);
            assert_eq!(
                (&changes[0]["pointer"], &changes[0]["change"]),
                (&json!(""), &json!("removed"))
            );
        }
        let wrong = diff(second, "?to=latest".to_owned()).await.error(400);
        assert!(
            wrong.contains("`latest` is neither a revision nor `current`"),
            "{wrong}"
        );
        diff(second, format!("?to={}", deleted + 9)).await.error(404);
    }
}

#[tokio::test]
async fn a_rollback_stores_the_earlier_document_again() {
    for app in both().await {
        let upstream = app.with_item_tools("shop").await;
        let admin = app.admin();
        let first = admin.get("/admin/tds/get_item").await.ok();
        let mut second = first.json()["data"].clone();
        second["tds_ext_info"]["path"] = json!("/elsewhere/{id}");
        admin.put("/admin/tds/get_item", &second).await.ok();

        let back = roll_back(&app, "tds/get_item", first.revision()).await.ok();
        assert!(back.revision() > first.revision() + 1);
        assert_eq!(back.header("etag"), Some(&*format!("\"{}\"", back.revision())));
        app.mcp("shop").call("get_item", json!({"id": 5})).await;
        assert_eq!(upstream.last().path, "/items/5");

        let history = admin.get("/admin/tds/get_item/history").await.data();
        let newest = &history[0];
        assert_eq!(
            (&newest["revision"], &newest["principal"]),
            (&json!(back.revision()), &json!("admin"))
        );
        assert_eq!(newest["document"], history[2]["document"]);
        assert_eq!(
            history.as_array().unwrap().len(),
            3,
            "nothing of the past is rewritten"
        );

        // A deleted one comes back, and an instance like a tool.
        admin.delete("/admin/ids/shop").await.ok();
        let shop = admin.get("/admin/ids/shop/history").await.data()[1]["revision"]
            .as_u64()
            .unwrap();
        roll_back(&app, "ids/shop", shop).await.ok();
        assert_eq!(app.mcp("shop").tool_names().await, ["get_item", "add_item"]);
    }
}

#[tokio::test]
async fn a_rollback_is_checked_like_any_write() {
    for app in both().await {
        let [first, second, text, deleted] = lived(&app).await;
        let bad = app
            .store(Key::tool("t"), r#"{"name":"a b","description":"x"}"#)
            .await;
        let current = app
            .admin()
            .put("/admin/tds/t", &tool("t", "three"))
            .await
            .ok()
            .revision();
        let refused = |revision, status| {
            let app = &app;
            async move { roll_back(app, "tds/t", revision).await.error(status) }
        };
        let reason = refused(bad, 400).await;
        let expected = format!("revision {bad} is not brought back: missing field `tds_ext_info`");
        assert!(reason.starts_with(&expected), "{reason}");
        assert!(refused(text, 400).await.contains("no document"));
        let reason = refused(deleted, 400).await;
        assert_eq!(
            reason,
            format!("revision {deleted} deleted the definition; to delete it again, send DELETE")
        );
        refused(current + 5, 404).await;
        for body in [
            json!({}),
            json!({"revision": "1"}),
            json!({"revision": 1, "x": 1}),
            json!(1),
        ] {
            let answer = app.admin().send(rollback(&app, "tds/t", &body)).await;
            assert!(
                answer
                    .error(400)
                    .starts_with("the body must be {\"revision\": n}")
            );
        }
        // The expectation of the caller holds, or nothing happens.
        let conditional = |tag: u64| {
            let request = rollback(&app, "tds/t", &json!({"revision": second}));
            let (admin, tag) = (app.admin(), format!("\"{tag}\""));
            async move { admin.send(request.header("if-match", tag)).await }
        };
        conditional(first).await.error(409);
        let dry = app
            .admin()
            .request(Method::POST, "/admin/tds/t/rollback?dry_run=true");
        app.admin()
            .send(dry.body(json!({"revision": second}).to_string()))
            .await
            .ok();
        assert_eq!(app.admin().get("/admin/tds/t").await.ok().revision(), current);
        let back = conditional(current).await.ok();
        assert_eq!(back.json()["data"]["name"], "two");

        // A name that is taken by now.
        let admin = app.admin();
        admin.put("/admin/tds/other", &tool("other", "one")).await.ok();
        admin
            .put("/admin/ids/i", &instance("i", &["t", "other"]))
            .await
            .ok();
        let clash = refused(first, 409).await;
        assert!(
            clash.contains("the name `one` would stand for the tools `t` and `other`"),
            "{clash}"
        );
        app.user()
            .send(
                app.user()
                    .request(Method::POST, "/admin/tds/t/rollback")
                    .body("{}"),
            )
            .await
            .error(403);
    }
}
