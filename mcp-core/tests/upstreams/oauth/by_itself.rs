//! Client credentials: nobody is there, and the gateway has a token nevertheless.

use super::place::{Place, SECRET, files};
use crate::{
    behaviour::{TOOLS, modern},
    server::Reply,
    setup::{call, hub_with, names, ready, trouble, until},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_core::upstream::{State, UpstreamError};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_token_is_found_asked_for_once_and_shown_to_the_server() {
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    assert_eq!(names(&*ready(&hub).await), ["get"]);
    call(&hub, "get", "{}").await.unwrap();
    let asked = place.asked();
    assert_eq!(asked.len(), 1, "one token is enough for all of it");
    let form = asked[0].form();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["resource"], format!("{}/mcp", place.book.server));
    assert_eq!(form["scope"], "read", "what the server said that it wants");
    let pair = format!("Basic {}", STANDARD.encode("gate+way:hunter2+%26+more"));
    assert_eq!(asked[0].header("authorization"), pair);
    let without = place.mcp.received();
    assert_eq!(
        without[0].header("authorization"),
        "",
        "first the server says what it wants"
    );
    let paths: Vec<_> = without.iter().map(|received| &*received.path).collect();
    assert_eq!(paths[..2], ["/mcp", "/.well-known/oauth-protected-resource/mcp"]);
    assert!(
        without[2..]
            .iter()
            .all(|received| received.header("authorization") == "Bearer token-1"),
        "all that comes after it"
    );
    let state = hub.login_state("u").unwrap();
    assert!(state.logged_in && !state.login_needed);
    assert_eq!(state.issuer.as_deref(), Some(&*place.book.issuer));
    // The name of the issuer, and nothing that one could log in with.
    let kept = files(&place.logins());
    assert_eq!(kept.len(), 1);
    assert!(
        kept[0].1.contains(&place.book.issuer) && !kept[0].1.contains("token-1"),
        "{kept:?}"
    );
}

#[tokio::test]
async fn a_token_is_renewed_ahead_and_when_the_server_refuses_it() {
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    place.book.revoke();
    call(&hub, "get", "{}").await.unwrap();
    assert_eq!(place.asked().len(), 2);
    assert_eq!(
        place.mcp.last("tools/call").header("authorization"),
        "Bearer token-2"
    );
    // One that is over is not shown any more, and nobody has to refuse it.
    place.book.revoke();
    *place.book.seconds.lock().unwrap() = 1;
    call(&hub, "get", "{}").await.unwrap();
    *place.book.seconds.lock().unwrap() = 3600;
    let over = || hub.login_state("u").unwrap().expires_in.is_none();
    until(&hub, "the token is over", over).await;
    let before = place.mcp.received().len();
    call(&hub, "get", "{}").await.unwrap();
    assert_eq!(place.mcp.received().len(), before + 1, "the call itself");
    assert_eq!(
        place.mcp.last("tools/call").header("authorization"),
        "Bearer token-4"
    );
}

#[tokio::test]
async fn many_calls_that_need_a_token_wait_for_one() {
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    place.book.revoke();
    let calls = (0..30).map(|_| call(&hub, "get", "{}"));
    for answered in futures_util::future::join_all(calls).await {
        answered.unwrap();
    }
    assert_eq!(place.asked().len(), 2);
}

#[tokio::test]
async fn more_scopes_are_asked_for_when_a_call_needs_them_and_not_for_ever() {
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    place.book.need(&["write"]);
    call(&hub, "get", "{}").await.unwrap();
    let asked = place.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[1].form()["scope"],
        "read write",
        "what it had and what it needs"
    );
    // A server that is never content.
    let place = Place::twisted(|book, received| {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"admin\"".to_owned();
        let is_call = received.rpc() == "tools/call";
        let _ = book;
        is_call.then(|| Reply::With(403, vec![("www-authenticate", challenge)], String::new()))
    })
    .await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    for _ in 0..3 {
        let error = call(&hub, "get", "{}").await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("refuses although the token was asked for with them")
                || error.to_string().contains("403"),
            "{error}"
        );
    }
    assert_eq!(
        place.asked().len(),
        2,
        "once more, and then it is known to be of no use"
    );
    // What the document says is all there is.
    let place = Place::start().await;
    let hub = hub_with(
        place.settings(),
        &place.with_secret(&json!({"scopes": ["read", "list"]})),
    );
    ready(&hub).await;
    place.book.need(&["write"]);
    let error = call(&hub, "get", "{}").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`auth.scopes` does not have all of them"),
        "{error}"
    );
    let asked = place.asked();
    assert_eq!((asked.len(), &*asked[0].form()["scope"]), (1, "read list"));
}

