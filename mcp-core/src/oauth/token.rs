//! The token endpoint (RFC 6749 sections 4.1.3, 4.4 and 6), and the one where tokens are given back (RFC 7009).

use super::{
    binding::Binding,
    discovery::Found,
    error::OAuthError,
    fetch::{Fetcher, host, plain},
    registration::{Client, Proof},
    scopes,
    server::Server,
};
use crate::{encode, secrets::redacted};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;
use mcp_common::secret::{ExposeSecret, Secret};
use serde::Deserialize;
use std::time::{Duration, Instant};
use url::form_urlencoded;

/// The lifetime of a token that can be renewed and does not say how long it is good for.
const USUAL_LIFETIME: Duration = Duration::from_secs(300);
/// One that can be renewed is, after this time.
const LONGEST_RENEWED: Duration = Duration::from_secs(24 * 3600);
/// Others are used until they are refused.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
/// A token is renewed when less than this is left of it, or less than a tenth of its life.
const AHEAD: Duration = Duration::from_secs(60);

/// What a token is asked for with.
pub(super) enum Grounds<'a> {
    /// The client itself.
    Client,
    /// A refresh token.
    Refresh(&'a Secret),
    /// The token of a caller, which another one is to stand for (RFC 8693).
    Exchange(&'a Secret),
    /// The code of a login.
    Code {
        code: &'a Secret,
        verifier: &'a Secret,
        redirect_uri: &'a str,
    },
}

/// A token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) access: Secret,
    pub(super) header: HeaderValue,
    pub(super) renew: Instant,
    pub(super) expires: Instant,
}

/// What came.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) token: Token,
    pub(super) refresh: Option<Secret>,
    /// What of the scopes was granted, where that is said.
    pub(super) scopes: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    refresh_token: Option<String>,
    scope: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Token {
    pub(super) fn new(access: Secret, begun: Instant, lifetime: Duration) -> Result<Self, OAuthError> {
        // Whatever a server or a damaged file says.
        let lifetime = lifetime.min(LONGEST);
        let header = encode::sensitive(&format!("Bearer {}", access.expose_secret())).map_err(|_| {
            OAuthError::Refused("the authorization server gave a token that is no header".to_owned())
        })?;
        Ok(Self {
            access,
            header,
            renew: begun + lifetime - AHEAD.min(lifetime / 10),
            expires: begun + lifetime,
        })
    }
}

/// Asks for a token.
pub(super) async fn ask(
    fetcher: &Fetcher,
    binding: &Binding,
    found: &Found,
    client: &Client,
    grounds: Grounds<'_>,
    scopes: &[String],
) -> Result<Granted, OAuthError> {
    let endpoint = fetcher.check("the token endpoint", &found.server.token_endpoint)?;
    let (form, credential) = form(binding, found, client, &grounds, scopes)?;
    let begun = Instant::now();
    let reply = fetcher
        .post_form(&endpoint, form, credential.clone())
        .await
        .map_err(|error| error.after("no token from the token endpoint: "))?;
    let status = reply.status;
    let shown = shown(binding, client, &grounds, credential.as_ref());
    let said = |what: &str| {
        // Before it is cut, since a part of a secret is one too, and after it, since what is left out may have stood in one.
        let without = |text: String| shown.iter().fold(text, |text, secret| redacted(&text, secret));
        let what = without(plain(&without(what.to_owned())));
        format!(
            "no token: the token endpoint at {} answered {}{what}",
            host(&endpoint),
            status.as_u16()
        )
    };
    if status.is_server_error() || status.as_u16() == 429 {
        return Err(OAuthError::Away(said("")));
    }
    if status.is_redirection() {
        return Err(OAuthError::Refused(said(
            " and leads elsewhere, where no secret is shown",
        )));
    }
    let answer: Answer = serde_json::from_slice(&reply.body)
        .map_err(|_| OAuthError::Refused(said(", but not the JSON of RFC 6749")))?;
    if !status.is_success() || answer.error.is_some() {
        let error = answer.error.unwrap_or_default();
        let words = format!(" {error} {}", answer.error_description.unwrap_or_default());
        let text = said(words.trim_end());
        return Err(match &*error {
            "invalid_grant" => OAuthError::Forgotten(text),
            "invalid_client" => OAuthError::UnknownClient(text),
            "temporarily_unavailable" | "server_error" => OAuthError::Away(text),
            _ => OAuthError::Refused(text),
        });
    }
    let Some(access) = answer.access_token.filter(|token| !token.is_empty()) else {
        return Err(OAuthError::Refused(said(" without `access_token`")));
    };
    let kind = answer.token_type.as_deref();
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(OAuthError::Refused(said(
            " with a token that is not a bearer token",
        )));
    }
    let refresh = answer.refresh_token.filter(|token| !token.is_empty());
    let is_renewed = refresh.is_some() || !matches!(grounds, Grounds::Code { .. });
    let seconds = answer.expires_in.and_then(|value| match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let lifetime = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    let lifetime = match is_renewed {
        true => lifetime.unwrap_or(USUAL_LIFETIME).min(LONGEST_RENEWED),
        false => lifetime.unwrap_or(LONGEST).min(LONGEST),
    };
    Ok(Granted {
        token: Token::new(access.into(), begun, lifetime)?,
        refresh: refresh.map(Into::into),
        scopes: answer.scope.as_deref().map(scopes::parse),
    })
}

