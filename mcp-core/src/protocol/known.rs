//! What a session says of its client where a message does not: older clients name themselves and their revision once, in `initialize`.

use super::{Endpoint, headers};
use crate::policy::Trace;
use http::HeaderMap;

impl Endpoint {
    /// Completes what the log says of a request with what is known of the session that it names, whatever becomes of the request: much is refused
    /// before its session is looked at.
    pub fn recall(&self, headers: &HeaderMap, trace: &mut Trace) {
        // Newer revisions have no sessions.
        if Self::cancels_on_disconnect(headers) {
            return;
        }
        let Ok(Some(id)) = headers::single(headers, &headers::SESSION_ID) else {
            return;
        };
        if let Some(agreed) = self.gateway.sessions.recall(id) {
            trace.complete(&Trace {
                revision: Some(agreed.version.as_str()),
                client: self.gateway.session_state.client(id),
                ..Trace::default()
            });
        }
    }
}

impl Trace {
    /// Adds who the client is where this does not say it.
    pub(super) fn complete(&mut self, known: &Self) {
        self.revision = self.revision.or(known.revision);
        self.client = self.client.take().or_else(|| known.client.clone());
    }
}
