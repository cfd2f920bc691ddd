//! One pool of connections for each transport.

use crate::{
    connect::Shortcoming,
    engine::{EngineServices, EngineSettings, failure::Failure, http::client::Upstream, result::Outcome},
    tool::{Transport, http::transport::secrets::Found},
};
use moka::sync::Cache;
use std::{fmt, sync::Arc, time::Duration};

/// Transports whose pools are kept. Those over it only have to connect again.
const MOST: u64 = 1024;
/// A pool that nobody used for this time is closed.
const UNUSED: Duration = Duration::from_secs(600);

/// The pools of one engine.
#[derive(Clone)]
pub(crate) struct Pools {
    settings: Arc<EngineSettings>,
    services: EngineServices,
    open: Cache<Arc<Transport>, Arc<Pool>>,
}

/// Connections, and the secrets that were looked at when they were made.
struct Pool {
    found: Found,
    upstream: Upstream,
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools")
            .field("open", &self.open.entry_count())
            .finish_non_exhaustive()
    }
}

impl Pools {
    pub(crate) fn new(settings: &EngineSettings, services: &EngineServices) -> Self {
        Self {
            settings: Arc::new(settings.clone()),
            services: services.clone(),
            open: Cache::builder().max_capacity(MOST).time_to_idle(UNUSED).build(),
        }
    }

    /// The connections of this transport. Secrets that changed since they were made make new ones; calls that are
    /// under way end on the old ones. A secret that is gone ends this; one that is there but broken, as while somebody
    /// replaces certificate and key, leaves what was good before.
    pub(crate) fn get(&self, transport: &Arc<Transport>) -> Result<Upstream, Failure> {
        if let Some(address) = transport.refused_proxy(&self.settings.egress) {
            let text = format!(
                "The proxy {address} is not used: `egress.proxies` of the gateway's configuration does not name it; nothing was sent."
            );
            return Err(Failure::new(Outcome::Refused, text));
        }
        let found = Found::look_up(transport, &self.services.secrets).map_err(|missing| unfit(&missing))?;
        let known = self.open.get(transport);
        if let Some(pool) = known.as_ref().filter(|pool| pool.found.is_like(&found)) {
            return Ok(pool.upstream.clone());
        }
        let upstream = match (self.make(transport, &found), known) {
            (Ok(upstream), _) => upstream,
            (Err((member, reason)), Some(known)) => {
                tracing::warn!(
                    member,
                    reason,
                    "a changed secret of a tool cannot be used; the one before it still is"
                );
                known.upstream.clone()
            }
            (Err(shortcoming), None) => return Err(unfit(&[shortcoming])),
        };
        let pool = Pool {
            found,
            upstream: upstream.clone(),
        };
        self.open.insert(transport.clone(), Arc::new(pool));
        Ok(upstream)
    }

    fn make(&self, transport: &Transport, found: &Found) -> Result<Upstream, Shortcoming> {
        let (tls, hop) = found.dressed(transport, &self.services.trust)?;
        Ok(Upstream::special(
            &self.settings,
            &self.services,
            tls,
            transport,
            hop,
        ))
    }
}

fn unfit(shortcomings: &[Shortcoming]) -> Failure {
    let list: Vec<String> = shortcomings
        .iter()
        .map(|(member, reason)| format!("tds_ext_info.{member}: {reason}"))
        .collect();
    let text = format!(
        "This tool's connections cannot be made: {}; nothing was sent.",
        list.join("; ")
    );
    Failure::new(Outcome::Refused, text)
}
