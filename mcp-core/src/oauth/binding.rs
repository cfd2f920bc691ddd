//! What an upstream's document says about tokens, whichever way they come.

use mcp_common::definition::{
    UpstreamDefinition,
    tool::{ClientAuth, MaybeSecret, SecretReference},
    upstream::UpstreamAuth,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How a token is got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// In the gateway's own name.
    ClientCredentials,
    /// Somebody logs in.
    AuthorizationCode,
    /// For the token of a caller.
    Exchange,
}

/// What an account is for, in digests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    /// Whose its tokens are.
    pub(super) identity: String,
    /// What they are asked for with.
    pub(super) terms: String,
}

/// The members of `auth`.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub(super) grant: Grant,
    /// Calls are made with accounts of callers.
    pub(super) is_of_callers: bool,
    pub(super) client_id: Option<MaybeSecret>,
    pub(super) client_secret: Option<SecretReference>,
    pub(super) private_key: Option<SecretReference>,
    pub(super) key_id: Option<String>,
    pub(super) client_auth: Option<ClientAuth>,
    pub(super) issuer: Option<String>,
    pub(super) token_url: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) audience: Option<String>,
    pub(super) resource: Option<String>,
}

impl Binding {
    /// `None` where the server is shown something else, or nothing.
    pub(crate) fn of(definition: &UpstreamDefinition) -> Option<Self> {
        match definition.auth.as_ref()? {
            auth @ (UpstreamAuth::ClientCredentials(own) | UpstreamAuth::TokenExchange(own)) => Some(Self {
                grant: Grant::ClientCredentials,
                is_of_callers: matches!(auth, UpstreamAuth::TokenExchange(_)),
                client_id: Some(own.client_id.clone()),
                client_secret: own.client_secret.clone(),
                private_key: own.private_key.clone(),
                key_id: own.key_id.clone(),
                client_auth: own.client_auth,
                issuer: own.issuer.clone(),
                token_url: own.token_url.clone(),
                scopes: own.scopes.clone(),
                audience: own.audience.clone(),
                resource: own.resource.clone(),
            }),
            auth @ (UpstreamAuth::AuthorizationCode(own) | UpstreamAuth::User(own)) => Some(Self {
                grant: Grant::AuthorizationCode,
                is_of_callers: matches!(auth, UpstreamAuth::User(_)),
                client_id: own.client_id.clone(),
                client_secret: own.client_secret.clone(),
                private_key: None,
                key_id: None,
                client_auth: own.client_auth,
                issuer: own.issuer.clone(),
                token_url: None,
                scopes: own.scopes.clone(),
                audience: None,
                resource: own.resource.clone(),
            }),
            _ => None,
        }
    }

    /// The URLs that the operator names.
    pub(crate) fn named(&self) -> impl Iterator<Item = &str> {
        self.issuer.iter().chain(&self.token_url).map(String::as_str)
    }

    /// What tokens for the server at this URL are for.
    pub(super) fn purpose(&self, url: &str) -> Purpose {
        Purpose {
            identity: self.identity(url),
            terms: self.terms(),
        }
    }

    /// Whose token it is: with another one of these, what is kept is of somebody else.
    fn identity(&self, url: &str) -> String {
        let text = |text: &MaybeSecret| match text {
            MaybeSecret::Plain(text) => text.clone(),
            MaybeSecret::Reference(reference) => reference.to_string(),
        };
        let place = json!([
            url,
            self.grant == Grant::ClientCredentials,
            self.client_id.as_ref().map(text),
            self.issuer,
            self.token_url,
        ]);
        digest(&place)
    }

    /// What a token is asked for with: one that was asked for with something else is not what the document wants.
    fn terms(&self) -> String {
        digest(&json!([self.scopes, self.audience, self.resource]))
    }
}

fn digest(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
