//! A definition's own `egress`: it narrows what the gateway lets its calls reach.

use crate::{
    calling::{call_text, compile, definition, engine, text, with},
    credentials::SecretDir,
    forward_proxy::ForwardProxy,
    upstream::{Server, read_request, serve},
};
use http::Response;
use mcp_core::{
    egress::EgressSettings,
    engine::{Engine, EngineServices, EngineSettings, Outcome},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::io::AsyncWriteExt;

fn engine_with(egress: EgressSettings) -> Engine {
    let settings = EngineSettings {
        egress,
        ..EngineSettings::default()
    };
    Engine::new(settings, EngineServices::default())
}

/// The origin under another name of its host.
fn at(host: &str, origin: &str) -> String {
    format!("http://{host}:{}", origin.rsplit(':').next().unwrap())
}

async fn redirecting(to: String) -> Server {
    Server::answering(move |_| {
        let response = Response::builder().status(302).header("location", &to);
        response.body("".into()).unwrap()
    })
    .await
}

#[tokio::test]
async fn a_redirect_to_a_host_outside_of_the_lists_is_not_followed() {
    let other = Server::start().await;
    let first = redirecting(format!("{}/moved", other.origin)).await;
    let engine = engine();
    let follow = json!({"follow": 1, "same_origin_only": false});
    for (egress, reason) in [
        (
            json!({"allow": ["localhost"]}),
            "`egress.allow` of the definition does not name it",
        ),
        (
            json!({"allow": ["*.example.com", "localhost", "10.0.0.0/8"]}),
            "`egress.allow`",
        ),
    ] {
        let more = json!({"redirect": follow, "egress": egress});
        let tool = with(&at("localhost", &first.origin), "GET", "/", &json!({}), &more);
        let result = call_text(&engine, &tool, "{}").await;
        assert_eq!(result.outcome, Outcome::Refused, "{egress}");
        let host = other.origin.strip_prefix("http://").unwrap();
        let expected = format!("{host} is not called: 127.0.0.1: {reason}");
        assert!(text(&result).starts_with(&expected), "{}", text(&result));
        first.take();
        assert!(other.seen().is_empty(), "something was sent");
    }
    let denied = redirecting(format!("{}/moved", at("localhost", &other.origin))).await;
    let more = json!({"redirect": follow, "egress": {"deny": ["localhost"]}});
    let result = call_text(
        &engine,
        &with(&denied.origin, "GET", "/", &json!({}), &more),
        "{}",
    )
    .await;
    let reason = "`egress.deny` of the definition names it";
    assert!(text(&result).contains(reason), "{}", text(&result));
    assert!(other.seen().is_empty(), "something was sent");

    let more = json!({"redirect": follow, "egress": {"allow": ["localhost", "127.0.0.0/8"]}});
    let tool = with(&at("localhost", &first.origin), "GET", "/", &json!({}), &more);
    assert!(!call_text(&engine, &tool, "{}").await.is_error);
    assert_eq!(other.take().target, "/moved");
}

#[tokio::test]
async fn a_connection_that_others_opened_is_not_used_by_who_may_not_open_it() {
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = opened.clone();
    let origin = serve(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            while read_request(&mut stream).await.is_some() {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let engine = engine();
    let origin = at("localhost", &origin);
    let tool = |egress: Value| with(&origin, "GET", "/", &json!({}), &json!({"egress": egress}));
    // The name says nothing of the address, so this one is a matter for the call.
    let closed = tool(json!({"deny": ["127.0.0.0/8", "::1"]}));
    let open = tool(json!({"allow": ["localhost"]}));
    let alike = tool(json!({"allow": ["LOCALHOST."], "deny": []}));
    let other = tool(json!({"allow": ["localhost", "*.example.com"]}));
    let empty = tool(json!({"allow": [], "deny": []}));
    let plain = with(&origin, "GET", "/", &json!({}), &json!({}));
    // Tool, and how many connections there are after its call.
    for (tool, connections) in [
        (&plain, Some(1)),
        (&closed, None),
        (&empty, Some(1)),
        (&open, Some(2)),
        (&alike, Some(2)),
        (&closed, None),
        (&other, Some(3)),
        (&plain, Some(3)),
        (&closed, None),
    ] {
        let result = call_text(&engine, tool, "{}").await;
        match connections {
            Some(connections) => {
                assert_eq!(text(&result), "ok");
                assert_eq!(opened.load(Ordering::Relaxed), connections);
            }
            None => {
                assert_eq!(result.outcome, Outcome::Refused);
                assert!(
                    text(&result).contains("`egress.deny` of the definition"),
                    "{}",
                    text(&result)
                );
            }
        }
    }
}

#[tokio::test]
async fn a_definition_opens_nothing_that_the_gateway_closes() {
    let server = Server::start().await;
    let more = json!({"egress": {"allow": ["127.0.0.0/8"]}});
    let tool = with(&server.origin, "GET", "/", &json!({}), &more);
    let closed = [
        EgressSettings {
            allow_loopback: false,
            ..EgressSettings::default()
        },
        EgressSettings {
            deny: vec!["127.0.0.1".parse().unwrap()],
            ..EgressSettings::default()
        },
        EgressSettings {
            allow: vec!["*.example.com".parse().unwrap()],
            ..EgressSettings::default()
        },
    ];
    for settings in closed {
        let result = call_text(&engine_with(settings), &tool, "{}").await;
        assert_eq!(result.outcome, Outcome::Refused);
        assert!(!text(&result).contains("of the definition"), "{}", text(&result));
    }
    assert!(server.seen().is_empty());
    assert!(!call_text(&engine(), &tool, "{}").await.is_error);
}

#[tokio::test]
async fn the_token_endpoint_is_held_to_the_lists() {
    let server = Server::fixed(
        200,
        "application/json",
        r#"{"access_token":"t","token_type":"bearer"}"#,
    )
    .await;
    let dir = SecretDir::new("egress");
    let engine = dir.engine();
    let auth = json!({"type": "oauth2_client_credentials", "token_url": at("localhost", &server.origin) + "/token",
        "client_id": "c", "client_secret": "${env:CARGO_PKG_NAME}"});
    let tool = |egress: Value| {
        let more = json!({"auth": auth, "egress": egress});
        with("http://[::2]:9", "GET", "/", &json!({}), &more)
    };
    let closed = tool(json!({"deny": ["127.0.0.0/8", "::1"]}));
    let result = call_text(&engine, &closed, "{}").await;
    assert_eq!(result.outcome, Outcome::Refused);
    assert!(
        text(&result).contains("`egress.deny` of the definition"),
        "{}",
        text(&result)
    );
    assert!(server.seen().is_empty());
    // Neither is the token used that another one got.
    let open = tool(json!({"deny": ["192.0.2.1"]}));
    call_text(&engine, &open, "{}").await;
    assert_eq!(server.take().target, "/token");
    let result = call_text(&engine, &closed, "{}").await;
    assert_eq!(result.outcome, Outcome::Refused);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn through_a_proxy_names_are_held_to_the_lists() {
    let proxy = ForwardProxy::start(None).await;
    let engine = engine_with(EgressSettings {
        proxies: vec![proxy.address.parse().unwrap()],
        ..EgressSettings::default()
    });
    let first = redirecting("http://other.internal/x".to_owned()).await;
    let more = json!({"proxy": proxy.address, "egress": {"allow": ["orders.internal"], "deny": ["127.0.0.0/8"]},
        "redirect": {"follow": 1, "same_origin_only": false}});
    let tool = with(
        &at("orders.internal", &first.origin),
        "GET",
        "/",
        &json!({}),
        &more,
    );
    let result = call_text(&engine, &tool, "{}").await;
    let expected = "other.internal is not called: other.internal: `egress.allow`";
    assert!(text(&result).starts_with(expected), "{}", text(&result));
    let heads = proxy.take();
    assert_eq!(heads.len(), 1, "{heads:?}");
    first.take();
}

#[test]
fn what_can_be_known_is_refused_with_the_definition() {
    let base = json!({"domain": "api.example.com", "method": "GET", "path": "/"});
    let auth = json!({"type": "oauth2_client_credentials", "token_url": "https://login.example.net/t", "client_id": "c",
        "client_secret": "${env:A}"});
    let table = [
        (
            json!({"egress": {"allow": ["api.example.com", "https://a"], "deny": ["10.0.0.0/33"]}}),
            Some(
                "tds_ext_info.egress.allow[1]: `https://a` is no rule; write a host name, \"*.example.com\", an address, or a network such as \"10.0.0.0/8\"; tds_ext_info.egress.deny[0]: `10.0.0.0/33` is no rule; write a host name",
            ),
        ),
        (
            json!({"egress": {"allow": ["*.api.example.com"]}}),
            Some(
                "tds_ext_info.domain: `api.example.com` would never be called: `egress.allow` of the definition does not name it; change one of the two",
            ),
        ),
        (
            json!({"domain": null, "base_url": "http://10.1.2.3/v1", "egress": {"deny": ["10.0.0.0/8"]}}),
            Some("tds_ext_info.base_url: `10.1.2.3` would never be called: `egress.deny` of"),
        ),
        (
            json!({"egress": {"allow": ["api.example.com"]}, "auth": auth}),
            Some("tds_ext_info.auth.token_url: `login.example.net` would never be called: `egress.allow`"),
        ),
        (
            json!({"egress": {"allow": ["10.0.0.0/8"]}, "proxy": "http://proxy.corp:3128"}),
            Some("tds_ext_info.domain: `api.example.com` would never be called"),
        ),
        (json!({"egress": {"allow": ["10.0.0.0/8"]}}), None),
        (
            json!({"egress": {"allow": ["api.example.com", "login.example.net"]}, "auth": auth}),
            None,
        ),
    ];
    for (more, expected) in table {
        let mut binding = base.clone();
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let compiled = compile(&definition(&json!({}), &binding));
        match (compiled, expected) {
            (Err(problems), Some(expected)) => assert!(problems.starts_with(expected), "{problems}"),
            (compiled, expected) => assert_eq!(compiled.err().as_deref(), expected, "{more}"),
        }
    }
}
