//! Which credential a tool shows to its upstream, compiled. The secrets themselves are looked up by the engine.

use super::{Signer, header_name};
use crate::tool::{RequestHeader, Transport};
use http::{HeaderName, Uri, header, uri::Scheme};
use mcp_common::{
    definition::{
        tool::{AuthBinding, ClientCredentials, KeyPlace, MaybeSecret, OnMissing, SecretReference},
        upstream::{UpstreamAuth, UpstreamClientCredentials},
    },
    problem::Problem,
};
use std::sync::Arc;

/// The `auth` member, ready for use. Holds references, never secrets.
#[derive(Debug)]
pub(crate) enum Auth {
    /// A text before a secret, at its place.
    Key {
        place: Place,
        prefix: String,
        secret: SecretReference,
    },
    Basic {
        username: MaybeSecret,
        password: SecretReference,
    },
    ClientCredentials(Box<TokenSource>),
    Passthrough {
        from: HeaderName,
        to: HeaderName,
    },
    /// A signature of the request as it is sent.
    Signed(Box<Signer>),
}

/// Where a key is put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Header(HeaderName),
    Query(String),
    Cookie(String),
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub(crate) struct TokenSource {
    pub(crate) url: Uri,
    pub(crate) binding: ClientCredentials,
    /// How the token endpoint is reached, but for the time that it may take.
    pub(crate) transport: Option<Arc<Transport>>,
}

impl TokenSource {
    /// The host of the token endpoint, with its port.
    pub(crate) fn host(&self) -> &str {
        self.url.authority().map_or("", |authority| authority.as_str())
    }
}

impl Auth {
    /// `None` for no credential, also where there is a problem with it.
    pub(super) fn compile(
        binding: &AuthBinding,
        transport: Option<&Arc<Transport>>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let at = |member: &str, reason: String| Problem::at(format!("tds_ext_info.auth.{member}"), reason);
        let header = |member: &str, name: &str| {
            header_name::read(name).map_err(|reason| at(member, reason.to_owned()))
        };
        let compiled = match binding {
            AuthBinding::None {} => return None,
            AuthBinding::ApiKey {
                credential,
                place,
                name,
                prefix,
                ..
            } => {
                let name = name.as_deref().unwrap_or("X-API-Key");
                let place = match place {
                    KeyPlace::Header => header("name", name).map(Place::Header),
                    KeyPlace::Query if name.is_empty() => Err(at("name", "must not be empty".into())),
                    KeyPlace::Query => Ok(Place::Query(name.to_owned())),
                    // RFC 6265 has the same characters for cookie names as there are for header names.
                    KeyPlace::Cookie => match HeaderName::from_bytes(name.as_bytes()) {
                        Ok(_) => Ok(Place::Cookie(name.to_owned())),
                        Err(_) => Err(at("name", "is not the name of a cookie".into())),
                    },
                };
                place.map(|place| Self::Key {
                    place,
                    prefix: prefix.clone(),
                    secret: credential.clone(),
                })
            }
            AuthBinding::Bearer {
                credential,
                name,
                prefix,
                ..
            } => header("name", name.as_deref().unwrap_or("Authorization")).map(|name| Self::Key {
                place: Place::Header(name),
                prefix: prefix.clone().unwrap_or_else(|| "Bearer ".to_owned()),
                secret: credential.clone(),
            }),
            AuthBinding::Basic {
                username, password, ..
            } => match username {
                MaybeSecret::Plain(name) if name.contains(':') => {
                    Err(at("username", "must not have a colon (RFC 7617)".into()))
                }
                _ => Ok(Self::Basic {
                    username: username.clone(),
                    password: password.clone(),
                }),
            },
            AuthBinding::ClientCredentials(binding) => {
                token_source(binding, transport).map_err(|reason| at("token_url", reason))
            }
            AuthBinding::AwsSigV4(binding) => {
                binding.check("tds_ext_info.auth.", problems);
                Ok(Self::Signed(Box::new(Signer::of_aws(binding))))
            }
            AuthBinding::Hmac(binding) => {
                binding.check("tds_ext_info.auth.", problems);
                Signer::of_hmac(binding)
                    .map(|signer| Self::Signed(Box::new(signer)))
                    .map_err(|(member, reason)| at(member, reason))
            }
            AuthBinding::Passthrough {
                header: from, name, ..
            } => {
                let name = name.as_deref().unwrap_or("Authorization");
                from.parse::<RequestHeader>()
                    .map_err(|reason| at("header", reason.to_string()))
                    .and_then(|from| {
                        let from = from.name().clone();
                        header("name", name).map(|to| Self::Passthrough { from, to })
                    })
            }
        };
        compiled.map_err(|problem| problems.push(problem)).ok()
    }

