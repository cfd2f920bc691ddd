//! Every route that there is, with every kind of credential. The routes are those of the router itself: one that is added is guarded like all
//! others, or stands in the list of those that are for everybody, or this fails.

use crate::test_app::{Answer, Client, TestApp};
use mcp_axum::app;
use mcp_core::{engine::Engine, protocol::Endpoint};
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// What is for everybody: it is the same for every gateway, or says nothing of this one; and the door where a key is exchanged, which asks
/// for one in its body.
const OPEN: &[&str] = &[
    "/",
    "/front.css",
    "/healthz",
    "/livez",
    "/readyz",
    "/admin/docs",
    "/admin/docs/docs.css",
    "/admin/docs/docs.js",
    "/admin/openapi.json",
    // The same under an older name.
    "/api-docs/openapi.json",
    // Whether it is well.
    "/health",
    // Leads to the documentation.
    "/swagger-ui",
    "/swagger-ui/",
    "/swagger-ui/index.html",
    "/admin/schema/{file}",
    "/api/v1/auth/token",
    "/.well-known/oauth-protected-resource/mcp/{instance}",
    // Where a browser comes back to from a login: what counts is what it brings.
    "/oauth/callback/{upstream}",
    // Who the gateway is, for authorization servers.
    "/oauth/client/{document}",
    // With whom people sign in, and where they are led to and come back from: what counts is what they bring.
    "/sign-in",
    "/sign-in/{name}",
    "/sign-in/callback",
    "/sign-in/out",
    // Where callers show who they are, and see what is theirs afterwards.
    "/connect",
    "/connect/{ticket}",
];
/// The page of the console and what it loads: it shows nothing without a key.
const CONSOLE: &str = "/console";
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

async fn gateway() -> TestApp {
    let app = TestApp::with(&[
        ("app.default_instance", "desk"),
        ("app.public_url", "https://gateway.example.com"),
        ("app.authenticators", "jwt,api_key"),
        // Nobody answers there: no token is good.
        (
            "authenticator.jwt.issuers",
            r#"[{"name": "a", "issuer": "http://127.0.0.1:9"}]"#,
        ),
    ])
    .await;
    app.put_instance("desk", &[]).await;
    app.put_instance("zebra-7", &[]).await;
    app
}

