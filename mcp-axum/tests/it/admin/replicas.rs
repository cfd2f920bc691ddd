//! Two gateways on one store.

use super::{tool, v1_tool};
use crate::test_app::{TestApp, eventually};
use serde_json::json;

async fn two() -> [TestApp; 2] {
    let first = TestApp::sqlite().await;
    let file = first.directory().join("definitions.db");
    let second = TestApp::with(&[
        ("app.data_source", "sqlite"),
        ("data_source.sqlite.path", file.to_str().unwrap()),
    ])
    .await;
    [first, second]
}

#[tokio::test]
async fn a_write_on_one_is_seen_on_the_other() {
    let [first, second] = two().await;
    let written = first.admin().put("/admin/tds/t", &v1_tool()).await.ok();
    let revision = written.revision();
    let status = second
        .admin()
        .get(&format!("/admin/status?wait_revision={revision}"))
        .await
        .data();
    assert_eq!(status["revision"], revision);
    assert_eq!(
        second.admin().get("/admin/tds/t").await.ok().json(),
        first.admin().get("/admin/tds/t").await.json()
    );
    second.admin().delete("/admin/tds/t").await.ok();
    eventually("the deletion is seen", || {
        first.app().catalog.snapshot().tools.is_empty()
    })
    .await;
    first.admin().get("/admin/tds/t").await.error(404);
}

#[tokio::test]
async fn of_writers_on_both_exactly_one_wins_each_revision() {
    let apps = two().await;
    let mut revision = apps[0]
        .admin()
        .put("/admin/tds/t", &v1_tool())
        .await
        .ok()
        .revision();
    for round in 0..5 {
        let writers = (0..20).map(|writer| {
            let client = apps[writer % 2].admin();
            async move {
                client
                    .put_if(
                        "/admin/tds/t",
                        &tool("t", &format!("r{round}w{writer}")),
                        revision,
                    )
                    .await
            }
        });
        let answers = futures_util::future::join_all(writers).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "round {round}: {answers:?}");
        assert!(
            answers.iter().all(|answer| matches!(answer.status, 200 | 409)),
            "{answers:?}"
        );
        revision = won[0].revision();
    }
}

#[tokio::test]
async fn a_replica_that_has_not_seen_a_write_yet_does_not_undo_it() {
    let apps = two().await;
    for round in 0..20 {
        let (one, other) = (apps[0].admin(), apps[1].admin());
        let id = format!("/admin/tds/t{round}");
        let document = json!(tool("t", &format!("n{round}")));
        let create = |client: crate::test_app::Client| {
            let request = client
                .request(reqwest::Method::PUT, &id)
                .header("if-none-match", "*");
            let request = request.body(document.to_string());
            async move { client.send(request).await }
        };
        let (one, other) = tokio::join!(create(one), create(other));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
    }
}
