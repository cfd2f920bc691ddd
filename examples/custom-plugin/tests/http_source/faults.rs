//! What goes wrong is said, and takes nothing away.

use super::client::{self, broken, passing};
use crate::definition_service::{Fault, Service, TOKEN, relay::Relay};
use mcp_common::{
    datasource::{Change, DataSource, SourceError},
    key::Key,
    plugin::PluginError,
};
use serde_json::json;
use std::time::{Duration, Instant};

fn tool(id: &str) -> (String, String) {
    ("tds".to_owned(), id.to_owned())
}

/// Every fault that may pass ends the watch with its reason; the watch after it goes on from where it was.
#[tokio::test]
async fn a_passing_fault_is_told_and_nothing_is_lost() {
    let service = Service::start().await;
    let mut settings = service.settings(service.port);
    settings["timeout_ms"] = 1_000.into();
    let source = client::open(&settings).await;
    service.definitions().put(tool("stays"), None, "{}");
    let mut known = source.load().await.unwrap().revision;
    for (number, (fault, expected)) in [
        (Fault::Status(500), "answered 500 Internal Server Error"),
        (Fault::Status(503), "answered 503 Service Unavailable"),
        (Fault::Status(429), "answered 429 Too Many Requests"),
        (Fault::Page, "something that is no listing of definitions"),
        (Fault::Silence, "did not answer within 1000 ms"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut changes = source.watch(known).await.unwrap();
        service.fail(Some(fault));
        let id = format!("meanwhile{number}");
        service.definitions().put(tool(&id), None, "{}");
        for reason in [
            passing(client::next(&mut changes).await),
            passing(source.watch(known).await.map(|_| ())),
            passing(source.load().await),
        ] {
            assert!(
                reason.contains(expected) && reason.contains("/definitions"),
                "{reason}"
            );
        }
        service.fail(None);
        let mut changes = source.watch(known).await.unwrap();
        let batch = client::next(&mut changes).await.unwrap();
        assert!(
            matches!(&batch.changes[..], [Change::Put(record)] if record.key == Key::tool(id)),
            "{batch:?}"
        );
        known = batch.revision;
    }
}

#[tokio::test]
async fn a_truncated_answer_is_not_half_a_listing() {
    let service = Service::start().await;
    let relay = Relay::to(service.port).await;
    for number in 0..1_000 {
        service
            .definitions()
            .put(tool(&format!("t{number}")), None, "{\"x\":1}");
    }
    let source = client::open(&service.settings(relay.port)).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    relay.break_after(20_000);
    service.definitions().delete(&tool("t7"), None);
    let reason = passing(client::next(&mut changes).await);
    assert!(reason.contains("broke off its answer"), "{reason}");
    relay.break_after(usize::MAX);
    let mut changes = source.watch(load.revision).await.unwrap();
    let batch = client::next(&mut changes).await.unwrap();
    let revision = batch.revision;
    let key = Key::tool("t7");
    assert_eq!(batch.changes, [Change::Delete { key, revision }]);
}

#[tokio::test]
async fn a_wrong_token_ends_the_start_and_is_not_shown() {
    let service = Service::start().await;
    let mut settings = service.settings(service.port);
    settings["token"] = "hunter2".into();
    let error = client::refusal(&settings).await;
    assert!(matches!(error, PluginError::Start(_)), "{error}");
    let expected = format!(
        "http://127.0.0.1:{}/definitions answered 401 Unauthorized: look at `data_source.http.token`",
        service.port
    );
    assert_eq!(error.to_string(), expected);
    // Later it is no reason to end.
    let source = client::open(&service.settings(service.port)).await;
    service.fail(Some(Fault::Status(403)));
    let reason = broken(source.load().await);
    assert!(
        reason.contains("data_source.http.token") && !reason.contains(TOKEN),
        "{reason}"
    );
}

#[tokio::test]
async fn a_service_that_is_away_does_not_end_the_start() {
    let service = Service::start().await;
    service.fail(Some(Fault::Status(502)));
    let error = client::refusal(&service.settings(service.port)).await;
    assert!(matches!(error, PluginError::Unavailable(_)), "{error}");
    let nobody = json!({"url": "http://127.0.0.1:9/definitions"});
    let error = client::refusal(&nobody).await;
    assert!(
        matches!(&error, PluginError::Unavailable(reason) if reason.contains("refused")),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_has_a_bound() {
    let service = Service::start().await;
    service.definitions().put(tool("a"), None, &"x".repeat(100_000));
    let mut settings = service.settings(service.port);
    settings["max_bytes"] = 50_000.into();
    let reason = broken(client::open(&settings).await.load().await);
    assert!(
        reason.ends_with("answers with more than 50000 bytes: raise `data_source.http.max_bytes`"),
        "{reason}"
    );
}

/// The token is for this address and no other.
#[tokio::test]
async fn redirects_are_not_followed() {
    let service = Service::start().await;
    let source = client::open(&service.settings(service.port)).await;
    service.fail(Some(Fault::Status(302)));
    let reason = broken(source.load().await);
    assert!(reason.contains("redirects are not followed"), "{reason}");
}

#[tokio::test]
async fn a_write_that_is_not_taken_says_why() {
    let service = Service::start().await;
    let mut settings = service.settings(service.port);
    settings["timeout_ms"] = 1_000.into();
    let source = client::open(&settings).await;
    for status in [405, 501] {
        service.fail(Some(Fault::Status(status)));
        let answer = client::put(&source, "a").await;
        assert!(matches!(answer, Err(SourceError::ReadOnly(_))), "{answer:?}");
    }
    // A 200 without a revision is not the answer of such a service.
    service.fail(Some(Fault::Page));
    let reason = broken(client::put(&source, "a").await);
    assert!(reason.contains("did not answer with its revision"), "{reason}");
    service.fail(Some(Fault::Silence));
    let began = Instant::now();
    let answer = client::put(&source, "a").await;
    assert!(matches!(answer, Err(SourceError::InDoubt(_))), "{answer:?}");
    assert!(began.elapsed() < Duration::from_secs(20));
    service.fail(None);
    assert_eq!(
        client::put(&source, "a").await.unwrap(),
        1,
        "it was sent once only"
    );
}

/// A service that was restored from a backup is loaded anew.
#[tokio::test]
async fn revisions_that_go_back_are_noticed() {
    let service = Service::start().await;
    service.definitions().set_revision(100);
    let source = client::open(&service.settings(service.port)).await;
    let load = source.load().await.unwrap();
    let mut changes = source.watch(load.revision).await.unwrap();
    service.definitions().set_revision(90);
    let error = client::next(&mut changes).await;
    assert!(
        matches!(error, Err(SourceError::HistoryLost { from: 100 })),
        "{error:?}"
    );
    assert_eq!(source.load().await.unwrap().revision, 90);
}
