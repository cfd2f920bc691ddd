//! What the gateway shows to the upstream (`tds_ext_info.auth`).

mod signed;

use super::{MaybeSecret, SecretReference};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, json};
pub use signed::{AwsSigV4, Hmac, HmacAlgorithm, KeyEncoding, SignatureEncoding, TimestampFormat};

/// The credential that the upstream gets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(transform = by_type)]
pub enum AuthBinding {
    /// No credential.
    None {},
    /// A key in a header, the query or a cookie.
    ApiKey {
        /// The key: a reference to a secret.
        credential: SecretReference,
        /// Where it is put.
        #[serde(default, rename = "in")]
        #[schemars(extend("default" = "header"))]
        place: KeyPlace,
        /// The name of the header, query parameter or cookie; `X-API-Key` where nothing is said.
        name: Option<String>,
        /// What stands before the key.
        #[serde(default)]
        prefix: String,
        /// What happens without the secret.
        #[serde(default)]
        on_missing: OnMissing,
    },
    /// HTTP basic authentication.
    Basic {
        /// The user: a text, or a reference to a secret.
        username: MaybeSecret,
        /// The password: a reference to a secret.
        password: SecretReference,
        /// What happens without the secret.
        #[serde(default)]
        on_missing: OnMissing,
    },
    /// A token that does not change by itself.
    Bearer {
        /// The token: a reference to a secret.
        credential: SecretReference,
        /// The header, `Authorization` where nothing is said.
        name: Option<String>,
        /// What stands before the token, `Bearer ` where nothing is said.
        prefix: Option<String>,
        /// What happens without the secret.
        #[serde(default)]
        on_missing: OnMissing,
    },
    /// A token from a token endpoint, RFC 6749 section 4.4.
    #[serde(rename = "oauth2_client_credentials")]
    ClientCredentials(ClientCredentials),
    /// A signature of AWS, version 4, made of the request that is sent.
    #[serde(rename = "aws_sigv4")]
    AwsSigV4(Box<AwsSigV4>),
    /// A signature by a key that both sides have, made of the request that is sent.
    Hmac(Box<Hmac>),
    /// A header of the client's request.
    Passthrough {
        /// Which header of the client's request. Those that carry the gateway's own key are never passed on.
        #[schemars(example = &"X-Upstream-Authorization")]
        header: String,
        /// The header that the upstream gets, `Authorization` where nothing is said.
        name: Option<String>,
        /// What happens without the header.
        #[serde(default)]
        on_missing: OnMissing,
    },
}

impl AuthBinding {
    /// Every secret that it refers to.
    pub fn references(&self) -> Vec<&SecretReference> {
        match self {
            Self::None {} | Self::Passthrough { .. } => Vec::new(),
            Self::ApiKey { credential, .. } | Self::Bearer { credential, .. } => vec![credential],
            Self::Basic {
                username, password, ..
            } => username.reference().into_iter().chain([password]).collect(),
            Self::ClientCredentials(binding) => {
                let id = binding.client_id.reference().into_iter();
                id.chain([&binding.client_secret]).collect()
            }
            Self::AwsSigV4(binding) => binding.references(),
            Self::Hmac(binding) => binding.references(),
        }
    }
}

/// `type` decides which members there are; a list of alternatives would make editors compare with all of them.
pub(in crate::definition) fn by_type(schema: &mut Schema) {
    let Some(Value::Array(kinds)) = schema.remove("oneOf") else {
        return;
    };
    let all = |pointer: &str| -> Vec<Value> {
        kinds
            .iter()
            .filter_map(|kind| kind.pointer(pointer).cloned())
            .collect()
    };
    let is = json!({
        "description": "Which kind of credential.",
        "enum": all("/properties/type/const"),
        "markdownEnumDescriptions": all("/description"),
    });
    let conditions: Vec<Value> = kinds
        .iter()
        .map(|kind| {
            let is = json!({"const": kind["properties"]["type"]["const"]});
            json!({"if": {"required": ["type"], "properties": {"type": is}}, "then": kind})
        })
        .collect();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("required".to_owned(), json!(["type"]));
    schema.insert("properties".to_owned(), json!({"type": is}));
    schema.insert("allOf".to_owned(), conditions.into());
}

/// How to get a token.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// The token endpoint, a URL with `http` or `https`.
    #[schemars(example = &"https://login.example.com/oauth2/token")]
    pub token_url: String,
    /// The id of the client: a text, or a reference to a secret.
    pub client_id: MaybeSecret,
    /// The secret of the client: a reference to a secret.
    pub client_secret: SecretReference,
    /// The scopes that are asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The audience: for whom the token is.
    pub audience: Option<String>,
    /// How the client authenticates at the token endpoint.
    #[serde(default)]
    #[schemars(extend("default" = "basic"))]
    pub client_auth: ClientAuth,
    /// What happens without the secret.
    #[serde(default)]
    pub on_missing: OnMissing,
}

/// `auth.client_auth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// HTTP basic authentication, which every server knows.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
}

/// `auth.in`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyPlace {
    /// A header.
    #[default]
    Header,
    /// A query parameter.
    Query,
    /// A cookie.
    Cookie,
}

/// `auth.on_missing`: a call without its credential is not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnMissing {
    /// The call fails and says what is missing.
    #[default]
    Fail,
}
