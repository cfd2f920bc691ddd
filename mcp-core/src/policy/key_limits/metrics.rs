//! Which limits refuse calls, and whose they are.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Series at the most; there may be very many keys.
const MOST: usize = 10_000;

/// What stands in the place of whose a limit is where there are more.
const OTHER: &str = "other";

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct LimitMetrics {
    refused: Family<Labels, Counter>,
    /// The series that there are.
    known: Arc<Mutex<HashSet<Labels>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The member of `limits`.
    limit: &'static str,
    /// ``the role `agent` ``, `the key`.
    place: String,
    /// The id of the key that was shown; empty for tokens.
    key: String,
}

impl LimitMetrics {
    /// Registers under `dynmcp_…`; the caller adds the prefix to the registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "limit_refusals",
            "Calls that a limit of a key or of a role refused, by the member of `limits`, whose it is, and the key that was shown",
            metrics.refused.clone(),
        );
        metrics
    }

    pub(super) fn refused(&self, limit: &'static str, place: &str, key: Option<&str>) {
        let labels = |place: &str, key: &str| Labels {
            limit,
            place: place.to_owned(),
            key: key.to_owned(),
        };
        let mut of = labels(place, key.unwrap_or_default());
        let mut known = self.known();
        if !known.contains(&of) {
            if known.len() < MOST {
                known.insert(of.clone());
            } else {
                of = labels(OTHER, OTHER);
            }
        }
        // Under the lock, so that no series comes back that `keep` takes away meanwhile.
        self.refused.get_or_create(&of).inc();
    }

    /// Forgets keys and roles that are not there any more.
    pub(super) fn keep(&self, is_key_there: impl Fn(&str) -> bool, is_role_there: impl Fn(&str) -> bool) {
        self.known().retain(|labels| {
            let has_key = labels.key.is_empty() || is_key_there(&labels.key);
            let stays = has_key && role(&labels.place).is_none_or(&is_role_there);
            if !stays {
                self.refused.remove(labels);
            }
            stays
        });
    }

    fn known(&self) -> MutexGuard<'_, HashSet<Labels>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id in ``the role `agent` ``.
fn role(place: &str) -> Option<&str> {
    place.strip_prefix("the role `")?.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_limits_until_their_keys_and_roles_are_gone() {
        let mut registry = Registry::default();
        let metrics = LimitMetrics::register(&mut registry);
        let series = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let mut lines: Vec<_> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        metrics.refused("rate", "the key", Some("k"));
        metrics.refused("rate", "the key", Some("k"));
        metrics.refused("per_day", "the role `a`", None);
        let of_token = r#"limit_refusals_total{limit="per_day",place="the role `a`",key=""} 1"#;
        let of_key = r#"limit_refusals_total{limit="rate",place="the key",key="k"} 2"#;
        assert_eq!(series(), [of_token, of_key]);
        metrics.keep(|_| false, |role| role == "a");
        assert_eq!(series(), [of_token]);
        metrics.refused("rate", "the role `b`", Some("k"));
        metrics.keep(|_| true, |role| role == "a");
        assert_eq!(series(), [of_token]);
        // One place is taken: the last one finds none.
        for number in 0..MOST {
            metrics.refused("rate", "the key", Some(&number.to_string()));
        }
        let together = r#"limit_refusals_total{limit="rate",place="other",key="other"} 1"#;
        let all = series();
        assert_eq!(all.len(), MOST + 1);
        assert!(all.iter().any(|line| line == together));
    }
}
