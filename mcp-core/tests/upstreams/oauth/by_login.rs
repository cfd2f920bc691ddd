//! Logins: somebody opens an address, and comes back with a code.

use super::place::{Place, files};
use crate::{
    server::Reply,
    setup::{call, hub_with, ready, trouble, until},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mcp_core::{
    oauth::{Answered, Registrant},
    upstream::Hub,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use url::Url;

pub(super) const LOGIN: &str = "oauth2_authorization_code";

fn here() -> Registrant {
    Registrant::at("http://127.0.0.1:8080")
}

/// The address that somebody opens, and its parameters.
pub(super) async fn begin(hub: &Hub) -> (String, BTreeMap<String, String>) {
    let address = hub.begin_login("u", here()).await.unwrap().unwrap();
    let url = Url::parse(&address).unwrap();
    (address.clone(), url.query_pairs().into_owned().collect())
}

pub(super) fn code() -> Answered {
    Answered::Code("the-code".to_owned().into())
}

pub(super) async fn log_in(place: &Place, hub: &Hub) {
    let (_, parameters) = begin(hub).await;
    let issuer = Some(&*place.book.issuer);
    hub.finish_login(&parameters["state"], (issuer, None), code())
        .await
        .unwrap();
}

pub(super) fn place_and_hub(place: &Place) -> Arc<Hub> {
    hub_with(place.settings(), &place.document(&json!({"type": LOGIN})))
}

#[tokio::test]
async fn a_login_gives_tokens_that_outlast_a_restart() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    let told = trouble(&hub).await;
    assert!(
        told.contains("wants somebody to log in: `dynmcp upstreams login u`"),
        "{told}"
    );
    assert_eq!(
        place.authorization.received().len(),
        0,
        "nothing is asked before somebody wants to"
    );
    assert!(hub.login_state("u").unwrap().login_needed);

    let (address, parameters) = begin(&hub).await;
    assert!(
        address.starts_with(&format!("{}/authorize?", place.book.issuer)),
        "{address}"
    );
    let registration = &place.authorization.received()[1];
    assert_eq!(registration.path, "/register");
    for (member, value) in [
        ("redirect_uris", json!(["http://127.0.0.1:8080/oauth/callback/u"])),
        ("grant_types", json!(["authorization_code", "refresh_token"])),
        ("application_type", json!("native")),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
    ] {
        assert_eq!(registration.message[member], value, "{member}");
    }
    let resource = format!("{}/mcp", place.book.server);
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "registered"),
        ("redirect_uri", "http://127.0.0.1:8080/oauth/callback/u"),
        ("code_challenge_method", "S256"),
        ("scope", "read offline_access"),
        ("resource", &*resource),
    ] {
        assert_eq!(parameters[name], value, "{name}");
    }
    let id = hub
        .finish_login(&parameters["state"], (Some(&place.book.issuer), None), code())
        .await
        .unwrap();
    assert_eq!((&*id.upstream, id.caller), ("u", None));
    ready(&hub).await;
    call(&hub, "get", "{}").await.unwrap();
    let form = place.asked()[0].form();
    assert_eq!(
        (&*form["grant_type"], &*form["code"]),
        ("authorization_code", "the-code")
    );
    assert_eq!(
        (&form["redirect_uri"], &form["resource"]),
        (&parameters["redirect_uri"], &resource)
    );
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(proof, parameters["code_challenge"]);
    assert!(!parameters.values().any(|value| *value == form["code_verifier"]));

    // For the gateway's user alone.
    let kept = files(&place.logins());
    assert_eq!(kept.len(), 1);
    assert!(kept[0].1.contains("refresh-1"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = place.logins().join(&kept[0].0);
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&place.logins())), (0o600, 0o700));
    }
    drop(hub);
    let hub = place_and_hub(&place);
    ready(&hub).await;
    assert_eq!(place.asked().len(), 1, "the token is still good");
    // Another client's login is not this one's.
    let other = json!({"type": LOGIN, "client_id": "other"});
    let told = trouble(&hub_with(place.settings(), &place.document(&other))).await;
    assert!(told.contains("wants somebody to log in"), "{told}");
}

