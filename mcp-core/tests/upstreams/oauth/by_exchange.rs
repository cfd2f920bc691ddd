//! Tokens of callers, which others stand for (RFC 8693): each is for one server, and nobody else's.

use super::place::{Place, over};
use crate::{
    server::Reply,
    setup::{hub_with, ready},
};
use mcp_core::upstream::{Caller, Hub, RemoteCall, UpstreamError, Wanted};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn document(place: &Place, more: &Value) -> Value {
    let mut document = place.with_secret(more);
    document["auth"]["type"] = json!("oauth2_token_exchange");
    document["auth"]["issuer"] = json!(place.book.issuer);
    document
}

async fn call_with(hub: &Hub, token: Option<&str>) -> Result<(), UpstreamError> {
    let inventory = hub.offer("u").unwrap().inventory.unwrap();
    let name: Arc<str> = format!("acme:{}", token.unwrap_or("key")).into();
    let call = RemoteCall {
        wanted: Wanted::Tool(inventory.tool("get").unwrap().clone()),
        params: "{\"name\":\"x\",\"arguments\":{}}".into(),
        via: None,
        trace: Vec::new(),
        line: None,
        caller: Some(Caller {
            session: None,
            name: name.clone(),
        }),
        principal: Some(name.clone()),
        owner: Some(name),
        token: token.map(|token| Arc::new(token.to_owned().into())),
    };
    hub.call("u", call).await.map(drop)
}

fn shown(place: &Place) -> Vec<String> {
    let all = place.mcp.received().into_iter();
    all.filter(|received| received.rpc() == "tools/call")
        .map(|received| received.header("authorization").to_owned())
        .collect()
}

/// The exchanges that were asked for; the gateway's own tokens, for its lists, are none.
fn exchanges(place: &Place) -> Vec<BTreeMap<String, String>> {
    let all = place.asked().into_iter().map(|asked| asked.form());
    all.filter(|form| form["grant_type"] == EXCHANGE).collect()
}

#[tokio::test]
async fn a_callers_token_is_exchanged_for_one_of_the_server_and_never_shown_to_it() {
    let place = Place::start().await;
    let hub = hub_with(
        place.settings(),
        &document(&place, &json!({"audience": "tickets"})),
    );
    ready(&hub).await;
    assert_eq!(place.asked()[0].form()["grant_type"], "client_credentials");
    for token in ["of-anna", "of-bob", "of-anna"] {
        call_with(&hub, Some(token)).await.unwrap();
    }
    let asked = exchanges(&place);
    assert_eq!(asked.len(), 2, "each is asked for once");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    for (name, value) in [
        ("grant_type", EXCHANGE),
        ("subject_token", "of-anna"),
        ("subject_token_type", kind),
        ("requested_token_type", kind),
        ("audience", "tickets"),
        ("resource", &*format!("{}/mcp", place.book.server)),
    ] {
        assert_eq!(asked[0][name], value, "{name}");
    }
    assert_eq!(asked[1]["subject_token"], "of-bob");
    let calls = shown(&place);
    assert_eq!((&calls[0], &calls[2]), (&calls[2], &calls[0]));
    assert_ne!(calls[0], calls[1]);
    for received in place.mcp.received() {
        let all = format!("{} {:?}", received.header("authorization"), received.message);
        assert!(!all.contains("of-anna") && !all.contains("of-bob"), "{all}");
    }
    // One that the server does not take any more is replaced, once for all who wait.
    place.book.revoke();
    let calls = (0..8).map(|_| call_with(&hub, Some("of-anna")));
    for called in futures_util::future::join_all(calls).await {
        called.unwrap();
    }
    assert_eq!(exchanges(&place).len(), 3);

    let calls = shown(&place);
    let error = call_with(&hub, None).await.unwrap_err().to_string();
    assert!(error.contains("this caller has shown none"), "{error}");
    assert_eq!(shown(&place), calls, "without a token nothing is called");
}

#[tokio::test]
async fn a_token_that_is_not_exchanged_calls_nothing() {
    let place = Place::twisted(|_, received| {
        let is_refused = received.path == "/token"
            && received
                .form()
                .get("subject_token")
                .is_some_and(|token| token == "of-mallory");
        let words = json!({"error": "invalid_grant", "error_description": "of-mallory is none of ours"});
        is_refused.then(|| Reply::Json(400, words.to_string()))
    })
    .await;
    let hub = hub_with(place.settings(), &document(&place, &json!({})));
    ready(&hub).await;
    let error = call_with(&hub, Some("of-mallory")).await.unwrap_err().to_string();
    assert!(
        error.contains("the caller's token is not exchanged") && error.contains("invalid_grant"),
        "{error}"
    );
    assert!(!error.contains("of-mallory"), "{error}");
    assert_eq!(shown(&place), [""; 0]);
    call_with(&hub, Some("of-anna")).await.unwrap();
}

#[tokio::test]
async fn lists_that_are_for_everybody_want_no_token_and_calls_want_one() {
    let place = Place::twisted(|_, received| {
        (received.path == "/mcp").then(|| crate::behaviour::modern(received, crate::behaviour::TOOLS))
    })
    .await;
    let hub = hub_with(place.settings(), &document(&place, &json!({})));
    ready(&hub).await;
    assert_eq!(place.asked().len(), 0);
    call_with(&hub, Some("of-anna")).await.unwrap();
    assert_eq!(place.asked().len(), 1);
    assert_eq!(
        shown(&place),
        ["Bearer token-1"],
        "also where the server would take the call without"
    );
}

#[test]
fn what_does_not_go_together_is_refused_when_it_is_written() {
    let usual =
        json!({"type": "oauth2_token_exchange", "client_id": "a", "client_secret": "${env:DYNMCP_SECRET_X}"});
    for (document, expected) in [
        (
            json!({"url": "https://a.example/mcp", "auth": over(usual.clone(), &json!({"client_secret": null}))}),
            "auth.client_secret: is missing",
        ),
        (
            json!({"url": "https://a.example/mcp", "auth": usual.clone()}),
            "auth.issuer: is missing: the tokens of callers",
        ),
        (
            json!({"protocol": "http", "url": "https://a.example", "auth": over(usual.clone(), &json!({"token_url": "https://b.example"}))}),
            "auth.type: is for MCP servers",
        ),
        (
            json!({"endpoints": [{"url": "https://a.example/mcp"}, {"url": "https://b.example/mcp"}], "auth": usual}),
            "auth.type: is for a server with one `url`",
        ),
    ] {
        let text = document.to_string();
        let document = mcp_common::document::Document::parse(text.as_bytes()).unwrap();
        let told = mcp_common::definition::UpstreamDefinition::read("u", &document);
        let told = told.unwrap_err().to_string();
        assert!(told.contains(expected), "{text}: {told}");
    }
}
