//! What ends a login and what does not, and what is kept of one.

use super::{
    by_login::{LOGIN, begin, code, log_in, place_and_hub},
    place::{Book, Place, files, write_sealed},
};
use crate::{
    server::{Received, Reply},
    setup::{call, definition, hub_with, ready, trouble, until},
};
use mcp_core::{
    oauth::{Answered, Registrant},
    upstream::Hub,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

/// Both servers as usual, but for what is answered while the switch is on.
async fn switched(
    answer: impl Fn(&Book, &Received) -> Option<Reply> + Send + Sync + 'static,
) -> (Place, Arc<AtomicBool>) {
    let switch = Arc::new(AtomicBool::new(false));
    let (is_on, clients) = (switch.clone(), AtomicU32::new(0));
    let place = Place::twisted(move |book, received| {
        if received.path == "/register" {
            // Another client each time.
            let number = clients.fetch_add(1, Ordering::Relaxed);
            return Some(Reply::Json(
                201,
                json!({"client_id": format!("client-{number}")}).to_string(),
            ));
        }
        is_on
            .load(Ordering::Relaxed)
            .then(|| answer(book, received))
            .flatten()
    });
    (place.await, switch)
}

fn is_refresh(received: &Received) -> bool {
    received.path == "/token" && received.form()["grant_type"] == "refresh_token"
}

fn error(status: u16, error: &str) -> Option<Reply> {
    Some(Reply::Json(status, json!({"error": error}).to_string()))
}

fn kept(place: &Place) -> String {
    files(&place.logins()).remove(0).1
}

fn file(place: &Place) -> PathBuf {
    place.logins().join(&files(&place.logins())[0].0)
}

/// Nobody asks for a moment after it failed.
async fn called_in_time(hub: &Hub) {
    let called = tokio::time::timeout(Duration::from_secs(60), async {
        while call(hub, "get", "{}").await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    called.await.unwrap();
}

#[tokio::test]
async fn a_server_that_refuses_good_tokens_for_a_while_ends_no_login() {
    let (place, is_confused) = switched(|book, received| {
        let challenge = format!("Bearer resource_metadata=\"{}\"", book.protected());
        (received.path == "/mcp")
            .then(|| Reply::With(401, vec![("www-authenticate", challenge)], String::new()))
    })
    .await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    is_confused.store(true, Ordering::Relaxed);
    for _ in 0..4 {
        let told = call(&hub, "get", "{}").await.unwrap_err().to_string();
        assert!(told.contains("refuses the token"), "{told}");
    }
    let asked = place.asked().len();
    assert!(asked <= 4, "{asked} tokens for a login and four calls");
    assert!(hub.login_state("u").unwrap().logged_in);
    assert!(kept(&place).contains("refresh-"), "{}", kept(&place));
    is_confused.store(false, Ordering::Relaxed);
    called_in_time(&hub).await;
    assert!(!hub.login_state("u").unwrap().login_needed);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_not_thrown_away() {
    let (place, is_confused) = switched(|_, received| {
        if received.path == "/token" {
            return Some(Reply::Json(
                200,
                json!({"access_token": "for-ever", "token_type": "Bearer"}).to_string(),
            ));
        }
        None
    })
    .await;
    // The switch is about the token endpoint: what the server takes is said by the book.
    is_confused.store(true, Ordering::Relaxed);
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    // It may be good again later, and nothing else is there.
    until(&hub, "refused", || hub.login_state("u").unwrap().login_needed).await;
    assert!(hub.login_state("u").unwrap().logged_in);
    assert!(kept(&place).contains("for-ever"));
}

#[tokio::test]
async fn a_client_that_is_not_known_for_a_while_keeps_its_login() {
    let (place, is_forgetful) = switched(|_, received| {
        is_refresh(received)
            .then(|| error(401, "invalid_client"))
            .flatten()
    })
    .await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    is_forgetful.store(true, Ordering::Relaxed);
    place.book.revoke();
    let told = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(told.contains("the client is not known any more"), "{told}");
    assert!(hub.login_state("u").unwrap().login_needed);
    // Whoever logs in meanwhile does so with another client.
    let (_, parameters) = begin(&hub).await;
    assert_eq!(parameters["client_id"], "client-1");
    is_forgetful.store(false, Ordering::Relaxed);
    called_in_time(&hub).await;
    let form = place.asked().pop().unwrap().form();
    assert_eq!(
        (&*form["refresh_token"], &*form["client_id"]),
        ("refresh-1", "client-0")
    );
    assert!(!hub.login_state("u").unwrap().login_needed);
}

#[tokio::test]
async fn a_client_of_the_document_is_for_the_operator_to_mend() {
    let (place, is_forgetful) = switched(|_, received| {
        is_refresh(received)
            .then(|| error(401, "invalid_client"))
            .flatten()
    })
    .await;
    let auth = json!({"type": LOGIN, "client_id": "mine", "client_secret": place.secret("secret")});
    let hub = hub_with(place.settings(), &place.document(&auth));
    log_in(&place, &hub).await;
    ready(&hub).await;
    is_forgetful.store(true, Ordering::Relaxed);
    place.book.revoke();
    let told = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(
        told.contains("answered 401 invalid_client") && !told.contains("log in"),
        "{told}"
    );
    assert!(!hub.login_state("u").unwrap().login_needed);
    is_forgetful.store(false, Ordering::Relaxed);
    called_in_time(&hub).await;
}

#[tokio::test]
async fn a_login_that_comes_to_nothing_leaves_the_one_that_there_is() {
    let (place, is_late) = switched(|_, received| {
        let is_code = received.path == "/token" && received.form()["grant_type"] == "authorization_code";
        is_code.then(|| error(400, "invalid_grant")).flatten()
    })
    .await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    is_late.store(true, Ordering::Relaxed);
    // From somewhere else, where the client that is known does not lead back to.
    let elsewhere = Registrant::at("http://127.0.0.1:9999");
    let address = hub.begin_login("u", elsewhere).await.unwrap().unwrap();
    let url = url::Url::parse(&address).unwrap();
    let parameters: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(parameters["client_id"], "client-1");
    let issuer = Some(&*place.book.issuer);
    let told = hub
        .finish_login(&parameters["state"], (issuer, None), code())
        .await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("answered 400 invalid_grant"), "{told}");
    place.book.revoke();
    call(&hub, "get", "{}").await.unwrap();
    let form = place.asked().pop().unwrap().form();
    assert_eq!(
        (&*form["refresh_token"], &*form["client_id"]),
        ("refresh-1", "client-0")
    );
    // Also after a restart.
    drop(hub);
    let hub = place_and_hub(&place);
    ready(&hub).await;
    place.book.revoke();
    call(&hub, "get", "{}").await.unwrap();
    assert_eq!(place.asked().pop().unwrap().form()["client_id"], "client-0");
}

#[tokio::test]
async fn a_browser_that_goes_away_ends_its_login_nevertheless() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    let (_, parameters) = begin(&hub).await;
    {
        let issuer = Some(&*place.book.issuer);
        let finishing = hub.finish_login(&parameters["state"], (issuer, None), code());
        let mut finishing = std::pin::pin!(finishing);
        assert!(futures_util::poll!(finishing.as_mut()).is_pending());
    }
    until(&hub, "logged in", || hub.login_state("u").unwrap().logged_in).await;
    ready(&hub).await;
}

#[tokio::test]
async fn a_login_for_what_the_document_does_not_say_any_more_is_not_taken() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    let (_, parameters) = begin(&hub).await;
    let other = place.document(&json!({"type": LOGIN, "scopes": ["write"]}));
    hub.define(std::iter::once(definition("u", &other)));
    assert!(hub.login_state("u").unwrap().login_needed);
    let issuer = Some(&*place.book.issuer);
    let told = hub
        .finish_login(&parameters["state"], (issuer, None), code())
        .await;
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("is another one since the login was begun"),
        "{told}"
    );
    assert_eq!(place.asked().len(), 0, "the code went nowhere");
}

