//! Upstreams that each caller uses with an account of their own: nobody else's takes its place.

use super::place::{Place, files};
use crate::{
    behaviour::{TOOLS, legacy},
    server::Reply,
    setup::{hub_with, ready, trouble, until},
};
use mcp_core::{
    oauth::{Answered, Registrant, Ticket},
    upstream::{Caller, GivenBack, Hub, RemoteCall, UpstreamError, Wanted},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use url::Url;

pub(super) const USER: &str = "oauth2_user";

pub(super) fn here() -> Registrant {
    Registrant::at("http://127.0.0.1:8080")
}

pub(super) fn code() -> Answered {
    Answered::Code("the-code".to_owned().into())
}

fn parameters(address: &str) -> BTreeMap<String, String> {
    Url::parse(address).unwrap().query_pairs().into_owned().collect()
}

pub(super) fn ticket(owner: &str) -> Ticket {
    Ticket {
        upstream: "u".into(),
        owner: owner.into(),
        name: format!("{owner} by name").into(),
    }
}

/// A hub whose lists an operator has logged in for.
pub(super) async fn listed(place: &Place) -> Arc<Hub> {
    let hub = hub_with(place.settings(), &place.document(&json!({"type": USER})));
    hub.reached_at(Some("http://127.0.0.1:8080/"));
    trouble(&hub).await;
    let begun = hub.begin_login("u", here()).await.unwrap().unwrap();
    let state = &parameters(&begun)["state"];
    let issuer = Some(&*place.book.issuer);
    hub.finish_login(state, (issuer, None), code()).await.unwrap();
    ready(&hub).await;
    hub
}

pub(super) async fn call_as(hub: &Hub, owner: Option<&str>) -> Result<(), UpstreamError> {
    let inventory = hub.offer("u").unwrap().inventory.unwrap();
    let call = RemoteCall {
        wanted: Wanted::Tool(inventory.tool("get").unwrap().clone()),
        params: "{\"name\":\"x\",\"arguments\":{}}".into(),
        via: None,
        trace: Vec::new(),
        line: None,
        caller: Some(Caller {
            session: None,
            name: format!("desk {}", owner.unwrap_or("anonymous")).into(),
        }),
        principal: owner.map(Into::into),
        owner: owner.map(Into::into),
        token: None,
    };
    hub.call("u", call).await.map(drop)
}

pub(super) fn is_without(called: &Result<(), UpstreamError>) -> bool {
    matches!(called, Err(UpstreamError::NoGrant(_)))
}

pub(super) async fn begin(hub: &Hub, owner: &str, browser: &str) -> BTreeMap<String, String> {
    let ticket = ticket(owner);
    let begun = hub.begin_connecting(&ticket, browser.to_owned(), here());
    parameters(&begun.await.unwrap())
}

/// Somebody opens their link, and comes back in the same browser.
pub(super) async fn connect(place: &Place, hub: &Hub, owner: &str) {
    let asked = begin(hub, owner, "a-browser").await;
    let of = (Some(&*place.book.issuer), Some("a-browser"));
    let done = hub.finish_login(&asked["state"], of, code()).await.unwrap();
    assert_eq!(done.caller.as_deref(), Some(&*format!("{owner} by name")));
}

/// What calls of the tool were sent with.
fn shown(place: &Place) -> Vec<String> {
    let all = place.mcp.received().into_iter();
    all.filter(|received| received.rpc() == "tools/call")
        .map(|received| received.header("authorization").to_owned())
        .collect()
}

#[tokio::test]
async fn a_call_is_made_with_its_callers_own_account_or_not_at_all() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    let error = call_as(&hub, None).await.unwrap_err().to_string();
    assert!(error.contains("this call is nobody's in particular"), "{error}");
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert_eq!(shown(&place), [""; 0], "the operator's account makes no call");

    let link = hub.connect_link(ticket("anna")).unwrap();
    let text = link.strip_prefix("http://127.0.0.1:8080/connect/").unwrap();
    assert_eq!(hub.ticket(text), Some(ticket("anna")));
    assert_eq!(hub.connect_link(ticket("anna")).unwrap(), link);
    connect(&place, &hub, "anna").await;
    assert_eq!(hub.ticket(text), None, "it has done what it was for");
    call_as(&hub, Some("anna")).await.unwrap();
    assert!(is_without(&call_as(&hub, Some("bob")).await));
    connect(&place, &hub, "bob").await;
    call_as(&hub, Some("bob")).await.unwrap();
    call_as(&hub, Some("anna")).await.unwrap();
    assert_eq!(
        shown(&place),
        ["Bearer token-2", "Bearer token-3", "Bearer token-2"],
        "the first one is the operator's"
    );
    let registered = place.authorization.received();
    let registered = registered.iter().filter(|received| received.path == "/register");
    assert_eq!(registered.count(), 1, "all of them come by one client");
    let names: Vec<_> = hub.grants().into_iter().map(|grant| grant.name).collect();
    assert_eq!(names, ["anna by name".into(), "bob by name".into()]);

    // Whoever takes the operator's away takes nobody's else.
    hub.forget_login("u").await.unwrap().unwrap();
    trouble(&hub).await;
    call_as(&hub, Some("anna")).await.unwrap();
}

