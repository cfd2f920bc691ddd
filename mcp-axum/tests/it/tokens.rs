//! Tokens of identity providers: which are taken, what their holders may do, and what clients are told that have none.

mod algorithms;
mod away;
pub mod issuer;
mod opaque;
mod scopes;
pub mod signer;

use crate::{
    event_stream::EventStream,
    test_app::{Client, McpClient, TestApp, eventually},
};
use issuer::{Issuer, now};
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};
use signer::{Signer, encoded};
use tokio::net::TcpListener;

const PUBLIC: &str = "https://gateway.example.com";
const DESK: &str = "https://gateway.example.com/mcp/desk";

/// A gateway that takes tokens of this issuer, with an instance `desk` of two tools that answer by themselves.
async fn gateway(issuer: &str, more: Value) -> TestApp {
    let mut entry = json!({"name": "acme", "issuer": issuer, "roles": "realm_access.roles", "leeway_seconds": 0, "claims": ["tenant"]});
    entry
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let issuers = json!([entry]).to_string();
    let app = TestApp::with(&[
        ("app.authenticators", "jwt,api_key"),
        ("app.public_url", PUBLIC),
        ("authenticator.jwt.issuers", &issuers),
    ])
    .await;
    for id in ["get_order", "drop_orders"] {
        let tool = json!({
            "name": id, "description": "Says its name.", "input_schema": {"type": "object"},
            "static": {"content": [{"type": "text", "text": id}]},
        });
        app.admin().put(&format!("/admin/tds/{id}"), &tool).await.ok();
    }
    app.put_instance("desk", &["get_order", "drop_orders"]).await;
    app.put_instance("other", &["drop_orders"]).await;
    app
}

fn holder(app: &TestApp, token: &str) -> Client {
    Client::new(app.address(), Some(token.to_owned()))
}

fn with(claims: &Value, more: Value) -> Value {
    let mut claims = claims.clone();
    claims
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    claims
}

#[tokio::test]
async fn whoever_has_a_token_may_do_what_its_roles_allow() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(
        &issuer.url,
        json!({"audiences": ["everything"], "allow_roles": ["*"]}),
    )
    .await;
    let role = json!({"allow": [{"actions": ["tools/call"], "instances": ["desk"], "tools": ["get_*"]}]});
    app.admin().put("/admin/roles/reader", &role).await.ok();
    let names = async |claims: Value| {
        let client = McpClient::new(holder(&app, &signer.sign(&claims)), "desk");
        client.tool_names().await
    };
    let claims = issuer.claims(DESK);
    assert_eq!(names(claims.clone()).await.len(), 2);
    let reader = with(&claims, json!({"realm_access": {"roles": ["reader", "nothing"]}}));
    assert_eq!(names(reader.clone()).await, ["get_order"]);
    assert_eq!(
        names(with(&reader, json!({"aud": ["x", "everything"]}))).await,
        ["get_order"]
    );
    // A role changes: the same token.
    let narrower =
        json!({"allow": [{"actions": ["tools/call"], "instances": ["desk"], "tools": ["drop_*"]}]});
    app.admin().put("/admin/roles/reader", &narrower).await.ok();
    assert_eq!(names(reader).await, ["drop_orders"]);
    // No role opens nothing; that of administrators has to be named in the configuration.
    for roles in [json!([]), json!(["admin"]), json!({"a": 1})] {
        let token = signer.sign(&with(
            &claims,
            json!({"realm_access": {"roles": roles}, "aud": "everything"}),
        ));
        let answer = McpClient::new(holder(&app, &token), "desk")
            .modern("tools/list", json!({}))
            .await;
        assert_eq!(answer.status, 403, "{}", answer.text);
        holder(&app, &token).get("/admin/tds").await.error(403);
    }
    // Keys are keys beside it.
    app.admin().get("/admin/tds").await.ok();
    app.user().get("/admin/tds").await.error(403);

    let app = gateway(
        &issuer.url,
        json!({"allow_roles": ["admin"], "audiences": ["everything"]}),
    )
    .await;
    let token = signer.sign(&with(
        &claims,
        json!({"realm_access": {"roles": ["admin", "agent"]}, "aud": format!("{PUBLIC}/admin")}),
    ));
    holder(&app, &token).get("/admin/tds").await.ok();
    let written = holder(&app, &token)
        .put("/admin/ids/new", &json!({"name": "New", "tool_ids": []}))
        .await;
    written.ok();
    let history = app.admin().get("/admin/ids/new/history").await.ok().data();
    assert_eq!(history[0]["principal"], "acme:4711");
}

