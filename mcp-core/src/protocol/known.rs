//! What a session says of its client where a message does not: older clients name themselves and their revision once, in `initialize`.

use super::{Gateway, Reply, session::Session};
use crate::policy::Trace;
use std::sync::Arc;

/// For the log.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    revision: Option<&'static str>,
    client: Option<Arc<str>>,
}

impl Known {
    /// Nothing where there is no session.
    pub(super) fn of(gateway: &Gateway, session: Option<&Session>) -> Self {
        let Some(session) = session else {
            return Self::default();
        };
        Self {
            revision: Some(session.agreed.version.as_str()),
            client: gateway.session_state.client(&session.id),
        }
    }

    /// Adds what the message did not say itself.
    pub(super) fn complete(self, trace: &mut Trace) {
        trace.revision = trace.revision.or(self.revision);
        trace.client = trace.client.take().or(self.client);
    }
}

impl Reply {
    /// The same, to a client of which this is known.
    pub(super) fn with_known(mut self, known: Known) -> Self {
        known.complete(&mut self.trace);
        self
    }
}