/// What the token endpoint is shown that nobody else may read, as it is and as it stands in a form.
fn shown(
    binding: &Binding,
    client: &Client,
    grounds: &Grounds<'_>,
    credential: Option<&HeaderValue>,
) -> Vec<Secret> {
    let is_id_secret = binding
        .client_id
        .as_ref()
        .is_some_and(|id| id.reference().is_some());
    let id = is_id_secret.then_some(&*client.id);
    let proof = match &client.proof {
        Proof::Basic(secret) | Proof::Body(secret) => Some(&**secret),
        Proof::Signs(..) | Proof::Nothing => None,
    };
    let ground = match grounds {
        Grounds::Client => [None, None],
        Grounds::Refresh(token) | Grounds::Exchange(token) => [Some(*token), None],
        Grounds::Code { code, verifier, .. } => [Some(*code), Some(*verifier)],
    };
    let credential = credential.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let texts = [id, proof]
        .into_iter()
        .chain(ground)
        .flatten()
        .map(ExposeSecret::expose_secret);
    let mut all = Vec::new();
    for text in texts.chain(credential) {
        all.push(text.to_owned());
        all.push(form_urlencoded::byte_serialize(text.as_bytes()).collect());
    }
    // One may be a part of another.
    all.sort_by_key(|text: &String| std::cmp::Reverse(text.len()));
    all.dedup();
    all.into_iter().map(Into::into).collect()
}

/// Gives a token back, of this kind.
pub(super) async fn revoke(
    fetcher: &Fetcher,
    found: &Found,
    client: &Client,
    (token, kind): (&Secret, &str),
) -> Result<(), OAuthError> {
    let named = found.server.revocation_endpoint.as_deref().unwrap_or_default();
    let endpoint = fetcher.check("the revocation endpoint", named)?;
    let (form, credential) = {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token.expose_secret());
        form.append_pair("token_type_hint", kind);
        let credential = identify(&mut form, client, &found.server)?;
        (form.finish(), credential)
    };
    let reply = fetcher.post_form(&endpoint, form, credential).await?;
    match reply.status.is_success() {
        true => Ok(()),
        false => Err(OAuthError::Away(format!(
            "the revocation endpoint at {} answered {}",
            host(&endpoint),
            reply.status.as_u16()
        ))),
    }
}

/// What is posted, and the credential beside it.
fn form(
    binding: &Binding,
    found: &Found,
    client: &Client,
    grounds: &Grounds<'_>,
    scopes: &[String],
) -> Result<(String, Option<HeaderValue>), OAuthError> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match grounds {
        Grounds::Client => {
            form.append_pair("grant_type", "client_credentials");
        }
        Grounds::Refresh(token) => {
            form.append_pair("grant_type", "refresh_token");
            form.append_pair("refresh_token", token.expose_secret());
        }
        Grounds::Exchange(token) => {
            let kind = "urn:ietf:params:oauth:token-type:access_token";
            form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
            form.append_pair("subject_token", token.expose_secret());
            form.append_pair("subject_token_type", kind);
            form.append_pair("requested_token_type", kind);
        }
        Grounds::Code {
            code,
            verifier,
            redirect_uri,
        } => {
            form.append_pair("grant_type", "authorization_code");
            form.append_pair("code", code.expose_secret());
            form.append_pair("code_verifier", verifier.expose_secret());
            form.append_pair("redirect_uri", redirect_uri);
        }
    }
    // A refreshed token has the scopes of the login, and a code those that it was asked for with.
    if matches!(grounds, Grounds::Client | Grounds::Exchange(_)) && !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    if let Some(resource) = &found.resource {
        form.append_pair("resource", resource);
    }
    if let Some(audience) = &binding.audience {
        form.append_pair("audience", audience);
    }
    let credential = identify(&mut form, client, &found.server)?;
    Ok((form.finish(), credential))
}

/// Says in a form, or beside it, who asks.
fn identify(
    form: &mut form_urlencoded::Serializer<'_, String>,
    client: &Client,
    server: &Server,
) -> Result<Option<HeaderValue>, OAuthError> {
    let id = client.id.expose_secret();
    let mut credential = None;
    match &client.proof {
        Proof::Nothing => {
            form.append_pair("client_id", id);
        }
        Proof::Body(secret) => {
            form.append_pair("client_id", id);
            form.append_pair("client_secret", secret.expose_secret());
        }
        Proof::Basic(secret) => {
            // RFC 6749 section 2.3.1: both are form-encoded first.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(id), encoded(secret.expose_secret()));
            let value = encode::sensitive(&format!("Basic {}", STANDARD.encode(pair)));
            credential =
                Some(value.map_err(|reason| OAuthError::Secret(format!("auth.client_secret {reason}")))?);
        }
        Proof::Signs(..) => {
            form.append_pair("client_id", id);
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            form.append_pair("client_assertion_type", kind);
            form.append_pair("client_assertion", &client.assertion(server)?.unwrap_or_default());
        }
    }
    Ok(credential)
}
