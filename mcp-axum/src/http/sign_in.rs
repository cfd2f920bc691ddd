//! `/sign-in`: people sign in at the pages of the gateway with their account at an identity provider (OpenID Connect, authorization code with PKCE).
//! What they bring back from there is shown to the authenticators as any token is: it opens what it would open without a page.

mod provider;

use super::{
    body,
    browser::{self, SignedIn, cookie_of, is_own_form, random},
    connect::signed_in_not,
    error::Error,
    login::base,
    manners::method_not_allowed,
    mcp::RequestIds,
};
use crate::{app::App, settings::SignInSettings};
use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use mcp_common::{authenticator::Principal, secret::Secret};
use mcp_core::policy::{Door, Refusal};
use provider::{Asked, Providers};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Where providers lead back to.
const CALLBACK: &str = "/sign-in/callback";
/// How long somebody may take there.
const PATIENCE: Duration = Duration::from_secs(600);
/// More are not waited for at once; the oldest ends.
const MOST: usize = 10_000;
/// What tells the browser that has to come back.
const LOGIN: &str = "login";
/// Where people may be led to afterwards.
const PLACES: [&str; 2] = ["/console", "/connect"];

/// What is begun, and what is known of providers.
pub(crate) struct SignIns {
    providers: Providers,
    pending: Mutex<HashMap<String, Pending>>,
    request_ids: RequestIds,
}

impl Default for SignIns {
    fn default() -> Self {
        Self {
            providers: Providers::default(),
            pending: Mutex::default(),
            request_ids: RequestIds::random(),
        }
    }
}

struct Pending {
    name: String,
    verifier: Secret,
    nonce: String,
    browser: String,
    redirect_uri: String,
    to: String,
    begun: Instant,
}

#[derive(Serialize)]
struct Offered<'a> {
    name: &'a str,
    label: &'a str,
}

#[derive(Deserialize)]
struct Wanted {
    to: Option<String>,
}

#[derive(Deserialize)]
struct Came {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// For everybody: what counts is what is brought.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/sign-in", get(offered))
        .route("/sign-in/{name}", get(begin))
        .route(CALLBACK, get(come_back))
        .route("/sign-in/out", post(sign_out))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
}

/// With whom people can sign in.
async fn offered(State(app): State<Arc<App>>) -> Response {
    let all = app.settings.sign_in.iter().map(|one| Offered {
        name: &one.name,
        label: one.label(),
    });
    let data: Vec<_> = all.collect();
    let answer = json!({"code": 200, "message": "success", "data": data});
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Leads to the provider.
async fn begin(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(settings) = app.settings.sign_in.iter().find(|one| one.name == name) else {
        return Error::not_found("nobody signs in with a provider of this name").into_response();
    };
    let to = wanted.ok().and_then(|Query(wanted)| wanted.to);
    let to = to
        .filter(|to| is_place(to))
        .unwrap_or_else(|| PLACES[0].to_owned());
    match leads_to(&app, settings, to, &headers).await {
        Ok(answer) => answer,
        Err((status, why)) => {
            tracing::warn!(provider = name, why, "nobody can sign in");
            signed_in_not(status, &why)
        }
    }
}

async fn leads_to(
    app: &App,
    settings: &SignInSettings,
    to: String,
    headers: &HeaderMap,
) -> Result<Response, (StatusCode, String)> {
    let away = |why: String| (StatusCode::BAD_GATEWAY, why);
    let provider = app
        .sign_ins
        .providers
        .find(&settings.issuer)
        .await
        .map_err(away)?;
    let base = base(app, headers).map_err(|error| (error.status(), error.message().to_owned()))?;
    let redirect_uri = format!("{base}{CALLBACK}");
    let no_randomness = || {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the system gives no random numbers".to_owned(),
        )
    };
    let new = || random().ok_or_else(no_randomness);
    let (state, verifier, nonce, browser) = (new()?, new()?, new()?, new()?);
    let resource = resource(app, settings);
    let address = provider
        .address(&Asked {
            settings,
            redirect_uri: &redirect_uri,
            state: &state,
            nonce: &nonce,
            verifier: &verifier,
            resource: resource.as_deref(),
        })
        .map_err(away)?;
    let cookie = browser::cookie(app, LOGIN, &browser, Some(PATIENCE));
    app.sign_ins.begin(
        state,
        Pending {
            name: settings.name.clone(),
            verifier: verifier.into(),
            nonce,
            browser,
            redirect_uri,
            to,
            begun: Instant::now(),
        },
    );
    let mut answer = browser::leading_to(&address);
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answer)
}

/// Takes what the provider sent somebody back with.
async fn come_back(
    State(app): State<Arc<App>>,
    came: Result<Query<Came>, QueryRejection>,
    request: Request<Body>,
) -> Response {
    let (parts, _) = request.into_parts();
    let Ok(Query(came)) = came else {
        return signed_in_not(
            StatusCode::BAD_REQUEST,
            "this is no answer of an identity provider",
        );
    };
    let state = came.state.as_deref().unwrap_or_default();
    let is_waited_for = app.sign_ins.waits_for(state);
    let mut record = app
        .gateway
        .policy
        .record(Door::Admin, &app.sign_ins.request_ids.of(&parts.headers))
        .without_line()
        .of_sign_in();
    record.address = body::peer(&parts.extensions).address();
    record.path = Some((parts.method.clone(), CALLBACK.to_owned()));
    let response = match signed_in(&app, came, &parts).await {
        Ok((signed_in, to, principal)) => {
            record.sent_by(&principal);
            record.entered();
            let mut answer = browser::leading_to(&to);
            let cookies = [
                signed_in.cookie(&app),
                browser::cookie(&app, LOGIN, "", Some(Duration::ZERO)),
            ];
            for cookie in cookies.into_iter().flatten() {
                answer.headers_mut().append(header::SET_COOKIE, cookie);
            }
            answer
        }
        Err((status, why)) => {
            // Anybody may come with anything.
            match is_waited_for {
                true => tracing::warn!(why, "somebody was not signed in"),
                false => tracing::debug!(why, "somebody came back from a sign-in that nobody waits for"),
            }
            signed_in_not(status, &why)
        }
    };
    record.answered(response.status());
    response
}