#[tokio::test]
async fn a_client_signs_or_posts_its_secret_as_the_authorization_server_wants() {
    let place = Place::start().await;
    *place.book.metadata.lock().unwrap() =
        json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    let hub = hub_with(place.settings(), &place.with_secret(&json!({"audience": "them"})));
    ready(&hub).await;
    let asked = &place.asked()[0];
    let form = asked.form();
    assert_eq!(
        (&*form["client_id"], &*form["client_secret"], &*form["audience"]),
        ("gate way", SECRET, "them")
    );
    assert_eq!(asked.header("authorization"), "");

    let place = Place::start().await;
    *place.book.metadata.lock().unwrap() = json!({
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
    });
    let key = rcgen::KeyPair::generate().unwrap();
    std::fs::write(place.folder.path().join("key"), key.serialize_pem()).unwrap();
    let auth = json!({
        "type": "oauth2_client_credentials", "client_id": "signer", "private_key": place.secret("key"), "key_id": "k1",
    });
    let hub = hub_with(place.settings(), &place.document(&auth));
    ready(&hub).await;
    let form = place.asked()[0].form();
    assert_eq!(
        form["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    let claims = form["client_assertion"].split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(claims)
        .unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(
        (&claims["iss"], &claims["aud"]),
        (&json!("signer"), &json!(place.book.issuer))
    );
    assert!(!form.contains_key("client_secret"));
    // One that takes no secret is not shown one.
    let place = Place::start().await;
    *place.book.metadata.lock().unwrap() =
        json!({"token_endpoint_auth_methods_supported": ["private_key_jwt"]});
    let told = trouble(&hub_with(place.settings(), &place.with_secret(&json!({})))).await;
    assert!(
        told.contains("takes no secret of a client, but private_key_jwt"),
        "{told}"
    );
    assert_eq!(place.asked().len(), 0);
}

#[tokio::test]
async fn what_the_document_says_is_not_found_out() {
    let place = Place::start().await;
    let token_url = format!("{}/token", place.book.issuer);
    let auth = json!({"token_url": token_url, "scopes": ["read"], "resource": "", "client_auth": "body"});
    let hub = hub_with(place.settings(), &place.with_secret(&auth));
    ready(&hub).await;
    let form = place.asked()[0].form();
    assert!(!form.contains_key("resource") && form["client_secret"] == SECRET);
    assert_eq!(place.authorization.received().len(), 1, "nothing else is asked");
    let first = &place.mcp.received()[0];
    assert_eq!(
        first.header("authorization"),
        "Bearer token-1",
        "already the first request has it"
    );
    // A server that names several: the one that the document names, or none.
    let place = Place::start().await;
    let issuer = &place.book.issuer;
    *place.book.resource.lock().unwrap() =
        json!({"authorization_servers": ["https://other.example", issuer]});
    let hub = hub_with(place.settings(), &place.with_secret(&json!({"issuer": issuer})));
    ready(&hub).await;
    let elsewhere = place.with_secret(&json!({"issuer": "https://mine.example"}));
    let told = trouble(&hub_with(place.settings(), &elsewhere)).await;
    assert!(
        told.contains("and not of `https://mine.example` (`auth.issuer`)"),
        "{told}"
    );
}

#[tokio::test]
async fn the_secret_is_shown_to_nobody_whom_the_server_names_later() {
    let place = Place::start().await;
    let other = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    *place.book.resource.lock().unwrap() = json!({"authorization_servers": [other.book.issuer]});
    place.book.revoke();
    let error = call(&hub, "get", "{}").await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("names another authorization server than before") && told.contains(&other.book.issuer),
        "{told}"
    );
    assert_eq!(other.asked().len(), 0);
    // Neither after a restart.
    drop(hub);
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    let told = trouble(&hub).await;
    assert!(
        told.contains("names another authorization server than before"),
        "{told}"
    );
    assert_eq!(other.asked().len(), 0);
    // Unless somebody says so.
    let said = place.with_secret(&json!({"issuer": other.book.issuer}));
    let hub = hub_with(place.settings(), &said);
    until(&hub, "the other one is asked", || !other.asked().is_empty()).await;
}

#[tokio::test]
async fn a_server_without_metadata_is_its_own_authorization_server() {
    let place = Place::twisted(|book, received| {
        if received.path.starts_with("/.well-known/oauth-protected-resource") {
            return Some(Reply::With(404, Vec::new(), String::new()));
        }
        if received.path == "/.well-known/oauth-authorization-server" {
            let issuer = &book.server;
            let metadata = json!({"issuer": issuer, "token_endpoint": format!("{issuer}/token")});
            return Some(Reply::Json(200, metadata.to_string()));
        }
        if received.path == "/token" {
            let token = book.issue("read");
            let answer = json!({"access_token": token, "token_type": "Bearer"});
            return Some(Reply::Json(200, answer.to_string()));
        }
        let is_refused = !received.header("authorization").starts_with("Bearer token");
        is_refused.then(|| Reply::With(401, Vec::new(), String::new()))
    })
    .await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    ready(&hub).await;
    assert_eq!(place.authorization.received().len(), 0);
}

#[tokio::test]
async fn a_server_that_takes_no_token_is_not_asked_for_ever() {
    let place = Place::twisted(|book, received| {
        let challenge = format!("Bearer resource_metadata=\"{}\"", book.protected());
        (received.path == "/mcp")
            .then(|| Reply::With(401, vec![("www-authenticate", challenge)], String::new()))
    })
    .await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    let told = trouble(&hub).await;
    assert!(
        told.contains("refuses the token that the gateway was just given for it (401)"),
        "{told}"
    );
    until(&hub, "attempts", || hub.status("u").unwrap().attempts > 4).await;
    let (attempts, asked) = (hub.status("u").unwrap().attempts as usize, place.asked().len());
    assert!(asked <= attempts + 1, "{asked} tokens in {attempts} attempts");
    // However often a server is asked, the authorization server has some peace.
    let begun = std::time::Instant::now();
    until(&hub, "more attempts", || hub.status("u").unwrap().attempts > 12).await;
    let (seconds, asked) = (begun.elapsed().as_secs() as usize, place.asked().len());
    assert!(asked <= 3 + seconds, "{asked} tokens");
    assert_ne!(hub.status("u").unwrap().state, State::Ready);
}

#[tokio::test]
async fn each_of_several_endpoints_has_a_token_of_its_own() {
    // Both believe one authorization server, which the document names.
    let one = Place::start().await;
    let its = one.book.clone();
    let other = Place::twisted(move |_, received| {
        let is_known = received.path == "/mcp" && its.knows(received);
        is_known.then(|| modern(received, TOOLS))
    })
    .await;
    *other.book.resource.lock().unwrap() = json!({"authorization_servers": [one.book.issuer]});
    let mut document = one.with_secret(&json!({"issuer": one.book.issuer}));
    document.as_object_mut().unwrap().remove("url");
    let url = |place: &Place| json!({"url": format!("{}/mcp", place.book.server)});
    document["endpoints"] = json!([url(&one), url(&other)]);
    document["balance"] = json!({"algorithm": "round_robin"});
    let hub = hub_with(one.settings(), &document);
    ready(&hub).await;
    for _ in 0..6 {
        call(&hub, "get", "{}").await.unwrap();
    }
    let asked = one.asked();
    assert_eq!((asked.len(), other.asked().len()), (2, 0));
    for place in [&one, &other] {
        let resource = format!("{}/mcp", place.book.server);
        let own = asked.iter().filter(|asked| asked.form()["resource"] == resource);
        assert_eq!(own.count(), 1);
        assert!(place.mcp.count("tools/call") > 0);
    }
}

#[tokio::test]
async fn a_document_without_it_says_what_the_server_wants() {
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.mcp.document());
    let told = trouble(&hub).await;
    assert!(
        told.contains("it wants a token of OAuth: `auth.type: oauth2_client_credentials`"),
        "{told}"
    );
    let error = hub.forget_login("u").await.unwrap().unwrap_err();
    assert!(matches!(error, UpstreamError::Refused(_)), "{error}");
    assert_eq!(hub.login_state("u"), None);
    tokio::time::timeout(Duration::from_secs(30), hub.close())
        .await
        .unwrap();
}
