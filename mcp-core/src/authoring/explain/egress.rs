//! Whether the upstream may be called from here.

use crate::{
    connect,
    egress::{EgressRule, EgressSettings},
    tool::{Base, Call},
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// A name that takes longer is left open.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the egress policy says of the upstream's addresses. It is asked again with each connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressVerdict {
    /// The host as the definition has it.
    pub host: String,
    /// Where the name leads now; not asked where a proxy resolves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Whether the host may be called; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    /// Why not, or why it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the definition itself narrows it to; redirects and the token endpoint are held to it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnLists>,
}

/// `tds_ext_info.egress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnLists {
    /// The only hosts and networks that are reached, if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The hosts and networks that are never reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

impl fmt::Display for OwnLists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tds_ext_info.egress:")?;
        if !self.allow.is_empty() {
            write!(f, " only {}", self.allow.join(", "))?;
        }
        if !self.deny.is_empty() {
            let comma = if self.allow.is_empty() { "" } else { "," };
            write!(f, "{comma} never {}", self.deny.join(", "))?;
        }
        Ok(())
    }
}

pub(super) async fn verdict(call: &Call, base: Option<&Base>, settings: &EgressSettings) -> EgressVerdict {
    let authority = &base
        .and_then(|base| base.origin(0))
        .unwrap_or(&call.origin)
        .authority;
    let host = authority.host().trim_matches(['[', ']']);
    let port = authority.port_u16().unwrap_or(443);
    let mut verdict = EgressVerdict {
        host: authority.to_string(),
        addresses: Vec::new(),
        allowed: None,
        reason: None,
        own: None,
    };
    let transport = call
        .delivery
        .as_ref()
        .and_then(|delivery| delivery.transport(base));
    let policy = connect::Policy {
        gateway: settings.clone(),
        own: transport.and_then(|transport| transport.egress.clone()),
    };
    let texts = |rules: &[EgressRule]| rules.iter().map(ToString::to_string).collect();
    verdict.own = policy.own.as_ref().map(|own| OwnLists {
        allow: texts(&own.allow),
        deny: texts(&own.deny),
    });
    if let Some(proxy) = transport.and_then(|transport| transport.proxy.as_ref()) {
        verdict.reason = if settings.proxies.contains(&proxy.address) {
            connect::refuses_unresolved(&policy, authority.host())
        } else {
            Some(format!("{} is not in `egress.proxies`", proxy.address))
        };
        verdict.allowed = Some(verdict.reason.is_none());
        return verdict;
    }
    let found = match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            verdict.reason = Some(format!("the name cannot be resolved here: {error}"));
            return verdict;
        }
        Err(_) => {
            verdict.reason = Some(format!("the name was not resolved within {PATIENCE:?}"));
            return verdict;
        }
    };
    let mut refused = None;
    let mut is_allowed = false;
    for address in found {
        let address = address.ip();
        verdict.addresses.push(address.to_string());
        match connect::refuses(&policy, authority.host(), address) {
            None => is_allowed = true,
            reason => refused = reason,
        }
    }
    verdict.allowed = Some(is_allowed);
    verdict.reason = refused.filter(|_| !is_allowed);
    verdict
}
