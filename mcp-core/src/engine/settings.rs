//! What a deployment can set about upstream calls.

use crate::{egress::EgressSettings, via::Via};
use mcp_common::{bounds::Bounds, definition::tool::OnMismatch};
use std::{sync::Arc, time::Duration};

/// Defaults and bounds for all tools; a definition may choose its own within reason. Values, nothing that lives.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// Bound of a whole call where the tool has none.
    pub default_timeout: Duration,
    /// Bound of name resolution, connecting and the TLS handshake together.
    pub connect_timeout: Duration,
    /// Bound of a request body where the tool has none.
    pub max_request_bytes: u64,
    /// Bound of an answer's body where the tool has none.
    pub max_response_bytes: u64,
    /// Bound of the text, and of the structured content, that a result has where the tool has none.
    pub max_result_bytes: u64,
    /// Bounds of what is parsed: arguments, answers.
    pub bounds: Arc<Bounds>,
    /// Idle connections kept per upstream.
    pub max_idle_per_host: usize,
    /// How long they are kept.
    pub idle_timeout: Duration,
    /// What happens to answers that `output_schema` does not allow, where the tool says nothing about it.
    pub on_mismatch: OnMismatch,
    /// Which addresses may be reached.
    pub egress: EgressSettings,
    /// How requests name the gateway; `None` for not at all.
    pub via: Option<Via>,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            default_timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            max_request_bytes: 1 << 20,
            max_response_bytes: 8 << 20,
            max_result_bytes: 256 << 10,
            bounds: Arc::default(),
            max_idle_per_host: 64,
            idle_timeout: Duration::from_secs(30),
            on_mismatch: OnMismatch::default(),
            egress: EgressSettings::default(),
            via: None,
        }
    }
}