#[tokio::test]
async fn what_comes_back_in_another_browser_connects_nothing() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    let issuer = place.book.issuer.clone();
    let before = place.asked().len();
    for (browser, iss) in [
        (None, &*issuer),
        (Some("another"), &*issuer),
        (Some("a-browser"), "https://evil.example"),
    ] {
        let asked = begin(&hub, "anna", "a-browser").await;
        assert_eq!(asked["code_challenge_method"], "S256");
        let refused = hub
            .finish_login(&asked["state"], (Some(iss), browser), code())
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("nothing was done with it"), "{refused}");
        // Not even for the right one afterwards.
        let again = hub.finish_login(&asked["state"], (Some(&issuer), Some("a-browser")), code());
        assert!(
            again
                .await
                .unwrap_err()
                .to_string()
                .contains("waits for no such login")
        );
    }
    assert_eq!(place.asked().len(), before, "no code went anywhere");
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert!(hub.grants().is_empty());
    // A link is for what it was made for.
    let other = Ticket {
        upstream: "nobody".into(),
        ..ticket("anna")
    };
    assert!(hub.begin_connecting(&other, String::new(), here()).await.is_err());
    hub.reached_at(None);
    let told = hub.connect_link(ticket("anna")).unwrap_err().to_string();
    assert!(told.contains("`app.public_url`"), "{told}");
}

#[tokio::test]
async fn accounts_outlast_a_restart_and_are_given_back_to_where_they_are_from() {
    let place = Place::twisted(|_, received| {
        (received.path == "/revoke").then(|| Reply::With(200, Vec::new(), String::new()))
    })
    .await;
    *place.book.metadata.lock().unwrap() =
        json!({"revocation_endpoint": format!("{}/revoke", place.book.issuer)});
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    connect(&place, &hub, "key k7").await;
    drop(hub);
    let hub = hub_with(place.settings(), &place.document(&json!({"type": USER})));
    ready(&hub).await;
    call_as(&hub, Some("anna")).await.unwrap();
    assert_eq!(files(&place.logins()).len(), 3);
    let grants = hub.grants();
    assert_eq!(
        (&*grants[1].owner, &*grants[1].name, &*grants[1].upstream),
        ("key k7", "key k7 by name", "u")
    );
    assert!(!grants[0].login.login_needed);

    let given = hub.give_back(&grants[0].id).await.unwrap();
    let revoked = GivenBack {
        revoked: true,
        problem: None,
    };
    assert_eq!(given, revoked);
    assert_eq!(hub.give_back(&grants[0].id).await, None);
    let told: Vec<_> = place.authorization.received();
    let told: Vec<_> = told
        .iter()
        .filter(|received| received.path == "/revoke")
        .map(|received| (received.form(), received.header("authorization").to_owned()))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        (&*told[0].0["token"], &*told[0].0["token_type_hint"]),
        ("refresh-2", "refresh_token")
    );
    assert_eq!(
        (&*told[1].0["token"], &*told[1].0["token_type_hint"]),
        ("token-2", "access_token")
    );
    assert!(told[0].1.starts_with("Basic "), "the client says who it is");
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert_eq!(files(&place.logins()).len(), 2);
    call_as(&hub, Some("key k7")).await.unwrap();
    // The operator's is given back in the same way.
    let given = hub.forget_login("u").await.unwrap().unwrap();
    assert_eq!(given, revoked);

    // They go with their upstream, and are not those of another one in its place.
    let other = place.document(&json!({"type": USER, "client_id": "another"}));
    hub.define(std::iter::once(crate::setup::definition("u", &other)));
    assert!(is_without(&call_as(&hub, Some("key k7")).await));
    hub.define(std::iter::empty());
    assert_eq!(files(&place.logins()), []);
    assert!(hub.grants().is_empty());
}