async fn signed_in(
    app: &App,
    came: Came,
    parts: &http::request::Parts,
) -> Result<(SignedIn, String, Principal), (StatusCode, String)> {
    let refused = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned());
    let pending = app
        .sign_ins
        .take(&came.state.unwrap_or_default())
        .ok_or_else(|| refused("this gateway waits for no such sign-in: it is over, was begun more than 10 minutes ago, or at another replica; begin anew"))?;
    if cookie_of(app, &parts.headers, LOGIN) != Some(&pending.browser) {
        return Err(refused(
            "it was begun in another browser: nothing was done with it",
        ));
    }
    let settings = app.settings.sign_in.iter().find(|one| one.name == pending.name);
    let settings = settings.ok_or_else(|| refused("nobody signs in with this provider any more"))?;
    let away = |why: String| (StatusCode::BAD_GATEWAY, why);
    let provider = app
        .sign_ins
        .providers
        .find(&settings.issuer)
        .await
        .map_err(away)?;
    provider
        .check_issuer(came.iss.as_deref())
        .map_err(|why| refused(&why))?;
    if let Some(error) = came.error {
        let words = came.error_description.unwrap_or_default();
        let words = provider::plain(format!("{error} {words}").trim_end());
        return Err(refused(&format!("the provider says no: {words}")));
    }
    let code = came.code.ok_or_else(|| refused("`code` is missing"))?.into();
    let resource = resource(app, settings);
    let asked = Asked {
        settings,
        redirect_uri: &pending.redirect_uri,
        state: "",
        nonce: &pending.nonce,
        verifier: mcp_common::secret::ExposeSecret::expose_secret(&pending.verifier),
        resource: resource.as_deref(),
    };
    let tokens = app
        .sign_ins
        .providers
        .redeem(&provider, &asked, &code)
        .await
        .map_err(away)?;
    let peer = body::peer(&parts.extensions);
    let mut why = None;
    for token in tokens {
        match browser::recognise(app, &token, &peer).await {
            Ok(principal) if principal.identity().is_some() => {
                tracing::info!(principal = &*principal.subject, "somebody has signed in");
                let signed_in = app.browsers.begin(token);
                let signed_in = signed_in.ok_or_else(|| refused("the system gives no random numbers"))?;
                let base = base(app, &parts.headers)
                    .map_err(|error| (error.status(), error.message().to_owned()))?;
                return Ok((signed_in, format!("{base}{}", pending.to), principal));
            }
            Ok(_) => {}
            // The last one is the ID token, which is for the gateway where the other one is not.
            Err(refusal) => why = Some(refusal),
        }
    }
    let why = why
        .as_ref()
        .map_or_else(|| "the provider gave no token".to_owned(), Refusal::to_string);
    Err((
        StatusCode::FORBIDDEN,
        format!("the provider knows you, and the gateway does not let you in: {why}"),
    ))
}

/// Ends the session of a browser, here; the provider is not told.
async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !is_own_form(&headers) {
        return Error::forbidden("this was not sent by a page of the gateway").into_response();
    }
    if let Some(signed_in) = app.browsers.of(&app, &headers) {
        app.browsers.end(&signed_in);
    }
    let mut answer = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = browser::no_cookie(&app) {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// For whom tokens are asked.
fn resource(app: &App, settings: &SignInSettings) -> Option<String> {
    match &settings.resource {
        None => app.resources.as_ref().map(|resources| resources.admin()),
        Some(own) => Some(own.clone()).filter(|own| !own.is_empty()),
    }
}

/// A page of the gateway's own.
fn is_place(to: &str) -> bool {
    let rest = PLACES.iter().find_map(|place| to.strip_prefix(place));
    rest.is_some_and(|rest| {
        let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
        (rest.is_empty() || rest.starts_with('/')) && !rest.contains("//") && rest.bytes().all(is_part)
    })
}

impl SignIns {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, state: String, pending: Pending) {
        let mut all = self.lock();
        all.retain(|_, one| one.begun.elapsed() < PATIENCE);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, one)| one.begun);
            if let Some(oldest) = oldest.map(|(state, _)| state.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(state, pending);
    }

    fn waits_for(&self, state: &str) -> bool {
        self.lock().contains_key(state)
    }

    /// It is not there for anybody afterwards.
    fn take(&self, state: &str) -> Option<Pending> {
        let pending = self.lock().remove(state)?;
        (pending.begun.elapsed() < PATIENCE).then_some(pending)
    }
}

impl fmt::Debug for SignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sign-ins", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::is_place;

    #[test]
    fn people_are_led_to_pages_of_the_gateway_and_nowhere_else() {
        for to in ["/console", "/console/", "/connect", "/connect/AbC_-9"] {
            assert!(is_place(to), "{to}");
        }
        for to in [
            "",
            "/",
            "console",
            "//evil.example",
            "/consolex",
            "/console//evil.example",
            "/console\\evil",
            "/console?x=1",
            "/connect/../admin",
            "/console#x",
            "https://evil.example/console",
            "/connect/%2f",
        ] {
            assert!(!is_place(to), "{to}");
        }
    }
}
