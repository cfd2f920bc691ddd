//! Access tokens, RFC 6749 section 4.4: kept until they expire, renewed ahead, asked for once however many calls wait.

use super::{
    Secrets,
    apply::{missing, sensitive},
    secrets::redacted,
};
use crate::{
    engine::{failure::Failure, result::Outcome, upstream::Upstream},
    tool::{TokenSource, Transport, bounded},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use mcp_common::{
    definition::tool::{ClientAuth, ClientCredentials, MaybeSecret, SecretReference},
    secret::ExposeSecret,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Of a token that does not say how long it is good for.
const USUAL_LIFETIME: Duration = Duration::from_secs(300);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// A token is renewed when less than this is left of it, or less than a tenth of its life.
const AHEAD: Duration = Duration::from_secs(60);
/// After a failure nobody asks again for this time.
const PAUSE: Duration = Duration::from_secs(1);
const MAX_ANSWER: u64 = 256 << 10;
/// Characters of `application/x-www-form-urlencoded`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

/// Tokens of all tools. Clones share them, so that all data-plane workers together ask once.
#[derive(Clone, Default)]
pub struct Tokens {
    slots: Arc<Mutex<HashMap<Identity, Arc<Slot>>>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}

/// Tools that ask for the same share the token.
#[derive(PartialEq, Eq, Hash)]
struct Identity {
    url: String,
    client_id: MaybeSecret,
    client_secret: SecretReference,
    scopes: Vec<String>,
    audience: Option<String>,
    client_auth: ClientAuth,
    /// What one definition believes is no proof for another one.
    transport: Option<Arc<Transport>>,
}

#[derive(Default)]
struct Slot {
    state: Mutex<State>,
    /// Held by the one that asks.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    failed: Option<(Instant, Failure)>,
}

#[derive(Clone)]
struct Token {
    header: HeaderValue,
    renew: Instant,
    expires: Instant,
}

/// The token of one request.
#[derive(Clone)]
pub(in crate::engine) struct UsedToken {
    pub(super) header: HeaderValue,
    slot: Arc<Slot>,
}

impl fmt::Debug for UsedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UsedToken")
    }
}

impl UsedToken {
    /// The upstream does not take it: the next one is asked for.
    pub(in crate::engine) fn discard(&self) {
        let mut state = self.slot.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .token
            .as_ref()
            .is_some_and(|token| token.header == self.header)
        {
            state.token = None;
        }
    }
}

impl Slot {
    /// The token if it is good, and whether it is time for a new one.
    fn current(&self) -> Result<Option<(HeaderValue, bool)>, Failure> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| now < token.expires) {
            return Ok(Some((token.header.clone(), now >= token.renew)));
        }
        match &state.failed {
            Some((at, failure)) if at.elapsed() < PAUSE => Err(failure.clone()),
            _ => Ok(None),
        }
    }

    fn keep(&self, asked: Result<Token, Failure>) -> Result<HeaderValue, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok(token) => {
                let header = token.header.clone();
                *state = State {
                    token: Some(token),
                    failed: None,
                };
                Ok(header)
            }
            Err(failure) => {
                state.failed = Some((Instant::now(), failure.clone()));
                Err(failure)
            }
        }
    }
}

impl Tokens {
    pub(super) async fn token(
        &self,
        source: &TokenSource,
        secrets: &Secrets,
        upstream: &Upstream,
    ) -> Result<UsedToken, Failure> {
        let slot = self.slot(source);
        let used = |header| UsedToken {
            header,
            slot: slot.clone(),
        };
        if let Some((header, is_old)) = slot.current()? {
            if !is_old {
                return Ok(used(header));
            }
            let Ok(_asking) = slot.asking.try_lock() else {
                return Ok(used(header));
            };
            // The old one still does, should there be no new one.
            let renewed = slot.keep(ask(source, secrets, upstream).await);
            return Ok(used(renewed.unwrap_or(header)));
        }
        let _asking = slot.asking.lock().await;
        if let Some((header, _)) = slot.current()? {
            return Ok(used(header));
        }
        slot.keep(ask(source, secrets, upstream).await).map(used)
    }

    fn slot(&self, source: &TokenSource) -> Arc<Slot> {
        let ClientCredentials {
            client_id,
            client_secret,
            scopes,
            audience,
            client_auth,
            ..
        } = &source.binding;
        let identity = Identity {
            url: source.url.to_string(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scopes: scopes.clone(),
            audience: audience.clone(),
            client_auth: *client_auth,
            transport: source.transport.clone(),
        };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(identity).or_default().clone()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

async fn ask(source: &TokenSource, secrets: &Secrets, upstream: &Upstream) -> Result<Token, Failure> {
    let binding = &source.binding;
    let id = secrets.find_text(&binding.client_id).map_err(missing)?;
    let secret = secrets.find(&binding.client_secret).map_err(missing)?;
    let encoded = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let mut form = "grant_type=client_credentials".to_owned();
    let mut field = |name: &str, value: &str| {
        form.push('&');
        form.push_str(name);
        form.push('=');
        form.push_str(&encoded(value));
    };
    if !binding.scopes.is_empty() {
        field("scope", &binding.scopes.join(" "));
    }
    if let Some(audience) = &binding.audience {
        field("audience", audience);
    }
    if binding.client_auth == ClientAuth::Body {
        field("client_id", id.expose_secret());
        field("client_secret", secret.expose_secret());
    }
    let mut request = Request::new(Full::new(Bytes::from(form)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = source.url.clone();
    let headers = request.headers_mut();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form_type);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if binding.client_auth == ClientAuth::Basic {
        // RFC 6749 section 2.3.1: both are form-encoded first.
        let pair = format!(
            "{}:{}",
            encoded(id.expose_secret()),
            encoded(secret.expose_secret())
        );
        let value = sensitive(&format!("Basic {}", STANDARD.encode(pair)))?;
        headers.insert(header::AUTHORIZATION, value);
    }
    let asked = Instant::now();
    let host = source.url.authority().map_or("", |authority| authority.as_str());
    let answer = upstream
        .exchange(request, MAX_ANSWER, &mut None)
        .await
        .map_err(|failure| {
            let text = format!("No token from the token endpoint: {}", failure.text);
            Failure::new(failure.outcome, text)
        })?;
    let status = answer.status.as_u16();
    let refused = |what: &str| {
        let what = redacted(&bounded(what, 300), &secret);
        let text = format!("No token: the token endpoint at {host} answered {status}{what}.");
        Failure::new(Outcome::Refused, text)
    };
    let Ok(said) = serde_json::from_slice::<Answer>(&answer.body) else {
        return Err(refused(", but not the JSON of RFC 6749"));
    };
    if !answer.status.is_success() || said.error.is_some() {
        let error = said.error.unwrap_or_default();
        let description = said.error_description.unwrap_or_default();
        return Err(refused(format!(" {error} {description}").trim_end()));
    }
    let Some(token) = said.access_token.filter(|token| !token.is_empty()) else {
        return Err(refused(" without `access_token`"));
    };
    if said
        .token_type
        .as_deref()
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer"))
    {
        return Err(refused(" with a token that is not a bearer token"));
    }
    let seconds = said.expires_in.and_then(|value| match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let lifetime = seconds
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(USUAL_LIFETIME)
        .min(LONGEST_LIFETIME);
    Ok(Token {
        header: sensitive(&format!("Bearer {token}"))?,
        renew: asked + lifetime - AHEAD.min(lifetime / 10),
        expires: asked + lifetime,
    })
}
