//! People at browsers: who has shown a key once need not show it with every page. What was shown stays here, in memory, and is judged anew with every
//! request; the browser has a random name for it, in a cookie.

use crate::app::App;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
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

/// Over TLS: no other host, and no page that was not shown over TLS, can set it.
const COOKIE: &str = "__Host-dynmcp";
/// Without TLS, which is for one's own machine.
const PLAIN_COOKIE: &str = "dynmcp";
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
        let id = cookie(headers, name(app))?;
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
        let more = if is_secure(app) { "; Secure" } else { "" };
        let text = format!("{}={}; Path=/; HttpOnly; SameSite=Lax{more}", name(app), self.id);
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Who they are now: a key that is taken back opens nothing any more.
    pub(crate) async fn principal(&self, app: &App, peer: &Peer) -> Result<Principal, Refusal> {
        recognise(app, &self.shown, peer).await
    }
}

/// What the browser is told to forget.
pub(crate) fn no_cookie(app: &App) -> Option<HeaderValue> {
    let more = if is_secure(app) { "; Secure" } else { "" };
    let text = format!("{}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{more}", name(app));
    HeaderValue::try_from(text).ok()
}

/// Who shows this, as at any other door.
pub(crate) async fn recognise(app: &App, shown: &Secret, peer: &Peer) -> Result<Principal, Refusal> {
    let mut headers = HeaderMap::new();
    let invalid = |_| Refusal::Unauthenticated(Denied::Invalid("this is no key".to_owned()));
    let mut value = HeaderValue::try_from(format!("Bearer {}", shown.expose_secret())).map_err(invalid)?;
    value.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, value);
    let arrival = Arrival {
        headers: &headers,
        resource: None,
        certificate: peer.certificate(),
    };
    let found = app.admin.recognise(&app.guard, arrival).await;
    app.gateway.policy.enter(Door::Mcp, None, found)
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

fn name(app: &App) -> &'static str {
    if is_secure(app) { COOKIE } else { PLAIN_COOKIE }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lists = headers.get_all(header::COOKIE).iter();
    let pairs = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'));
    let mut found = pairs.filter_map(|pair| pair.trim().split_once('='));
    found.find(|(own, _)| *own == name).map(|(_, value)| value)
}

fn random() -> Option<String> {
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

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        pairs.collect()
    }

    #[test]
    fn a_form_is_the_gateways_own_if_the_browser_says_so() {
        let host = (header::HOST, "gw.example:8443");
        let is_own = |more: &[(HeaderName, &str)]| is_own_form(&headers(&[&[host.clone()], more].concat()));
        let own = (header::ORIGIN, "https://gw.example:8443");
        assert!(is_own(&[own.clone()]));
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
    fn a_cookie_is_found_among_others_by_its_whole_name() {
        let shown = headers(&[
            (header::COOKIE, "a=1; xdynmcp=2;dynmcp=3"),
            (header::COOKIE, "dynmcp=4"),
        ]);
        assert_eq!(cookie(&shown, "dynmcp"), Some("3"));
        assert_eq!(cookie(&shown, "__Host-dynmcp"), None);
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
