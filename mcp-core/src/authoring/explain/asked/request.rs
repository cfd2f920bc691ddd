//! What is asked for.

use super::AskError;
use http::{HeaderMap, HeaderName, HeaderValue};
use mcp_common::authenticator::{Attributes, Principal};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// The body of the request; every member may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest<'a> {
    /// As in `tools/call`.
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
    /// The instance that the call comes through.
    pub(super) instance: Option<String>,
    /// Make the call too.
    #[serde(default)]
    pub(super) send: bool,
    principal: Option<Caller>,
    /// Headers of the client's request.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Instead of what is stored.
    #[serde(borrow)]
    pub(super) definition: Option<&'a RawValue>,
}

/// Who calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Caller {
    /// The administrator's own, if it is not said.
    sub: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    claims: BTreeMap<String, Box<RawValue>>,
}

impl<'a> ExplainRequest<'a> {
    /// An empty body asks for a call without arguments.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, AskError> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| {
            AskError::Invalid(format!(
                "the body must be {{\"arguments\": {{…}}}}, beside it instance, send, principal {{sub, roles, claims}}, headers and \
                 definition where they are needed: {error}"
            ))
        })
    }

    /// Those that `auth.type: passthrough` passes on and templates may name.
    pub(super) fn headers(&self) -> Result<HeaderMap, AskError> {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let header = HeaderName::from_bytes(name.as_bytes());
            let header = header
                .map_err(|_| AskError::Invalid(format!("headers: `{name}` is not the name of a header")))?;
            // The value may be a secret; it is not repeated.
            let value = HeaderValue::from_str(text).map_err(|_| {
                AskError::Invalid(format!("headers.{name}: the value cannot stand in a header"))
            })?;
            headers.insert(header, value);
        }
        Ok(headers)
    }

    /// The administrator, unless another one was asked for.
    pub(super) fn principal(&self, own: &Principal) -> Principal {
        match &self.principal {
            None => own.clone(),
            Some(caller) => {
                let attributes = Attributes {
                    roles: caller.roles.clone(),
                    claims: caller.claims.clone(),
                };
                let subject = caller
                    .sub
                    .as_deref()
                    .map_or_else(|| own.subject.clone(), Arc::from);
                Principal {
                    attributes: Some(Arc::new(attributes)),
                    ..Principal::named(subject)
                }
            }
        }
    }
}
