//! The credential of a call in every spelling in which an answer could repeat it, so that it can be hidden.

use super::Tokens;
use crate::{
    encode,
    engine::{CallContext, http::client::Upstream},
    secrets::Secrets,
    tool::Auth,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mcp_common::secret::ExposeSecret;

/// Hiding shorter ones would hide what is no secret.
const SHORTEST: usize = 4;

/// Nothing for what cannot be found: it cannot be repeated either.
pub(crate) async fn spellings(
    auth: &Auth,
    context: &CallContext<'_>,
    (secrets, tokens, upstream): (&Secrets, &Tokens, &Upstream),
) -> Vec<String> {
    let found = auth.references().into_iter();
    let mut plain: Vec<String> = found
        .filter_map(|reference| secrets.find(reference).ok())
        .map(|secret| secret.expose_secret().to_owned())
        .collect();
    match auth {
        // A signature shows nothing of its key.
        Auth::Key { .. } | Auth::Signed(_) => {}
        Auth::Basic { username, password } => {
            if let (Ok(username), Ok(password)) = (secrets.find_text(username), secrets.find(password)) {
                let pair = format!("{}:{}", username.expose_secret(), password.expose_secret());
                plain.push(STANDARD.encode(pair));
            }
        }
        Auth::ClientCredentials(source) => {
            if let Ok(used) = tokens.token(source, secrets, upstream).await {
                let header = String::from_utf8_lossy(used.header.as_bytes()).into_owned();
                let token = header.strip_prefix("Bearer ").unwrap_or(&header);
                plain.push(token.to_owned());
            }
        }
        Auth::Passthrough { from, .. } => {
            let value = context.headers.and_then(|headers| headers.get(from));
            let text = value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            // With its scheme or without.
            if let Some(text) = text {
                plain.extend(text.split_once(' ').map(|(_, rest)| rest.to_owned()));
                plain.push(text);
            }
        }
    }
    spelled(plain)
}

/// These texts in every spelling.
pub(crate) fn spelled(plain: Vec<String>) -> Vec<String> {
    let mut all = Vec::new();
    for secret in plain.into_iter().filter(|secret| secret.len() >= SHORTEST) {
        let mut encoded = Vec::new();
        encode::component(&mut encoded, &secret);
        all.push(String::from_utf8_lossy(&encoded).into_owned());
        let json = serde_json::Value::from(secret.as_str()).to_string();
        all.push(json.trim_matches('"').to_owned());
        all.push(STANDARD.encode(&secret));
        all.push(secret);
    }
    all.retain(|spelling| spelling.len() >= SHORTEST);
    all
}
