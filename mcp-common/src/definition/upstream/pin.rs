//! Which tools of an upstream somebody has looked at (`pin`).

use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

/// Tools as they were when somebody approved them. A server can change what a tool says of itself, or takes, at any time: what
/// models then read is what nobody has looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UpstreamPin {
    /// What happens to tools that are other ones than they were when they were approved, and to new ones.
    #[schemars(extend("default" = "off"))]
    pub mode: PinMode,
    /// What was approved: by the server's own name of a tool, `sha256:` and the digest of its name, title, description, schemas and annotations.
    /// `POST /admin/uds/{id}/approve` and `dynmcp pin` write it.
    pub tools: BTreeMap<Arc<str>, Digest>,
}

/// What happens to tools that nobody approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PinMode {
    /// Nothing.
    #[default]
    Off,
    /// They are shown, and the log, the status and the metrics say so.
    Warn,
    /// They are neither listed nor called until somebody approves them.
    Enforce,
}

/// `sha256:` and 64 digits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digest(
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    /// As it is written.
    pub String,
);

impl Digest {
    /// Whether it can be one.
    pub(super) fn is_one(&self) -> bool {
        let digits = self.0.strip_prefix("sha256:").unwrap_or_default();
        digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }
}

impl UpstreamPin {
    /// Whether somebody approved the tool as it is.
    pub fn is_approved(&self, tool: &str, digest: &str) -> bool {
        self.tools.get(tool).is_some_and(|approved| approved.0 == digest)
    }

    /// Whether the tool is shown.
    pub fn shows(&self, tool: &str, digest: &str) -> bool {
        self.mode != PinMode::Enforce || self.is_approved(tool, digest)
    }
}
