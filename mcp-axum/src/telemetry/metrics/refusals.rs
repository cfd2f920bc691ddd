//! Requests that were not let in: who guesses keys, and whose limits are too tight, shows here.

use mcp_core::policy::{Door, Gate, Record};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

/// No key or a wrong one; not with this key; not now.
const COUNTED: [u16; 3] = [401, 403, 429];

/// Counts refusals at both doors.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Family<Labels, Counter>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    door: &'static str,
    status: u16,
}

impl Refusals {
    /// All series are there from the beginning, so that the first refusal is an increase.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let refusals = Self::default();
        for door in ["mcp", "admin"] {
            for status in COUNTED {
                drop(refusals.0.get_or_create(&Labels { door, status }));
            }
        }
        let help = "Requests that were not let in, by HTTP status: 401 no key or a wrong one, 403 not with this key, 429 beyond a limit";
        registry.register("requests_refused", help, refusals.0.clone());
        refusals
    }
}

impl Gate for Refusals {
    fn over(&self, record: &Record) {
        let status = record.status();
        if COUNTED.contains(&status) {
            let door = match record.door {
                Door::Mcp => "mcp",
                Door::Admin => "admin",
            };
            self.0.get_or_create(&Labels { door, status }).inc();
        }
    }
}
