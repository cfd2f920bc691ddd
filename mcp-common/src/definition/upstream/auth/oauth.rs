//! Tokens of OAuth that an upstream is shown. Where they come from is what the server says, unless the document does.

use crate::definition::tool::{ClientAuth, MaybeSecret, SecretReference};
use schemars::JsonSchema;
use serde::Deserialize;

/// A token in the gateway's own name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamClientCredentials {
    /// The id of the client, as it is registered: a text, or a reference to a secret.
    pub client_id: MaybeSecret,
    /// The secret of the client: a reference to a secret.
    pub client_secret: Option<SecretReference>,
    /// The private key that the client signs with instead of having a secret (`private_key_jwt`): a reference to a file in PEM (PKCS #8), of RSA,
    /// P-256, P-384 or Ed25519.
    pub private_key: Option<SecretReference>,
    /// The name of that key, where the authorization server knows several of this client.
    pub key_id: Option<String>,
    /// How the client shows its secret; what the authorization server says where nothing is said.
    pub client_auth: Option<ClientAuth>,
    /// The authorization server that is believed. Without it, the one that the server names at the first time.
    #[schemars(example = &"https://login.example.com")]
    pub issuer: Option<String>,
    /// The token endpoint; nothing is found out then.
    #[schemars(example = &"https://login.example.com/oauth2/token")]
    pub token_url: Option<String>,
    /// The scopes that are asked for, and no others. Without any, those that the server wants.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The audience, where the authorization server wants one.
    pub audience: Option<String>,
    /// What the server is called when a token for it is asked for (`resource`); what its metadata say, or its `url`, where nothing is
    /// said. Empty: it is not named at all.
    pub resource: Option<String>,
}

/// A token that somebody logged in for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationCode {
    /// The id of the client, where it is registered already: a text, or a reference to a secret. Without it the gateway shows
    /// a document about itself, or registers itself.
    pub client_id: Option<MaybeSecret>,
    /// The secret of that client, if it has one: a reference to a secret.
    pub client_secret: Option<SecretReference>,
    /// How the client shows its secret; what the authorization server says where nothing is said.
    pub client_auth: Option<ClientAuth>,
    /// The authorization server that is believed. Without it, the one that the server names at the first time.
    #[schemars(example = &"https://login.example.com")]
    pub issuer: Option<String>,
    /// The scopes that are asked for, and no others but `offline_access`. Without any, those that the server wants.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What the server is called when a token for it is asked for (`resource`); what its metadata say, or its `url`, where nothing is
    /// said. Empty: it is not named at all.
    pub resource: Option<String>,
}

impl UpstreamClientCredentials {
    pub(super) fn references(&self) -> Vec<&SecretReference> {
        let id = self.client_id.reference();
        let all = id.into_iter().chain(&self.client_secret).chain(&self.private_key);
        all.collect()
    }
}

impl AuthorizationCode {
    pub(super) fn references(&self) -> Vec<&SecretReference> {
        let id = self.client_id.iter().filter_map(MaybeSecret::reference);
        id.chain(&self.client_secret).collect()
    }
}
