//! Receivers verify what they are told; those that fail or hang disturb nobody.

use crate::test_app::{Recorded, Reply, TestApp, Upstream, eventually};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Names these in the configuration, and waits until they are told.
async fn configured(app: &TestApp, webhooks: &str) {
    let base = fs::read_to_string(app.configuration()).unwrap();
    app.follow().await;
    fs::write(app.configuration(), format!("{base}{webhooks}")).unwrap();
    reloads(app, 1).await;
}

async fn reloads(app: &TestApp, times: u64) {
    eventually("the configuration is read again", || {
        json!(app.app().config.report())["reloads"] == times
    })
    .await;
}

async fn change(app: &TestApp, id: &str) {
    let tool = json!({"name": id, "description": "d", "input_schema": {}, "static": {"structured": {}}});
    app.admin().put(&format!("/admin/tds/{id}"), &tool).await.ok();
}

fn header<'a>(request: &'a Recorded, name: &str) -> &'a str {
    request.headers[name].to_str().unwrap()
}

/// As the specification has it.
fn verify(request: &Recorded) -> Value {
    let (id, time) = (
        header(request, "webhook-id"),
        header(request, "webhook-timestamp"),
    );
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", &request.body].concat();
    let signature = header(request, "webhook-signature").strip_prefix("v1,").unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    ring::hmac::verify(&key, &signed, &STANDARD.decode(signature).unwrap()).expect("the signature is right");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    assert!(now.abs_diff(time.parse().unwrap()) < 60);
    assert_eq!(header(request, "content-type"), "application/json");
    request.json()
}

fn metric(app: &TestApp, name: &str) -> u64 {
    let metrics = app.metrics();
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

#[tokio::test]
async fn an_event_is_told_until_it_is_understood() {
    let app = TestApp::start().await;
    let receiver = Upstream::start().await;
    receiver.reply_json(500, &json!({}));
    let file = app.directory().join("secret");
    fs::write(&file, format!("whsec_{}\n", STANDARD.encode(SECRET))).unwrap();
    let webhook = format!(
        "[[webhooks]]\nname = 'ops'\nurl = '{}/hook'\ntypes = ['definition.*']\nsecret_file = '{}'\n",
        receiver.origin(),
        file.display()
    );
    configured(&app, &webhook).await;
    change(&app, "one").await;
    eventually("it is told twice", || receiver.requests().len() >= 2).await;
    receiver.reply_json(204, &json!({}));
    let delivered = "dynmcp_webhook_events_total{webhook=\"ops\",outcome=\"delivered\"}";
    eventually("it is understood", || metric(&app, delivered) == 1).await;
    let requests = receiver.requests();
    let ids: Vec<_> = requests
        .iter()
        .map(|request| header(request, "webhook-id"))
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for request in &requests {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/hook")
        );
        let told = verify(request);
        assert_eq!(told["type"], "definition.changed");
        assert_eq!(told["data"]["type"], "definition.changed");
        assert!(told["timestamp"].as_str().unwrap().ends_with('Z'), "{told}");
    }
    assert!(metric(&app, "dynmcp_webhook_attempts_failed_total{webhook=\"ops\"}") >= 1);

    let before = requests.len();
    change(&app, "two").await;
    eventually("the next one is told", || receiver.requests().len() > before).await;
    let next = receiver.last();
    verify(&next);
    assert_ne!(header(&next, "webhook-id"), ids[0]);
}

#[tokio::test]
async fn who_hangs_or_may_not_be_reached_disturbs_nobody() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let (silent, good) = (Upstream::start().await, Upstream::start().await);
    silent.reply(Reply::After(Duration::from_secs(3_600)));
    let webhooks = format!(
        "[[webhooks]]\nname = 'silent'\nurl = '{}'\ntimeout_ms = 100\nattempts = 1\n\
         [[webhooks]]\nname = 'never'\nurl = 'http://169.254.169.254/'\nattempts = 1\n\
         [[webhooks]]\nname = 'good'\nurl = '{}'\ntypes = ['definition.changed']\n",
        silent.origin(),
        good.origin()
    );
    configured(&app, &webhooks).await;
    for number in 0..5 {
        change(&app, &format!("t{number}")).await;
        app.mcp("i").call("get_item", json!({"id": number})).await;
    }
    eventually("the good one is told of all", || good.requests().len() >= 5).await;
    let of = |name: &str, outcome: &str| {
        metric(
            &app,
            &format!("dynmcp_webhook_events_total{{webhook=\"{name}\",outcome=\"{outcome}\"}}"),
        )
    };
    eventually("the silent one is given up", || of("silent", "given_up") >= 2).await;
    eventually("the other is not reached", || of("never", "given_up") >= 2).await;
    assert_eq!(of("never", "delivered") + of("silent", "delivered"), 0);
    assert!(
        good.requests()[0].headers.get("webhook-signature").is_none(),
        "without a secret"
    );
}

