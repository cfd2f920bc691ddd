//! Where this gateway is registered itself.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// By the places of `[[register]]`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegisterMetrics {
    is_known: Family<Place, Gauge>,
    failures: Family<Place, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    registry: String,
    name: String,
}

/// Those of one of them.
pub(crate) struct OneRegistry {
    /// 1 while it is known there.
    pub(crate) is_known: Gauge,
    /// Attempts.
    pub(crate) failures: Counter,
}

impl RegisterMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "registered",
            "1 while a registry knows this gateway by its last answer, 0 otherwise",
            metrics.is_known.clone(),
        );
        registry.register(
            "register_failures",
            "Attempts to register this gateway, or to give a sign of life, that a registry did not answer with success",
            metrics.failures.clone(),
        );
        metrics
    }

    pub(crate) fn of(&self, registry: &str, name: &str) -> OneRegistry {
        let place = Place {
            registry: registry.to_owned(),
            name: name.to_owned(),
        };
        OneRegistry {
            is_known: self.is_known.get_or_create(&place).clone(),
            failures: self.failures.get_or_create(&place).clone(),
        }
    }
}
