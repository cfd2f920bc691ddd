//! What an authorization server says of itself (RFC 8414, OpenID Connect Discovery).

use super::{
    error::OAuthError,
    fetch::{Fetcher, Got, plain},
};
use http::Uri;
use serde::{Deserialize, Serialize};

/// The members that are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    /// Empty where only a token endpoint is known.
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Option<String>,
    pub(super) token_endpoint: String,
    pub(super) registration_endpoint: Option<String>,
    pub(super) revocation_endpoint: Option<String>,
    pub(super) scopes_supported: Vec<String>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_signing_alg_values_supported: Vec<String>,
    pub(super) code_challenge_methods_supported: Vec<String>,
    pub(super) authorization_response_iss_parameter_supported: bool,
    pub(super) client_id_metadata_document_supported: bool,
}

impl Server {
    /// Asks where an issuer keeps its metadata, one place after the other. What it finds is of this issuer, to the letter.
    pub(super) async fn find(fetcher: &Fetcher, issuer: &str) -> Result<Self, OAuthError> {
        let uri = fetcher.check("the authorization server", issuer)?;
        if uri.query().is_some() {
            let text = format!(
                "the authorization server `{}` has a query, which none has",
                plain(issuer)
            );
            return Err(OAuthError::Refused(text));
        }
        let mut tried = Vec::new();
        for place in places(&uri) {
            let place: Uri = fetcher.check("the address of metadata", &place)?;
            match fetcher.get::<Self>(&place).await? {
                Got::Not(why) => tried.push(why),
                Got::There(server) if server.issuer != issuer => {
                    return Err(OAuthError::Refused(format!(
                        "{place} is about another authorization server: it says `{}`, and `{}` was asked for, which have to be the same to the letter",
                        plain(&server.issuer),
                        plain(issuer)
                    )));
                }
                Got::There(server) => {
                    fetcher.check("the token endpoint", &server.token_endpoint)?;
                    return Ok(server);
                }
            }
        }
        Err(OAuthError::Refused(format!(
            "the authorization server `{}` has no metadata: {}",
            plain(issuer),
            tried.join("; ")
        )))
    }
}

/// In the order in which MCP wants them asked for.
fn places(issuer: &Uri) -> Vec<String> {
    let root = root(issuer);
    match issuer.path().trim_end_matches('/') {
        "" => vec![
            format!("{root}/.well-known/oauth-authorization-server"),
            format!("{root}/.well-known/openid-configuration"),
        ],
        path => vec![
            format!("{root}/.well-known/oauth-authorization-server{path}"),
            format!("{root}/.well-known/openid-configuration{path}"),
            format!("{root}{path}/.well-known/openid-configuration"),
        ],
    }
}

/// Scheme, host and port.
pub(super) fn root(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or("https"))
}
