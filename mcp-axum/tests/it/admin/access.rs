//! Who gets in, and what there is.

use crate::test_app::TestApp;
use reqwest::Method;

const PATHS: [&str; 9] = [
    "/admin/tds",
    "/admin/tds/x",
    "/admin/tds/x/history",
    "/admin/ids",
    "/admin/ids/x",
    "/admin/quarantine",
    "/admin/status",
    "/admin/no/such/path",
    "/admin",
];

#[tokio::test]
async fn without_a_key_every_path_is_401_with_a_challenge() {
    let app = TestApp::start().await;
    for path in PATHS {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST] {
            let client = app.anonymous();
            let answer = client.send(client.request(method, path).body("{}")).await;
            assert!(
                answer.header("www-authenticate").unwrap().starts_with("Bearer"),
                "{answer:?}"
            );
            assert!(answer.error(401).contains("x-api-key"));
        }
    }
    let client = app.anonymous();
    for (header, value) in [
        ("x-api-key", "wrong"),
        ("authorization", "Bearer wrong"),
        ("authorization", "Basic eDp5"),
    ] {
        let answer = client
            .send(client.request(Method::GET, "/admin/tds").header(header, value))
            .await;
        answer.error(401);
    }
}

#[tokio::test]
async fn a_users_key_is_403() {
    let app = TestApp::start().await;
    for path in PATHS {
        let text = app.user().get(path).await.error(403);
        assert!(text.contains("admin key"), "{text}");
    }
    app.user()
        .put("/admin/tds/x", &super::tool("x", "x"))
        .await
        .error(403);
    app.admin().get("/admin/tds/x").await.error(404);
}

#[tokio::test]
async fn both_ways_to_send_the_key_work() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let key = app.admin_key();
    for (header, value) in [
        ("x-api-key", key.to_owned()),
        ("authorization", format!("bearer {key}")),
    ] {
        client
            .send(client.request(Method::GET, "/admin/tds").header(header, value))
            .await
            .ok();
    }
}

#[tokio::test]
async fn an_open_gateway_lets_everybody_administrate() {
    let app = TestApp::with(&[("app.authenticators", "none")]).await;
    app.anonymous().get("/admin/tds").await.ok();
}

#[tokio::test]
async fn a_foreign_page_cannot_administrate_an_open_gateway() {
    let app = TestApp::with(&[("app.authenticators", "none")]).await;
    let put = |header: &'static str, value: String| {
        let client = app.anonymous();
        let request = client.request(Method::PUT, "/admin/tds/x").header(header, value);
        let request = request.body(super::tool("x", "x").to_string());
        async move { client.send(request).await }
    };
    let text = put("origin", "https://evil.example.com".to_owned())
        .await
        .error(403);
    assert!(text.contains("app.allowed_origins"), "{text}");
    let text = put("host", "rebound.example.com".to_owned()).await.error(403);
    assert!(text.contains("app.allowed_hosts"), "{text}");
    app.anonymous().get("/admin/tds/x").await.error(404);
    put("origin", app.url("")).await.ok();
    // With keys a page has to know one.
    let app = TestApp::start().await;
    let client = app.admin();
    let request = client.request(Method::GET, "/admin/tds");
    client
        .send(request.header("origin", "https://evil.example.com"))
        .await
        .ok();
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_allowed_is_said_in_the_envelope() {
    let app = TestApp::start().await;
    for path in [
        "/admin/no/such/path",
        "/admin",
        "/admin/tds/x/y",
        "/admin/TDS",
        "/admin/tools",
    ] {
        let text = app.admin().get(path).await.error(404);
        assert!(text.contains(path), "{text}");
    }
    let wrong = [
        (Method::POST, "/admin/tds", "GET,HEAD"),
        (Method::POST, "/admin/tds/x", "GET,HEAD,PUT,DELETE"),
        (Method::PATCH, "/admin/ids/x", "GET,HEAD,PUT,DELETE"),
        (Method::PUT, "/admin/status", "GET,HEAD"),
        (Method::DELETE, "/admin/tds/x/history", "GET,HEAD"),
    ];
    for (method, path, allowed) in wrong {
        let client = app.admin();
        let answer = client.send(client.request(method.clone(), path)).await;
        let mut allow: Vec<&str> = answer
            .header("allow")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .collect();
        let mut expected: Vec<&str> = allowed.split(',').collect();
        allow.sort_unstable();
        expected.sort_unstable();
        assert_eq!(allow, expected, "{method} {path}");
        assert!(answer.error(405).contains(path));
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let app = TestApp::start().await;
    assert!(
        app.admin()
            .get("/admin/tds")
            .await
            .header("x-request-id")
            .is_some()
    );
    assert!(
        app.anonymous()
            .get("/admin/tds")
            .await
            .header("x-request-id")
            .is_some()
    );
    let client = app.admin();
    let answer = client
        .send(
            client
                .request(Method::GET, "/admin/tds")
                .header("x-request-id", "mine-7"),
        )
        .await;
    assert_eq!(answer.header("x-request-id"), Some("mine-7"));
}
