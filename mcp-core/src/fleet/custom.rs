//! Probes that are neither of MCP nor of HTTP: programs, and what is linked into the gateway.

use super::{Endpoint, Fleet};
use mcp_common::{
    definition::upstream::Health,
    plugin::{HealthProbeFactory, PluginError, Registry},
    probe::{AllowedPrograms, Finding, HealthProbe, Probed, Surroundings},
    problem::Problem,
};
use serde_json::Value;
use std::{fmt, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// Such probes under way at once, of all upstreams: each may be a process of its own.
const MOST_AT_ONCE: usize = 16;
/// Where the settings of a probe stand.
const SETTINGS: &str = "health.settings";

/// The probes that are linked into a gateway. Clones are the same.
#[derive(Clone)]
pub struct Probes(Arc<Shared>);

struct Shared {
    registry: Option<Registry<dyn HealthProbeFactory>>,
    surroundings: Surroundings,
    places: Semaphore,
}

impl Probes {
    /// All that are linked. They may start nothing before [`allow`](Self::allow).
    pub fn linked() -> Result<Self, PluginError> {
        Ok(Self::of(Some(
            Registry::<dyn HealthProbeFactory>::health_probes()?
        )))
    }

    fn of(registry: Option<Registry<dyn HealthProbeFactory>>) -> Self {
        Self(Arc::new(Shared {
            registry,
            surroundings: Surroundings::default(),
            places: Semaphore::new(MOST_AT_ONCE),
        }))
    }

    /// From now on probes may start these programs, and no others.
    pub fn allow(&self, programs: Vec<String>) {
        self.programs().set(programs);
    }

    fn programs(&self) -> &AllowedPrograms {
        &self.0.surroundings.programs
    }

    /// What of a document no probe could work with.
    pub(crate) fn check(&self, health: &Health) -> Vec<Problem> {
        let Some(name) = health.named_probe() else {
            return Vec::new();
        };
        let factory = match self.factory(name) {
            Ok(factory) => factory,
            Err(error) => return vec![Problem::at("health.probe", error.to_string())],
        };
        let place_of = |error: PluginError| match error {
            PluginError::Setting { key, reason } => Problem::at(key, reason),
            other => Problem::at(SETTINGS, other.to_string()),
        };
        let problems = factory.check(SETTINGS, &settings(health));
        problems.into_iter().map(place_of).collect()
    }

    /// `None` where the endpoints are asked with MCP or HTTP.
    pub(super) fn of_health(&self, health: &Health) -> Option<Custom> {
        let name = health.named_probe()?;
        let made = self
            .factory(name)
            .and_then(|factory| factory.make(SETTINGS, &settings(health), &self.0.surroundings));
        Some(Custom {
            made: made.map_err(|error| error.to_string()),
            all: self.clone(),
        })
    }

    fn factory(&self, name: &str) -> Result<Box<dyn HealthProbeFactory>, PluginError> {
        match &self.0.registry {
            Some(registry) => registry.get(name),
            None => Err(PluginError::Unknown {
                port: "health probe",
                name: name.to_owned(),
                known: "none here".to_owned(),
            }),
        }
    }
}

fn settings(health: &Health) -> Value {
    let members = health.settings.iter();
    Value::Object(
        members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

impl Default for Probes {
    /// None.
    fn default() -> Self {
        Self::of(None)
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.registry.iter().flat_map(Registry::names);
        f.debug_set().entries(names).finish()
    }
}

/// The probe of one upstream.
pub(super) struct Custom {
    /// What asks, or why there is nothing that could.
    made: Result<Arc<dyn HealthProbe>, String>,
    all: Probes,
}

impl Custom {
    /// Asks about one endpoint, as soon as there is a place; that wait is none of the endpoint's time.
    pub(super) async fn ask(&self, fleet: &Fleet, endpoint: &Endpoint, limit: Duration) -> Finding {
        let probe = match &self.made {
            Ok(probe) => probe,
            Err(reason) => return Finding::Unknown(reason.clone()),
        };
        let Ok(_place) = self.all.0.places.acquire().await else {
            return Finding::Unknown("no probe can be made any more".to_owned());
        };
        let probed = Probed {
            upstream: &fleet.upstream,
            url: &endpoint.url,
            region: endpoint.region.as_deref(),
        };
        match tokio::time::timeout(limit, probe.probe(probed)).await {
            Ok(finding) => finding,
            Err(_) => Finding::Bad(format!("no answer to a probe within {limit:?}")),
        }
    }
}

impl fmt::Debug for Custom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Custom")
            .field("reason", &self.made.as_ref().err())
            .finish_non_exhaustive()
    }
}
