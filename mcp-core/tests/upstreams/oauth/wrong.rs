//! Metadata and token endpoints that are not as they should be: each is said, and no secret goes there.

use super::place::{Book, Place, SECRET};
use crate::{
    forward_proxy::ForwardProxy,
    server::{Received, Reply},
    setup::{hub_with, trouble},
};
use mcp_core::egress::EgressSettings;
use serde_json::{Value, json};

/// The server, and what it is said to have done.
async fn told(place: &Place, document: &Value) -> String {
    let hub = hub_with(place.settings(), document);
    let told = trouble(&hub).await;
    assert!(!told.contains(SECRET) && !told.contains("hunter2"), "{told}");
    told
}

#[tokio::test]
async fn metadata_that_are_of_somebody_else_are_not_believed() {
    let cases: [(Value, Value, &str); 14] = [
        (
            json!({"resource": "https://other.example/mcp"}),
            json!({}),
            "is about another server: `https://other.example/mcp`",
        ),
        (json!({"resource": 7}), json!({}), "answered with something else"),
        (
            json!({"authorization_servers": []}),
            json!({}),
            "name no authorization server: write it into `auth.issuer`",
        ),
        (
            json!({"authorization_servers": ["ftp://a.example"]}),
            json!({}),
            "does not begin with https://",
        ),
        (
            json!({"authorization_servers": ["https://me:pw@a.example"]}),
            json!({}),
            "carries credentials",
        ),
        (
            json!({"authorization_servers": ["http://login.example"]}),
            json!({}),
            "does not begin with https://; http is spoken only with",
        ),
        (
            json!({"authorization_servers": ["https://10.1.2.3"]}),
            json!({}),
            "only the server names this host: if it is meant, write it into `auth.issuer`",
        ),
        (
            json!({"authorization_servers": ["https://[::1]:9"]}),
            json!({}),
            "only the server names this host",
        ),
        (
            json!({"authorization_servers": ["https://169.254.169.254"]}),
            json!({}),
            "never called",
        ),
        (
            json!({}),
            json!({"issuer": "https://attacker.example"}),
            "is about another authorization server: it says `https://attacker.example`",
        ),
        (
            json!({}),
            json!({"issuer": null}),
            "is about another authorization server: it says ``",
        ),
        (
            json!({}),
            json!({"token_endpoint": null}),
            "the token endpoint `` is no URL that can be called",
        ),
        (
            json!({}),
            json!({"token_endpoint": "http://login.example/token"}),
            "does not begin with https://; http is spoken only with",
        ),
        (
            json!({}),
            json!({"token_endpoint": "https://192.168.0.1/token"}),
            "only the server names this host",
        ),
    ];
    for (resource, metadata, expected) in cases {
        let place = Place::start().await;
        *place.book.resource.lock().unwrap() = resource.clone();
        *place.book.metadata.lock().unwrap() = metadata.clone();
        let told = told(&place, &place.with_secret(&json!({}))).await;
        assert!(told.contains(expected), "{resource} {metadata}: {told}");
        assert_eq!(place.asked().len(), 0, "{resource} {metadata}");
    }
}