#[tokio::test]
async fn tokens_are_asked_for_with_what_the_document_says_now() {
    let place = Place::start().await;
    let of = |more: &Value| definition("u", &place.with_secret(more));
    let hub = hub_with(place.settings(), &place.with_secret(&json!({"scopes": ["read"]})));
    ready(&hub).await;
    for (more, member, expected) in [
        (json!({"scopes": ["read", "write"]}), "scope", "read write"),
        (
            json!({"scopes": ["read"], "audience": "them"}),
            "audience",
            "them",
        ),
        (
            json!({"scopes": ["read"], "resource": "https://orders.example"}),
            "resource",
            "https://orders.example",
        ),
    ] {
        let before = place.asked().len();
        hub.define(std::iter::once(of(&more)));
        until(&hub, "another token", || place.asked().len() > before).await;
        ready(&hub).await;
        call(&hub, "get", "{}").await.unwrap();
        assert_eq!(place.asked().pop().unwrap().form()[member], expected, "{more}");
    }
    // Whom it believes is not forgotten thereby.
    let other = Place::start().await;
    *place.book.resource.lock().unwrap() = json!({"authorization_servers": [other.book.issuer]});
    hub.define(std::iter::once(of(&json!({"scopes": ["list"]}))));
    let told = trouble(&hub).await;
    assert!(
        told.contains("names another authorization server than before"),
        "{told}"
    );
    assert_eq!(other.asked().len(), 0);
    // A login is for what it was asked for.
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    let other = place.document(&json!({"type": LOGIN, "scopes": ["write"]}));
    hub.define(std::iter::once(definition("u", &other)));
    let told = trouble(&hub).await;
    assert!(told.contains("wants somebody to log in"), "{told}");
    let (_, parameters) = begin(&hub).await;
    assert_eq!(
        (&*parameters["scope"], &*parameters["client_id"]),
        ("write offline_access", "registered")
    );
    let registered = place.authorization.received();
    let registered = registered.iter().filter(|received| received.path == "/register");
    assert_eq!(registered.count(), 1, "the client is the same");
}

