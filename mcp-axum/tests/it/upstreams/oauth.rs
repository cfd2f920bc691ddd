//! The recipes of `docs/UPSTREAMS.md` for tokens of OAuth, against a server and an authorization server of the test: what the page says is what
//! happens.

use super::{ready, state};
use crate::test_app::{Answer, TestApp, eventually};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

const SECRET: &str = "hunter2-of-orders";

/// A server and an authorization server, at one origin.
struct Place {
    origin: String,
    asked: Mutex<Vec<HashMap<String, String>>>,
    shown: Mutex<Vec<String>>,
}

impl Place {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = Arc::new(Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            asked: Mutex::default(),
            shown: Mutex::default(),
        });
        let router = Router::new()
            .route("/mcp", post(mcp))
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(place.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        place
    }

    fn asked(&self) -> Vec<HashMap<String, String>> {
        self.asked.lock().unwrap().clone()
    }
}

type Shared = State<Arc<Place>>;

async fn mcp(State(place): Shared, headers: HeaderMap, Json(message): Json<Value>) -> Response {
    let shown = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    if shown.as_deref() != Some("Bearer a-token") {
        let challenge = format!(
            "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\"",
            place.origin
        );
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]).into_response();
    }
    place.shown.lock().unwrap().extend(shown);
    let mut result = match message["method"].as_str() {
        Some("server/discover") => {
            json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        }
        Some("tools/list") => json!({"tools": [{"name": "find", "inputSchema": {"type": "object"}}]}),
        Some("tools/call") => json!({"content": [{"type": "text", "text": "found"}]}),
        _ => json!({}),
    };
    result["resultType"] = json!("complete");
    Json(json!({"jsonrpc": "2.0", "id": message["id"], "result": result})).into_response()
}

async fn resource(State(place): Shared) -> Json<Value> {
    let origin = &place.origin;
    Json(
        json!({"resource": format!("{origin}/mcp"), "authorization_servers": [origin], "scopes_supported": ["find"]}),
    )
}

async fn metadata(State(place): Shared) -> Json<Value> {
    let origin = &place.origin;
    Json(json!({
        "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"), "token_endpoint": format!("{origin}/token"),
        "registration_endpoint": format!("{origin}/register"), "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true, "response_types_supported": ["code"],
    }))
}

async fn register() -> (StatusCode, Json<Value>) {
    (
        StatusCode::CREATED,
        Json(json!({"client_id": "registered", "client_secret": "of it"})),
    )
}

/// Somebody says yes at once.
async fn authorize(State(place): Shared, Query(asked): Query<HashMap<String, String>>) -> Redirect {
    let (to, state) = (&asked["redirect_uri"], &asked["state"]);
    Redirect::to(&format!("{to}?code=a-code&state={state}&iss={}", place.origin))
}

