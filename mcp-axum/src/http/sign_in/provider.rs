//! An identity provider: what it says of itself (OpenID Connect Discovery), and what a code of it is redeemed for.

use crate::{
    client::http::{HttpClient, body, client, send},
    settings::SignInSettings,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use mcp_common::{
    backoff::Away,
    secret::{ExposeSecret, Secret},
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use url::{Url, form_urlencoded};

/// How long what it says of itself is believed.
const KEPT: Duration = Duration::from_secs(600);
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one that is away is asked, whoever wants to sign in.
const RETRY: Duration = Duration::from_secs(5);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
const LONGEST: usize = 256 << 10;
/// What of its words is repeated.
const MOST_WORDS: usize = 300;

/// Those that were asked.
#[derive(Default)]
pub(super) struct Providers {
    known: Mutex<HashMap<String, Known>>,
    client: OnceLock<HttpClient>,
}

struct Known {
    provider: Option<(Arc<Provider>, Instant)>,
    away: Away,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            provider: None,
            away: Away::between(RETRY, LONGEST_RETRY),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Provider {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// What a sign-in is asked for with.
pub(super) struct Asked<'a> {
    pub(super) settings: &'a SignInSettings,
    pub(super) redirect_uri: &'a str,
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) verifier: &'a str,
    pub(super) resource: Option<&'a str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: Option<String>,
    id_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Providers {
    /// The one of this issuer, to the letter.
    pub(super) async fn find(&self, issuer: &str) -> Result<Arc<Provider>, String> {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let known = known.entry(issuer.to_owned()).or_default();
            if let Some((provider, _)) = known.provider.as_ref().filter(|(_, at)| at.elapsed() < KEPT) {
                return Ok(provider.clone());
            }
            known.away.attempt()?;
        }
        let found = self.ask(issuer).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(issuer.to_owned()).or_default();
        match &found {
            Ok(provider) => {
                known.away.worked();
                known.provider = Some((provider.clone(), Instant::now()));
            }
            Err(reason) => known.away.failed(reason),
        }
        found
    }

    /// What it says of itself now.
    async fn ask(&self, issuer: &str) -> Result<Arc<Provider>, String> {
        let place = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let request = Request::get(&place).header(header::ACCEPT, "application/json");
        let request = request.body(Full::default()).map_err(|error| error.to_string())?;
        let (status, said) = self.send(&place, request).await?;
        if status != StatusCode::OK {
            return Err(format!("{place} answered {status}"));
        }
        let found: Provider = serde_json::from_slice(&said)
            .map_err(|error| format!("{place} is no document of a provider: {error}"))?;
        if found.issuer != issuer {
            return Err(format!("{place} is about another issuer"));
        }
        for endpoint in [&found.authorization_endpoint, &found.token_endpoint] {
            if !is_trustworthy(endpoint) {
                return Err(format!(
                    "{place} names an address that is neither https nor of this machine: `{}`",
                    plain(endpoint)
                ));
            }
        }
        // Providers of before RFC 8414 do not say it, and do it.
        if let Some(methods) = &found.code_challenge_methods_supported
            && !methods.iter().any(|method| method == "S256")
        {
            return Err(format!("the provider `{issuer}` does not know PKCE with S256"));
        }
        Ok(Arc::new(found))
    }

    /// The tokens that a code is redeemed for, the one for the gateway first.
    pub(super) async fn redeem(
        &self,
        provider: &Provider,
        asked: &Asked<'_>,
        code: &Secret,
    ) -> Result<Vec<Secret>, String> {
        let settings = asked.settings;
        let secret = match (&settings.client_secret, &settings.client_secret_file) {
            (Some(secret), _) => Some(secret.expose_secret().to_owned()),
            (None, Some(file)) => {
                let text = tokio::fs::read_to_string(file)
                    .await
                    .map_err(|error| format!("sign_in.client_secret_file: {}: {error}", file.display()))?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        let form = {
            let mut form = form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code.expose_secret())
                .append_pair("redirect_uri", asked.redirect_uri)
                .append_pair("code_verifier", asked.verifier);
            if secret.is_none() {
                form.append_pair("client_id", &settings.client_id);
            }
            if let Some(resource) = asked.resource {
                form.append_pair("resource", resource);
            }
            form.finish()
        };
        let endpoint = &*provider.token_endpoint;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if let Some(secret) = &secret {
            // RFC 6749, section 2.3.1: both are encoded before they are joined.
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&settings.client_id), encoded(secret));
            request = request.header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
        }
        let request = request
            .body(Full::from(form))
            .map_err(|error| error.to_string())?;
        let (status, said) = self.send(endpoint, request).await?;
        let answer: Answer = serde_json::from_slice(&said)
            .map_err(|_| format!("{endpoint} answered {status}, but not the JSON of RFC 6749"))?;
        if let Some(error) = answer.error.filter(|error| !error.is_empty()) {
            let words = format!("{error} {}", answer.error_description.unwrap_or_default());
            return Err(format!(
                "{endpoint} answered {status}: {}",
                plain(words.trim_end())
            ));
        }
        if status != StatusCode::OK {
            return Err(format!("{endpoint} answered {status}"));
        }
        if let Some(token) = &answer.id_token {
            check_id_token(token, provider, asked)?;
        }
        let tokens = [answer.access_token, answer.id_token].into_iter().flatten();
        Ok(tokens.filter(|token| !token.is_empty()).map(Into::into).collect())
    }

    async fn send(&self, at: &str, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), String> {
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let made = client().map_err(|error| error.to_string())?;
                self.client.get_or_init(|| made)
            }
        };
        let sending = async {
            let response = send(client, request, PATIENCE).await?;
            let status = response.status();
            let body = body(at, response.into_body(), LONGEST).await?;
            Ok::<_, crate::client::ClientError>((status, body))
        };
        match tokio::time::timeout(PATIENCE, sending).await {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err(format!("{at} gave no complete answer within {PATIENCE:?}")),
        }
    }
}

