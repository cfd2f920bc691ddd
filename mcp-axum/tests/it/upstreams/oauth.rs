//! The recipes of `docs/UPSTREAMS.md` for tokens of OAuth, against a server and an authorization server of the test: what the page says is what
//! happens.

mod by_callers;

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
    let back = app.url("/oauth/callback/tickets");
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
    // A login that comes back to the place of another upstream was led to another authorization server.
    let begun = begin(&app, "tickets").await.ok().data();
    let another = state_of(begun["url"].as_str().unwrap());
    let elsewhere = app.url("/oauth/callback/orders");
    let (status, text, _) = open(&format!(
        "{elsewhere}?code=of-somebody-else&state={another}&iss={iss}"
    ))
    .await;
    assert!(
        status == 400 && text.contains("to the place of another upstream: nothing was done with it"),
        "{text}"
    );
    assert_eq!(place.asked().len(), 1);
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
        "https://gateway.example.com/oauth/callback/tickets"
    );
    let document = app.anonymous().get("/oauth/client/tickets.json").await;
    let document = document.ok().json();
    assert_eq!(
        document["client_id"],
        "https://gateway.example.com/oauth/client/tickets.json"
    );
    assert_eq!(
        document["redirect_uris"],
        json!(["https://gateway.example.com/oauth/callback/tickets"])
    );
    for unknown in ["tickets", "TICKETS.json", ".json"] {
        let path = format!("/oauth/client/{unknown}");
        app.anonymous().get(&path).await.expect(404);
    }

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
    app.anonymous()
        .get("/oauth/client/tickets.json")
        .await
        .expect(404);
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
