//! What every request shows the server: the definition's headers and credential, looked up anew so that a changed secret
//! counts at once.

use crate::{encode, secrets::Secrets, upstream::error::UpstreamError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mcp_common::{
    definition::{
        UpstreamDefinition,
        tool::{MaybeSecret, SecretReference},
        upstream::UpstreamAuth,
    },
    secret::ExposeSecret,
};

pub(super) fn headers(
    definition: &UpstreamDefinition,
    secrets: &Secrets,
) -> Result<HeaderMap, UpstreamError> {
    let mut headers = HeaderMap::with_capacity(12);
    for (name, value) in &definition.headers {
        let place = || format!("headers.{name}");
        let header = header_name(name)?;
        let value = match value {
            MaybeSecret::Plain(text) => {
                encode::header_value(text.as_bytes()).map_err(|reason| unfit(&place(), &reason))?
            }
            MaybeSecret::Reference(reference) => sensitive(&place(), &find(&place(), secrets, reference)?)?,
        };
        headers.insert(header, value);
    }
    match definition.auth.as_ref() {
        // A token is asked for, and shown where the request is sent.
        None
        | Some(
            UpstreamAuth::None {}
            | UpstreamAuth::ClientCredentials(_)
            | UpstreamAuth::AuthorizationCode(_)
            | UpstreamAuth::User(_)
            | UpstreamAuth::TokenExchange(_),
        ) => {}
        // Of HTTP services alone; a document that says so of an MCP server is refused.
        Some(UpstreamAuth::AwsSigV4(_) | UpstreamAuth::Hmac(_)) => {
            return Err(unfit("auth.type", "is for HTTP services (`protocol: http`)"));
        }
        Some(UpstreamAuth::ApiKey {
            credential,
            name,
            prefix,
        }) => {
            let key = find("auth.credential", secrets, credential)?;
            let value = sensitive("auth.credential", &format!("{prefix}{key}"))?;
            headers.insert(header_name(name.as_deref().unwrap_or("X-API-Key"))?, value);
        }
        Some(UpstreamAuth::Bearer { credential }) => {
            let token = find("auth.credential", secrets, credential)?;
            let value = sensitive("auth.credential", &format!("Bearer {token}"))?;
            headers.insert(header::AUTHORIZATION, value);
        }
        Some(UpstreamAuth::Basic { username, password }) => {
            let user = secrets
                .find_text(username)
                .map_err(|reason| unfit("auth.username", &reason))?;
            let password = find("auth.password", secrets, password)?;
            let pair = STANDARD.encode(format!("{}:{password}", user.expose_secret()));
            headers.insert(
                header::AUTHORIZATION,
                sensitive("auth", &format!("Basic {pair}"))?,
            );
        }
    }
    Ok(headers)
}

fn find(place: &str, secrets: &Secrets, reference: &SecretReference) -> Result<String, UpstreamError> {
    let found = secrets.find(reference).map_err(|reason| unfit(place, &reason))?;
    Ok(found.expose_secret().to_owned())
}

fn sensitive(place: &str, text: &str) -> Result<HeaderValue, UpstreamError> {
    encode::sensitive(text).map_err(|reason| unfit(place, &reason))
}

/// Definitions with other names are refused when they are written.
fn header_name(name: &str) -> Result<HeaderName, UpstreamError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit(name, "is not the name of a header"))
}

fn unfit(place: &str, reason: &str) -> UpstreamError {
    UpstreamError::Secret(format!("{place}: {reason}"))
}
