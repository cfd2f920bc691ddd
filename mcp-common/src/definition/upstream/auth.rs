//! What an upstream is shown (`auth`).

mod oauth;

use crate::definition::tool::{AwsSigV4, Hmac, MaybeSecret, SecretReference, auth_by_type};
pub use oauth::{AuthorizationCode, UpstreamClientCredentials};
use schemars::JsonSchema;
use serde::Deserialize;

/// The credential of every request to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = auth_by_type)]
pub enum UpstreamAuth {
    /// No credential is sent.
    None {},
    /// A key in a header.
    ApiKey {
        /// The key: a reference to a secret.
        credential: SecretReference,
        /// The header, `X-API-Key` where nothing is said.
        name: Option<String>,
        /// What stands before the key.
        #[serde(default)]
        prefix: String,
    },
    /// HTTP basic authentication.
    Basic {
        /// The user: a text, or a reference to a secret.
        username: MaybeSecret,
        /// The password: a reference to a secret.
        password: SecretReference,
    },
    /// A token that does not change by itself.
    Bearer {
        /// The token: a reference to a secret.
        credential: SecretReference,
    },
    /// A signature of AWS, version 4, made of each request that is sent; of HTTP services (`protocol: http`).
    #[serde(rename = "aws_sigv4")]
    AwsSigV4(Box<AwsSigV4>),
    /// A signature by a key that both sides have, made of each request that is sent; of HTTP services (`protocol: http`).
    Hmac(Box<Hmac>),
    /// A token that the gateway gets in its own name, RFC 6749 section 4.4.
    #[serde(rename = "oauth2_client_credentials")]
    ClientCredentials(UpstreamClientCredentials),
    /// A token that an operator gets for the gateway by logging in once (`dynmcp upstreams login`), RFC 6749 section 4.1.
    #[serde(rename = "oauth2_authorization_code")]
    AuthorizationCode(AuthorizationCode),
    /// A token of whoever calls, who connects their own account in a browser. What an operator logs in for (`dynmcp upstreams login`) takes the
    /// lists, and nothing else.
    #[serde(rename = "oauth2_user")]
    User(AuthorizationCode),
    /// A token that stands for the caller's own, which is exchanged for it, RFC 8693. Lists are taken in the gateway's own name.
    #[serde(rename = "oauth2_token_exchange")]
    TokenExchange(UpstreamClientCredentials),
}

impl UpstreamAuth {
    /// Whether a secret would be shown to an authorization server that the server names, whoever that is.
    pub fn believes_its_server(&self) -> bool {
        match self {
            Self::ClientCredentials(binding) | Self::TokenExchange(binding) => {
                binding.issuer.is_none() && binding.token_url.is_none()
            }
            Self::AuthorizationCode(binding) | Self::User(binding) => {
                binding.issuer.is_none() && binding.client_secret.is_some()
            }
            Self::None {}
            | Self::ApiKey { .. }
            | Self::Basic { .. }
            | Self::Bearer { .. }
            | Self::AwsSigV4(_)
            | Self::Hmac(_) => false,
        }
    }

    /// Every secret that it refers to.
    pub fn references(&self) -> Vec<&SecretReference> {
        match self {
            Self::None {} => Vec::new(),
            Self::ApiKey { credential, .. } | Self::Bearer { credential } => vec![credential],
            Self::Basic { username, password } => match username {
                MaybeSecret::Reference(username) => vec![username, password],
                MaybeSecret::Plain(_) => vec![password],
            },
            Self::AwsSigV4(binding) => binding.references(),
            Self::Hmac(binding) => binding.references(),
            Self::ClientCredentials(binding) | Self::TokenExchange(binding) => binding.references(),
            Self::AuthorizationCode(binding) | Self::User(binding) => binding.references(),
        }
    }
}
