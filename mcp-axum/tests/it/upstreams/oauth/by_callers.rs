//! Callers with accounts of their own: what they are told, what they do at a browser, and whose calls are made with what.

use super::{Place, begin, open, recipe};
use crate::{
    test_app::{Client, McpClient, TestApp},
    upstreams::{clients::OldClient, ready},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A browser: it keeps cookies, and says where forms come from.
struct Browser {
    http: reqwest::Client,
    origin: String,
    cookie: Mutex<Option<String>>,
}

impl Browser {
    fn at(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        Self {
            http: http.build().unwrap(),
            origin: app.url(""),
            cookie: Mutex::default(),
        }
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> (u16, String, reqwest::header::HeaderMap) {
        if let Some(cookie) = &*self.cookie.lock().unwrap() {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        if let Some(set) = headers.get("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(
                set.contains("; HttpOnly") && set.contains("; SameSite=Lax") && set.contains("; Path=/"),
                "{set}"
            );
            let pair = set.split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = (!pair.ends_with('=')).then_some(pair);
        }
        (status, answer.text().await.unwrap(), headers)
    }

    async fn open(&self, url: &str) -> (u16, String, reqwest::header::HeaderMap) {
        self.send(self.http.get(url)).await
    }

    async fn submit(&self, url: &str, fields: &[(&str, &str)]) -> (u16, String, reqwest::header::HeaderMap) {
        self.submit_from(&self.origin, url, fields).await
    }

    async fn submit_from(
        &self,
        origin: &str,
        url: &str,
        fields: &[(&str, &str)],
    ) -> (u16, String, reqwest::header::HeaderMap) {
        let mut form = reqwest::Url::parse("http://form/").unwrap();
        form.query_pairs_mut().extend_pairs(fields);
        let request = self
            .http
            .post(url)
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.query().unwrap().to_owned());
        self.send(request).await
    }
}

/// The value of a hidden field.
fn field(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split('"').next().unwrap().to_owned()
}

fn location(headers: &reqwest::header::HeaderMap) -> &str {
    headers["location"].to_str().unwrap()
}

fn signing_in(key: &str) -> [(&str, &str); 2] {
    [("do", "sign_in"), ("key", key)]
}

const FIND: &str = "find";

/// What a client of 2026-07-28 is answered that opens pages.
async fn asked(app: &TestApp, more: Value) -> Value {
    let mut params = json!({"name": FIND, "arguments": {}});
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {"url": {}}});
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    app.mcp("desk").modern("tools/call", params).await.ok().json()["result"].take()
}

async fn gateway_with_notes(place: &Arc<Place>) -> TestApp {
    let app = TestApp::start().await;
    app.admin()
        .put("/admin/uds/notes", &recipe("notes", place))
        .await
        .ok();
    let begun = begin(&app, "notes").await.ok().data();
    assert_eq!(open(begun["url"].as_str().unwrap()).await.0, 200);
    ready(&app, "notes").await;
    let instance = json!({"name": "Desk", "include": {"upstreams": ["notes"]}, "metadata": {"proto_type": "streamable-stateful"}});
    app.admin().put("/admin/ids/desk", &instance).await.ok();
    app
}

