//! Probes of HTTP services: their endpoints are asked with GET how they are.

use super::client::Room;
use crate::{
    engine::{CallContext, Engine},
    tool::{Base, Bases, InstanceNames},
};
use bytes::Bytes;
use http::{Request, header::HOST};
use http_body_util::Full;
use mcp_common::{authenticator::Principal, probe::Finding};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task::{AbortHandle, JoinSet};

/// How soon services that are new are probed, and those that are gone no more.
const LOOK: Duration = Duration::from_secs(1);
/// How much of an answer is read; what is beyond says nothing.
const MOST: u64 = 64 << 10;

impl Engine {
    /// Probes the services whose documents want it, for ever.
    pub async fn probe_services(self) {
        let mut probing: JoinSet<()> = JoinSet::new();
        let mut known: HashMap<Arc<str>, (Arc<Base>, AbortHandle)> = HashMap::new();
        let mut seen = 0;
        loop {
            let epoch = self.services.bases.epoch();
            if epoch != seen {
                seen = epoch;
                self.follow_services(&mut known, &mut probing);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                Some(Err(ended)) = probing.join_next() => {
                    if let Ok(panic) = ended.try_into_panic() {
                        // Whoever looks after this begins it anew.
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
    }

    /// Asks all endpoints of a service once how they are, also where its document wants no probes; `None` if there is no service of this id. What is
    /// found out counts for nothing.
    pub async fn probe_service(&self, id: &str) -> Option<Vec<(String, Finding)>> {
        let base = self.services.bases.find(id)?;
        Some(base.fleet.ask_all(|place| self.probe(&base, place)).await)
    }

    fn follow_services(
        &self,
        known: &mut HashMap<Arc<str>, (Arc<Base>, AbortHandle)>,
        probing: &mut JoinSet<()>,
    ) {
        let bases: &Bases = &self.services.bases;
        known.retain(|id, (base, watching)| {
            let is_same = bases.find(id).is_some_and(|now| Arc::ptr_eq(&now, base));
            if !is_same {
                watching.abort();
            }
            is_same
        });
        for id in bases.ids() {
            let Some(base) = bases.find(&id).filter(|_| !known.contains_key(&id)) else {
                continue;
            };
            let (engine, watched) = (self.clone(), base.clone());
            let watching = probing.spawn(async move {
                watched.fleet.watch(|place| engine.probe(&watched, place)).await;
            });
            known.insert(id, (base, watching));
        }
    }

    /// Any status below 500 shows that it is alive.
    async fn probe(&self, base: &Base, place: usize) -> Result<(), String> {
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: &Principal::anonymous(),
            arguments: None,
            headers: None,
        };
        let mut request = Request::new(Full::new(Bytes::new()));
        let probed = base.probed(place).ok_or("it has no address")?;
        *request.uri_mut() = probed.uri.clone();
        if let Some(host) = &probed.host {
            request.headers_mut().insert(HOST, host.clone());
        }
        base.dress(request.headers_mut(), &self.services.secrets)?;
        self.name_gateway(&mut request, &context);
        let upstream = self.pooled(base.transport.as_ref());
        let upstream = upstream.map_err(|failure| failure.reason().to_owned())?;
        if let Some(auth) = &base.auth {
            let tools = (&self.services.secrets, &self.services.tokens, &*upstream);
            let applied = super::credentials::apply(auth, &mut request, &context, tools).await;
            applied.map_err(|failure| failure.reason().to_owned())?;
            if let Some(signer) = auth.signer() {
                let hashed = super::credentials::Hashed::default();
                let signed = super::credentials::sign(self, signer, &mut request, &hashed).await;
                signed.map_err(|failure| failure.reason().to_owned())?;
            }
        }
        let mut status = None;
        let room = Room {
            most: MOST,
            peer: None,
            line: None,
        };
        let answered = upstream.exchange(request, room, &mut status).await;
        match (status, answered) {
            (Some(status), _) if status >= 500 => {
                Err(format!("it answered a probe with the status {status}"))
            }
            // An answer that is too large, or breaks off, is one.
            (Some(_), _) | (None, Ok(_)) => Ok(()),
            (None, Err(failure)) => Err(failure.reason().to_owned()),
        }
    }
}
