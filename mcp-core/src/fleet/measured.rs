//! What a fleet adds to calls, by itself: for benches, which see nothing else of it.

use super::{Fleet, Fleets, Mask, Verdict, Who};
use mcp_common::definition::UpstreamDefinition;
use std::time::Duration;

/// How long such a call could take.
const LEFT: Duration = Duration::from_secs(15);

/// A fleet whose calls are answered at once.
#[doc(hidden)]
#[derive(Debug)]
pub struct Measured(Fleet);

impl Measured {
    /// Of this document.
    pub fn of(definition: &UpstreamDefinition) -> Self {
        Self(Fleets::default().fleet(definition))
    }

    /// What so many calls do with it, one after the other: a key, an endpoint with its breaker and its health, how long it is waited for, and how it ended. How many
    /// got an endpoint.
    pub fn calls(&self, count: usize) -> usize {
        let Self(fleet) = self;
        let who = Who {
            session: Some("3f2c9d0e-5b7a-4c1d-9e8f-0a1b2c3d4e5f"),
            principal: Some("support-desk"),
            arguments: Some(r#"{"id":17,"q":"blue shoes","limit":20}"#),
        };
        let mut answered = 0;
        for _ in 0..count {
            fleet.earn();
            let mut tried = Mask::default();
            let Ok(lease) = fleet.pick(fleet.keys(who), tried) else {
                continue;
            };
            tried.add(lease.place);
            answered += usize::from(fleet.patience(tried, LEFT) != Some(Duration::ZERO));
            lease.judge(Verdict::Good);
        }
        answered
    }
}