#[tokio::test]
async fn the_recipe_of_callers_with_accounts_of_their_own() {
    let place = Place::start().await;
    let app = gateway_with_notes(&place).await;
    // Each client is told in its own way, and nothing is called.
    let told = app.mcp("desk").call(FIND, json!({})).await;
    assert_eq!(told["isError"], true);
    let text = told["content"][0]["text"].as_str().unwrap();
    let link = asked(&app, json!({})).await["inputRequests"]["dynmcp-connect-account"]["params"].take();
    assert_eq!(link["mode"], "url");
    let link = link["url"].as_str().unwrap();
    assert!(link.starts_with(&app.url("/connect/")), "{link}");
    assert!(
        text.contains(link) && text.contains("Nothing was called"),
        "{text}"
    );
    let opens = OldClient::start(&app, "desk", json!({"elicitation": {"url": {}}})).await;
    let error = opens
        .ask("tools/call", json!({"name": FIND, "arguments": {}}))
        .await;
    assert_eq!(error["error"]["code"], -32042, "{error}");
    let page = &error["error"]["data"]["elicitations"][0];
    assert_eq!((&page["url"], &page["mode"]), (&json!(link), &json!("url")));
    assert!(page["elicitationId"].is_string());
    let declined = asked(
        &app,
        json!({"inputResponses": {"dynmcp-connect-account": {"action": "decline"}}}),
    )
    .await;
    assert!(
        declined["content"][0]["text"]
            .as_str()
            .unwrap()
            .contains("did not want")
    );
    let before = place.asked().len();

    // Whoever opens the link shows first who they are.
    let browser = Browser::at(&app);
    let (status, text, headers) = browser.open(link).await;
    assert_eq!(status, 200);
    assert!(text.contains("type=\"password\""), "{text}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    assert!(
        headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    let key = signing_in;
    let (status, text, _) = browser.submit(link, &key("a-wrong-key")).await;
    assert_eq!(status, 403, "{text}");
    assert!(!text.contains("a-wrong-key"));
    let user = app.user_key();
    for origin in ["https://evil.example", "null", &app.url("x")] {
        let (status, text, headers) = browser.submit_from(origin, link, &key(user)).await;
        assert_eq!(status, 403, "{origin}: {text}");
        assert!(!headers.contains_key("set-cookie"));
    }
    // Somebody else, whom the link was sent, does not connect anything for its caller.
    let other = Browser::at(&app);
    let (status, _, _) = other.submit(link, &key(app.admin_key())).await;
    assert_eq!(status, 303);
    let (status, text, _) = other.open(link).await;
    assert_eq!(status, 403);
    assert!(text.contains("made for another caller"), "{text}");
    let fields = [("do", "connect"), ("proof", &*field(&text, "proof"))];
    assert_eq!(other.submit(link, &fields).await.0, 403);

    let (status, _, headers) = browser.submit(link, &key(user)).await;
    assert_eq!((status, location(&headers)), (303, &link[app.url("").len()..]));
    let (status, consent, _) = browser.open(link).await;
    assert_eq!(status, 200);
    assert!(
        consent.contains("Connect notes") && consent.contains("signed in as"),
        "{consent}"
    );
    // Only the form of this session does it.
    for proof in ["", "forged"] {
        assert_eq!(
            browser
                .submit(link, &[("do", "connect"), ("proof", proof)])
                .await
                .0,
            403
        );
    }
    let proof = field(&consent, "proof");
    let connect = [("do", "connect"), ("proof", &*proof)];
    let (status, _, headers) = browser.submit(link, &connect).await;
    assert_eq!(status, 303);
    let authorize = location(&headers).to_owned();
    assert!(
        authorize.starts_with(&format!("{}/authorize?", place.origin)),
        "{authorize}"
    );
    let (_, _, headers) = browser.open(&authorize).await;
    let back = location(&headers).to_owned();
    assert!(back.starts_with(&app.url("/oauth/callback/notes?")), "{back}");
    // In another browser it comes to nothing, also for the right one afterwards.
    for wrong in [&other, &browser] {
        let (status, text, _) = wrong.open(&back).await;
        assert_eq!(status, 400, "{text}");
    }
    assert_eq!(place.asked().len(), before, "no code was redeemed");
    let (_, _, headers) = browser.submit(link, &connect).await;
    let (_, _, headers) = browser.open(location(&headers)).await;
    let (status, text, _) = browser.open(location(&headers)).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("is connected with your account"), "{text}");

    // Now the call is made, and the account is nobody else's.
    let answered = asked(
        &app,
        json!({"inputResponses": {"dynmcp-connect-account": {"action": "accept"}}}),
    )
    .await;
    assert_eq!(answered["content"][0]["text"], "found", "{answered}");
    assert_eq!(
        app.mcp("desk").call(FIND, json!({})).await["content"][0]["text"],
        "found"
    );
    let called = opens
        .ask("tools/call", json!({"name": FIND, "arguments": {}}))
        .await;
    assert_eq!(called["result"]["content"][0]["text"], "found", "{called}");
    let admins = McpClient::new(app.admin(), "desk");
    assert_eq!(admins.call(FIND, json!({})).await["isError"], true);
    assert_eq!(
        browser.open(link).await.0,
        404,
        "the link has done what it was for"
    );

    // The operator sees whose there are, and nothing that could be used.
    let grants = app.admin().get("/admin/grants").await.ok();
    assert!(
        !grants.text.contains("a-token") && !grants.text.contains("a-refresh"),
        "{}",
        grants.text
    );
    let grants = grants.data();
    assert_eq!(grants.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &grants[0]["upstream"],
            &grants[0]["login_needed"],
            &grants[0]["issuer"]
        ),
        (&json!("notes"), &json!(false), &json!(place.origin))
    );
    // So does their owner, who takes it back.
    let own = app.url("/connect");
    let (_, text, _) = browser.open(&own).await;
    assert!(text.contains("<strong>notes</strong>"), "{text}");
    assert_eq!(field(&text, "grant"), grants[0]["id"].as_str().unwrap());
    let (_, others, _) = other.open(&own).await;
    assert!(others.contains("connected no account"), "{others}");
    let grant = field(&text, "grant");
    let take = [("do", "disconnect"), ("grant", &*grant), ("proof", &*proof)];
    let not_theirs = [
        ("do", "disconnect"),
        ("grant", &*grant),
        ("proof", &*field(&others, "proof")),
    ];
    assert_eq!(other.submit(&own, &not_theirs).await.0, 303);
    assert_eq!(
        app.admin()
            .get("/admin/grants")
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(browser.submit(&own, &take).await.0, 303);
    assert_eq!(app.mcp("desk").call(FIND, json!({})).await["isError"], true);
    let out = [("do", "sign_out"), ("proof", &*proof)];
    assert_eq!(browser.submit(&own, &out).await.0, 303);
    assert!(browser.open(&own).await.1.contains("type=\"password\""));
    app.admin()
        .delete(&format!("/admin/grants/{grant}"))
        .await
        .expect(404);
    app.user().get("/admin/grants").await.expect(403);
}

