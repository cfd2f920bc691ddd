//! Who may do what, what that may cost, and what is remembered of it: the one place that every request passes between
//! its envelope and what answers it, on `/mcp` as on `/admin`.
//!
//! On the way in a request passes twice. [`Policy::enter`] knows who calls and at which door, before a body is read;
//! [`Policy::admit`] knows what is asked for. On the way out there is one [`Record`] of each request, also of those that
//! were refused or whose client went away. What decides, counts or remembers is a [`Gate`]; a gateway without any lets
//! everybody do what their door allows.

mod asked;
mod call;
mod external;
mod gate;
mod key_usage;
mod limits;
mod record;
mod refusal;
mod shared;
mod standing;

pub use asked::{Action, Answer, Asked, Asking, Door, Verb};
pub use call::{Call, Ruling};
pub use external::{External, ExternalMetrics, ExternalSettings, Verdict};
pub use gate::{Gate, Held, Hold, Waiting};
pub use key_usage::{KeyUsage, KeyUse};
pub use limits::{CountedCalls, LimitMetrics};
pub use record::{Record, Trace};
pub use refusal::Refusal;
pub use shared::{SharedLimits, SharedMetrics, SharedState};
pub use standing::Standing;

use http::HeaderValue;
use mcp_common::{
    authenticator::{Denied, Principal},
    definition::{InstanceDefinition, Unmet},
};
use std::sync::Arc;

/// The gates of one gateway, in the order in which they are asked.
#[derive(Clone, Default)]
pub struct Policy {
    /// `None` without any, so that no request has to count itself as their user.
    gates: Option<Gates>,
}

type Gates = Arc<[Arc<dyn Gate>]>;

/// A request that was let in; it counts as one until this is dropped.
#[must_use = "what was taken for a request is given back when this is dropped"]
#[derive(Default)]
pub struct Permit {
    holds: Vec<Hold>,
}

impl Permit {
    /// What the request was answered with.
    pub fn answered(&mut self, answer: &Answer<'_>) {
        for hold in &mut self.holds {
            hold.answered(answer);
        }
    }

    /// Where the caller stands with the limits that the request counted for; asked once.
    pub fn standing(&mut self) -> Option<Standing> {
        self.holds.iter_mut().find_map(|hold| hold.standing())
    }

    /// Whether anybody wants to know what the request was answered with.
    pub(crate) fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }
}

impl Policy {
    /// A policy of these gates.
    pub fn new(gates: Vec<Arc<dyn Gate>>) -> Self {
        let gates = (!gates.is_empty()).then(|| gates.into());
        Self { gates }
    }

    /// Whether this caller may come in at the door at all, by what the authenticators found. `instance` is the id that the
    /// path names, whether or not there is one.
    pub fn enter(
        &self,
        door: Door,
        instance: Option<&str>,
        found: Result<Principal, Denied>,
    ) -> Result<Principal, Refusal> {
        let principal = found.map_err(Refusal::Unauthenticated)?;
        let rights = principal.rights();
        if let Some(reason) = rights.and_then(|rights| rights.broken()) {
            return Err(Refusal::Forbidden(format!("this key opens nothing: {reason}")));
        }
        let opens_admin = principal.admin || rights.is_some_and(|rights| rights.opens_admin());
        if door == Door::Admin && !opens_admin {
            // Let in without a key; with one it may be different.
            if principal == Principal::anonymous() {
                return Err(Refusal::Unauthenticated(Denied::Missing));
            }
            return Err(Refusal::Forbidden(
                "this key may use instances but not /admin; use an admin key".to_owned(),
            ));
        }
        // Before anybody looks whether it is there: who may not use an instance does not learn of it.
        let opens = |instance: &str| rights.is_none_or(|rights| rights.opens(instance));
        if let Some(instance) = instance.filter(|instance| !opens(instance)) {
            return Err(not_opened(instance));
        }
        for gate in self.gates.iter().flat_map(|gates| &**gates) {
            gate.enter(door, &principal)?;
        }
        Ok(principal)
    }

    /// The same by what the instance says itself, for whoever came in at the door. Who has none of its roles does not learn of it.
    pub fn enter_instance(&self, caller: &Principal, instance: &InstanceDefinition) -> Result<(), Refusal> {
        match instance
            .access
            .as_ref()
            .map_or(Ok(()), |access| access.met_by(caller))
        {
            Ok(()) => Ok(()),
            Err(Unmet::Roles) => Err(not_opened(&instance.id)),
            Err(Unmet::Scopes(scopes)) => Err(Refusal::Unauthenticated(Denied::Scopes(scopes))),
        }
    }

    /// Whether the caller may have what is asked for. The first gate that refuses decides; what those before it took is
    /// given back.
    pub fn admit(&self, asked: &Asked<'_>) -> Result<Permit, Refusal> {
        self.decide(asked)
            .inspect_err(|refusal| self.tell(asked, refusal))
    }

    /// The same for calls, about which a gate may have to ask somebody else.
    pub async fn admit_call(&self, asked: &Asked<'_>) -> Result<Permit, Refusal> {
        let decided = self.decide_waiting(asked).await;
        decided.inspect_err(|refusal| self.tell(asked, refusal))
    }

    fn tell(&self, asked: &Asked<'_>, refusal: &Refusal) {
        for gate in self.gates.iter().flat_map(|gates| &**gates) {
            gate.refused(asked, refusal);
        }
    }

    async fn decide_waiting(&self, asked: &Asked<'_>) -> Result<Permit, Refusal> {
        may_be_asked(asked)?;
        let mut holds = Vec::new();
        for gate in self.gates.iter().flat_map(|gates| &**gates) {
            holds.extend(match gate.admit_waiting(asked) {
                Some(waiting) => waiting.await?,
                None => gate.admit(asked)?,
            });
        }
        Ok(Permit { holds })
    }

    fn decide(&self, asked: &Asked<'_>) -> Result<Permit, Refusal> {
        may_be_asked(asked)?;
        let mut holds = Vec::new();
        for gate in self.gates.iter().flat_map(|gates| &**gates) {
            holds.extend(gate.admit(asked)?);
        }
        Ok(Permit { holds })
    }

    /// The record of a request that begins now.
    pub fn record(&self, door: Door, request_id: &HeaderValue) -> Record {
        Record::begin(self.gates.clone(), door, request_id.clone())
    }
}

/// Whether rules about `/admin` allow it; those about calls are for their methods.
fn may_be_asked(asked: &Asked<'_>) -> Result<(), Refusal> {
    if let Action::Admin { verb, path } = asked.action {
        let wanted = verb.of_admin(path);
        if !asked.principal.may(&wanted) {
            return Err(Refusal::not_allowed(asked.principal, &wanted));
        }
    }
    Ok(())
}

fn not_opened(instance: &str) -> Refusal {
    Refusal::Forbidden(format!(
        "this key does not open the instance `{instance}`: neither its `instances` nor its roles do"
    ))
}

#[cfg(test)]
mod tests;
