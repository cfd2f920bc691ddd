//! The instruments of one tool in one instance.

use super::tools::{ToolLabels, Tools};
use crate::engine::{Asked, Outcome};
use prometheus_client::metrics::{counter::Counter, histogram::Histogram};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// What counts the calls of one tool of a view.
pub(crate) struct ToolMetrics {
    /// Looked up at the first call for which there is a place.
    used: OnceLock<Used>,
    /// When there was no place for it (`Pairs::generation`); 0 while nobody asked for one.
    had_no_place: AtomicU64,
    /// Whether the instance has the tool no more: what was under way at that moment brings no series back.
    is_gone: AtomicBool,
    tools: Arc<Tools>,
    labels: ToolLabels,
}

/// What every call counts.
pub(super) struct Used {
    /// Under which it is counted.
    labels: ToolLabels,
    duration: Histogram,
    size: Histogram,
    ok: Counter,
    /// Not there where nobody is asked.
    upstream: OnceLock<Histogram>,
    /// Not there where nothing is sent again.
    retries: OnceLock<Counter>,
}

impl Used {
    pub(super) fn of(tools: &Tools, labels: ToolLabels) -> Self {
        Self {
            duration: tools.durations.get_or_create_owned(&labels),
            size: tools.sizes.get_or_create_owned(&labels),
            ok: tools.outcomes.get_or_create_owned(&labels.with(Outcome::Ok)),
            upstream: OnceLock::new(),
            retries: OnceLock::new(),
            labels,
        }
    }
}

impl ToolMetrics {
    pub(super) fn new(tools: Arc<Tools>, labels: ToolLabels) -> Self {
        Self {
            used: OnceLock::new(),
            had_no_place: AtomicU64::new(0),
            is_gone: AtomicBool::new(false),
            tools,
            labels,
        }
    }

    /// The instance has the tool no more.
    pub(crate) fn leave(&self) {
        self.is_gone.store(true, Ordering::Release);
    }

    /// Counts an answer that its schema does not allow, and writes it down.
    pub(crate) fn mismatch(&self, places: &str) {
        let ToolLabels {
            mcp_instance: instance,
            tool,
        } = &self.labels;
        tracing::warn!(
            instance,
            tool,
            places,
            "the answer is not what output_schema promises"
        );
        if let Some(used) = self.used() {
            self.tools.while_named(&used.labels, || {
                self.tools.mismatches.get_or_create(&used.labels).inc();
            });
        }
    }

    /// Counts a call: how it ended, how long it took, and how large its result is.
    pub(crate) fn record(&self, outcome: Outcome, seconds: f64, bytes: usize) {
        let Some(used) = self.used() else { return };
        used.duration.observe(seconds);
        used.size.observe(bytes as f64);
        if outcome == Outcome::Ok {
            used.ok.inc();
        } else {
            self.tools.while_named(&used.labels, || {
                let labels = used.labels.with(outcome);
                self.tools.outcomes.get_or_create(&labels).inc();
            });
        }
    }

    /// How long the upstream of a call took.
    pub(crate) fn upstream(&self, took: Duration) {
        let Some(used) = self.used() else { return };
        let make = || self.tools.upstream.get_or_create_owned(&used.labels);
        if let Some(upstream) = self.known(&used.upstream, used, make) {
            upstream.observe(took.as_secs_f64());
        }
    }

    /// What asking took, and how often it was done again.
    pub(crate) fn asked(&self, asked: Asked) {
        if let Some(took) = asked.took {
            self.upstream(took);
        }
        let Some(used) = self.used() else { return };
        // It is there before the first retry, so that this is an increase.
        let make = || self.tools.retries.get_or_create_owned(&used.labels);
        if let Some(retries) = self.known(&used.retries, used, make) {
            retries.inc_by(asked.retries.into());
        }
    }

    /// An instrument that is made when it is needed first; none where its pair is gone meanwhile.
    fn known<'u, I>(&self, place: &'u OnceLock<I>, used: &Used, make: impl FnOnce() -> I) -> Option<&'u I> {
        match place.get() {
            Some(known) => Some(known),
            None => self.tools.while_named(&used.labels, || place.get_or_init(make)),
        }
    }

    /// None where the instance has the tool no more.
    fn used(&self) -> Option<&Used> {
        if let Some(used) = self.used.get() {
            return Some(used);
        }
        let pairs = &self.tools.pairs;
        if self.had_no_place.load(Ordering::Relaxed) == pairs.generation() {
            return Some(self.tools.other());
        }
        let mut named = pairs.lock();
        if self.is_gone.load(Ordering::Acquire) {
            return None;
        }
        if pairs.take(&mut named, &self.labels) {
            return Some(
                self.used
                    .get_or_init(|| Used::of(&self.tools, self.labels.clone())),
            );
        }
        self.had_no_place.store(pairs.generation(), Ordering::Relaxed);
        Some(self.tools.other())
    }
}
