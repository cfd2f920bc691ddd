//! Whether whoever opened a stream would be let in under the configuration that is in effect now.

use super::AccessRules;
use crate::app::{App, Current};
use futures_util::{FutureExt, future::BoxFuture};
use mcp_common::{
    authenticator::{Arrival, Denied},
    backoff::Backoff,
};
use mcp_core::{
    policy::{Door, Refusal},
    protocol::{Caller, Doorman},
};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

/// Whoever says who somebody is may be away, or have too many questions at once: streams that were good go on meanwhile.
const ATTEMPTS: usize = 10;
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

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
        let current = self.0.clone();
        async move {
            let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
            for _ in 0..ATTEMPTS {
                // Streams of a gateway that ends have an end of their own.
                let Some(app) = current.upgrade().map(|current| current.now()) else {
                    return true;
                };
                if let Some(answer) = is_let_in(&app, &caller).await {
                    return answer;
                }
                drop(app);
                tokio::time::sleep(waits.next_wait()).await;
            }
            false
        }
        .boxed()
    }
}

/// As the same, with the same rights: what the stream tells was chosen by them. `None` where nobody can say now.
async fn is_let_in(app: &App, caller: &Caller) -> Option<bool> {
    let rules = AccessRules::new(&app.settings.app);
    if rules.check(&caller.headers).is_err() {
        return Some(false);
    }
    let resource = app
        .resources
        .as_ref()
        .map(|resources| resources.instance(&caller.instance));
    let arrival = Arrival {
        headers: &caller.headers,
        resource: resource.as_deref(),
        certificate: caller.peer.certificate(),
    };
    let found = rules.recognise(&app.guard, arrival).await;
    let policy = &app.gateway.policy;
    match policy.enter(Door::Mcp, Some(&caller.instance), found) {
        Ok(principal) => Some(principal == caller.principal),
        Err(Refusal::Unauthenticated(Denied::Unavailable(_)) | Refusal::Unable(_)) => None,
        Err(_) => Some(false),
    }
}