#[tokio::test]
async fn a_token_that_is_not_good_for_this_is_refused_whatever_is_wrong_with_it() {
    let (signer, other) = (Signer::new("k1"), Signer::new("k1"));
    let issuer = Issuer::start(&[&signer]).await;
    let attacker = Issuer::start(&[&other]).await;
    let app = gateway(&issuer.url, json!({})).await;
    let claims = issuer.claims(DESK);
    let header = json!({"alg": "ES256", "kid": "k1"});
    let good = signer.sign(&claims);
    let part = |number: usize| good.split('.').nth(number).unwrap().to_owned();
    let keys = format!("{}/keys", attacker.url);
    let hs256 = {
        let message = format!(
            "{}.{}",
            encoded(json!({"alg": "HS256", "kid": "k1"}).to_string()),
            part(1)
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, &signer.point());
        format!("{message}.{}", encoded(hmac::sign(&key, message.as_bytes())))
    };
    let bad: Vec<(&str, String)> = vec![
        ("no signature", format!("{}.{}.", part(0), part(1))),
        (
            "alg none",
            format!("{}.{}.", encoded(json!({"alg": "none"}).to_string()), part(1)),
        ),
        (
            "alg none in capitals",
            format!(
                "{}.{}.{}",
                encoded(json!({"alg": "NONE"}).to_string()),
                part(1),
                part(2)
            ),
        ),
        ("the public key as a secret", hs256),
        (
            "another algorithm",
            signer.sign_with(&with(&header, json!({"alg": "ES384"})), &claims),
        ),
        (
            "another family",
            signer.sign_with(&with(&header, json!({"alg": "RS256"})), &claims),
        ),
        ("another key of the same name", other.sign(&claims)),
        (
            "keys of its own choice",
            other.sign_with(&with(&header, json!({"jku": keys, "x5u": keys})), &claims),
        ),
        (
            "a key that it brings",
            other.sign_with(&with(&header, json!({"jwk": other.public()})), &claims),
        ),
        (
            "another issuer with a key of that name",
            other.sign(&attacker.claims(DESK)),
        ),
        (
            "the claims of another token",
            format!(
                "{}.{}.{}",
                part(0),
                encoded(with(&claims, json!({"sub": "1"})).to_string()),
                part(2)
            ),
        ),
        ("over", signer.sign(&with(&claims, json!({"exp": now() - 1})))),
        (
            "over for ever",
            signer.sign(&with(&claims, json!({"exp": -1e300}))),
        ),
        ("not yet", signer.sign(&with(&claims, json!({"nbf": now() + 60})))),
        (
            "without an end",
            signer.sign(&with(&claims, json!({"exp": null}))),
        ),
        (
            "an end that is no number",
            signer.sign(&with(&claims, json!({"exp": "tomorrow"}))),
        ),
        (
            "for another instance",
            signer.sign(&issuer.claims(&format!("{PUBLIC}/mcp/other"))),
        ),
        ("for the whole gateway", signer.sign(&issuer.claims(PUBLIC))),
        (
            "for a part of the name",
            signer.sign(&issuer.claims(&format!("{DESK}2"))),
        ),
        ("for nobody", signer.sign(&with(&claims, json!({"aud": null})))),
        ("of nobody", signer.sign(&with(&claims, json!({"sub": ""})))),
        (
            "something that has to be understood",
            signer.sign_with(&with(&header, json!({"crit": ["b64"], "b64": false})), &claims),
        ),
        (
            "very long",
            signer.sign(&with(&claims, json!({"more": "x".repeat(20_000)}))),
        ),
        ("no JSON", format!("{}.{}.{}", encoded("eyJ"), part(1), part(2))),
        ("half of one", format!("eyJ.{}.", part(1))),
    ];
    for (what, token) in bad {
        let answer = McpClient::new(holder(&app, &token), "desk")
            .modern("tools/list", json!({}))
            .await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("error=\"invalid_token\""),
            "{what}: {challenge}"
        );
        assert!(!answer.text.contains(&part(2)), "{what}: {}", answer.text);
    }
    assert_eq!(attacker.asked(), 0, "nobody is asked whom a token names");
    // The good one, also after all that; and not where it is not meant for.
    assert_eq!(
        McpClient::new(holder(&app, &good), "desk")
            .tool_names()
            .await
            .len(),
        2
    );
    let replayed = McpClient::new(holder(&app, &good), "other")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(replayed.status, 401, "{}", replayed.text);
    holder(&app, &good).get("/admin/tds").await.error(401);
    // Both headers have to say the same.
    let both = holder(&app, &good).with_header("x-api-key", app.user_key());
    assert_eq!(
        McpClient::new(both, "desk")
            .modern("tools/list", json!({}))
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn new_keys_are_found_by_the_first_token_and_floods_do_not_reach_the_issuer() {
    let (old, new) = (Signer::new("k1"), Signer::new("k2"));
    let issuer = Issuer::start(&[&old]).await;
    let app = gateway(&issuer.url, json!({})).await;
    let status = async |signer: &Signer| {
        let token = signer.sign(&issuer.claims(DESK));
        McpClient::new(holder(&app, &token), "desk")
            .modern("tools/list", json!({}))
            .await
            .status
    };
    assert_eq!(status(&old).await, 200);
    issuer.rotate(&[&new]);
    assert_eq!(status(&old).await, 200, "nobody has heard of it yet");
    assert_eq!(status(&new).await, 200);
    assert_eq!(status(&old).await, 401, "what was verified with it, too");
    let before = issuer.asked();
    for number in 0..60 {
        assert_eq!(status(&Signer::new(&format!("unknown-{number}"))).await, 401);
    }
    let asked = issuer.asked() - before;
    assert!(asked <= 3, "{asked}");
    assert_eq!(status(&new).await, 200);
}

#[tokio::test]
async fn an_issuer_that_is_away_costs_nothing_while_its_keys_are_known() {
    let signer = Signer::new("k1");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("http://{address}");
    let app = gateway(&url, json!({})).await;
    let claims = json!({"iss": url, "sub": "1", "aud": DESK, "exp": now() + 300, "realm_access": {"roles": ["agent"]}});
    let ask = async |claims: &Value| {
        let token = signer.sign(claims);
        McpClient::new(holder(&app, &token), "desk")
            .modern("tools/list", json!({}))
            .await
            .status
    };
    assert_eq!(ask(&claims).await, 503, "nobody can tell yet");
    assert_eq!(
        McpClient::new(app.user(), "desk").tool_names().await.len(),
        2,
        "keys are good"
    );
    let issuer = Issuer::start_on(TcpListener::bind(address).await.unwrap(), &[&signer]);
    let mut status = 0;
    for _ in 0..400 {
        status = ask(&claims).await;
        if status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status, 200);
    drop(issuer);
    assert_eq!(
        ask(&with(&claims, json!({"sub": "2"}))).await,
        200,
        "a new token of known keys"
    );
}

#[tokio::test]
async fn clients_without_a_token_learn_where_they_get_one() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(&issuer.url, json!({"required_scopes": ["mcp:tools", "mcp:read"]})).await;
    let metadata_url = "https://gateway.example.com/.well-known/oauth-protected-resource/mcp/desk";
    let answer = McpClient::new(app.anonymous(), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(answer.status, 401);
    let expected = format!("Bearer scope=\"mcp:tools mcp:read\", resource_metadata=\"{metadata_url}\"");
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    let metadata = app
        .anonymous()
        .get("/.well-known/oauth-protected-resource/mcp/desk")
        .await
        .expect(200);
    assert_eq!(metadata.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        metadata.json(),
        json!({
            "resource": DESK, "authorization_servers": [issuer.url], "scopes_supported": ["mcp:tools", "mcp:read"],
            "bearer_methods_supported": ["header"],
        })
    );
    // Which instances there are is not to be found out.
    let nowhere = app
        .anonymous()
        .get("/.well-known/oauth-protected-resource/mcp/nowhere")
        .await
        .expect(200);
    assert_eq!(nowhere.text.replace("nowhere", "desk"), metadata.text);

    let claims = with(&issuer.claims(DESK), json!({"scope": "openid mcp:read"}));
    let answer = McpClient::new(holder(&app, &signer.sign(&claims)), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let expected = format!(
        "Bearer error=\"insufficient_scope\", scope=\"mcp:tools mcp:read\", resource_metadata=\"{metadata_url}\""
    );
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    let claims = with(&claims, json!({"scope": ["mcp:tools", "mcp:read"]}));
    assert_eq!(
        McpClient::new(holder(&app, &signer.sign(&claims)), "desk")
            .tool_names()
            .await
            .len(),
        2
    );

    let plain = TestApp::start().await;
    plain
        .anonymous()
        .get("/.well-known/oauth-protected-resource/mcp/desk")
        .await
        .error(404);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let app = gateway(&issuer.url, json!({})).await;
    let token = signer.sign(&with(&issuer.claims(DESK), json!({"exp": now() + 2})));
    let stream = holder(&app, &token)
        .request(Method::GET, "/mcp/desk")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream");
    let mut stream = EventStream::open(stream).await;
    assert_eq!(stream.next().await, None, "nothing is told, and it ends");
    let answer = McpClient::new(holder(&app, &token), "desk")
        .modern("tools/list", json!({}))
        .await;
    assert_eq!(answer.status, 401);
    eventually("its place is given back", || {
        app.metrics().contains("dynmcp_streams 0\n")
    })
    .await;
}

#[tokio::test]
async fn a_stream_stays_while_nobody_can_say_whose_it_is() {
    let signer = Signer::new("k1");
    let issuer = Issuer::start(&[&signer]).await;
    let address = issuer.url.trim_start_matches("http://").to_owned();
    let text = |leeway: u32| {
        format!(
            "[app]\nauthenticators = ['jwt', 'api_key']\npublic_url = '{PUBLIC}'\n\
             [[authenticator.jwt.issuers]]\nname = 'acme'\nissuer = 'http://{address}'\n\
             roles = 'realm_access.roles'\nleeway_seconds = {leeway}\n"
        )
    };
    let app = TestApp::of_file_and("test.toml", &text(0), &[("app.data_source", "memory")]).await;
    let mut tool = json!({"name": "get_order", "description": "Says its name.", "input_schema": {"type": "object"}, "static": {"structured": {}}});
    app.admin().put("/admin/tds/get_order", &tool).await.ok();
    app.put_instance("desk", &["get_order"]).await;
    let request = holder(&app, &signer.sign(&issuer.claims(DESK)))
        .request(Method::GET, "/mcp/desk")
        .header("mcp-protocol-version", "2025-06-18")
        .header("accept", "text/event-stream");
    let mut stream = EventStream::open(request).await;

    drop(issuer);
    std::fs::write(app.configuration(), text(1)).unwrap();
    eventually("the configuration is read again", || {
        json!(app.app().config.report())["reloads"] == 1
    })
    .await;
    let late = holder(
        &app,
        &signer.sign(&json!({"iss": format!("http://{address}"), "exp": now() + 300})),
    );
    assert_eq!(late.get("/mcp/desk").await.status, 503, "the issuer is away");
    tool["description"] = json!("Says its name at once.");
    app.admin().put("/admin/tds/get_order", &tool).await.ok();
    assert_eq!(
        stream.next().await.expect("it has not ended")["method"],
        "notifications/tools/list_changed"
    );

    // The issuer is there again, and knows the key no more.
    let listener = TcpListener::bind(&address).await.unwrap();
    let _issuer = Issuer::start_on(listener, &[&Signer::new("k2")]);
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn keys_are_fetched_also_after_their_task_failed() {
    let (old, new) = (Signer::new("k1"), Signer::new("k2"));
    let issuer = Issuer::start(&[&old]).await;
    let app = gateway(&issuer.url, json!({})).await;
    eventually("they are fetched", || issuer.asked() > 0).await;
    app.app().tasks.make_panic("issuer_keys");
    eventually("it runs again", || {
        let report = app.app().tasks.report();
        report
            .iter()
            .any(|task| task.name == "issuer_keys" && task.restarts == 1 && task.running == 1)
    })
    .await;
    issuer.rotate(&[&new]);
    let token = new.sign(&issuer.claims(DESK));
    assert_eq!(
        McpClient::new(holder(&app, &token), "desk")
            .tool_names()
            .await
            .len(),
        2
    );
}
