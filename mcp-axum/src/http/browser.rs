//! People at browsers: who has shown a key once need not show it with every page. What was shown stays here, in memory, and is judged anew with every
//! request; the browser has a random name for it, in a cookie.

use super::{error::Error, resource::Resources};
use crate::app::App;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use mcp_common::{
    authenticator::{Arrival, Denied, Principal},
    secret::{ExposeSecret, Secret},
};
use mcp_core::{
    peer::Peer,
    policy::{Door, Refusal},
};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What names of cookies begin with over TLS: no other host, and no page that was not shown over TLS, can set them. Without TLS is for one's own machine.
const OF_HOST: &str = "__Host-";
/// The cookie of sessions.
const SESSION: &str = "dynmcp";
/// What pages of the gateway say that show no key of their own; no page from elsewhere can send it without being asked about first.
const OF_CONSOLE: HeaderName = HeaderName::from_static("x-dynmcp-console");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// How long somebody stays signed in who does nothing.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// The same at the most.
const LONGEST: Duration = Duration::from_secs(8 * 3600);
/// More are not remembered at once; who has done nothing for longest ends.
const MOST: usize = 10_000;
/// Where a browser says that a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// All who are signed in at this replica.
#[derive(Default)]
pub(crate) struct Browsers(Mutex<HashMap<String, Session>>);

struct Session {
    shown: Arc<Secret>,
    /// What forms of the session repeat.
    proof: String,
    begun: Instant,
    used: Instant,
}

/// A browser whose user is signed in.
#[derive(Clone)]
pub(crate) struct SignedIn {
    /// What the cookie has: nobody else is to learn it.
    pub(crate) id: String,
    pub(crate) proof: String,
    shown: Arc<Secret>,
}

impl Session {
    fn is_good(&self) -> bool {
        self.used.elapsed() < IDLE && self.begun.elapsed() < LONGEST
    }
}

impl Browsers {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a session of whoever has shown this; `None` if there is no randomness.
    pub(crate) fn begin(&self, shown: Secret) -> Option<SignedIn> {
        let signed_in = SignedIn {
            id: random()?,
            proof: random()?,
            shown: Arc::new(shown),
        };
        let now = Instant::now();
        let mut all = self.lock();
        all.retain(|_, session| session.is_good());
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, session)| session.used);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(
            signed_in.id.clone(),
            Session {
                shown: signed_in.shown.clone(),
                proof: signed_in.proof.clone(),
                begun: now,
                used: now,
            },
        );
        Some(signed_in)
    }

    /// The session that a request is of.
    pub(crate) fn of(&self, app: &App, headers: &HeaderMap) -> Option<SignedIn> {
        let id = cookie_of(app, headers, "")?;
        let mut all = self.lock();
        let session = all.get_mut(id)?;
        if !session.is_good() {
            all.remove(id);
            return None;
        }
        session.used = Instant::now();
        Some(SignedIn {
            id: id.to_owned(),
            proof: session.proof.clone(),
            shown: session.shown.clone(),
        })
    }

    pub(crate) fn end(&self, signed_in: &SignedIn) {
        self.lock().remove(&signed_in.id);
    }
}

impl SignedIn {
    /// What the browser is told to keep.
    pub(crate) fn cookie(&self, app: &App) -> Option<HeaderValue> {
        cookie(app, "", &self.id, None)
    }

    /// Who they are now: a key that is taken back opens nothing any more.
    pub(crate) async fn principal(&self, app: &App, peer: &Peer) -> Result<Principal, Refusal> {
        recognise(app, &self.shown, peer).await
    }
}

/// What the browser is told to forget.
pub(crate) fn no_cookie(app: &App) -> Option<HeaderValue> {
    cookie(app, "", "", Some(Duration::ZERO))
}

/// What a browser is told to keep, for so long, or until it is closed; `what` tells it from others, and the session has none.
pub(crate) fn cookie(app: &App, what: &str, value: &str, age: Option<Duration>) -> Option<HeaderValue> {
    let age = age.map_or_else(String::new, |age| format!("; Max-Age={}", age.as_secs()));
    let more = if is_secure(app) { "; Secure" } else { "" };
    let name = name(is_secure(app), what);
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{age}{more}");
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// What the browser has kept.
pub(crate) fn cookie_of<'a>(app: &App, headers: &'a HeaderMap, what: &str) -> Option<&'a str> {
    find(headers, &name(is_secure(app), what))
}