#[tokio::test]
async fn what_is_no_login_is_not_used_and_the_next_one_takes_its_place() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    drop(hub);
    let (file, good) = (file(&place), kept(&place));
    let written: Value = serde_json::from_str(&good).unwrap();
    let with = |member: &str, value: Value| {
        let mut other = written.clone();
        other[member] = value;
        other.to_string()
    };
    for damaged in [
        String::new(),
        good[..good.len() / 2].to_owned(),
        format!("{good}{}", " ".repeat(1 << 20)),
        with("of", json!("somebody else")),
        with("expires_at", json!(-1)),
        with("access_token", json!("a\nb"))
            .replace("refresh-1", "")
            .replace("\"refresh_token\":\"\"", "\"refresh_token\":null"),
    ] {
        write_sealed(&file, &damaged);
        let hub = place_and_hub(&place);
        let told = trouble(&hub).await;
        assert!(told.contains("wants somebody to log in"), "{told}");
        assert!(hub.login_state("u").unwrap().login_needed);
        log_in(&place, &hub).await;
        ready(&hub).await;
        drop(hub);
        let hub = place_and_hub(&place);
        ready(&hub).await;
        assert!(!hub.login_state("u").unwrap().login_needed);
    }
    // A token that is said to be good until the end of all days is one that is good for long.
    let endless = kept(&place).replace("\"expires_at\":", "\"expires_at\":999999999");
    write_sealed(&file, &endless);
    let hub = place_and_hub(&place);
    ready(&hub).await;
    assert!(hub.login_state("u").unwrap().expires_in.is_some());
}

#[tokio::test]
async fn what_the_token_endpoint_was_shown_is_not_repeated() {
    let place = Place::twisted(|_, received| {
        (received.path == "/token").then(|| {
            let form = received.form();
            // Beyond what is repeated, so that a secret stands where it is cut.
            let padding = "x".repeat(270);
            let words = format!(
                "{} {} {} {} {padding}{}",
                form["code"],
                form["code_verifier"],
                received.header("authorization"),
                received.body,
                form["code_verifier"],
            );
            let answer = json!({"error": "invalid_grant", "error_description": words});
            Reply::Json(400, answer.to_string())
        })
    })
    .await;
    fs::write(place.folder.path().join("id"), "the id & more").unwrap();
    let auth =
        json!({"type": LOGIN, "client_id": place.secret("id"), "client_secret": place.secret("secret")});
    let hub = hub_with(place.settings(), &place.document(&auth));
    let (_, parameters) = begin(&hub).await;
    let answered = Answered::Code("the-secret-code/1".to_owned().into());
    let issuer = Some(&*place.book.issuer);
    let told = hub
        .finish_login(&parameters["state"], (issuer, None), answered)
        .await;
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("invalid_grant [redacted] [redacted] Basic [redacted]"),
        "{told}"
    );
    let asked = place.asked().remove(0);
    let verifier = asked.form()["code_verifier"].clone();
    for secret in ["the-secret-code", "hunter2", "the+id", "the id", &verifier[..12]] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
