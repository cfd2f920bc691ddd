//! Limits that all callers share.

use super::{LimitScope, PlacedLimits};
use crate::definition::CallLimits;
use std::sync::Arc;

/// How many calls of something all callers together may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonLimits {
    /// What it is, and which one: no other one has the same.
    pub name: Arc<str>,
    /// One entry, as it is told.
    pub limits: Arc<[PlacedLimits]>,
}

impl CommonLimits {
    /// Those of a tool, an upstream or an instance; `None` where nothing is limited.
    pub fn of(scope: LimitScope, id: &str, limits: CallLimits) -> Option<Arc<Self>> {
        let word = scope.word();
        Self::placed(
            scope,
            format!("{word}:{id}"),
            format!("the {word} `{id}`"),
            limits,
        )
    }

    /// Those of the whole gateway.
    pub fn of_gateway(limits: CallLimits) -> Option<Arc<Self>> {
        let scope = LimitScope::Gateway;
        Self::placed(scope, scope.word().to_owned(), "the gateway".to_owned(), limits)
    }

    fn placed(scope: LimitScope, name: String, place: String, limits: CallLimits) -> Option<Arc<Self>> {
        let placed = PlacedLimits {
            scope,
            place: place.into(),
            tools: None,
            limits,
        };
        (!limits.is_empty()).then(|| {
            Arc::new(Self {
                name: name.into(),
                limits: [placed].into(),
            })
        })
    }
}