#[tokio::test]
async fn a_token_is_refreshed_until_the_login_is_over() {
    let place = Place::twisted(|_, received| {
        let is_over = received.path == "/token"
            && received
                .form()
                .get("refresh_token")
                .is_some_and(|token| token == "refresh-2");
        is_over.then(|| Reply::Json(400, "{\"error\":\"invalid_grant\"}".to_owned()))
    })
    .await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    place.book.revoke();
    call(&hub, "get", "{}").await.unwrap();
    let form = place.asked()[1].form();
    assert_eq!(
        (&*form["grant_type"], &*form["refresh_token"]),
        ("refresh_token", "refresh-1")
    );
    assert!(form.contains_key("resource") && !form.contains_key("scope"));
    let pair = base64::engine::general_purpose::STANDARD.encode("registered:of+it");
    assert_eq!(place.asked()[1].header("authorization"), format!("Basic {pair}"));
    assert!(
        files(&place.logins())[0].1.contains("refresh-2"),
        "the newest is kept"
    );
    place.book.revoke();
    let error = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(
        error.contains("the login is over")
            && error.contains("invalid_grant")
            && !error.contains("refresh-2"),
        "{error}"
    );
    assert!(hub.login_state("u").unwrap().login_needed);
    assert!(!files(&place.logins())[0].1.contains("refresh-2"));
    log_in(&place, &hub).await;
    until(&hub, "called again", || hub.login_state("u").unwrap().logged_in).await;
    ready(&hub).await;
}

