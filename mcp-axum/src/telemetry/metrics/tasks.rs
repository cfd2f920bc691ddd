//! The background tasks, read when somebody asks.

use mcp_common::tasks::Tasks;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use std::fmt;

#[derive(Debug)]
pub(super) struct TasksCollector(pub(super) Tasks);

impl Collector for TasksCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let report = self.0.report();
        let help = "Background tasks that run, by name";
        let mut running = encoder.encode_descriptor("tasks_running", help, None, MetricType::Gauge)?;
        for task in &report {
            let gauge = ConstGauge::new(i64::try_from(task.running).unwrap_or(i64::MAX));
            gauge.encode(running.encode_family(&[("task", task.name)])?)?;
        }
        let help = "How often a background task was started again after a panic";
        let mut restarts = encoder.encode_descriptor("task_restarts", help, None, MetricType::Counter)?;
        for task in &report {
            ConstCounter::new(task.restarts).encode(restarts.encode_family(&[("task", task.name)])?)?;
        }
        Ok(())
    }
}
