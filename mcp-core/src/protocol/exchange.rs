//! One message with its circumstances, as the protocol sees it.

use super::{fault::Fault, headers};
use crate::{
    peer::Peer,
    policy::{Action, Asked, Asking},
    spec::{Era, Legacy, Method},
    view::InstanceView,
};
use http::{HeaderMap, HeaderValue, header::ACCEPT};
use mcp_common::authenticator::{CommonLimits, Principal};
use std::sync::Arc;

/// How a message comes, and its answer leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// It comes as a request of Streamable HTTP, which has its answer in itself.
    #[default]
    Request,
    /// It comes over a channel that all messages of a client share, in both directions: it always has a session, whatever comes fits
    /// through it, and no header repeats what a message says.
    Channel,
}

/// One message, after authentication.
pub struct Exchange<'a> {
    /// How it came.
    pub way: Way,
    /// The instance it came to.
    pub view: Arc<InstanceView>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Who sent it.
    pub principal: Principal,
    /// The client that it came from.
    pub peer: Arc<Peer>,
    /// The name of its request, in the log and in the answer.
    pub request_id: HeaderValue,
}

impl Exchange<'_> {
    /// What it asks for, for the policy.
    pub(super) fn asked<'a>(
        &'a self,
        method: Method,
        target: Option<&'a str>,
        arguments: Option<&'a str>,
        common: &'a [Arc<CommonLimits>],
    ) -> Asked<'a> {
        Asked {
            principal: &self.principal,
            action: Action::Mcp {
                instance: &self.view.entry.definition.id,
                method,
                target,
                arguments,
            },
            common,
            request: Asking {
                id: &self.request_id,
                address: self.peer.address(),
                headers: self.headers,
            },
        }
    }

    /// Whether the client takes an event stream; a missing `Accept` takes anything (RFC 9110, 12.5.1).
    pub(super) fn accepts_events(&self) -> bool {
        if self.way == Way::Channel {
            return true;
        }
        let mut values = self.headers.get_all(ACCEPT).iter().peekable();
        values.peek().is_none()
            || values
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|range| {
                    let range = range.split(';').next().unwrap_or_default().trim();
                    ["text/event-stream", "text/*", "*/*"]
                        .iter()
                        .any(|known| range.eq_ignore_ascii_case(known))
                })
    }

    /// The era that `MCP-Protocol-Version` says: a revision that no `initialize` can have negotiated is a modern one.
    pub(super) fn era(&self) -> Result<Era, Fault> {
        let older =
            headers::protocol_version(self.headers)?.is_none_or(|version| Legacy::parse(version).is_some());
        Ok(if older { Era::Legacy } else { Era::Modern })
    }
}