/// Leads a browser elsewhere, and keeps nothing of the way.
pub(crate) fn leading_to(address: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(address) else {
        return Error::new(
            StatusCode::BAD_GATEWAY,
            "this leads to an address that no browser could open",
        )
        .into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// Shows, for a page of the gateway that has no key of its own, what its user has shown when they signed in. Whatever comes with a key of its own keeps that.
pub(crate) async fn show_what_was_shown(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let has_own = headers.contains_key(header::AUTHORIZATION) || headers.contains_key(X_API_KEY);
    if !has_own && headers.contains_key(OF_CONSOLE) && is_own_page(headers) {
        let signed_in = app.browsers.of(&app, headers);
        if let Some(value) = signed_in.and_then(|signed_in| bearer(&signed_in.shown)) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
    }
    next.run(request).await
}

/// Who shows this, as at any other door.
pub(crate) async fn recognise(app: &App, shown: &Secret, peer: &Peer) -> Result<Principal, Refusal> {
    let mut headers = HeaderMap::new();
    let invalid = || Refusal::Unauthenticated(Denied::Invalid("this is no key".to_owned()));
    headers.insert(header::AUTHORIZATION, bearer(shown).ok_or_else(invalid)?);
    let resource = app.resources.as_ref().map(Resources::admin);
    let arrival = Arrival {
        headers: &headers,
        resource: resource.as_deref(),
        certificate: peer.certificate(),
    };
    let found = app.admin.recognise(&app.guard, arrival).await;
    app.gateway.policy.enter(Door::Mcp, None, found)
}

fn bearer(shown: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", shown.expose_secret())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Whether a page of the gateway's own asks, as far as the browser says it; the header that only such pages can send says the rest.
fn is_own_page(headers: &HeaderMap) -> bool {
    let says = |name| headers.contains_key(name);
    let site = headers.get(SEC_FETCH_SITE);
    (!says(header::ORIGIN) || is_own_form(headers)) && site.is_none_or(|site| site == "same-origin")
}

/// Whether a page of the gateway's own sent it. Browsers say so of every form; what does not say so is no browser's form.
pub(crate) fn is_own_form(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST);
    let from = text(header::ORIGIN).and_then(|origin| origin.split_once("://"));
    let is_own = host
        .zip(from)
        .is_some_and(|(host, (_, from))| host.eq_ignore_ascii_case(from));
    is_own && text(SEC_FETCH_SITE).is_none_or(|site| site == "same-origin")
}

fn is_secure(app: &App) -> bool {
    let public_url = app.settings.app.public_url.as_deref();
    public_url.map_or(app.tls.is_some(), |url| url.starts_with("https://"))
}

fn name(is_secure: bool, what: &str) -> String {
    let before = if is_secure { OF_HOST } else { "" };
    match what {
        "" => format!("{before}{SESSION}"),
        what => format!("{before}{SESSION}-{what}"),
    }
}

fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lists = headers.get_all(header::COOKIE).iter();
    let pairs = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('='));
    found.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// 256 random bits as text.
pub(crate) fn random() -> Option<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

impl fmt::Debug for Browsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} browsers", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        pairs.collect()
    }

    #[test]
    fn a_form_is_the_gateways_own_if_the_browser_says_so() {
        let host = (header::HOST, "gw.example:8443");
        let is_own =
            |more: &[(HeaderName, &str)]| is_own_form(&headers(&[slice::from_ref(&host), more].concat()));
        let own = (header::ORIGIN, "https://gw.example:8443");
        assert!(is_own(slice::from_ref(&own)));
        assert!(is_own(&[own.clone(), (SEC_FETCH_SITE, "same-origin")]));
        for other in [
            vec![],
            vec![(header::ORIGIN, "null")],
            vec![(header::ORIGIN, "https://gw.example")],
            vec![(header::ORIGIN, "https://evil.example")],
            vec![(SEC_FETCH_SITE, "same-origin")],
            vec![own.clone(), (SEC_FETCH_SITE, "same-site")],
            vec![own, (SEC_FETCH_SITE, "cross-site")],
        ] {
            assert!(!is_own(&other), "{other:?}");
        }
    }

    #[test]
    fn a_page_from_elsewhere_shows_nothing_of_a_session() {
        let host = (header::HOST, "gw.example");
        let is_own =
            |more: &[(HeaderName, &str)]| is_own_page(&headers(&[slice::from_ref(&host), more].concat()));
        let own = (header::ORIGIN, "https://gw.example");
        for more in [
            vec![],
            vec![own.clone()],
            vec![(SEC_FETCH_SITE, "same-origin")],
            vec![own.clone(), (SEC_FETCH_SITE, "same-origin")],
        ] {
            assert!(is_own(&more), "{more:?}");
        }
        for more in [
            vec![(header::ORIGIN, "https://evil.example")],
            vec![(header::ORIGIN, "null")],
            vec![(SEC_FETCH_SITE, "cross-site")],
            vec![(SEC_FETCH_SITE, "none")],
            vec![own, (SEC_FETCH_SITE, "same-site")],
        ] {
            assert!(!is_own(&more), "{more:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let shown = headers(&[
            (header::COOKIE, "a=1; xdynmcp=2;dynmcp=3"),
            (header::COOKIE, "dynmcp=4"),
        ]);
        assert_eq!(find(&shown, &name(false, "")), Some("3"));
        assert_eq!(find(&shown, &name(true, "")), None);
        assert_eq!(name(true, "login"), "__Host-dynmcp-login");
    }

    #[test]
    fn sessions_are_found_until_they_end_and_give_way() {
        let browsers = Browsers::default();
        let first = browsers.begin("a-key".to_owned().into()).unwrap();
        assert!(browsers.lock().contains_key(&first.id));
        assert_ne!(first.id, first.proof);
        browsers.end(&first);
        assert!(browsers.lock().is_empty());
        for _ in 0..MOST + 3 {
            browsers.begin("a-key".to_owned().into()).unwrap();
        }
        assert_eq!(browsers.lock().len(), MOST);
    }
}