impl Provider {
    /// Where somebody is sent to.
    pub(super) fn address(&self, asked: &Asked<'_>) -> Result<String, String> {
        let endpoint = &self.authorization_endpoint;
        let mut url = Url::parse(endpoint).map_err(|_| format!("`{}` is no URL", plain(endpoint)))?;
        let scopes: Vec<&str> = asked.settings.scopes.iter().map(String::as_str).collect();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(asked.verifier));
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &asked.settings.client_id)
                .append_pair("redirect_uri", asked.redirect_uri)
                .append_pair("scope", &scopes.join(" "))
                .append_pair("state", asked.state)
                .append_pair("nonce", asked.nonce)
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if let Some(resource) = asked.resource {
                query.append_pair("resource", resource);
            }
        }
        Ok(url.into())
    }

    /// Whether what came back is of this provider (RFC 9207), to the letter.
    pub(super) fn check_issuer(&self, issuer: Option<&str>) -> Result<(), String> {
        match issuer {
            Some(issuer) if issuer == self.issuer => Ok(()),
            None if !self.authorization_response_iss_parameter_supported => Ok(()),
            _ => Err(format!(
                "what came back is not of `{}` (`iss`): nothing was done with it",
                self.issuer
            )),
        }
    }
}

/// It came from the token endpoint itself: what is to be seen is whether it is of this sign-in (OpenID Connect Core, section 3.1.3.7).
fn check_id_token(token: &str, provider: &Provider, asked: &Asked<'_>) -> Result<(), String> {
    let claims = token.split('.').nth(1);
    let claims = claims.and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Value = claims
        .and_then(|text| serde_json::from_slice(&text).ok())
        .ok_or("the ID token is none")?;
    let client = &*asked.settings.client_id;
    let is_for_us = match &claims["aud"] {
        Value::String(one) => one == client,
        Value::Array(all) => all.iter().any(|one| one == client),
        _ => false,
    };
    if claims["iss"] != provider.issuer.as_str() || !is_for_us || claims["nonce"] != asked.nonce {
        return Err("the ID token is not of this sign-in (`iss`, `aud`, `nonce`)".to_owned());
    }
    Ok(())
}

/// Nobody in between can read or change what goes there.
fn is_trustworthy(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_own = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_own,
        _ => false,
    }
}

/// Somebody else's words on one line, not too many of them.
pub(super) fn plain(text: &str) -> String {
    let mut out: String = text.chars().filter(|c| !c.is_control()).collect();
    out.truncate(out.floor_char_boundary(MOST_WORDS));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn provider(says_issuer: bool) -> Provider {
        let said = json!({
            "issuer": "https://login.example",
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
            "authorization_response_iss_parameter_supported": says_issuer,
        });
        serde_json::from_value(said).unwrap()
    }

    #[test]
    fn what_comes_back_is_of_the_provider_that_was_asked() {
        let other = Some("https://login.example/");
        for says_issuer in [true, false] {
            let provider = provider(says_issuer);
            assert!(provider.check_issuer(Some("https://login.example")).is_ok());
            assert!(provider.check_issuer(other).is_err());
            assert_eq!(provider.check_issuer(None).is_err(), says_issuer);
        }
    }

    #[test]
    fn an_id_token_is_of_this_provider_client_and_sign_in() {
        let settings: SignInSettings = serde_json::from_value(json!({
            "name": "acme", "issuer": "https://login.example", "client_id": "console",
        }))
        .unwrap();
        let asked = Asked {
            settings: &settings,
            redirect_uri: "",
            state: "",
            nonce: "n",
            verifier: "",
            resource: None,
        };
        let right = json!({"iss": "https://login.example", "aud": "console", "nonce": "n"});
        let check = |claims: &Value| {
            let token = format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()));
            check_id_token(&token, &provider(false), &asked)
        };
        check(&right).unwrap();
        for (member, value) in [
            ("iss", json!("https://evil.example")),
            ("aud", json!("another")),
            ("aud", json!(["another"])),
            ("aud", Value::Null),
            ("nonce", json!("m")),
            ("nonce", Value::Null),
        ] {
            let mut claims = right.clone();
            claims[member] = value;
            assert!(check(&claims).is_err(), "{claims}");
        }
        assert!(check_id_token("opaque", &provider(false), &asked).is_err());
    }
}