    /// The credential of an upstream.
    pub(super) fn of_upstream(
        binding: &UpstreamAuth,
        transport: Option<&Arc<Transport>>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let key = |name: HeaderName, prefix: &str, secret: &SecretReference| Self::Key {
            place: Place::Header(name),
            prefix: prefix.to_owned(),
            secret: secret.clone(),
        };
        match binding {
            UpstreamAuth::None {} => None,
            UpstreamAuth::ApiKey {
                credential,
                name,
                prefix,
            } => match header_name::read(name.as_deref().unwrap_or("X-API-Key")) {
                Ok(name) => Some(key(name, prefix, credential)),
                Err(reason) => {
                    problems.push(Problem::at("auth.name", reason));
                    None
                }
            },
            UpstreamAuth::Bearer { credential } => Some(key(header::AUTHORIZATION, "Bearer ", credential)),
            UpstreamAuth::Basic { username, password } => Some(Self::Basic {
                username: username.clone(),
                password: password.clone(),
            }),
            UpstreamAuth::ClientCredentials(own) => Self::of_service(own, transport, problems),
            // The rest of it was looked at when the document was read.
            UpstreamAuth::AwsSigV4(binding) => Some(Self::Signed(Box::new(Signer::of_aws(binding)))),
            UpstreamAuth::Hmac(binding) => Signer::of_hmac(binding)
                .map(|signer| Self::Signed(Box::new(signer)))
                .map_err(|(member, reason)| problems.push(Problem::at(format!("auth.{member}"), reason)))
                .ok(),
            UpstreamAuth::AuthorizationCode(_) | UpstreamAuth::User(_) | UpstreamAuth::TokenExchange(_) => {
                let reason = "is for MCP servers: an HTTP service takes `oauth2_client_credentials`";
                problems.push(Problem::at("auth.type", reason));
                None
            }
        }
    }

    /// Tokens of an HTTP service, whose document says where they come from.
    fn of_service(
        own: &UpstreamClientCredentials,
        transport: Option<&Arc<Transport>>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let missing = |member: &str| Problem::at(format!("auth.{member}"), "is missing");
        let Some(token_url) = own.token_url.clone() else {
            problems.push(missing("token_url"));
            return None;
        };
        let Some(client_secret) = own.client_secret.clone() else {
            problems.push(missing("client_secret"));
            return None;
        };
        let binding = ClientCredentials {
            token_url,
            client_id: own.client_id.clone(),
            client_secret,
            scopes: own.scopes.clone(),
            audience: own.audience.clone(),
            client_auth: own.client_auth.unwrap_or_default(),
            on_missing: OnMissing::default(),
        };
        token_source(&binding, transport)
            .map_err(|reason| problems.push(Problem::at("auth.token_url", reason)))
            .ok()
    }

    /// Every secret that it refers to.
    pub(crate) fn references(&self) -> Vec<&SecretReference> {
        match self {
            Self::Key { secret, .. } => vec![secret],
            Self::Basic { username, password } => match username {
                MaybeSecret::Reference(username) => vec![username, password],
                MaybeSecret::Plain(_) => vec![password],
            },
            Self::ClientCredentials(source) => match &source.binding.client_id {
                MaybeSecret::Reference(id) => vec![id, &source.binding.client_secret],
                MaybeSecret::Plain(_) => vec![&source.binding.client_secret],
            },
            Self::Passthrough { .. } => Vec::new(),
            Self::Signed(signer) => signer.references(),
        }
    }

    /// Where the credential is put.
    pub(super) fn places(&self) -> Vec<Place> {
        match self {
            Self::Key { place, .. } => vec![place.clone()],
            Self::Basic { .. } | Self::ClientCredentials(_) => vec![Place::Header(header::AUTHORIZATION)],
            Self::Passthrough { to, .. } => vec![Place::Header(to.clone())],
            Self::Signed(signer) => signer.headers().into_iter().map(Place::Header).collect(),
        }
    }

    /// What signs requests, where that is the credential.
    pub(crate) fn signer(&self) -> Option<&Signer> {
        match self {
            Self::Signed(signer) => Some(signer),
            _ => None,
        }
    }
}

/// Tokens from there.
fn token_source(binding: &ClientCredentials, transport: Option<&Arc<Transport>>) -> Result<Auth, String> {
    let url = token_url(&binding.token_url)?;
    if let Some(reason) = transport.and_then(|transport| transport.excludes(url.host()?)) {
        return Err(reason);
    }
    let transport = transport.and_then(|transport| transport.in_any_time());
    Ok(Auth::ClientCredentials(Box::new(TokenSource {
        url,
        binding: binding.clone(),
        transport: transport.map(Arc::new),
    })))
}

fn token_url(text: &str) -> Result<Uri, &'static str> {
    let uri: Uri = text.trim().parse().map_err(|_| "is not a URL")?;
    let is_http = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    let Some(authority) = uri.authority().filter(|_| is_http) else {
        return Err("must begin with http:// or https://");
    };
    if authority.as_str().contains('@') {
        return Err("must not carry credentials");
    }
    Ok(uri)
}
