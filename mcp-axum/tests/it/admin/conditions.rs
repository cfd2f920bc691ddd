//! `If-Match` and `If-None-Match`: nobody overwrites what they have not seen.

use super::{instance, tool, v1_tool};
use crate::test_app::TestApp;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_lost_if_match_is_409_and_changes_nothing() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        let admin = app.admin();
        let first = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
        let second = admin
            .put_if("/admin/tds/t", &tool("t", "second"), first)
            .await
            .ok()
            .revision();
        let text = admin
            .put_if("/admin/tds/t", &tool("t", "third"), first)
            .await
            .error(409);
        assert!(text.contains(&second.to_string()), "{text}");
        assert_eq!(admin.get("/admin/tds/t").await.data()["name"], "second");

        let text = admin
            .put_if("/admin/tds/nowhere", &v1_tool(), first)
            .await
            .error(409);
        assert!(text.contains("nothing is stored"), "{text}");
        admin.get("/admin/tds/nowhere").await.error(404);
    }
}

#[tokio::test]
async fn a_delete_honours_if_match() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let first = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let second = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let delete = |revision: u64| {
        let request = admin
            .request(Method::DELETE, "/admin/tds/t")
            .header("if-match", format!("\"{revision}\""));
        admin.send(request)
    };
    delete(first).await.error(409);
    admin.get("/admin/tds/t").await.ok();
    delete(second).await.ok();
    admin.get("/admin/tds/t").await.error(404);
    delete(second).await.error(409);
}

#[tokio::test]
async fn create_only_and_replace_only() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let put = |name: &'static str, value: &'static str| {
        admin.send(
            admin
                .request(Method::PUT, "/admin/tds/t")
                .header(name, value)
                .body(v1_tool().to_string()),
        )
    };
    put("if-match", "*").await.error(409);
    put("if-none-match", "*").await.ok();
    put("if-none-match", "*").await.error(409);
    put("if-match", "*").await.ok();
    for (name, value) in [
        ("if-match", "7"),
        ("if-match", "W/\"7\""),
        ("if-match", ""),
        ("if-none-match", "\"7\""),
    ] {
        put(name, value).await.error(400);
    }
    let request = admin
        .request(Method::DELETE, "/admin/tds/t")
        .header("if-none-match", "*");
    admin.send(request).await.error(400);
    admin.get("/admin/tds/t").await.ok();
}

#[tokio::test]
async fn of_20_writers_exactly_one_wins_each_revision() {
    for app in [TestApp::start().await, TestApp::sqlite().await] {
        let mut revision = app.admin().put("/admin/tds/t", &v1_tool()).await.ok().revision();
        for round in 0..5 {
            let writers = (0..20).map(|writer| {
                let client = app.admin();
                async move {
                    let document = tool("t", &format!("r{round}w{writer}"));
                    let answer = client.put_if("/admin/tds/t", &document, revision).await;
                    (answer.status, document["name"].clone(), answer)
                }
            });
            let answers = futures_util::future::join_all(writers).await;
            let won: Vec<_> = answers.iter().filter(|(status, ..)| *status == 200).collect();
            assert_eq!(won.len(), 1, "round {round}: {answers:?}");
            assert!(
                answers.iter().all(|(status, ..)| matches!(status, 200 | 409)),
                "{answers:?}"
            );
            revision = won[0].2.revision();
            let read = app.admin().get("/admin/tds/t").await.ok();
            assert_eq!(
                (read.revision(), read.json()["data"]["name"].clone()),
                (revision, won[0].1.clone())
            );
        }
    }
}

#[tokio::test]
async fn of_two_writes_that_clash_one_is_refused() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    admin.put("/admin/ids/i", &instance("i", &["a", "b"])).await.ok();
    for round in 0..20 {
        let (one, other) = (
            tool("a", &format!("same{round}")),
            tool("b", &format!("same{round}")),
        );
        let (one, other) = tokio::join!(admin.put("/admin/tds/a", &one), admin.put("/admin/tds/b", &other));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "round {round}: {one:?} {other:?}");
        assert_eq!(admin.get("/admin/quarantine").await.data(), json!([]));
    }
}

#[tokio::test]
async fn a_dry_run_loses_like_a_real_write() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let first = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let second = admin.put("/admin/tds/t", &v1_tool()).await.ok().revision();
    let path = "/admin/tds/t?dry_run=true";
    admin.put_if(path, &v1_tool(), first).await.error(409);
    admin.put_if(path, &v1_tool(), second).await.ok();
    let request = admin.request(Method::PUT, path).header("if-none-match", "*");
    admin.send(request.body(v1_tool().to_string())).await.error(409);
    assert_eq!(admin.get("/admin/tds/t").await.revision(), second);
}
