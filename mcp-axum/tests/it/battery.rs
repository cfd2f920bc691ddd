//! Every route that there is, with every kind of credential. The routes are those of the router itself: one that is added is guarded like all
//! others, or stands in the list of those that are for everybody, or this fails. What was answered stands in `docs/SECURITY-BATTERY.md`.

mod issuers;
mod page;
mod routes;

use crate::test_app::{Answer, Client, TestApp};
use issuers::{Issuers, PUBLIC};
use page::Tally;
use reqwest::Method;
use routes::{OPEN, filled, guarded};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write, time::Duration};

const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
];

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

async fn gateway() -> (TestApp, Issuers) {
    let issuers = Issuers::start().await;
    let entry = json!([{"name": "a", "issuer": issuers.own.url, "roles": "realm_access.roles"}]).to_string();
    let app = TestApp::with(&[
        ("app.default_instance", "desk"),
        ("app.public_url", PUBLIC),
        ("app.authenticators", "jwt,api_key"),
        ("authenticator.jwt.issuers", &entry),
    ])
    .await;
    app.put_instance("desk", &[]).await;
    app.put_instance("zebra-7", &[]).await;
    (app, issuers)
}

/// Only the status: some of the answers are streams.
async fn status(client: &Client, method: &Method, path: &str) -> u16 {
    let request = client
        .request(method.clone(), path)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .timeout(Duration::from_secs(20))
        .body("{}");
    let sent = request.send().await;
    sent.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
        .status()
        .as_u16()
}

async fn key(app: &TestApp, wanted: Value) -> (String, String) {
    let data = post(&app.admin(), "/admin/keys", &wanted).await.ok().data();
    let text = |name: &str| data[name].as_str().unwrap().to_owned();
    (text("id"), text("key"))
}

