//! Whoever, or whatever, has limits: what is counted of them.

use super::{counted::Counted, names};
use mcp_common::authenticator::{CommonLimits, PlacedLimits};
use std::sync::Arc;

pub(super) struct Holder {
    /// The same on all replicas.
    pub(super) name: Arc<str>,
    pub(super) limits: Arc<[PlacedLimits]>,
    pub(super) counted: Box<[Arc<Counted>]>,
}

impl Holder {
    /// What stays as it was goes on.
    pub(super) fn new(name: Arc<str>, limits: Arc<[PlacedLimits]>, before: Option<&Self>) -> Arc<Self> {
        let counted = limits.iter().map(|placed| {
            let mut same = before.iter().flat_map(|before| &*before.counted);
            match same.find(|counted| counted.placed == *placed) {
                Some(counted) => counted.clone(),
                None => Arc::new(Counted::new(placed.clone())),
            }
        });
        let counted = counted.collect();
        Arc::new(Self {
            name,
            limits,
            counted,
        })
    }

    pub(super) fn of_common(common: &CommonLimits, before: Option<&Self>) -> Arc<Self> {
        Self::new(names::of_common(common), common.limits.clone(), before)
    }

    pub(super) fn has(&self, limits: &Arc<[PlacedLimits]>) -> bool {
        Arc::ptr_eq(&self.limits, limits) || self.limits == *limits
    }
}
