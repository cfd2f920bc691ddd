//! The port behind which somebody outside is asked whether a call may be made, after the gateway's own rules have allowed it.

use crate::authenticator::Principal;
use async_trait::async_trait;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// A call, as far as somebody outside is to know of it. Written as JSON it is what decides: two calls that are written alike have one
/// answer.
#[derive(Debug, Serialize)]
pub struct Question<'a> {
    /// Who calls.
    pub principal: Caller<'a>,
    /// What is done: `tools/call`, `resources/read`, `prompts/get` or `completion/complete`.
    pub action: &'a str,
    /// The instance's id.
    pub instance: &'a str,
    /// The tool's name in the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<&'a str>,
    /// The URI of a resource, or of its template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<&'a str>,
    /// The name of a prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<&'a str>,
    /// What is called with, as the client sent it; only where the configuration says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<&'a RawValue>,
}

/// Who calls. No credential is among it.
#[derive(Debug, Serialize)]
pub struct Caller<'a> {
    /// The name in logs.
    pub subject: &'a str,
    /// The id of the key of the store that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<&'a str>,
    /// Has the right of everything.
    pub admin: bool,
    /// Roles: those that the key or token names, then those that these inherit.
    pub roles: Vec<&'a str>,
    /// Scopes of a token.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub scopes: &'a [String],
    /// Claims that templates may name, too.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<&'a str, &'a RawValue>,
}

impl<'a> Caller<'a> {
    /// What is known of them.
    pub fn of(principal: &'a Principal) -> Self {
        let mut roles: Vec<&str> = principal.roles().iter().map(String::as_str).collect();
        let grant = principal.grant.as_deref();
        for role in grant.into_iter().flat_map(|grant| grant.role_names()) {
            if !roles.contains(&&**role) {
                roles.push(role);
            }
        }
        let claims = principal.attributes.iter().flat_map(|known| &known.claims);
        Self {
            subject: &principal.subject,
            key_id: grant.and_then(|grant| grant.key()).map(Arc::as_ref),
            admin: principal.admin,
            roles,
            scopes: principal.scopes(),
            claims: claims.map(|(name, raw)| (name.as_str(), &**raw)).collect(),
        }
    }
}

/// What somebody outside says about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It may be made.
    Allow,
    /// It may not; why, for whoever calls. Empty where nothing was said.
    Refuse(Arc<str>),
}

/// Says whether calls may be made. The caller bounds how long that takes, how many are asked at once, and how long an answer is good.
#[async_trait]
pub trait Authorizer: Send + Sync + 'static {
    /// What is to become of this call. The error is one line: nobody can say.
    async fn decide(&self, question: &Question<'_>) -> Result<Opinion, String>;
}