#[tokio::test]
async fn an_authorization_server_that_cannot_be_told_is_said_and_keeps_nothing_here() {
    let place = Place::twisted(|_, received| {
        (received.path == "/revoke").then(|| Reply::With(503, Vec::new(), String::new()))
    })
    .await;
    *place.book.metadata.lock().unwrap() =
        json!({"revocation_endpoint": format!("{}/revoke", place.book.issuer)});
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    let given = hub.give_back(&hub.grants()[0].id).await.unwrap();
    assert!(!given.revoked);
    let problem = given.problem.unwrap();
    assert!(problem.contains("answered 503"), "{problem}");
    assert!(
        !problem.contains("refresh-") && !problem.contains("token-"),
        "{problem}"
    );
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert_eq!(files(&place.logins()).len(), 1);
}

#[tokio::test]
async fn a_token_is_renewed_once_for_all_calls_of_its_caller_until_it_is_over() {
    let place = Place::twisted(|_, received| {
        let is_over = received.path == "/token"
            && received
                .form()
                .get("refresh_token")
                .is_some_and(|token| token == "refresh-3");
        is_over.then(|| Reply::Json(400, "{\"error\":\"invalid_grant\"}".to_owned()))
    })
    .await;
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    call_as(&hub, Some("anna")).await.unwrap();
    let before = place.asked().len();
    place.book.revoke();
    let calls = (0..12).map(|_| call_as(&hub, Some("anna")));
    for called in futures_util::future::join_all(calls).await {
        called.unwrap();
    }
    assert_eq!(place.asked().len(), before + 1);
    assert_eq!(place.asked()[before].form()["refresh_token"], "refresh-2");
    place.book.revoke();
    let error = call_as(&hub, Some("anna")).await.unwrap_err();
    assert!(
        matches!(&error, UpstreamError::NoGrant(text) if text.contains("the login is over")),
        "{error}"
    );
    assert!(!error.to_string().contains("refresh-3"), "{error}");
    assert!(hub.grants()[0].login.login_needed);
    let asked = shown(&place).len();
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert_eq!(shown(&place).len(), asked, "nothing is asked without an account");
    // Whoever waits goes on when it is connected anew.
    let anna: Arc<str> = "anna".into();
    let limit = Duration::from_secs(60);
    let (is_there, ()) = tokio::join!(
        hub.until_connected("u", &anna, limit),
        connect(&place, &hub, "anna")
    );
    assert!(is_there);
    call_as(&hub, Some("anna")).await.unwrap();
}

