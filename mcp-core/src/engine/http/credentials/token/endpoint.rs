//! The token endpoint, RFC 6749 section 4.4.

use super::Token;
use crate::{
    engine::{
        failure::Failure,
        http::{
            client::{Room, Upstream},
            credentials::apply::{missing, sensitive},
        },
        result::Outcome,
    },
    secrets::{Secrets, redacted},
    tool::{TokenSource, bounded},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Full;
use mcp_common::{definition::tool::ClientAuth, secret::ExposeSecret};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::time::{Duration, Instant};

/// The lifetime of a token that does not say how long it is good for.
const USUAL_LIFETIME: Duration = Duration::from_secs(300);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// A token is renewed when less than this is left of it, or less than a tenth of its life.
const AHEAD: Duration = Duration::from_secs(60);
const MAX_ANSWER: u64 = 256 << 10;
/// Characters of `application/x-www-form-urlencoded`.
const FORM: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'*');

#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Asks for a token, within the time.
pub(super) async fn ask(
    source: &TokenSource,
    secrets: &Secrets,
    upstream: &Upstream,
    patience: Duration,
) -> Result<Token, Failure> {
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
    let host = source.host();
    let answer = tokio::time::timeout(
        patience,
        upstream.exchange(request, Room::of(MAX_ANSWER), &mut None),
    )
    .await
    .map_err(|_| {
        let text =
            format!("No token: the token endpoint at {host} gave no complete answer within {patience:?}.");
        Failure::new(Outcome::Timeout, text)
    })?
    .map_err(|failure| {
        let text = format!("No token from the token endpoint: {}", failure.text());
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
