//! One line per request. Written when the request is over, also when the client went away before that.

use http::{HeaderValue, StatusCode};
use mcp_core::protocol::Trace;
use std::{sync::Arc, time::Instant};

/// What nginx logs for a client that closed the connection first.
const CLIENT_CLOSED: u16 = 499;

pub(super) struct RequestLog {
    enabled: bool,
    id: HeaderValue,
    started: Instant,
    instance: Option<Arc<str>>,
    trace: Trace,
    status: u16,
}

impl RequestLog {
    pub(super) fn start(enabled: bool, id: &HeaderValue) -> Self {
        let (instance, trace) = (
            None,
            Trace {
                method: "-",
                ..Trace::default()
            },
        );
        Self {
            enabled,
            id: id.clone(),
            started: Instant::now(),
            instance,
            trace,
            status: CLIENT_CLOSED,
        }
    }

    pub(super) fn instance(&mut self, id: &Arc<str>) {
        self.instance = Some(id.clone());
    }

    pub(super) fn trace(&mut self, trace: &Trace) {
        self.trace = trace.clone();
    }

    pub(super) fn status(&mut self, status: StatusCode) {
        self.status = status.as_u16();
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        if !self.enabled {
            return;
        }
        tracing::info!(
            target: "dynmcp::request",
            request_id = self.id.to_str().unwrap_or_default(),
            instance = self.instance.as_deref(),
            method = self.trace.method,
            tool = self.trace.tool.as_deref(),
            status = self.status,
            upstream_status = self.trace.upstream_status,
            outcome = self.trace.outcome.map(|outcome| outcome.as_str()),
            error = self.trace.error,
            duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
        );
    }
}
