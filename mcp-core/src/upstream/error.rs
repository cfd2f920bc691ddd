//! Why an upstream did not do what it was asked for. Each text says what happened to which server, and none has a secret.

use crate::connect::{Trouble, TroubleKind};
use serde_json::value::RawValue;
use std::time::Duration;

/// What of a server's own words is repeated.
const MOST_WORDS: usize = 500;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(String),
    /// No connection at all, so certainly nothing was sent.
    #[error("{0}")]
    Unreachable(String),
    /// One of several endpoints took longer than it may where others could answer.
    #[error("{step} took longer than {limit:?} (`failover.attempt_ms`)")]
    Slow {
        /// What was waited for.
        step: &'static str,
        /// The time that it had.
        limit: Duration,
    },
    /// The certificate or the handshake of TLS.
    #[error("{0}")]
    Tls(String),
    /// The gateway does not call there, or does not start that.
    #[error("{0}")]
    Refused(String),
    /// A secret is missing.
    #[error("{0}; nothing was sent")]
    Secret(String),
    /// There is no token that the server takes.
    #[error("{0}")]
    Authorization(String),
    /// It is used with the caller's own account, and there is none, or not for this.
    #[error("{0}")]
    NoGrant(String),
    /// A step took longer than the definition allows.
    #[error("{step} took longer than {limit:?} (`timeouts.{member}`)")]
    Timeout {
        /// What was waited for.
        step: &'static str,
        /// The member of the definition.
        member: &'static str,
        /// Its value.
        limit: Duration,
    },
    /// An HTTP status that says no more.
    #[error("the server answered with the HTTP status {status}{words}")]
    Status {
        /// The status.
        status: u16,
        /// What the answer says, after a colon; empty for nothing.
        words: String,
    },
    /// The answer is no message of the protocol.
    #[error("{0}")]
    NotMcp(String),
    /// The server's own error.
    #[error("the server answered with the error {}: {}", .0.code, .0.message)]
    Rpc(RpcError),
    /// The server does not know the session any more, and has not looked at the request.
    #[error("the server ended the session")]
    SessionGone,
    /// A message is larger than the definition allows.
    #[error("the server sent more than {limit} bytes at once (`limits.max_response_bytes`)")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// The program or the stream came to its end.
    #[error("{0}")]
    Ended(String),
    /// As many calls are under way as the definition allows.
    #[error("{limit} calls are under way, and no more are sent at once (`limits.concurrency`)")]
    Overloaded {
        /// The bound.
        limit: u32,
    },
    /// The same, and who waits has waited for too long, or others wait already.
    #[error("{limit} calls are under way (`limits.concurrency`), and {why}")]
    NoTurn {
        /// The bound.
        limit: u32,
        /// What came of waiting.
        why: String,
    },
    /// Every endpoint has as many requests as it may have.
    #[error("{0}")]
    Busy(String),
    /// There are as many clients with sessions of their own as the definition allows.
    #[error("{limit} clients use it in sessions of their own, and no more do at once (`limits.clients`)")]
    TooManyClients {
        /// The bound.
        limit: u32,
    },
    /// The request goes on with one that is not known.
    #[error("{0}")]
    Stale(String),
    /// There is no connection now.
    #[error("it is not connected: {0}")]
    NotConnected(String),
}

/// An error object of JSON-RPC.
#[derive(Clone, Debug)]
pub struct RpcError {
    /// The code that says what kind of error it is.
    pub code: i64,
    /// The message for people, not more than some hundred bytes.
    pub message: String,
    /// The error's `data`, as the server wrote it.
    pub data: Option<Box<RawValue>>,
}

impl UpstreamError {
    /// Whether the server is there and may work again with a new session or connection.
    pub(super) fn is_lost(&self) -> bool {
        matches!(
            self,
            Self::Connection(_) | Self::Unreachable(_) | Self::SessionGone | Self::Ended(_)
        )
    }

    /// Whether the endpoint is to blame, and not what was asked.
    pub(super) fn is_of_endpoint(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status >= 500,
            Self::Connection(_)
            | Self::Unreachable(_)
            | Self::Slow { .. }
            | Self::Tls(_)
            | Self::Refused(_)
            | Self::Timeout { .. }
            | Self::NotMcp(_)
            | Self::Ended(_) => true,
            _ => false,
        }
    }

    /// Whether certainly nothing of what was asked has been sent.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::NotConnected(_)
                | Self::Refused(_)
                | Self::Secret(_)
                | Self::NoGrant(_)
                | Self::Overloaded { .. }
                | Self::NoTurn { .. }
                | Self::Busy(_)
                | Self::TooManyClients { .. }
                | Self::Stale(_)
        )
    }

    /// Whether another server that does the same may be asked: this one certainly got nothing; or it may have, and what is asked may be done twice.
    pub(crate) fn means_stand_in(&self, only_reads: bool) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::NotConnected(_)
            | Self::Tls(_)
            | Self::Refused(_)
            | Self::Secret(_)
            | Self::Overloaded { .. }
            | Self::NoTurn { .. }
            | Self::Busy(_)
            | Self::SessionGone => true,
            Self::Connection(_) | Self::Ended(_) | Self::Slow { .. } => only_reads,
            Self::Status { status, .. } => only_reads && (502..=504).contains(status),
            _ => false,
        }
    }

    /// Whether another endpoint may do better.
    pub(super) fn means_another(&self) -> bool {
        match self {
            Self::Status { status, .. } => (502..=504).contains(status),
            error => error.is_of_endpoint(),
        }
    }
}

impl From<Trouble> for UpstreamError {
    fn from(trouble: Trouble) -> Self {
        let text = trouble.text.trim_end_matches('.').to_owned();
        match trouble.kind {
            TroubleKind::Connect | TroubleKind::Timeout if trouble.is_unsent => Self::Unreachable(text),
            TroubleKind::Connect | TroubleKind::Timeout => Self::Connection(text),
            TroubleKind::Tls => Self::Tls(text),
            TroubleKind::Refused => Self::Refused(text),
            TroubleKind::BadAnswer => Self::NotMcp(text),
        }
    }
}

/// A server's words on one line, not too many of them.
pub(super) fn excerpt(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len() + word.len() > MOST_WORDS {
            let left = MOST_WORDS.saturating_sub(out.len());
            out.push_str(&word[..word.floor_char_boundary(left)]);
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| !c.is_control()));
    }
    out
}