async fn token(State(place): Shared, form: String) -> Json<Value> {
    let form = reqwest::Url::parse(&format!("http://form/?{form}")).unwrap();
    let asked = form.query_pairs().into_owned().collect();
    place.asked.lock().unwrap().push(asked);
    Json(
        json!({"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "a-refresh-token"}),
    )
}

/// The page's recipe of this id, with hosts of the test.
fn recipe(id: &str, place: &Place) -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("docs/UPSTREAMS.md");
    let page = std::fs::read_to_string(page).unwrap();
    let begin = format!("```yaml\nid: {id}\n");
    let (_, rest) = page
        .split_once(&*begin)
        .unwrap_or_else(|| panic!("no recipe {id}"));
    let (recipe, _) = rest.split_once("```").unwrap();
    let text = recipe
        .replace(&format!("https://{id}.example"), &place.origin)
        .replace("https://login.example", &place.origin);
    let read = mcp_plugin::datasource::file::read_text(
        Path::new("recipe.yaml"),
        format!("id: {id}\n{text}").as_bytes(),
    );
    let (_, body) = read
        .unwrap_or_else(|problem| panic!("{problem}"))
        .into_iter()
        .next()
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn calls(app: &TestApp, id: &str) -> Value {
    let instance = json!({"name": "Desk", "include": {"upstreams": [id]}});
    app.admin().put("/admin/ids/desk", &instance).await.ok();
    app.mcp("desk").call("find", json!({})).await
}

async fn begin(app: &TestApp, id: &str) -> Answer {
    let path = format!("/admin/uds/{id}/login");
    app.admin().send(app.admin().request(Method::POST, &path)).await
}

/// Opens the address, and goes where it leads, as a browser does that nobody is logged in with.
async fn open(url: &str) -> (u16, String, reqwest::header::HeaderMap) {
    let answer = reqwest::get(url).await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    (status, answer.text().await.unwrap(), headers)
}

#[tokio::test]
async fn the_recipe_of_a_gateway_that_nobody_sits_at() {
    let place = Place::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let app = TestApp::with(&[("secrets.file_dir", folder.path().to_str().unwrap())]).await;
    let mut document = recipe("orders", &place);
    document["auth"]["client_secret"] = json!(format!("${{file:{}}}", file.display()));
    app.admin().put("/admin/uds/orders", &document).await.ok();
    ready(&app, "orders").await;
    assert_eq!(calls(&app, "orders").await["content"][0]["text"], "found");
    let asked = place.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["grant_type"], "client_credentials");
    assert_eq!(
        (&*asked[0]["resource"], &*asked[0]["scope"]),
        (&*format!("{}/mcp", place.origin), "find")
    );
    let login = app.admin().get("/admin/uds/orders/login").await.ok();
    assert_eq!(
        (&login.json()["data"]["grant"], &login.json()["data"]["logged_in"]),
        (&json!("client_credentials"), &json!(true))
    );
    let seen = [login.text, state(&app, "orders").await.to_string()].concat();
    assert!(!seen.contains(SECRET) && !seen.contains("a-token"), "{seen}");
    let refused = begin(&app, "orders").await.error(409);
    assert!(refused.contains("gets its tokens by itself"), "{refused}");
    let explained = app
        .admin()
        .send(
            app.admin()
                .request(Method::POST, "/admin/uds/orders/explain")
                .json(&json!({"tool": "find"})),
        )
        .await
        .ok();
    assert_eq!(explained.json()["data"]["headers"]["authorization"], "Bearer ***");
}

#[tokio::test]
async fn the_recipe_of_an_operator_who_logs_in() {
    let place = Place::start().await;
    let app = TestApp::start().await;
    let document = recipe("tickets", &place);
    app.admin().put("/admin/uds/tickets", &document).await.ok();
    let hub = app.app().hub.clone();
    eventually("it waits", || {
        hub.status("tickets")
            .is_some_and(|status| status.last_error.is_some())
    })
    .await;
    let waits = state(&app, "tickets").await;
    assert_eq!(waits["login_needed"], true);
    let told = waits["last_error"].as_str().unwrap();
    assert!(told.contains("`dynmcp upstreams login tickets`"), "{told}");

    let begun = begin(&app, "tickets").await.ok().data();
    let back = app.url("/oauth/callback");
    assert_eq!(begun["redirect_uri"], json!(back));
    let url = begun["url"].as_str().unwrap();
    let (status, text, headers) = open(url).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("logged in to `tickets`"), "{text}");
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("content-type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    ready(&app, "tickets").await;
    assert_eq!(calls(&app, "tickets").await["content"][0]["text"], "found");
    let asked = place.asked();
    assert_eq!(
        (&*asked[0]["grant_type"], &*asked[0]["code"]),
        ("authorization_code", "a-code")
    );
    let login = app.admin().get("/admin/uds/tickets/login").await.ok();
    assert_eq!(login.json()["data"]["login_needed"], false);
    assert!(
        !login.text.contains("token\"") && !login.text.contains("a-refresh"),
        "{}",
        login.text
    );

    // What came back once does not come back again.
    let (_, query) = url.split_once('?').unwrap();
    let state_of = |query: &str| {
        let state = query.split('&').find_map(|pair| pair.strip_prefix("state="));
        state.unwrap().to_owned()
    };
    let iss = &place.origin;
    let known = state_of(query);
    for query in [
        format!("code=a-code&state={known}&iss={iss}"),
        format!("code=a-code&state=forged&iss={iss}"),
        "code=a-code".to_owned(),
        "state=a&state=b".to_owned(),
        String::new(),
        format!("error=access_denied&error_description=%3Cscript%3E&state={known}"),
    ] {
        let (status, text, headers) = open(&format!("{back}?{query}")).await;
        assert_eq!(status, 400, "{query}: {text}");
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    }
    // An issuer that is another one ends the login.
    let begun = begin(&app, "tickets").await.ok().data();
    let another = state_of(begun["url"].as_str().unwrap());
    let (status, text, _) = open(&format!("{back}?code=x&state={another}&iss=https://evil.example")).await;
    assert!(
        status == 400 && text.contains("nothing was done with it"),
        "{text}"
    );
    // Looking is not coming back.
    let begun = begin(&app, "tickets").await.ok().data();
    let another = state_of(begun["url"].as_str().unwrap());
    let whole = format!("{back}?code=x&state={another}&iss={iss}");
    assert_eq!(
        reqwest::Client::new().head(&whole).send().await.unwrap().status(),
        204
    );
    assert_eq!(open(&whole).await.0, 200);
    assert_eq!(place.asked().len(), 2);

    let forgotten = app.admin().delete("/admin/uds/tickets/login").await.ok();
    assert_eq!(forgotten.json()["data"]["login_needed"], true);
    eventually("it waits again", || {
        hub.status("tickets")
            .is_some_and(|status| status.last_error.is_some())
    })
    .await;
}

#[tokio::test]
async fn browsers_come_back_where_the_gateway_says_that_it_is() {
    let place = Place::start().await;
    let app = TestApp::with(&[("app.public_url", "https://gateway.example.com")]).await;
    app.admin()
        .put("/admin/uds/tickets", &recipe("tickets", &place))
        .await
        .ok();
    let begun = begin(&app, "tickets").await.ok().data();
    assert_eq!(
        begun["redirect_uri"],
        "https://gateway.example.com/oauth/callback"
    );
    let document = app.anonymous().get("/oauth/client.json").await.ok().json();
    assert_eq!(
        document["client_id"],
        "https://gateway.example.com/oauth/client.json"
    );
    assert_eq!(
        document["redirect_uris"],
        json!(["https://gateway.example.com/oauth/callback"])
    );

    let app = TestApp::start().await;
    app.admin()
        .put("/admin/uds/tickets", &recipe("tickets", &place))
        .await
        .ok();
    let elsewhere = app.admin().with_header("host", "gateway.example.com");
    let refused = elsewhere
        .send(elsewhere.request(Method::POST, "/admin/uds/tickets/login"))
        .await
        .error(409);
    assert!(refused.contains("`app.public_url` does not say"), "{refused}");
    app.anonymous().get("/oauth/client.json").await.expect(404);
    for (method, path, status) in [
        (Method::POST, "/admin/uds/nobody/login", 404),
        (Method::GET, "/admin/uds/nobody/login", 404),
        (Method::DELETE, "/admin/uds/nobody/login", 404),
        (Method::POST, "/admin/uds/tickets/login?x=1", 400),
    ] {
        app.admin()
            .send(app.admin().request(method, path))
            .await
            .expect(status);
    }
}

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
    let opens = super::clients::OldClient::start(&app, "desk", json!({"elicitation": {"url": {}}})).await;
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
    assert!(back.starts_with(&app.url("/oauth/callback?")), "{back}");
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
    let admins = crate::test_app::McpClient::new(app.admin(), "desk");
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
    let anna = crate::test_app::McpClient::new(
        crate::test_app::Client::new(app.address(), Some(key.to_owned())),
        "desk",
    );
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
    let twin = crate::test_app::Client::new(app.address(), Some(twin["key"].as_str().unwrap().to_owned()));
    let twin = crate::test_app::McpClient::new(twin, "desk");
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

    app.admin().delete(&format!("/admin/keys/{id}")).await.ok();
    let (status, text, _) = browser.open(&app.url("/connect")).await;
    assert_eq!(status, 403, "{text}");
    assert!(text.contains("type=\"password\""), "{text}");
}
