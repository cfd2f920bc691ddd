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
    /// Asks about one endpoint, as soon as there is a place; that wait is none of the endpoint's time, and whoever has no `patience` waits as long as it
    /// takes.
    pub(super) async fn ask(
        &self,
        fleet: &Fleet,
        endpoint: &Endpoint,
        limit: Duration,
        patience: Option<Duration>,
    ) -> Finding {
        let probe = match &self.made {
            Ok(probe) => probe,
            Err(reason) => return Finding::Unknown(reason.clone()),
        };
        let place = self.all.0.places.acquire();
        let place = match patience {
            None => place.await,
            Some(patience) => match tokio::time::timeout(patience, place).await {
                Ok(place) => place,
                Err(_) => {
                    return Finding::Unknown(format!(
                        "{MOST_AT_ONCE} probes are under way, and none ended within {patience:?}; ask again later"
                    ));
                }
            },
        };
        let Ok(_place) = place else {
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

#[cfg(test)]
mod tests {
    use super::{super::Fleets, *};
    use mcp_common::{definition::UpstreamDefinition, document::Document};
    use serde_json::json;

    struct Fine;

    #[async_trait::async_trait]
    impl HealthProbe for Fine {
        async fn probe(&self, _endpoint: Probed<'_>) -> Finding {
            Finding::Good
        }
    }

    fn fleet(probes: &Probes) -> Fleet {
        let document = json!({"protocol": "http", "endpoints": [{"url": "http://a.example"}, {"url": "http://b.example"}]});
        let document = Document::parse(document.to_string().as_bytes()).unwrap();
        let definition = UpstreamDefinition::read("u", &document).unwrap().definition;
        let mut fleet = Fleets::default().fleet(&definition);
        fleet.custom = Some(Custom {
            made: Ok(Arc::new(Fine)),
            all: probes.clone(),
        });
        fleet
    }

    async fn found(fleet: &Fleet) -> Vec<Finding> {
        let own = |_| async { Err("it is not asked so".to_owned()) };
        let found = fleet.ask_all(own).await.into_iter();
        found.map(|(_, finding)| finding).collect()
    }

    #[tokio::test]
    async fn whoever_asks_about_all_endpoints_does_not_wait_for_ever_for_other_probes() {
        let probes = Probes::default();
        let mut fleet = fleet(&probes);
        assert_eq!(found(&fleet).await, [Finding::Good, Finding::Good]);
        let patience = std::mem::replace(&mut fleet.health.timeout, Duration::from_millis(20));
        let places = u32::try_from(MOST_AT_ONCE).unwrap();
        let others = probes.0.places.acquire_many(places).await.unwrap();
        for finding in found(&fleet).await {
            let Finding::Unknown(reason) = finding else {
                panic!("{finding:?}");
            };
            assert!(reason.starts_with("16 probes are under way"), "{reason}");
        }
        drop(others);
        fleet.health.timeout = patience;
        assert_eq!(found(&fleet).await, [Finding::Good, Finding::Good]);
    }
}