/// As the router has them, whoever may come.
fn routes(app: &TestApp) -> BTreeSet<String> {
    let shared = app.app();
    let engine = Engine::new((*shared.engine).clone(), shared.services.clone());
    let router = app::router(shared.clone(), Endpoint::new(shared.gateway.clone(), engine));
    let shown = format!("{router:?}");
    let path = Regex::new(r#"RouteId\(\d+\): "([^"]+)""#).unwrap();
    let routes: BTreeSet<String> = path
        .captures_iter(&shown)
        .map(|found| found[1].to_owned())
        .collect();
    // What answers where there is nothing.
    let routes: BTreeSet<String> = routes
        .into_iter()
        .filter(|route| !route.contains("__private__"))
        .collect();
    for known in ["/mcp/{instance}", "/admin/keys/{id}", "/metrics"] {
        assert!(routes.contains(known), "{known} is not among {routes:?}");
    }
    routes
}

fn filled(route: &str) -> String {
    let parameter = Regex::new(r"\{[^}]+\}").unwrap();
    let values = route
        .replace("{instance}", "desk")
        .replace("{file}", "tds.json")
        .replace("{format}", "openapi")
        .replace("{revision}", "1");
    parameter.replace_all(&values, "x").into_owned()
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

#[tokio::test]
async fn nothing_is_opened_by_what_is_no_good_credential() {
    let app = gateway().await;
    let all = json!({"roles": ["admin"]});
    let (off_id, off) = key(&app, all.clone()).await;
    post(
        &app.admin(),
        &format!("/admin/keys/{off_id}/inactivate"),
        &json!({}),
    )
    .await
    .ok();
    let (_, ended) = key(
        &app,
        json!({"roles": ["admin"], "expires_at": "2020-01-01T00:00:00Z"}),
    )
    .await;
    let (old_id, rotated_out) = key(&app, all.clone()).await;
    let rotated = post(&app.admin(), &format!("/admin/keys/{old_id}/rotate"), &json!({}))
        .await
        .ok()
        .data();
    let (gone_id, gone) = key(&app, all).await;
    let token = post(&app.anonymous(), "/api/v1/auth/token", &json!({"api_key": gone}))
        .await
        .expect(200)
        .json();
    app.admin().delete(&format!("/admin/keys/{gone_id}")).await.ok();
    let good = rotated["key"].as_str().unwrap();
    let of = |shown: &str| Client::new(app.address(), Some(shown.to_owned()));
    let jwt = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwOi8vMTI3LjAuMC4xOjkifQ.";
    let callers = [
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
        ("an unsigned token", of(jwt)),
        ("two keys", of(good).with_header("x-api-key", app.user_key())),
        (
            "a key in the wrong scheme",
            app.anonymous()
                .with_header("authorization", &format!("Basic {good}")),
        ),
        (
            "a key in a cookie",
            app.anonymous().with_header("cookie", &format!("key={good}")),
        ),
    ];
    let mut asked = 0;
    for route in routes(&app) {
        if OPEN.contains(&route.as_str()) || route.starts_with(CONSOLE) {
            continue;
        }
        let path = filled(&route);
        for (who, caller) in &callers {
            let mut refused = 0;
            for method in &METHODS {
                let status = status(caller, method, &path).await;
                // 405 is nothing.
                assert!(matches!(status, 401 | 405), "{who}: {method} {route}: {status}");
                refused += usize::from(status == 401);
                asked += 1;
            }
            assert!(refused > 0, "{who}: {route}");
        }
    }
    assert!(asked > 2_000, "{asked}");
    // The good one is good.
    of(good).get("/admin/tds").await.ok();
}

#[tokio::test]
async fn whoever_may_do_little_may_do_it_on_no_other_route() {
    let app = gateway().await;
    let of = async |wanted: Value| Client::new(app.address(), Some(key(&app, wanted).await.1));
    let viewer = of(json!({"roles": ["viewer"]})).await;
    let agent = of(json!({"roles": ["agent"]})).await;
    let elsewhere = of(json!({"instances": ["zebra-7"]})).await;
    let nothing = of(json!({"roles": ["a-word"]})).await;
    // What a viewer reads by POST: it changes nothing.
    let reads = ["/admin/plan"];
    for route in routes(&app) {
        if OPEN.contains(&route.as_str()) || route.starts_with(CONSOLE) {
            continue;
        }
        let path = filled(&route);
        let mut refused = 0;
        for method in &METHODS {
            let of = async |caller: &Client| status(caller, method, &path).await;
            let what = format!("{method} {route}");
            // Other names of something that is read; there is nothing else.
            let is_other_name = route.starts_with("/api/v1/");
            if is_other_name && *method != Method::GET {
                assert!([403, 405].contains(&of(&viewer).await), "{what}");
                continue;
            }
            if route.starts_with("/admin") || is_other_name {
                for caller in [&agent, &elsewhere, &nothing, &app.user()] {
                    assert_eq!(of(caller).await, 403, "{what}");
                }
                let may_read =
                    *method == Method::GET && route != "/admin/audit" || reads.contains(&route.as_str());
                let seen = of(&viewer).await;
                assert_eq!(seen == 403, !may_read, "{what}: {seen}");
                assert_ne!(seen, 401, "{what}");
            } else if route != "/metrics" {
                for caller in [&elsewhere, &nothing, &viewer] {
                    let status = of(caller).await;
                    assert!(matches!(status, 403 | 405), "{what}: {status}");
                    refused += usize::from(status == 403);
                }
                assert!(![401, 403].contains(&of(&agent).await), "{what}");
            }
        }
        let is_of_operators =
            route.starts_with("/admin") || route.starts_with("/api/v1/") || route == "/metrics";
        assert!(refused > 0 || is_of_operators, "{route}");
    }
    // Nothing was changed by any of it.
    assert_eq!(
        app.admin()
            .get("/admin/ids")
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        app.admin()
            .get("/admin/keys")
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test]
async fn what_is_for_everybody_says_nothing_of_this_gateway() {
    let app = gateway().await;
    let routes = routes(&app);
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
    }
}