#[tokio::test]
async fn an_operator_takes_an_account_away_and_a_key_that_is_gone_signs_nobody_in() {
    let place = Place::start().await;
    let app = gateway_with_notes(&place).await;
    let made = app
        .admin()
        .send(
            app.admin()
                .request(Method::POST, "/admin/keys")
                .json(&json!({"name": "acme:anna", "instances": ["desk"]})),
        )
        .await
        .ok()
        .data();
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let anna = McpClient::new(Client::new(app.address(), Some(key.to_owned())), "desk");
    let told = anna.call(FIND, json!({})).await;
    let text = told["content"][0]["text"].as_str().unwrap();
    let link = text
        .split_whitespace()
        .find(|word| word.starts_with("http"))
        .unwrap();
    let browser = Browser::at(&app);
    assert_eq!(
        browser.submit(link, &[("do", "sign_in"), ("key", key)]).await.0,
        303
    );
    let (_, consent, _) = browser.open(link).await;
    let fields = [("do", "connect"), ("proof", &*field(&consent, "proof"))];
    let (_, _, headers) = browser.submit(link, &fields).await;
    let (_, _, headers) = browser.open(location(&headers)).await;
    assert_eq!(browser.open(location(&headers)).await.0, 200);
    assert_eq!(anna.call(FIND, json!({})).await["content"][0]["text"], "found");

    // Another key of the same name is another caller.
    let twin = app
        .admin()
        .send(
            app.admin()
                .request(Method::POST, "/admin/keys")
                .json(&json!({"name": "acme:anna", "instances": ["desk"]})),
        )
        .await
        .ok()
        .data();
    let twin = Client::new(app.address(), Some(twin["key"].as_str().unwrap().to_owned()));
    let twin = McpClient::new(twin, "desk");
    assert_eq!(twin.call(FIND, json!({})).await["isError"], true);

    let grants = app.admin().get("/admin/grants").await.data();
    assert_eq!(
        (&grants[0]["principal"], &grants[0]["key"]),
        (&json!("acme:anna"), &json!(id))
    );
    let path = format!("/admin/grants/{}", grants[0]["id"].as_str().unwrap());
    let gone = app.admin().delete(&path).await.ok().data();
    assert_eq!(gone["revoked"], false, "there is no endpoint for it");
    assert_eq!(anna.call(FIND, json!({})).await["isError"], true);
    app.admin().delete(&path).await.expect(404);
    let sent = app
        .admin()
        .send(
            app.admin()
                .request(Method::DELETE, "/admin/grants/x?dry_run=true"),
        )
        .await;
    sent.error(400);

    // What is connected goes with the key: one that is made later under the same id has nothing of it.
    let told = anna.call(FIND, json!({})).await;
    let text = told["content"][0]["text"].as_str().unwrap();
    let mut words = text.split_whitespace();
    let link = words.find(|word| word.starts_with("http")).unwrap();
    let (_, consent, _) = browser.open(link).await;
    let fields = [("do", "connect"), ("proof", &*field(&consent, "proof"))];
    let (_, _, headers) = browser.submit(link, &fields).await;
    let (_, _, headers) = browser.open(location(&headers)).await;
    assert_eq!(browser.open(location(&headers)).await.0, 200);
    assert_eq!(anna.call(FIND, json!({})).await["content"][0]["text"], "found");
    let path = format!("/admin/keys/{id}");
    let document = app.admin().get(&path).await.data();
    app.admin().delete(&path).await.ok();
    assert_eq!(app.admin().get("/admin/grants").await.data(), json!([]));
    app.admin().put(&path, &document).await.ok();
    assert_eq!(anna.call(FIND, json!({})).await["isError"], true);
    app.admin().delete(&path).await.ok();
    let (status, text, _) = browser.open(&app.url("/connect")).await;
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("type=\"password\""), "{text}");
}