#[tokio::test]
async fn they_come_and_go_with_the_configuration_and_hear_of_the_end() {
    let mut app = TestApp::start().await;
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let webhook = |receiver: &Upstream| {
        format!(
            "[[webhooks]]\nurl = '{}'\ntypes = ['definition.changed', 'server.stopped']\n",
            receiver.origin()
        )
    };
    let base = fs::read_to_string(app.configuration()).unwrap();
    configured(&app, &webhook(&first)).await;
    change(&app, "one").await;
    eventually("it is told", || !first.requests().is_empty()).await;
    fs::write(app.configuration(), format!("{base}{}", webhook(&second))).unwrap();
    reloads(&app, 2).await;
    let before = first.requests().len();
    change(&app, "two").await;
    eventually("the other is told", || !second.requests().is_empty()).await;
    assert_eq!(first.requests().len(), before);
    app.stop().await;
    let last = second.last().json();
    assert_eq!(last["type"], "server.stopped");
}

#[tokio::test]
async fn the_end_waits_once_for_all_that_is_left() {
    let mut app = TestApp::start().await;
    let silent = Upstream::start().await;
    silent.reply(Reply::After(Duration::from_secs(3_600)));
    let webhook = format!(
        "[[webhooks]]\nname = 'silent'\nurl = '{}'\ntypes = ['definition.changed']\ntimeout_ms = 60000\n",
        silent.origin()
    );
    configured(&app, &webhook).await;
    for number in 0..6 {
        change(&app, &format!("t{number}")).await;
    }
    eventually("the first is on its way", || !silent.requests().is_empty()).await;
    let (metrics, start) = (app.app().metrics.clone(), Instant::now());
    app.stop().await;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(6), "{took:?}, for each of them");
    let metrics = metrics.encode().unwrap();
    let given_up = metrics.lines().find_map(|line| {
        let line =
            line.strip_prefix("dynmcp_webhook_events_total{webhook=\"silent\",outcome=\"given_up\"} ")?;
        line.parse::<u64>().ok()
    });
    assert!(
        given_up.is_some_and(|events| (2..=6).contains(&events)),
        "{given_up:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let app = TestApp::start().await;
    let base = fs::read_to_string(app.configuration()).unwrap();
    app.follow().await;
    let wrong = "[[webhooks]]\nurl = 'ftp://a'\ntypes = ['breaker.opend']\nattempts = 0\nsecret_file = '/nowhere/at/all'\nsecret = 'x'\n";
    fs::write(app.configuration(), format!("{base}{wrong}")).unwrap();
    eventually("it is refused", || {
        json!(app.app().config.report())["errors"] == 1
    })
    .await;
    let report = json!(app.app().config.report());
    let reason = report["last_error"]["reason"].as_str().unwrap();
    for part in [
        "webhooks[0].url: is no URL of a receiver",
        "webhooks[0].types: there is no event `breaker.opend`",
        "webhooks[0].secret: give one of",
        "webhooks[0].secret_file: /nowhere/at/all",
        "webhooks[0].attempts: must be 1 to 100",
    ] {
        assert!(reason.contains(part), "{part}: {reason}");
    }
    fs::write(
        app.configuration(),
        format!("{base}[[webhooks]]\nurl = 'https://a.example'\nsekret = 'x'\n"),
    )
    .unwrap();
    eventually("a misspelt key is, too", || {
        json!(app.app().config.report())["errors"] == 2
    })
    .await;
    let report = json!(app.app().config.report());
    let reason = report["last_error"]["reason"].as_str().unwrap();
    assert!(reason.contains("sekret"), "{reason}");
}