#[tokio::test]
async fn an_authorization_server_that_is_away_ends_no_login() {
    let place = Place::twisted(|book, received| {
        let is_refresh = received.path == "/token" && received.form()["grant_type"] == "refresh_token";
        let is_away = *book.seconds.lock().unwrap() == 7;
        (is_refresh && is_away).then(|| Reply::Json(503, String::new()))
    })
    .await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    *place.book.seconds.lock().unwrap() = 7;
    place.book.revoke();
    let error = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(error.contains("answered 503"), "{error}");
    assert!(!hub.login_state("u").unwrap().login_needed);
    *place.book.seconds.lock().unwrap() = 3600;
    // Nobody asks for a moment after it failed.
    let called = tokio::time::timeout(Duration::from_secs(60), async {
        while call(&hub, "get", "{}").await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    called.await.unwrap();
    ready(&hub).await;
}

#[tokio::test]
async fn what_comes_back_is_good_once_and_of_whom_was_asked() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    let issuer = place.book.issuer.clone();
    let refused = async |state: &str, issuer: Option<&str>, answered: Answered| {
        hub.finish_login(state, (issuer, None), answered)
            .await
            .unwrap_err()
            .to_string()
    };
    let told = refused("forged", Some(&issuer), code()).await;
    assert!(told.contains("waits for no such login"), "{told}");
    for (iss, expected) in [
        (
            Some("https://evil.example"),
            "says that it is of `https://evil.example`: nothing was done with it",
        ),
        (Some(&*format!("{issuer}/")), "nothing was done with it"),
        (None, "which always says so (`iss`)"),
    ] {
        let (_, parameters) = begin(&hub).await;
        let told = refused(&parameters["state"], iss, code()).await;
        assert!(told.contains(expected), "{told}");
        let told = refused(&parameters["state"], Some(&issuer), code()).await;
        assert!(
            told.contains("waits for no such login"),
            "each is good once: {told}"
        );
    }
    let (_, parameters) = begin(&hub).await;
    let denied = Answered::Error("access_denied no\u{1b}[31m".to_owned());
    let told = refused(&parameters["state"], Some(&issuer), denied).await;
    assert!(
        told.ends_with("refuses the login: access_denied no[31m"),
        "{told}"
    );
    assert_eq!(place.asked().len(), 0, "no code went anywhere");
    // A code that is redeemed is not redeemed again.
    let (_, parameters) = begin(&hub).await;
    hub.finish_login(&parameters["state"], (Some(&issuer), None), code())
        .await
        .unwrap();
    let told = refused(&parameters["state"], Some(&issuer), code()).await;
    assert!(told.contains("waits for no such login"), "{told}");
    assert_eq!(place.asked().len(), 1);
    let registrations = place.authorization.received();
    let registrations = registrations
        .iter()
        .filter(|received| received.path == "/register");
    assert_eq!(registrations.count(), 1, "the client is the same for all of them");
}

#[tokio::test]
async fn nobody_is_sent_where_a_code_could_be_stolen() {
    for (metadata, expected) in [
        (
            json!({"code_challenge_methods_supported": null}),
            "do not say that it knows PKCE",
        ),
        (
            json!({"code_challenge_methods_supported": ["plain"]}),
            "do not say that it knows PKCE",
        ),
        (
            json!({"authorization_endpoint": null}),
            "it has no authorization endpoint",
        ),
        (
            json!({"authorization_endpoint": "javascript:alert(1)"}),
            "the authorization endpoint `javascript:alert(1)`",
        ),
        (
            json!({"authorization_endpoint": "http://login.example/"}),
            "does not begin with https://",
        ),
        (
            json!({"registration_endpoint": null}),
            "registers nobody: register the gateway there with the redirect URI http://127.0.0.1:8080/oauth/callback/u",
        ),
        (
            json!({"registration_endpoint": "https://10.0.0.1/"}),
            "only the server names this host",
        ),
    ] {
        let place = Place::start().await;
        *place.book.metadata.lock().unwrap() = metadata.clone();
        let hub = place_and_hub(&place);
        let told = hub
            .begin_login("u", here())
            .await
            .unwrap()
            .unwrap_err()
            .to_string();
        assert!(told.contains(expected), "{metadata}: {told}");
    }
    let place = Place::start().await;
    let hub = hub_with(place.settings(), &place.with_secret(&json!({})));
    let told = hub
        .begin_login("u", here())
        .await
        .unwrap()
        .unwrap_err()
        .to_string();
    assert!(told.contains("gets its tokens by itself"), "{told}");
    assert!(hub.begin_login("nobody", here()).await.is_none());
}

#[tokio::test]
async fn clients_are_known_by_their_document_or_as_it_is_written() {
    let place = Place::start().await;
    *place.book.metadata.lock().unwrap() = json!({"client_id_metadata_document_supported": true});
    let hub = place_and_hub(&place);
    let public = Registrant::at("https://gateway.example/");
    let address = hub.begin_login("u", public.clone()).await.unwrap().unwrap();
    let id = "https://gateway.example/oauth/client/u.json";
    let parameters: BTreeMap<String, String> =
        Url::parse(&address).unwrap().query_pairs().into_owned().collect();
    assert_eq!(parameters["client_id"], id);
    let document: Value = public.of("u").client_document().unwrap();
    assert_eq!(
        (&document["client_id"], &document["token_endpoint_auth_method"]),
        (&json!(id), &json!("none"))
    );
    assert_eq!(document["redirect_uris"], json!([parameters["redirect_uri"]]));
    hub.finish_login(&parameters["state"], (Some(&place.book.issuer), None), code())
        .await
        .unwrap();
    let form = place.asked()[0].form();
    assert_eq!((&*form["client_id"], form.get("client_secret")), (id, None));
    assert_eq!(here().of("u").client_document(), None, "nobody could fetch it");

    let place = Place::start().await;
    let auth = json!({"type": LOGIN, "client_id": "mine", "client_secret": place.secret("secret"), "scopes": ["read"]});
    let hub = hub_with(place.settings(), &place.document(&auth));
    let (_, parameters) = begin(&hub).await;
    assert_eq!(
        (&*parameters["client_id"], &*parameters["scope"]),
        ("mine", "read offline_access")
    );
    let registered = place.authorization.received();
    assert!(registered.iter().all(|received| received.path != "/register"));
}

#[tokio::test]
async fn another_authorization_server_gets_nothing_of_the_one_before() {
    let (place, other) = (Place::start().await, Place::start().await);
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    *place.book.resource.lock().unwrap() = json!({"authorization_servers": [other.book.issuer]});
    place.book.revoke();
    let (_, parameters) = begin(&hub).await;
    let registered = other.authorization.received();
    assert!(
        registered.iter().any(|received| received.path == "/register"),
        "it is registered there anew"
    );
    hub.finish_login(&parameters["state"], (Some(&other.book.issuer), None), code())
        .await
        .unwrap();
    let all = other.authorization.received();
    assert!(
        all.iter().all(|received| !received.body.contains("refresh-")),
        "the refresh token stays with whom it is of"
    );
}

#[tokio::test]
async fn a_call_that_needs_more_asks_for_another_login() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    place.book.need(&["write"]);
    let error = call(&hub, "get", "{}").await.unwrap_err().to_string();
    assert!(
        error.contains("wants the scopes `write` for this, which nobody has granted"),
        "{error}"
    );
    let state = hub.login_state("u").unwrap();
    assert!(state.logged_in && state.login_needed, "{state:?}");
    let (_, parameters) = begin(&hub).await;
    assert_eq!(parameters["scope"], "read offline_access write");
}

#[tokio::test]
async fn logins_go_with_their_upstreams() {
    let place = Place::start().await;
    let hub = place_and_hub(&place);
    log_in(&place, &hub).await;
    ready(&hub).await;
    // Switched off it is kept.
    let mut off = place.document(&json!({"type": LOGIN}));
    off["enabled"] = json!(false);
    hub.define(std::iter::once(crate::setup::definition("u", &off)));
    assert_eq!(files(&place.logins()).len(), 1);
    hub.define(std::iter::once(crate::setup::definition(
        "u",
        &place.document(&json!({"type": LOGIN})),
    )));
    ready(&hub).await;
    hub.forget_login("u").await.unwrap().unwrap();
    assert!(hub.login_state("u").unwrap().login_needed);
    assert!(!files(&place.logins())[0].1.contains("token-"));
    hub.define(std::iter::empty());
    assert_eq!(files(&place.logins()), []);
}