#[tokio::test]
async fn metadata_elsewhere_huge_or_moved_are_not_read() {
    type Twist = fn(&Book, &Received) -> Option<Reply>;
    let cases: [(Twist, &str); 5] = [
        (
            |book, received| {
                let challenge = format!("Bearer resource_metadata=\"{}/metadata\"", book.issuer);
                (received.path == "/mcp")
                    .then(|| Reply::With(401, vec![("www-authenticate", challenge)], String::new()))
            },
            "says that its metadata are elsewhere",
        ),
        (
            |_, received| {
                (received.path == "/.well-known/oauth-protected-resource/mcp").then(|| {
                    let to = vec![("location", "https://elsewhere.example/".to_owned())];
                    Reply::With(302, to, String::new())
                })
            },
            "leads elsewhere (302 Found), which is not followed",
        ),
        (
            |_, received| {
                (received.path == "/.well-known/oauth-authorization-server")
                    .then(|| Reply::Json(200, format!("{{\"issuer\":\"{}\"}}", "x".repeat(300 << 10))))
            },
            "answered with more than 262144 bytes",
        ),
        (
            |_, received| {
                (received.path == "/.well-known/oauth-authorization-server")
                    .then(|| Reply::Json(500, "{}".to_owned()))
            },
            "answered 500 Internal Server Error",
        ),
        (
            |_, received| {
                received
                    .path
                    .starts_with("/.well-known/o")
                    .then(|| Reply::With(404, Vec::new(), "<html>".to_owned()))
            },
            "the server names metadata that there are not",
        ),
    ];
    for (twist, expected) in cases {
        let place = Place::twisted(twist).await;
        let told = told(&place, &place.with_secret(&json!({}))).await;
        assert!(told.contains(expected), "{expected}: {told}");
        assert_eq!(place.asked().len(), 0, "{expected}");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_gives_none_is_said_without_the_secret() {
    type Twist = fn(&Book, &Received) -> Option<Reply>;
    let cases: [(Twist, &str); 9] = [
        (
            |_, received| {
                let html = vec![("content-type", "text/html".to_owned())];
                (received.path == "/token").then(|| Reply::With(200, html, "<html>hunter2</html>".to_owned()))
            },
            "answered 200, but not the JSON of RFC 6749",
        ),
        (
            |_, received| {
                (received.path == "/token").then(|| Reply::Json(500, "{\"error\":\"x\"}".to_owned()))
            },
            "answered 500",
        ),
        (
            |_, received| {
                (received.path == "/token").then(|| {
                    let to = vec![("location", "https://elsewhere.example/".to_owned())];
                    Reply::With(307, to, String::new())
                })
            },
            "answered 307 and leads elsewhere, where no secret is shown",
        ),
        (
            |_, received| {
                (received.path == "/token").then(|| {
                    let words = "you said hunter2 & more, which is wrong\u{7}";
                    let answer = json!({"error": "invalid_client", "error_description": words});
                    Reply::Json(401, answer.to_string())
                })
            },
            "answered 401 invalid_client you said [redacted], which is wrong",
        ),
        (
            |_, received| (received.path == "/token").then(|| Reply::Json(200, "{}".to_owned())),
            "answered 200 without `access_token`",
        ),
        (
            |_, received| {
                (received.path == "/token")
                    .then(|| Reply::Json(200, "{\"access_token\":\"t\",\"token_type\":\"mac\"}".to_owned()))
            },
            "with a token that is not a bearer token",
        ),
        (
            |_, received| {
                (received.path == "/token")
                    .then(|| Reply::Json(200, "{\"access_token\":\"a\\r\\nb\"}".to_owned()))
            },
            "gave a token that is no header",
        ),
        (
            |_, received| {
                (received.path == "/token")
                    .then(|| Reply::Json(200, "{\"access_token\":\"t\",\"expires_in\":0}".to_owned()))
            },
            "gave a token that is over already",
        ),
        (
            |_, received| (received.path == "/token").then(|| Reply::Json(200, " ".repeat(300 << 10))),
            "answered with more than 262144 bytes",
        ),
    ];
    for (twist, expected) in cases {
        let place = Place::twisted(twist).await;
        let told = told(&place, &place.with_secret(&json!({}))).await;
        assert!(told.contains(expected), "{expected}: {told}");
    }
}

#[tokio::test]
async fn a_slow_token_endpoint_takes_no_longer_than_the_handshake_may() {
    let place = Place::twisted(|_, received| (received.path == "/token").then_some(Reply::Silence)).await;
    let mut document = place.with_secret(&json!({}));
    document["timeouts"] = json!({"handshake_ms": 300});
    let told = told(&place, &document).await;
    assert!(
        told.contains("took longer than 300ms (`timeouts.handshake_ms`)"),
        "{told}"
    );
}

#[tokio::test]
async fn what_the_gateway_may_not_reach_is_not_asked() {
    let place = Place::start().await;
    let mut settings = place.settings();
    settings.egress = EgressSettings {
        deny: vec!["127.0.0.2".parse().unwrap()],
        ..EgressSettings::default()
    };
    let port = place.authorization.address.port();
    let named = place.with_secret(&json!({"token_url": format!("http://127.0.0.2:{port}/token")}));
    let told = trouble(&hub_with(settings, &named)).await;
    assert!(
        told.contains("`egress.deny` of the gateway's configuration names it"),
        "{told}"
    );
    // So is what the document itself does not want.
    let mut own = place.with_secret(&json!({"token_url": format!("http://localhost:{port}/token")}));
    own["egress"] = json!({"allow": ["127.0.0.1/32"]});
    own["url"] = json!(format!("http://127.0.0.1:{}/mcp", place.mcp.address.port()));
    own["egress"] = json!({"deny": ["localhost"]});
    let told = trouble(&hub_with(place.settings(), &own)).await;
    assert!(told.contains("egress"), "{told}");
    assert_eq!(place.asked().len(), 0);
}

#[tokio::test]
async fn a_proxy_does_not_lead_where_only_the_server_wants_to_go() {
    let place = Place::start().await;
    let proxy = ForwardProxy::start(None).await;
    let mut settings = place.settings();
    settings.egress = EgressSettings {
        proxies: vec![proxy.address.parse().unwrap()],
        ..EgressSettings::default()
    };
    // The proxy resolves every name, also those of its own network.
    *place.book.resource.lock().unwrap() = json!({"authorization_servers": ["https://login.invalid"]});
    let mut document = place.with_secret(&json!({}));
    document["proxy"] = json!(proxy.address);
    let told = trouble(&hub_with(settings, &document)).await;
    assert!(
        told.contains("login.invalid is not called through the proxy: it cannot be resolved here")
            && told.contains("write it into `auth.issuer`"),
        "{told}"
    );
    let heads = proxy.take();
    assert!(
        !heads.is_empty() && heads.iter().all(|head| !head.contains("login.invalid")),
        "{heads:?}"
    );
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named() {
    let place = Place::start().await;
    let lost = place.with_secret(&json!({"client_secret": place.secret("lost")}));
    let missing = told(&place, &lost).await;
    assert!(
        missing.starts_with("auth.client_secret: ") && missing.ends_with("nothing was sent"),
        "{missing}"
    );
    let no_key =
        json!({"type": "oauth2_client_credentials", "client_id": "x", "private_key": place.secret("secret")});
    let unfit = told(&place, &place.document(&no_key)).await;
    assert!(
        unfit.contains("auth.private_key is no private key in PEM"),
        "{unfit}"
    );
    assert_eq!(place.asked().len(), 0);
}
