//! What a deployment sets about upstreams.

use crate::{
    egress::EgressSettings, fleet::Probes, oauth::Accounts, secrets::Secrets, tls_material::TrustRoots,
    via::Via,
};
use mcp_common::events::Events;
use std::{path::PathBuf, time::Duration};

/// Settings that hold for all upstreams.
#[derive(Clone, Debug)]
pub struct HubSettings {
    /// Which addresses may be reached.
    pub egress: EgressSettings,
    /// Whose certificates are believed.
    pub trust: TrustRoots,
    /// The place where secrets of definitions are looked up.
    pub secrets: Secrets,
    /// Where the gateway has tokens, and from whom.
    pub accounts: Accounts,
    /// How requests name the gateway; `None` for not at all.
    pub via: Option<Via>,
    /// Bound of the text, and of the structured content, of a tool's result where the upstream has none.
    pub max_result_bytes: u64,
    /// Commands that definitions may start, exactly as definitions write them. None, if it is empty.
    pub stdio_allow: Vec<String>,
    /// Probes beside those of MCP and HTTP. What they may start is `stdio_allow`, too.
    pub probes: Probes,
    /// Programs that run at once, of all upstreams.
    pub most_programs: usize,
    /// A program and its arguments that runs [`keep_watch`](super::keep_watch), so that programs end with a gateway that is killed; empty for none.
    pub warden: Vec<PathBuf>,
    /// A folder for what upstreams offered last, so that it is listed after a restart before they are there; `None` for nowhere.
    pub kept_in: Option<PathBuf>,
    /// The first wait after a failure; each further one is twice as long.
    pub first_wait: Duration,
    /// The longest wait between two attempts.
    pub longest_wait: Duration,
    /// Where it is told what happens to upstreams.
    pub events: Events,
    /// How often the lists of a server are asked for that does not tell of changes.
    pub poll: Duration,
}

impl Default for HubSettings {
    fn default() -> Self {
        Self {
            egress: EgressSettings::default(),
            trust: TrustRoots::native(),
            secrets: Secrets::default(),
            accounts: Accounts::default(),
            via: None,
            max_result_bytes: 256 << 10,
            stdio_allow: Vec::new(),
            probes: Probes::default(),
            most_programs: 64,
            warden: Vec::new(),
            kept_in: None,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
            events: Events::default(),
            poll: Duration::from_secs(60),
        }
    }
}