#[tokio::test]
async fn a_call_that_needs_more_asks_its_caller_for_it() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    place.book.need(&["write"]);
    let error = call_as(&hub, Some("anna")).await.unwrap_err();
    assert!(
        matches!(&error, UpstreamError::NoGrant(text) if text.contains("wants the scopes `write`")),
        "{error}"
    );
    let anna: Arc<str> = "anna".into();
    assert!(!hub.is_connected("u", &anna));
    assert!(!hub.until_connected("u", &anna, Duration::from_millis(10)).await);
    let asked = begin(&hub, "anna", "b").await;
    assert_eq!(asked["scope"], "read offline_access write");
}

#[tokio::test]
async fn callers_of_an_older_server_have_sessions_of_their_own() {
    let place = Place::twisted(|_, received| {
        let token = received.header("authorization").strip_prefix("Bearer ")?;
        (received.path == "/mcp").then(|| legacy(received, &format!("session-of-{token}"), TOOLS, false))
    })
    .await;
    let hub = listed(&place).await;
    for owner in ["anna", "bob", "anna", "bob"] {
        if is_without(&call_as(&hub, Some(owner)).await) {
            connect(&place, &hub, owner).await;
        }
        call_as(&hub, Some(owner)).await.unwrap();
    }
    let all = place.mcp.received();
    let calls: Vec<_> = all
        .iter()
        .filter(|received| received.rpc() == "tools/call")
        .map(|received| {
            (
                received.header("authorization"),
                received.header("mcp-session-id"),
            )
        })
        .collect();
    let (anna, bob) = (
        ("Bearer token-2", "session-of-token-2"),
        ("Bearer token-3", "session-of-token-3"),
    );
    // The second time each calls twice.
    assert_eq!(calls, [anna, bob, anna, anna, bob, bob]);
    let mut opened: Vec<_> = all
        .iter()
        .filter(|received| received.rpc() == "initialize")
        .map(|received| received.header("authorization"))
        .collect();
    // That of the lists is opened anew where the login comes while it is being opened.
    opened.dedup();
    assert_eq!(opened, ["Bearer token-1", anna.0, bob.0]);
}

#[tokio::test]
async fn lists_that_are_for_everybody_need_no_login() {
    let place = Place::twisted(|_, received| {
        let is_list = received.path == "/mcp" && received.rpc() != "tools/call";
        is_list.then(|| crate::behaviour::modern(received, TOOLS))
    })
    .await;
    let hub = hub_with(place.settings(), &place.document(&json!({"type": USER})));
    ready(&hub).await;
    assert!(!hub.login_state("u").unwrap().login_needed);
    assert_eq!(hub.login_state("u").unwrap().grant, "user");
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    connect(&place, &hub, "anna").await;
    call_as(&hub, Some("anna")).await.unwrap();
    assert_eq!(shown(&place), ["Bearer token-1"]);
    until(&hub, "still there", || hub.is_connected("u", &"anna".into())).await;
    // What is told of resources is told to the gateway, whose account knows nothing of what callers may see.
    assert!(hub.watch("u", &"docs://a".into(), Arc::default()).await.is_none());
}

#[tokio::test]
async fn what_the_document_does_not_say_any_more_is_connected_anew() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    let begun = begin(&hub, "bob", "a-browser").await;
    let other = place.document(&json!({"type": USER, "scopes": ["write"]}));
    hub.define(std::iter::once(crate::setup::definition("u", &other)));
    assert!(is_without(&call_as(&hub, Some("anna")).await));
    assert!(!hub.is_connected("u", &"anna".into()));
    assert!(hub.grants()[0].login.login_needed, "it does not do for a call");
    let before = place.asked().len();
    let of = (Some(&*place.book.issuer), Some("a-browser"));
    let told = hub.finish_login(&begun["state"], of, code()).await;
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("is another one since the login was begun"),
        "{told}"
    );
    assert_eq!(place.asked().len(), before, "the code went nowhere");
    connect(&place, &hub, "anna").await;
    call_as(&hub, Some("anna")).await.unwrap();
    assert_eq!(hub.grants().len(), 1);
}

