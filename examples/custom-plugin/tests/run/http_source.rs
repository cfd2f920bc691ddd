//! `http`, from the service to the client.

use super::gateway::{Gateway, PATIENCE, command};
use crate::definition_service::{Fault, Service, TOKEN};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What the README tells to use.
const CONFIG: &str = include_str!("../../http.toml");

fn name(kind: &str, id: &str) -> (String, String) {
    (kind.to_owned(), id.to_owned())
}

fn weather(description: &str) -> String {
    json!({
        "name": "weather", "description": description, "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/weather"},
    })
    .to_string()
}

async fn started(service: &Service, directory: &std::path::Path) -> Gateway {
    let url = format!("http://127.0.0.1:{}/definitions", service.port);
    let environment = [
        ("APP__DATA_SOURCE__HTTP__URL", &*url),
        ("APP__DATA_SOURCE__HTTP__TOKEN", TOKEN),
        ("APP__DATA_SOURCE__HTTP__POLL_MS", "50"),
    ];
    Gateway::start(directory, CONFIG, &environment).await
}

/// Waits until the tools of the instance are such.
async fn lists(gateway: &Gateway, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, answer) = gateway
            .list_tools("support", ("authorization", "Bearer admin-key-of-the-example"))
            .await;
        assert_eq!(status, 200, "{answer}");
        if holds(&answer["result"]["tools"]) {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_changes_is_listed() {
    let service = Service::start().await;
    service
        .definitions()
        .put(name("tds", "weather"), None, &weather("The weather."));
    let support = json!({"name": "Support", "tool_ids": ["weather"]}).to_string();
    service.definitions().put(name("ids", "support"), None, &support);
    let directory = tempfile::tempdir().unwrap();
    let gateway = started(&service, directory.path()).await;
    lists(&gateway, |tools| tools[0]["description"] == "The weather.").await;

    // The team changes it at its service.
    service
        .definitions()
        .put(name("tds", "weather"), None, &weather("The weather of a city."));
    lists(&gateway, |tools| {
        tools[0]["description"] == "The weather of a city."
    })
    .await;

    // A broken one is in the quarantine, and the last good one stays.
    service
        .definitions()
        .put(name("tds", "weather"), None, "{\"name\":");
    let deadline = Instant::now() + PATIENCE;
    let quarantine = loop {
        let quarantine = gateway.admin(Method::GET, "quarantine").send().await.unwrap();
        let quarantine: Value = quarantine.json().await.unwrap();
        if quarantine["data"].to_string().contains("weather") {
            break quarantine;
        }
        assert!(Instant::now() < deadline, "{quarantine}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(quarantine.to_string().contains("line 1"), "{quarantine}");
    lists(&gateway, |tools| {
        tools[0]["description"] == "The weather of a city."
    })
    .await;

    // The service is away: everything goes on but writes.
    service.fail(Some(Fault::Status(500)));
    let put = || gateway.admin(Method::PUT, "tds/weather").body(weather("Better."));
    let refused = put()
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    lists(&gateway, |tools| {
        tools[0]["description"] == "The weather of a city."
    })
    .await;
    service.fail(None);

    // The admin API writes through it, and its answer means that the change is here.
    let written = put()
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    assert_eq!(written.status(), StatusCode::OK, "{:?}", written.text().await);
    let (_, listed) = gateway
        .list_tools("support", ("authorization", "Bearer admin-key-of-the-example"))
        .await;
    assert_eq!(listed["result"]["tools"][0]["description"], "Better.");
    let past = service.definitions().history(&name("tds", "weather"), 1)[0].clone();
    assert!(past["principal"].is_string(), "{past}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_ends_the_start() {
    let service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let url = format!("http://127.0.0.1:{}/definitions", service.port);
    let output = tokio::task::spawn_blocking(move || {
        command(directory.path(), CONFIG)
            .env("APP__DATA_SOURCE__HTTP__URL", url)
            .env("APP__DATA_SOURCE__HTTP__TOKEN", "hunter2")
            .output()
            .unwrap()
    });
    let output = output.await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("answered 401 Unauthorized: look at `data_source.http.token`"),
        "{stderr}"
    );
    assert!(!stderr.contains("hunter2"), "{stderr}");
}
