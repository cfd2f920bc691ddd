//! A data source whose plugin panics: that is seen, and the gateway goes on as soon as it can.

use super::{Away, flaky, path};
use crate::test_app::{Answer, TestApp, eventually};
use serde_json::Value;

impl Away {
    fn panic_in(&self, method: &str) {
        std::fs::write(flaky::panics(&path(&self.directory)), method).unwrap();
    }

    fn panic_no_more(&self) {
        std::fs::remove_file(flaky::panics(&path(&self.directory))).unwrap();
    }
}

/// The row of a background task in `/admin/status`.
async fn task(app: &TestApp, name: &str) -> Value {
    let status = app.admin().get("/admin/status").await.data();
    let tasks = status["tasks"].as_array().unwrap();
    let task = tasks.iter().find(|task| task["name"] == name);
    task.unwrap_or_else(|| panic!("{status}")).clone()
}

fn hides_internals(answer: &Answer) {
    assert!(!answer.text.contains(flaky::INTERNALS), "{}", answer.text);
}

#[tokio::test]
async fn synchronisation_resumes_after_its_panics() {
    for method in ["watch", "changes"] {
        let store = Away::start(&[]).await;
        store.app.anonymous().get("/readyz?strict").await.ok();
        store.panic_in(method);
        if method == "watch" {
            // The stream of changes has to be opened anew first.
            store.take_away();
            store.until_stale(true).await;
            store.bring_back();
        }
        let tasks = &store.app.app().tasks;
        let restarts = || {
            let report = tasks.report();
            report.iter().find(|task| task.name == "sync").unwrap().restarts
        };
        eventually("several restarts", || restarts() >= 2).await;
        store.until_stale(true).await;
        let sync = task(&store.app, "sync").await;
        assert_eq!(sync["in_trouble"], true, "{sync}");
        let strict = store.app.anonymous().get("/readyz?strict").await;
        hides_internals(&strict);
        strict.error(503);
        store.app.anonymous().get("/readyz").await.ok();
        hides_internals(&store.app.admin().get("/admin/status").await);
        store.call_works().await;
        assert!(store.app.app().sync.last_error().unwrap().contains("panicked"));

        store.change_meanwhile().await;
        store.panic_no_more();
        store.has_loaded_the_changes().await;
        assert_eq!(task(&store.app, "sync").await["running"], 1);
        let metrics = store.app.metrics();
        assert!(
            metrics.contains("dynmcp_tasks_running{task=\"sync\"} 1"),
            "{metrics}"
        );
        let counted = format!("dynmcp_task_restarts_total{{task=\"sync\"}} {}", restarts());
        assert!(metrics.contains(&counted), "{counted}: {metrics}");
    }
}

#[tokio::test]
async fn a_first_load_that_panics_serves_the_snapshot_until_it_does_not() {
    let mut store = Away::start(&[]).await;
    store.app.stop().await;
    store.panic_in("load");
    store.change_meanwhile().await;
    store.app.start_again().await;
    eventually("the snapshot is served", || store.app.app().catalog.loaded()).await;
    store.call_works().await;
    assert_eq!(store.listed().await, ["get_item", "add_item"]);
    assert!(store.app.app().sync.last_error().unwrap().contains("panicked"));
    store.panic_no_more();
    store.has_loaded_the_changes().await;
}

#[tokio::test]
async fn a_source_whose_opening_panics_is_opened_later() {
    let mut store = Away::start(&[("data_source.flaky.eager", "true")]).await;
    store.app.stop().await;
    store.take_away();
    store.app.start_again().await;
    store.panic_in("open");
    eventually("a panic", || {
        let report = store.app.app().tasks.report();
        let opening = report.iter().find(|task| task.name == "open_source").unwrap();
        opening.in_trouble && opening.restarts > 0
    })
    .await;
    store.call_works().await;
    store.change_meanwhile().await;
    store.bring_back();
    store.panic_no_more();
    store.has_loaded_the_changes().await;
}