/// Everything that is no good credential, and a key that is one.
async fn bad(app: &TestApp, issuers: &Issuers) -> (Vec<(&'static str, Client)>, String) {
    let all = json!({"roles": ["admin"]});
    let (off_id, off) = key(app, all.clone()).await;
    post(
        &app.admin(),
        &format!("/admin/keys/{off_id}/inactivate"),
        &json!({}),
    )
    .await
    .ok();
    let (_, ended) = key(
        app,
        json!({"roles": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}),
    )
    .await;
    let (old_id, rotated_out) = key(app, all.clone()).await;
    let rotated = post(&app.admin(), &format!("/admin/keys/{old_id}/rotate"), &json!({}))
        .await
        .ok()
        .data();
    let (gone_id, gone) = key(app, all).await;
    let token = post(&app.anonymous(), "/api/v1/auth/token", &json!({"api_key": gone}))
        .await
        .expect(200)
        .json();
    app.admin().delete(&format!("/admin/keys/{gone_id}")).await.ok();
    let good = rotated["key"].as_str().unwrap().to_owned();
    let of = |shown: &str| Client::new(app.address(), Some(shown.to_owned()));
    let mut callers = vec![
        ("nobody", app.anonymous()),
        ("an empty key", of("")),
        ("a wrong key", of("a-key-that-nobody-has")),
        ("a key that was cut off", of(&good[..good.len() - 9])),
        ("a key that is switched off", of(&off)),
        ("a key that has ended", of(&ended)),
        ("a key that was rotated out", of(&rotated_out)),
        ("a key that was deleted", of(&gone)),
        (
            "a token of a key that was deleted",
            of(token["access_token"].as_str().unwrap()),
        ),
        ("two keys", of(&good).with_header("x-api-key", app.user_key())),
        (
            "a key in the wrong scheme (`Basic`)",
            app.anonymous()
                .with_header("authorization", &format!("Basic {good}")),
        ),
        (
            "a key in a cookie",
            app.anonymous().with_header("cookie", &format!("key={good}")),
        ),
    ];
    callers.extend(issuers.bad().into_iter().map(|(who, token)| (who, of(&token))));
    (callers, good)
}

#[tokio::test]
async fn nothing_is_opened_by_what_is_no_good_credential() {
    let (app, issuers) = gateway().await;
    let (callers, good) = bad(&app, &issuers).await;
    let (mut asked, mut tally) = (0, Tally::default());
    for route in guarded(&app) {
        let path = filled(&route);
        for (who, caller) in &callers {
            let mut refused = 0;
            for method in &METHODS {
                let status = status(caller, method, &path).await;
                // 405 is nothing.
                assert!(matches!(status, 401 | 405), "{who}: {method} {route}: {status}");
                tally.note(who, &route, status);
                refused += usize::from(status == 401);
                asked += 1;
            }
            assert!(refused > 0, "{who}: {route}");
        }
    }
    assert!(asked > 4_000, "{asked}");
    assert_eq!(issuers.stranger_was_asked(), 0);
    // The good ones are good.
    let good = Client::new(app.address(), Some(good));
    good.get("/admin/tds").await.ok();
    let agent = status(&issuers.good(&app, &["agent"]), &Method::POST, "/mcp/desk").await;
    assert!(![401, 403].contains(&agent), "{agent}");
    page::has("no good credential", &tally.table());
}

#[tokio::test]
async fn whoever_may_do_little_may_do_it_on_no_other_route() {
    let (app, issuers) = gateway().await;
    let of = async |wanted: Value| Client::new(app.address(), Some(key(&app, wanted).await.1));
    let viewer = of(json!({"roles": ["viewer"]})).await;
    let agents = [
        (
            "a key with the role `agent`",
            of(json!({"roles": ["agent"]})).await,
        ),
        ("a token with the role `agent`", issuers.good(&app, &["agent"])),
    ];
    let nothing = [
        (
            "a key of another instance",
            of(json!({"instances": ["zebra-7"]})).await,
        ),
        (
            "a key whose role nobody wrote",
            of(json!({"roles": ["a-word"]})).await,
        ),
        ("a token without a role", issuers.good(&app, &[])),
        (
            "a token with the role `admin`, which the configuration allows to nobody",
            issuers.good(&app, &["admin"]),
        ),
    ];
    let configured = ("a configured key without `admin`", app.user());
    // What a viewer reads by POST: it changes nothing.
    let reads = ["/admin/plan"];
    let mut tally = Tally::default();
    for route in guarded(&app) {
        let path = filled(&route);
        let mut refused = 0;
        for method in &METHODS {
            let mut of = async |who: &str, caller: &Client| {
                let status = status(caller, method, &path).await;
                tally.note(who, &route, status);
                status
            };
            let what = format!("{method} {route}");
            // Other names of something that is read; there is nothing else.
            let is_other_name = route.starts_with("/api/v1/");
            let seen = of("a key with the role `viewer`", &viewer).await;
            if is_other_name && *method != Method::GET {
                assert!([403, 405].contains(&seen), "{what}");
                continue;
            }
            if route.starts_with("/admin") || is_other_name {
                for (who, caller) in nothing.iter().chain(&agents).chain([&configured]) {
                    assert_eq!(of(who, caller).await, 403, "{who}: {what}");
                }
                let may_read =
                    *method == Method::GET && route != "/admin/audit" || reads.contains(&route.as_str());
                assert_eq!(seen == 403, !may_read, "{what}: {seen}");
                assert_ne!(seen, 401, "{what}");
            } else if route != "/metrics" {
                assert!(matches!(seen, 403 | 405), "{what}: {seen}");
                for (who, caller) in &nothing {
                    let status = of(who, caller).await;
                    assert!(matches!(status, 403 | 405), "{who}: {what}: {status}");
                    refused += usize::from(status == 403);
                }
                for (who, caller) in agents.iter().chain([&configured]) {
                    let status = of(who, caller).await;
                    assert!(![401, 403].contains(&status), "{who}: {what}: {status}");
                }
            } else {
                let is_read = *method == Method::GET;
                assert_eq!(seen, if is_read { 200 } else { 405 }, "{what}");
                for (who, caller) in nothing.iter().chain(&agents) {
                    let wanted = if is_read { 403 } else { 405 };
                    assert_eq!(of(who, caller).await, wanted, "{who}: {what}");
                }
                let (who, caller) = &configured;
                let wanted = if is_read { 200 } else { 405 };
                assert_eq!(of(who, caller).await, wanted, "{who}: {what}");
            }
        }
        let is_of_operators =
            route.starts_with("/admin") || route.starts_with("/api/v1/") || route == "/metrics";
        assert!(refused > 0 || is_of_operators, "{route}");
    }
    // Nothing was changed by any of it.
    let number = async |path: &str| app.admin().get(path).await.data().as_array().unwrap().len();
    assert_eq!((number("/admin/ids").await, number("/admin/keys").await), (2, 4));
    page::has("little", &tally.table());
}

#[tokio::test]
async fn what_is_for_everybody_says_nothing_of_this_gateway() {
    let (app, _issuers) = gateway().await;
    let routes = routes::all(&app);
    let mut table = "| route | a `GET` of nobody |\n|---|---|\n".to_owned();
    for open in OPEN {
        assert!(routes.contains(*open), "{open} is no route any more");
        let answer = app.anonymous().get(&filled(open)).await;
        assert!(
            ![401, 403, 500].contains(&answer.status),
            "{open}: {}",
            answer.status
        );
        for secret in [app.user_key(), app.admin_key(), "zebra-7"] {
            assert!(!answer.text.contains(secret), "{open} has {secret}");
        }
        writeln!(table, "| `{open}` | {} |", answer.status).unwrap();
    }
    page::has("for everybody", &table);
    let mut doors = BTreeMap::<_, Vec<_>>::new();
    for route in guarded(&app) {
        doors
            .entry(routes::door(&route))
            .or_default()
            .push(format!("`{route}`"));
    }
    let mut list = String::new();
    for (door, routes) in doors {
        writeln!(list, "* {door} ({}): {}", routes.len(), routes.join(", ")).unwrap();
    }
    page::has("routes", &list);
}

/// No detour around what asks for a credential: what the router does not know by this spelling is nothing, or the same.
#[tokio::test]
async fn a_path_that_is_spelled_otherwise_opens_nothing() {
    let (app, _issuers) = gateway().await;
    for route in guarded(&app) {
        let path = filled(&route);
        let encoded = format!("/%{:02x}{}", path.as_bytes()[1], &path[2..]);
        let (first, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        for spelling in [
            encoded,
            format!("/{path}"),
            format!("{path}/"),
            format!("{path}//"),
            format!("{path};x=y"),
            format!("{path}?key={}", app.admin_key()),
            format!("{path}%00"),
            format!("{path}.json"),
            format!("/{}/{rest}", first.to_uppercase()),
            format!("/{first}//{rest}"),
            format!("/{first}/%2e/{rest}"),
            format!("/livez/..%2f{first}/{rest}"),
            format!("/livez%2f..{path}"),
        ] {
            let seen = status(&app.anonymous(), &Method::GET, &spelling).await;
            assert!(matches!(seen, 400 | 401 | 404 | 405), "{spelling}: {seen}");
        }
    }
}
