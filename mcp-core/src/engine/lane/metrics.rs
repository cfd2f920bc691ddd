//! What is counted of work beside the workers.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    place: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KillLabels {
    reason: &'static str,
}

/// Counters and gauges; clones share them.
#[derive(Clone, Debug, Default)]
pub struct LaneMetrics {
    runs: Family<RunLabels, Counter>,
    kills: Family<KillLabels, Counter>,
    under_way: Gauge,
    processes: Gauge,
}

impl LaneMetrics {
    /// Shows them under `…_work_…`.
    pub fn register(&self, registry: &mut Registry) {
        let runs = "Pieces of calls' work that were done beside the workers, on a thread or in a process";
        registry.register("work_runs", runs, self.runs.clone());
        let kills = "Processes that were ended or died over a piece of work";
        registry.register("work_kills", kills, self.kills.clone());
        let under_way = "Calls that wait for work beside the workers, or that are worked on there now";
        registry.register("work_under_way", under_way, self.under_way.clone());
        registry.register("work_processes", "Processes for work", self.processes.clone());
    }

    pub(super) fn ran(&self, place: &'static str) {
        self.runs.get_or_create(&RunLabels { place }).inc();
    }

    pub(super) fn killed(&self, reason: &'static str) {
        self.kills.get_or_create(&KillLabels { reason }).inc();
    }

    pub(super) fn waits(&self) -> Counted {
        Counted::new(&self.under_way)
    }

    pub(super) fn process(&self) -> Counted {
        Counted::new(&self.processes)
    }
}

/// One of those that are counted, as long as it is there.
#[derive(Debug)]
pub(super) struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
