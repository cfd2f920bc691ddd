//! Why a request is not let in.

use super::Standing;
use mcp_common::authenticator::{Denied, Principal};
use std::time::Duration;

/// A refusal; what it is in HTTP and JSON-RPC is said where these are spoken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody knows who calls.
    #[error(transparent)]
    Unauthenticated(#[from] Denied),
    /// The caller is known, and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The caller is not to know that there is such a thing.
    #[error("there is nothing of this name")]
    Hidden,
    /// It is not served now.
    #[error("{reason}")]
    Limited {
        /// The limit that stands against it, and what to do.
        reason: String,
        /// When it is worth another try.
        retry_after: Duration,
        /// Where the caller stands with it, where that can be said.
        standing: Option<Standing>,
    },
    /// The gateway cannot do now what it has to do with every request of the kind. Becomes HTTP 503.
    #[error("{0}")]
    Unable(String),
}

impl Refusal {
    /// The caller may do something in `/admin`, but not this: `admin/tds/write`.
    pub fn not_allowed(principal: &Principal, action: &str) -> Self {
        let rights = principal.rights();
        Self::Forbidden(match rights.and_then(|rights| rights.admin_refusal(action)) {
            Some(by) => format!("{} of this key refuses `{action}`", by.place),
            None => format!("no role of this key allows `{action}`"),
        })
    }
}
