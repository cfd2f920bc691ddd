//! Manners of HTTP: compression for those who ask, tags of lists, headers for browsers, JSON where there is nothing.

mod compression;

use crate::test_app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

/// Without an issuer nobody is told where to log in.
const ISSUERS: &str = r#"[{"name": "a", "issuer": "https://issuer.example.com"}]"#;

#[tokio::test]
async fn nothing_and_wrong_methods_are_json_in_every_corner() {
    let app = TestApp::with(&[
        ("app.public_url", "https://gw.example.com"),
        ("app.authenticators", "jwt,api_key"),
        ("authenticator.jwt.issuers", ISSUERS),
        ("app.public_paths", "/healthz,/livez,/readyz"),
    ])
    .await;
    app.put_instance("i", &[]).await;
    let admin = app.admin();
    for (method, path, status) in [
        ("GET", "/nothing", 404),
        ("POST", "/nothing/at/all", 404),
        ("GET", "/mcp/i/more", 404),
        ("GET", "/mcp", 404),
        ("PATCH", "/mcp/i", 405),
        ("GET", "/mcp/none", 404),
        ("GET", "/sse/i", 404),
        ("GET", "/messages/i/more", 404),
        ("GET", "/ws/i/more", 404),
        ("PUT", "/", 405),
        ("DELETE", "/front.css", 405),
        ("POST", "/healthz", 405),
        ("PUT", "/livez", 405),
        ("POST", "/readyz", 405),
        ("POST", "/metrics", 405),
        ("POST", "/console", 405),
        ("GET", "/console/none.js", 404),
        ("GET", "/console/%ff", 404),
        ("GET", "/admin", 404),
        ("GET", "/admin/nothing", 404),
        ("GET", "/admin/tds/none", 404),
        ("POST", "/admin/tds", 405),
        ("PATCH", "/admin/ids/i", 405),
        ("POST", "/admin/status", 405),
        ("GET", "/admin/apply", 405),
        ("POST", "/admin/docs", 405),
        ("POST", "/admin/openapi.json", 405),
        ("GET", "/admin/schema/none.json", 404),
        ("GET", "/.well-known/none", 404),
        ("GET", "/.well-known/oauth-protected-resource/mcp/%2f", 404),
        ("POST", "/.well-known/oauth-protected-resource/mcp/i", 405),
        ("GET", "/mcp/i/tools", 404),
        ("DELETE", "/mcp/none", 404),
        ("GET", "/connect/none", 404),
        ("GET", "/oauth/client/none", 404),
        ("GET", "/sign-in/none", 404),
        ("GET", "/admin/docs/none", 404),
        ("GET", "/admin/openapi.yaml", 404),
        ("GET", "/admin/tds/none/history/1", 404),
        ("GET", "/admin/tds/none/history/1/diff", 404),
        ("GET", "/admin/uds/none/status", 404),
        ("GET", "/admin/uds/none/inventory", 404),
        ("GET", "/admin/uds/none/logs", 404),
        ("GET", "/admin/uds/none/login", 404),
        (
            "GET",
            "/admin/ids/none/clients?url=https%3A%2F%2Fgw.example.com",
            404,
        ),
        ("GET", "/admin/keys/none/usage", 404),
        ("GET", "/admin/upstreams/none", 404),
        ("DELETE", "/admin/grants/none", 404),
        ("GET", "/admin/audit", 404),
        ("GET", "/swagger-ui/none", 404),
        ("GET", "/api-docs/none", 404),
        ("GET", "/api/v1/mcp/servers/none", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/nothing", 404),
    ] {
        let request = admin.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let answer = admin.send(request).await;
        let what = format!("{method} {path}: {answer:?}");
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
        let body: Value = answer.json();
        let code = body.get("code").or(body["error"].get("code"));
        assert_eq!(code, Some(&json!(status)), "{what}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
        if status == 405 {
            assert!(answer.header("allow").is_some(), "{what}");
        }
    }
    // Doors of others have their own envelopes.
    for path in [
        "/instances/none/tools",
        "/instances/none/openapi.json",
        "/instances/i/resources/none",
        "/instances/i/nothing",
        "/resources/none",
    ] {
        let answer = admin.get(path).await.expect(404);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert!(answer.json()["error"].is_string(), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn an_address_of_operators_answers_in_json_too() {
    let app = TestApp::with(&[("app.admin_listen", "127.0.0.1:0")]).await;
    let url = format!("http://{}/nothing", app.admin_address());
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["code"], 404);
}

/// But to a browser, which asks for pages, a link that has ended is one.
#[tokio::test]
async fn a_link_that_has_ended_is_a_page_for_whoever_asks_for_pages() {
    let app = TestApp::start().await;
    let anonymous = app.anonymous();
    let request = anonymous
        .request(Method::GET, "/connect/none")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let page = anonymous.send(request).await.expect(404);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text.contains("This link has ended"), "{}", page.text);
    // Without TLS nobody is told to come over it.
    assert_eq!(page.header("strict-transport-security"), None);
}

/// Clients that log in by themselves look for an authorization server where none is named, and show nothing but errors of OAuth.
#[tokio::test]
async fn who_looks_for_oauth_is_told_to_send_a_key_in_words_of_oauth() {
    let app = TestApp::with(&[("app.admin_listen", "127.0.0.1:0")]).await;
    for (method, path) in [
        (Method::POST, "/register"),
        (Method::GET, "/authorize?response_type=code&client_id=x"),
        (Method::POST, "/token"),
    ] {
        let anonymous = app.anonymous();
        let answer = anonymous.send(anonymous.request(method, path)).await.expect(400);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let body: Value = answer.json();
        assert_eq!(body["error"], "access_denied", "{path}: {body}");
        let description = body["error_description"].as_str().unwrap();
        for expected in ["no OAuth of its own", "Authorization: Bearer KEY", "x-api-key"] {
            assert!(description.contains(expected), "{path}: {description}");
        }
        // RFC 6749, appendix A.8: neither quotes nor backslashes.
        assert!(
            description
                .bytes()
                .all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
            "{description}"
        );
    }
    let url = format!("http://{}/register", app.admin_address());
    let answer = reqwest::Client::new().post(url).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    // Below one of them there is nothing, as anywhere.
    app.anonymous().get("/register/x").await.expect(404);
}

#[tokio::test]
async fn answers_tell_browsers_to_do_nothing_with_them() {
    let app = TestApp::start().await;
    app.put_instance("i", &[]).await;
    for path in ["/admin/tds/none", "/admin/status", "/healthz", "/nothing"] {
        let answer = app.admin().get(path).await;
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{answer:?}"
        );
        if path == "/nothing" {
            continue;
        }
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {answer:?}");
        }
    }
    // Pages have a policy of their own.
    let page = app.anonymous().get("/console").await.ok();
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    let tools = app.mcp("i").modern("tools/list", json!({})).await.ok();
    assert_eq!(tools.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_list_that_is_known_is_not_sent_again() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let admin = app.admin();
    let service = json!({"protocol": "http", "url": "http://127.0.0.1:9"});
    admin.put("/admin/uds/service", &service).await.ok();
    for path in [
        "/admin/tds",
        "/admin/ids?limit=1",
        "/admin/keys",
        "/admin/quarantine",
        "/admin/tds/get_item/history",
        "/admin/grants",
        "/admin/upstreams",
        "/admin/discovery",
    ] {
        let first = admin.get(path).await.ok();
        let tag = first.header("etag").unwrap().to_owned();
        assert!(tag.starts_with("W/\""), "{tag}");
        let ask = |tags: &str| {
            let request = admin.request(Method::GET, path).header("if-none-match", tags);
            admin.send(request)
        };
        let again = ask(&tag).await.expect(304);
        assert_eq!(
            (again.text.as_str(), again.header("etag")),
            ("", Some(&*tag)),
            "{path}"
        );
        ask(&format!("\"other\", {tag}")).await.expect(304);
        ask("*").await.expect(304);
        ask("\"other\"").await.ok();
    }
    let before = admin
        .get("/admin/tds")
        .await
        .ok()
        .header("etag")
        .unwrap()
        .to_owned();
    app.put_instance("j", &["get_item"]).await;
    let request = |path| admin.request(Method::GET, path).header("if-none-match", &before);
    assert_eq!(
        admin.get("/admin/tds").await.ok().revision(),
        app.app().catalog.snapshot().revision
    );
    admin.delete("/admin/tds/add_item").await.ok();
    // Of what runs, too, the tag is another one when it is.
    let upstreams = admin.get("/admin/upstreams").await.ok();
    admin.delete("/admin/uds/service").await.ok();
    let known = upstreams.header("etag").unwrap();
    let ask = admin
        .request(Method::GET, "/admin/upstreams")
        .header("if-none-match", known);
    assert_ne!(admin.send(ask).await.ok().header("etag"), Some(known));
    let changed = admin.send(request("/admin/tds")).await.ok();
    assert_ne!(changed.header("etag"), Some(&*before));
    // The right to see it is asked first.
    let user = app.user();
    let refused = user
        .request(Method::GET, "/admin/tds")
        .header("if-none-match", "*");
    assert_eq!(user.send(refused).await.status, 403);
}

#[tokio::test]
async fn pages_of_configured_origins_read_what_clients_need() {
    let page = "https://inspector.example.com";
    let app = TestApp::with(&[
        ("app.cors_origins", page),
        ("app.allowed_origins", page),
        ("app.public_url", "https://gw.example.com"),
        ("app.authenticators", "jwt,api_key"),
        ("authenticator.jwt.issuers", ISSUERS),
    ])
    .await;
    app.put_instance("i", &[]).await;
    let user = app.user();
    let ping = user
        .request(Method::POST, "/mcp/i")
        .header("origin", page)
        .header("content-type", "application/json")
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    let answer = user.send(ping).await.ok();
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for name in [
        "mcp-session-id",
        "mcp-protocol-version",
        "www-authenticate",
        "retry-after",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    // Where to log in is for every page, also for one that names its revision.
    let metadata = "/.well-known/oauth-protected-resource/mcp/i";
    let anonymous = app.anonymous();
    let asked = anonymous
        .request(Method::OPTIONS, metadata)
        .header("origin", "https://elsewhere.example.com")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "mcp-protocol-version");
    let asked = anonymous.send(asked).await.ok();
    assert_eq!(asked.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        asked.header("access-control-allow-headers"),
        Some("mcp-protocol-version")
    );
    let request = anonymous
        .request(Method::GET, metadata)
        .header("origin", "https://elsewhere.example.com");
    let answer = anonymous.send(request).await.ok();
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let asked = anonymous
        .request(Method::OPTIONS, "/instances/i/tools/x")
        .header("origin", page)
        .header("access-control-request-method", "POST");
    let asked = anonymous.send(asked).await.ok();
    assert_eq!(asked.header("access-control-allow-origin"), Some(page));
    // The rest is for nobody's page.
    let admin = app.admin();
    let request = admin.request(Method::GET, "/admin/tds").header("origin", page);
    assert_eq!(
        admin.send(request).await.header("access-control-allow-origin"),
        None
    );
}
