//! Which limits refuse calls, and whose they are.

use super::counted::Refused;
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
    /// Whose it is: `key`, `role`, `tool`, `upstream`, `instance`, `gateway`.
    scope: &'static str,
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
            "Calls that a limit refused, by the member of `limits`, whose it is, and the key that was shown",
            metrics.refused.clone(),
        );
        metrics
    }

    pub(super) fn refused(&self, refused: &Refused, key: Option<&str>) {
        let labels = |place: &str, key: &str| Labels {
            limit: refused.limit,
            scope: refused.scope.word(),
            place: place.to_owned(),
            key: key.to_owned(),
        };
        let mut of = labels(&refused.place, key.unwrap_or_default());
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
            let stays = has_key && role(labels).is_none_or(&is_role_there);
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
fn role(labels: &Labels) -> Option<&str> {
    labels.place.strip_prefix("the role `")?.strip_suffix('`')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Refusal;
    use mcp_common::authenticator::LimitScope;

    fn refused(limit: &'static str, scope: LimitScope, place: &str) -> Refused {
        Refused {
            limit,
            scope,
            place: place.into(),
            refusal: Refusal::Hidden,
        }
    }

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
        let of_key = refused("rate", LimitScope::Key, "the key");
        metrics.refused(&of_key, Some("k"));
        metrics.refused(&of_key, Some("k"));
        metrics.refused(&refused("per_day", LimitScope::Role, "the role `a`"), None);
        let of_token = r#"limit_refusals_total{limit="per_day",scope="role",place="the role `a`",key=""} 1"#;
        let of_keys = r#"limit_refusals_total{limit="rate",scope="key",place="the key",key="k"} 2"#;
        assert_eq!(series(), [of_token, of_keys]);
        metrics.keep(|_| false, |role| role == "a");
        assert_eq!(series(), [of_token]);
        metrics.refused(&refused("rate", LimitScope::Role, "the role `b`"), Some("k"));
        metrics.keep(|_| true, |role| role == "a");
        assert_eq!(series(), [of_token]);
        // One place is taken: the last one finds none.
        for number in 0..MOST {
            metrics.refused(&of_key, Some(&number.to_string()));
        }
        let together = r#"limit_refusals_total{limit="rate",scope="key",place="other",key="other"} 1"#;
        let all = series();
        assert_eq!(all.len(), MOST + 1);
        assert!(all.iter().any(|line| line == together));
    }
}
