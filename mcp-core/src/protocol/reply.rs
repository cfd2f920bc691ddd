//! What the protocol layer answers, without knowing which HTTP server sends it.

use super::{envelope::Id, fault::Fault};
use crate::policy::{Answer, Permit, Record, Standing, Trace, Verdict};
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use http::StatusCode;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

/// One HTTP answer.
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// What follows the headers.
    pub body: ReplyBody,
    /// The `Mcp-Session-Id` to set.
    pub session: Option<String>,
    /// The `Retry-After` to set.
    pub retry_after: Option<Duration>,
    /// The `RateLimit` and `RateLimit-Policy` to set.
    pub standing: Option<Standing>,
    /// The scopes that the caller's token would need.
    pub scopes: Vec<String>,
    /// The `WWW-Authenticate` to set; whoever speaks HTTP knows it.
    pub challenge: Option<String>,
    /// What the request's record says of it.
    pub trace: Trace,
    /// What the record of a call is to say whose answer is the end of a stream.
    pub(super) ends: Option<Ends>,
}

/// What the protocol says of a call at the end of its stream; empty where the stream did not come to it.
pub(super) type Ends = Arc<OnceLock<Trace>>;

/// The body of a reply.
pub enum ReplyBody {
    /// No body (202, 405).
    Empty,
    /// `application/json`, in pieces that belong together; what is large is not copied into its answer.
    Json(Pieces),
    /// `text/event-stream`.
    Events(BoxStream<'static, Bytes>),
}

/// Parts of a body in their order; those that are not needed are empty.
pub type Pieces = [Bytes; 5];

/// Smaller answers are cheaper in one piece, larger ones are not copied.
pub(super) const ONE_PIECE: usize = 16 << 10;

impl Reply {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            body: ReplyBody::Empty,
            session: None,
            retry_after: None,
            standing: None,
            scopes: Vec::new(),
            challenge: None,
            ends: None,
            trace: Trace::default(),
        }
    }

    pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut pieces = Pieces::default();
        pieces[0] = body.into();
        Self::pieces(status, pieces)
    }

    pub(super) fn pieces(status: StatusCode, pieces: Pieces) -> Self {
        Self {
            status,
            body: ReplyBody::Json(pieces),
            session: None,
            retry_after: None,
            standing: None,
            scopes: Vec::new(),
            challenge: None,
            ends: None,
            trace: Trace::default(),
        }
    }

    /// A result whose bytes are ready.
    pub(super) fn result(id: Id<'_>, result: impl Into<Bytes>) -> Self {
        let result: Bytes = result.into();
        // Prepared lists are there already.
        if result.len() < 1024 {
            let mut whole = frame(id, result.len());
            whole.extend_from_slice(&result);
            whole.push(b'}');
            return Self::json(StatusCode::OK, whole);
        }
        let mut pieces = Pieces::default();
        pieces[0] = frame(id, 0).into();
        pieces[1] = result;
        pieces[2] = Bytes::from_static(b"}");
        Self::pieces(StatusCode::OK, pieces)
    }

    /// Puts into the request's record what is known now. Where more is known at the end of a stream, the record goes with
    /// it; otherwise it comes back.
    pub fn recorded(mut self, mut record: Record) -> (Self, Option<Record>) {
        let known = std::mem::replace(&mut record.trace, self.trace.clone());
        record.trace.complete(&known);
        record.answered(self.status);
        let Some(ends) = self.ends.clone() else {
            return (self, Some(record));
        };
        let ReplyBody::Events(events) = self.body else {
            return (self, Some(record));
        };
        let ending = Ending { record, ends };
        let events = events.inspect(move |_| {
            let _goes_with_it = &ending;
        });
        self.body = ReplyBody::Events(events.boxed());
        (self, None)
    }

    /// The same, giving back what the request took when its stream ends.
    pub(super) fn holding(self, mut permit: Permit) -> Self {
        if permit.is_empty() {
            return self;
        }
        let ReplyBody::Events(events) = self.body else {
            permit.answered(&Answer {
                status: self.status,
                trace: &self.trace,
                bytes: self.body.size(),
                revision: None,
            });
            return self;
        };
        let ends = self.ends.clone();
        let external = self.trace.external;
        let held = Holding {
            permit,
            ends,
            external,
        };
        let events = events.inspect(move |_| {
            let _held = &held;
        });
        Self {
            body: ReplyBody::Events(events.boxed()),
            ..self
        }
    }

    pub(super) fn fault(fault: &Fault) -> Self {
        let mut reply = Self::json(fault.status(), fault.to_json());
        reply.retry_after = fault.retry_after();
        reply.standing = fault.standing().cloned();
        reply.scopes = fault.scopes().to_vec();
        reply.trace = Trace::of_fault(fault);
        reply
    }
}

impl ReplyBody {
    /// In bytes, where it is known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Json(pieces) => Some(pieces.iter().map(|piece| piece.len() as u64).sum()),
            Self::Events(_) => None,
        }
    }
}

impl Trace {
    pub(super) fn of_fault(fault: &Fault) -> Self {
        Self {
            error: Some(fault.code()),
            is_refused: fault.hides(),
            external: fault.external(),
            ..Self::default()
        }
    }
}

/// What a request took, for as long as its stream is open.
struct Holding {
    permit: Permit,
    /// `None` for a stream that nothing is answered with.
    ends: Option<Ends>,
    /// What somebody outside said before it began.
    external: Option<Verdict>,
}

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(trace) = self.ends.as_ref().and_then(|ends| ends.get()) {
            let trace = Trace {
                external: self.external,
                ..trace.clone()
            };
            self.permit.answered(&Answer {
                status: StatusCode::OK,
                trace: &trace,
                bytes: None,
                revision: None,
            });
        }
    }
}

/// A record that is not complete before its stream is.
struct Ending {
    record: Record,
    ends: Ends,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(trace) = self.ends.get() {
            self.record.ended(trace.clone());
        }
    }
}

/// The opening of an answer, up to where the result object starts.
pub(super) fn frame(id: Id<'_>, room: usize) -> Vec<u8> {
    let id = id.as_json().as_bytes();
    let mut out = Vec::with_capacity(64 + id.len() + room);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    out.extend_from_slice(id);
    out.extend_from_slice(b",\"result\":");
    out
}
