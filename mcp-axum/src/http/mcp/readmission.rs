//! Whether whoever opened a stream would be let in under the configuration that is in effect now.

use super::AccessRules;
use crate::app::{App, Current};
use futures_util::{FutureExt, future::BoxFuture};
use mcp_common::authenticator::Arrival;
use mcp_core::{
    policy::Door,
    protocol::{Caller, Doorman},
};
use std::sync::{Arc, Weak};

/// Asks the guard that is in effect when it is asked.
pub(crate) struct Readmission(Weak<Current>);

impl Readmission {
    /// `None` for a gateway that has ended.
    pub(crate) fn at(app: &App) -> Option<Arc<Self>> {
        Some(Arc::new(Self(app.current.get()?.clone())))
    }
}

impl Doorman for Readmission {
    fn lets_in(&self, caller: Arc<Caller>) -> BoxFuture<'static, bool> {
        let current = self.0.upgrade();
        async move {
            // Streams of a gateway that ends have an end of their own.
            let Some(current) = current else { return true };
            is_let_in(&current.now(), &caller).await
        }
        .boxed()
    }
}

/// As the same, with the same rights: what the stream tells was chosen by them.
async fn is_let_in(app: &App, caller: &Caller) -> bool {
    let resource = app
        .resources
        .as_ref()
        .map(|resources| resources.instance(&caller.instance));
    let arrival = Arrival {
        headers: &caller.headers,
        resource: resource.as_deref(),
        certificate: caller.peer.certificate(),
    };
    let found = AccessRules::new(&app.settings.app)
        .recognise(&app.guard, arrival)
        .await;
    let policy = &app.gateway.policy;
    let entered = policy.enter(Door::Mcp, Some(&caller.instance), found);
    entered.is_ok_and(|principal| principal == caller.principal)
}
