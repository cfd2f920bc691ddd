//! How long an upstream may take, and how much it may send.

use crate::{
    byte_size::ByteSize,
    definition::{CallLimits, Rate},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{num::NonZeroU32, time::Duration};

/// The most calls that wait at once.
pub(super) const MOST_WAITING: u32 = 10_000;
/// The longest that they do.
pub(super) const LONGEST_WAIT_MS: u64 = 3_600_000;

/// How long each step towards an upstream may take. An error that one of them causes names it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamTimeouts {
    /// Milliseconds that a connection may take to be there.
    pub connect_ms: u64,
    /// Milliseconds from the start of a program, or from the first request, until it is known how the server speaks.
    /// Programs that are fetched when they are started take long.
    pub handshake_ms: u64,
    /// Milliseconds that a whole list may take, with all of its pages.
    pub list_ms: u64,
    /// Milliseconds that a whole call may take.
    pub call_total_ms: u64,
}

/// What is sent to an upstream at once, and how much it may send.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamLimits {
    /// How many calls all callers together may make in a time: `20/s`, `5/min`, `100/h`, `1000/d`. More are refused. Each replica counts for itself, unless
    /// the configuration has all of them count in one Redis; so do `concurrent` and `per_day`.
    pub rate: Option<Rate>,
    /// How many calls at once before `rate` counts, after a pause; as many as `rate` says where nothing is said.
    pub burst: Option<NonZeroU32>,
    /// How many calls of all callers that are under way at the same time. More are refused; where they are to wait, that is `concurrency`.
    pub concurrent: Option<NonZeroU32>,
    /// How many calls all callers together may make from midnight to midnight, UTC.
    pub per_day: Option<NonZeroU32>,
    /// Calls under way at once; more of them wait (`queue`).
    pub concurrency: u32,
    /// Requests under way at once to each endpoint, in each gateway process. An endpoint that has so many gets no more; where all have, calls wait (`queue`).
    #[schemars(range(min = 1))]
    pub endpoint_concurrency: Option<u32>,
    /// Calls that wait at once where there is no place for more (`concurrency`, `endpoint_concurrency`). Who calls takes turns with others who do. 0: calls fail
    /// at once.
    #[schemars(range(min = 0, max = MOST_WAITING))]
    pub queue: u32,
    /// Milliseconds that a call waits at the most; never longer than it may take.
    #[schemars(range(min = 1, max = LONGEST_WAIT_MS))]
    pub queue_ms: u64,
    /// Clients that have a session of their own at once (`sessions`).
    pub clients: u32,
    /// The size of one message of the server, and of one line of a program.
    pub max_response_bytes: ByteSize,
    /// The text, and the structured content, of one result of a tool. Default: what the operator says (`upstream.max_result_bytes`).
    pub max_result_bytes: Option<ByteSize>,
    /// Tools that are taken; a server that lists more is refused.
    pub tools: u32,
    /// Resources that are taken, and as many templates; what a server lists beyond is left out.
    pub resources: u32,
    /// Prompts that are taken; what a server lists beyond is left out.
    pub prompts: u32,
}

impl Default for UpstreamTimeouts {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            handshake_ms: 60_000,
            list_ms: 30_000,
            call_total_ms: 60_000,
        }
    }
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self {
            rate: None,
            burst: None,
            concurrent: None,
            per_day: None,
            concurrency: 64,
            endpoint_concurrency: None,
            queue: 100,
            queue_ms: 5_000,
            clients: 100,
            max_response_bytes: ByteSize(8 << 20),
            max_result_bytes: None,
            tools: 10_000,
            resources: 10_000,
            prompts: 10_000,
        }
    }
}

impl UpstreamLimits {
    /// How many calls all callers together may make.
    pub fn of_calls(&self) -> CallLimits {
        CallLimits {
            rate: self.rate,
            burst: self.burst,
            concurrent: self.concurrent,
            per_day: self.per_day,
        }
    }

    /// Without these, and with all that is about connections, or about what they carry.
    pub(super) fn without_calls(&self) -> Self {
        Self {
            rate: None,
            burst: None,
            concurrent: None,
            per_day: None,
            ..self.clone()
        }
    }
}

impl UpstreamTimeouts {
    /// How long a connection may take to be there.
    pub fn connect(&self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    /// How long it may take until it is known how the server speaks.
    pub fn handshake(&self) -> Duration {
        Duration::from_millis(self.handshake_ms)
    }

    /// How long a list may take.
    pub fn list(&self) -> Duration {
        Duration::from_millis(self.list_ms)
    }

    /// How long a call may take.
    pub fn call(&self) -> Duration {
        Duration::from_millis(self.call_total_ms)
    }
}
