//! Who the gateway is at an authorization server: as the document says, as a document of its own says, or as it registered itself (RFC 7591).

use super::{
    assertion::assertion,
    binding::Binding,
    error::OAuthError,
    fetch::{Fetcher, host, plain},
    login::Presence,
    server::Server,
};
use crate::secrets::Secrets;
use mcp_common::{
    definition::tool::ClientAuth,
    secret::{ExposeSecret, Secret},
};
use serde::Deserialize;
use serde_json::json;
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

const BASIC: &str = "client_secret_basic";
const POST: &str = "client_secret_post";
const NONE: &str = "none";

/// A client, and how it shows that it is the one.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) id: Arc<Secret>,
    pub(super) proof: Proof,
}

/// How a client shows that it is the one.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    Nothing,
    Basic(Arc<Secret>),
    Body(Arc<Secret>),
    /// It signs with this key, of this name.
    Signs(Arc<Secret>, Option<String>),
}

/// What an authorization server gave when the gateway registered itself. It is shown to nobody else.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) issuer: String,
    pub(super) redirect_uri: String,
    pub(super) client_id: String,
    pub(super) client_secret: Option<Secret>,
    pub(super) method: String,
    /// Seconds since 1970, if it ends.
    pub(super) until: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    client_id: String,
    client_secret: Option<String>,
    client_secret_expires_at: Option<u64>,
    token_endpoint_auth_method: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    error: String,
    error_description: String,
}

impl Client {
    /// The one that the document names; `None` where it names none.
    pub(super) fn given(
        binding: &Binding,
        secrets: &Secrets,
        server: &Server,
    ) -> Result<Option<Self>, OAuthError> {
        let Some(id) = &binding.client_id else {
            return Ok(None);
        };
        let missing = |member: &str, reason: String| OAuthError::Secret(format!("auth.{member}: {reason}"));
        let id = secrets
            .find_text(id)
            .map_err(|reason| missing("client_id", reason))?;
        let proof = if let Some(reference) = &binding.private_key {
            let key = secrets
                .find(reference)
                .map_err(|reason| missing("private_key", reason))?;
            Proof::Signs(key, binding.key_id.clone())
        } else if let Some(reference) = &binding.client_secret {
            let secret = secrets
                .find(reference)
                .map_err(|reason| missing("client_secret", reason))?;
            match (binding.client_auth, &server.token_endpoint_auth_methods_supported) {
                (Some(ClientAuth::Basic), _) => Proof::Basic(secret),
                (Some(ClientAuth::Body), _) => Proof::Body(secret),
                // Every server knows it (RFC 6749 section 2.3.1), and without a list it is the one (RFC 8414).
                (None, None) => Proof::Basic(secret),
                (None, Some(methods)) if knows(methods, BASIC) => Proof::Basic(secret),
                (None, Some(methods)) if knows(methods, POST) => Proof::Body(secret),
                (None, Some(methods)) => {
                    return Err(OAuthError::Refused(format!(
                        "the authorization server takes no secret of a client, but {} (`auth.client_auth` shows it nevertheless)",
                        plain(&methods.join(", "))
                    )));
                }
            }
        } else {
            Proof::Nothing
        };
        Ok(Some(Self { id, proof }))
    }

    /// The claim of a client that signs.
    pub(super) fn assertion(&self, server: &Server) -> Result<Option<String>, OAuthError> {
        let Proof::Signs(key, key_id) = &self.proof else {
            return Ok(None);
        };
        let audience = match server.issuer.as_str() {
            "" => &server.token_endpoint,
            issuer => issuer,
        };
        let known = &server.token_endpoint_auth_signing_alg_values_supported;
        assertion(
            key.expose_secret(),
            key_id.as_deref(),
            self.id.expose_secret(),
            audience,
            known,
        )
        .map(Some)
        .map_err(|reason| OAuthError::Secret(format!("auth.private_key {reason}")))
    }
}

impl Registered {
    /// Makes the gateway known.
    pub(super) async fn make(
        fetcher: &Fetcher,
        server: &Server,
        presence: &Presence,
    ) -> Result<Self, OAuthError> {
        let Some(endpoint) = &server.registration_endpoint else {
            return Err(OAuthError::Refused(format!(
                "the authorization server `{}` registers nobody: register the gateway there with the redirect URI {}, and write its \
                 `auth.client_id`",
                plain(&server.issuer),
                presence.redirect_uri()
            )));
        };
        let endpoint = fetcher.check("the registration endpoint", endpoint)?;
        let asked = match &server.token_endpoint_auth_methods_supported {
            None => BASIC,
            Some(methods) => [BASIC, POST, NONE]
                .into_iter()
                .find(|method| knows(methods, method))
                .unwrap_or(NONE),
        };
        let mut body = presence.metadata();
        body["token_endpoint_auth_method"] = json!(asked);
        let reply = fetcher.post_json(&endpoint, body.to_string()).await?;
        let failed = |what: &str| {
            let status = reply.status.as_u16();
            let text = format!(
                "the registration endpoint at {} answered {status}{what}",
                host(&endpoint)
            );
            match reply.status.is_server_error() {
                true => OAuthError::Away(text),
                false => OAuthError::Refused(text),
            }
        };
        if !reply.status.is_success() {
            let fault: Fault = serde_json::from_slice(&reply.body).unwrap_or_default();
            let words = plain(&format!(" {} {}", fault.error, fault.error_description));
            return Err(failed(words.trim_end()));
        }
        let answer: Answer =
            serde_json::from_slice(&reply.body).map_err(|_| failed(", but not the JSON of RFC 7591"))?;
        if answer.client_id.is_empty() {
            return Err(failed(" without a `client_id`"));
        }
        Ok(Self {
            issuer: server.issuer.clone(),
            redirect_uri: presence.redirect_uri(),
            client_id: answer.client_id,
            client_secret: answer
                .client_secret
                .filter(|secret| !secret.is_empty())
                .map(Into::into),
            method: answer
                .token_endpoint_auth_method
                .unwrap_or_else(|| asked.to_owned()),
            until: answer.client_secret_expires_at.filter(|until| *until > 0),
        })
    }

    /// A client whose id is the URL of the gateway's document about itself.
    pub(super) fn by_document(server: &Server, presence: &Presence, document: &str) -> Self {
        Self {
            issuer: server.issuer.clone(),
            redirect_uri: presence.redirect_uri(),
            client_id: document.to_owned(),
            client_secret: None,
            method: NONE.to_owned(),
            until: None,
        }
    }

    /// Whether it is of this authorization server, leads back to this address, and has not ended.
    pub(super) fn fits(&self, server: &Server, presence: &Presence) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        self.issuer == server.issuer
            && self.redirect_uri == presence.redirect_uri()
            && self.until.is_none_or(|until| now < until)
    }

    pub(super) fn client(&self) -> Client {
        let secret = self.client_secret.clone().map(Arc::new);
        let proof = match (&*self.method, secret) {
            (NONE, _) | (_, None) => Proof::Nothing,
            (POST, Some(secret)) => Proof::Body(secret),
            (_, Some(secret)) => Proof::Basic(secret),
        };
        Client {
            id: Arc::new(self.client_id.clone().into()),
            proof,
        }
    }
}

fn knows(methods: &[String], method: &str) -> bool {
    methods.iter().any(|known| known == method)
}