#[tokio::test]
async fn a_client_that_is_not_known_any_more_is_nobodys_next_one() {
    let clients = AtomicU32::new(0);
    let place = Place::twisted(move |_, received| match &*received.path {
        "/register" => {
            let id = format!("client-{}", clients.fetch_add(1, Ordering::Relaxed));
            Some(Reply::Json(201, json!({"client_id": id}).to_string()))
        }
        "/token" if received.form()["grant_type"] == "refresh_token" => {
            Some(Reply::Json(401, "{\"error\":\"invalid_client\"}".to_owned()))
        }
        _ => None,
    })
    .await;
    let hub = listed(&place).await;
    assert_eq!(begin(&hub, "anna", "b").await["client_id"], "client-0");
    connect(&place, &hub, "anna").await;
    place.book.revoke();
    let error = call_as(&hub, Some("anna")).await.unwrap_err();
    assert!(
        matches!(&error, UpstreamError::NoGrant(text) if text.contains("the client is not known any more")),
        "{error}"
    );
    for owner in ["anna", "bob"] {
        assert_eq!(begin(&hub, owner, "b").await["client_id"], "client-1");
    }
}

#[tokio::test]
async fn a_server_that_refuses_a_callers_tokens_for_a_while_ends_no_account() {
    let is_confused = Arc::new(AtomicBool::new(false));
    let is_on = is_confused.clone();
    let place = Place::twisted(move |book, received| {
        let challenge = format!("Bearer resource_metadata=\"{}\"", book.protected());
        let is_call = received.path == "/mcp" && received.rpc() == "tools/call";
        (is_call && is_on.load(Ordering::Relaxed))
            .then(|| Reply::With(401, vec![("www-authenticate", challenge)], String::new()))
    })
    .await;
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    call_as(&hub, Some("anna")).await.unwrap();
    is_confused.store(true, Ordering::Relaxed);
    // A single token may have been taken back together with others; then its owner is asked.
    let called = [
        call_as(&hub, Some("anna")).await,
        call_as(&hub, Some("anna")).await,
    ];
    for called in &called {
        let told = called.as_ref().unwrap_err().to_string();
        assert!(told.contains("refuses the token"), "{told}");
    }
    assert!(is_without(&called[1]));
    assert!(hub.grants()[0].login.logged_in);
    is_confused.store(false, Ordering::Relaxed);
    let again = async {
        while call_as(&hub, Some("anna")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again)
        .await
        .unwrap();
    assert!(!hub.grants()[0].login.login_needed);
}

#[tokio::test]
async fn what_is_of_another_client_is_not_given_back_with_the_secret_of_this_one() {
    let place = Place::twisted(|_, received| {
        (received.path == "/revoke").then(|| Reply::With(200, Vec::new(), String::new()))
    })
    .await;
    *place.book.metadata.lock().unwrap() =
        json!({"revocation_endpoint": format!("{}/revoke", place.book.issuer)});
    let hub = listed(&place).await;
    connect(&place, &hub, "anna").await;
    let other = place.document(&json!({"type": USER, "client_id": "another"}));
    hub.define(std::iter::once(crate::setup::definition("u", &other)));
    let given = hub.give_back(&hub.grants()[0].id).await.unwrap();
    assert!(!given.revoked);
    assert!(given.problem.unwrap().contains("names another client"));
    let asked = place.authorization.received();
    assert!(asked.iter().all(|received| received.path != "/revoke"));
    assert!(hub.grants().is_empty(), "nothing is kept here");
}

#[tokio::test]
async fn who_begins_many_logins_takes_no_place_of_others() {
    let place = Place::start().await;
    let hub = listed(&place).await;
    let bob = begin(&hub, "bob", "bobs-browser").await;
    let mut last = bob.clone();
    for _ in 0..300 {
        last = begin(&hub, "anna", "b").await;
    }
    for (begun, browser) in [(&bob, "bobs-browser"), (&last, "b")] {
        let of = (Some(&*place.book.issuer), Some(browser));
        hub.finish_login(&begun["state"], of, code()).await.unwrap();
    }
}
