//! What two looks at the metrics say about the time between them.

use super::exposition::{Buckets, Line, lines};
use serde::Serialize;
use std::{collections::BTreeMap, time::Instant};

/// Everything counted, at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Instant,
    /// Gauges, and counters without labels.
    plain: BTreeMap<String, f64>,
    /// Requests to `/mcp` by method and result.
    requests: BTreeMap<(String, String), f64>,
    /// Refusals by door and status.
    refused: BTreeMap<(String, String), f64>,
    tools: BTreeMap<(String, String), Tool>,
}

#[derive(Clone, Debug, Default)]
struct Tool {
    calls: f64,
    failures: f64,
    seconds: Buckets,
}

impl Sample {
    pub(super) fn read(text: &str, at: Instant) -> Self {
        let mut sample = Self {
            at,
            plain: BTreeMap::new(),
            requests: BTreeMap::new(),
            refused: BTreeMap::new(),
            tools: BTreeMap::new(),
        };
        lines(text).for_each(|line| sample.add(&line));
        sample
    }

    fn add(&mut self, line: &Line<'_>) {
        let pair = |one: &str, other: &str| (line.label(one).to_owned(), line.label(other).to_owned());
        match line.name {
            "dynmcp_mcp_requests_total" => {
                self.requests.insert(pair("method", "result"), line.value);
            }
            "dynmcp_requests_refused_total" => {
                self.refused.insert(pair("door", "status"), line.value);
            }
            "dynmcp_tool_calls_total" => {
                let tool = self.tools.entry(pair("mcp_instance", "tool")).or_default();
                tool.calls += line.value;
                if line.label("outcome") != "ok" {
                    tool.failures += line.value;
                }
            }
            "dynmcp_tool_call_duration_seconds_bucket" => {
                let bound = line.label("le").parse().unwrap_or(f64::INFINITY);
                let tool = self.tools.entry(pair("mcp_instance", "tool")).or_default();
                tool.seconds.add(bound, line.value);
            }
            // Of what has labels, the sum says how much there is of it.
            name => *self.plain.entry(name.to_owned()).or_default() += line.value,
        }
    }
}

/// What a gateway does, in the time between two looks. Rates are per second, times in seconds.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Figures {
    /// How long that was.
    pub(super) seconds: f64,
    pub(super) requests: f64,
    pub(super) calls: f64,
    /// Calls that ended otherwise than well, of all calls; 0 to 1.
    pub(super) failing: f64,
    pub(super) refused: f64,
    pub(super) p50: Option<f64>,
    pub(super) p95: Option<f64>,
    pub(super) p99: Option<f64>,
    /// Processors that are busy.
    pub(super) cpu: f64,
    pub(super) resident_bytes: f64,
    pub(super) in_flight_bytes: f64,
    pub(super) budget_bytes: f64,
    pub(super) connections: f64,
    pub(super) streams: f64,
    pub(super) upstream_in_flight: f64,
    pub(super) files: f64,
    pub(super) most_files: f64,
    pub(super) stuck: f64,
    pub(super) tools: Vec<ToolFigures>,
    pub(super) by_method: Vec<Counted>,
    pub(super) refusals: Vec<Counted>,
}

/// One tool of one instance.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ToolFigures {
    pub(super) instance: String,
    pub(super) tool: String,
    pub(super) calls: f64,
    pub(super) failing: f64,
    pub(super) p50: Option<f64>,
    pub(super) p95: Option<f64>,
    pub(super) p99: Option<f64>,
    /// Since the gateway began.
    pub(super) total: f64,
    pub(super) failed: f64,
}

/// Something counted by two labels.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Counted {
    pub(super) what: String,
    pub(super) how: String,
    pub(super) rate: f64,
    pub(super) total: f64,
}

impl Figures {
    pub(super) fn between(before: &Sample, now: &Sample) -> Self {
        let seconds = now.at.saturating_duration_since(before.at).as_secs_f64();
        let rate = |now: f64, before: f64| match seconds > 0.0 {
            true => since(now, before) / seconds,
            false => 0.0,
        };
        let gauge = |name: &str| now.plain.get(name).copied().unwrap_or_default();
        let counter = |name: &str| rate(gauge(name), before.plain.get(name).copied().unwrap_or_default());
        let counted = |now: &BTreeMap<(String, String), f64>, before: &BTreeMap<(String, String), f64>| {
            let one = |(key, total): (&(String, String), &f64)| Counted {
                what: key.0.clone(),
                how: key.1.clone(),
                rate: rate(*total, before.get(key).copied().unwrap_or_default()),
                total: *total,
            };
            let all: Vec<Counted> = now
                .iter()
                .map(one)
                .filter(|counted| counted.total > 0.0)
                .collect();
            all
        };
        let by_method = counted(&now.requests, &before.requests);
        let refusals = counted(&now.refused, &before.refused);
        // From zero, since the sum of nothing is -0.
        let sum = |counted: &[Counted]| counted.iter().fold(0.0, |sum, counted| sum + counted.rate);

        let mut all = Buckets::default();
        let (mut calls, mut failures) = (0.0, 0.0);
        let mut tools = Vec::with_capacity(now.tools.len());
        for (key, tool) in &now.tools {
            let known = before.tools.get(key);
            let new = since(tool.calls, known.map_or(0.0, |known| known.calls));
            let failed = since(tool.failures, known.map_or(0.0, |known| known.failures));
            let took = tool.seconds.since(known.map(|known| &known.seconds));
            all.merge(&took);
            calls += new;
            failures += failed;
            tools.push(ToolFigures {
                instance: key.0.clone(),
                tool: key.1.clone(),
                calls: rate(new, 0.0),
                failing: part(failed, new),
                p50: took.quantile(0.5),
                p95: took.quantile(0.95),
                p99: took.quantile(0.99),
                total: tool.calls,
                failed: tool.failures,
            });
        }
        // The busiest ones first.
        tools.sort_by(|one, other| {
            (other.calls, other.total)
                .partial_cmp(&(one.calls, one.total))
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        Self {
            seconds,
            requests: sum(&by_method),
            calls: rate(calls, 0.0),
            failing: part(failures, calls),
            refused: sum(&refusals),
            p50: all.quantile(0.5),
            p95: all.quantile(0.95),
            p99: all.quantile(0.99),
            cpu: counter("process_cpu_seconds_total"),
            resident_bytes: gauge("process_resident_memory_bytes"),
            in_flight_bytes: gauge("dynmcp_memory_in_flight_bytes"),
            budget_bytes: gauge("dynmcp_memory_budget_bytes"),
            connections: gauge("dynmcp_connections"),
            streams: gauge("dynmcp_streams"),
            upstream_in_flight: gauge("dynmcp_upstream_in_flight"),
            files: gauge("process_open_fds"),
            most_files: gauge("process_max_fds"),
            stuck: gauge("dynmcp_workers_stuck") + gauge("dynmcp_control_stuck"),
            tools,
            by_method,
            refusals,
        }
    }
}

/// A counter that is smaller than it was began anew.
fn since(now: f64, before: f64) -> f64 {
    if now >= before { now - before } else { now }
}

fn part(some: f64, all: f64) -> f64 {
    if all > 0.0 { some / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn rates_are_what_came_in_the_time_between() {
        let begun = Instant::now();
        let metrics = |calls: u32, failed: u32, fast: u32| {
            format!(
                "dynmcp_mcp_requests_total{{method=\"tools/call\",result=\"ok\"}} {calls}\n\
                 dynmcp_tool_calls_total{{mcp_instance=\"i\",tool=\"t\",outcome=\"ok\"}} {}\n\
                 dynmcp_tool_calls_total{{mcp_instance=\"i\",tool=\"t\",outcome=\"timeout\"}} {failed}\n\
                 dynmcp_tool_call_duration_seconds_bucket{{le=\"0.1\",mcp_instance=\"i\",tool=\"t\"}} {fast}\n\
                 dynmcp_tool_call_duration_seconds_bucket{{le=\"+Inf\",mcp_instance=\"i\",tool=\"t\"}} {calls}\n\
                 process_cpu_seconds_total {}\ndynmcp_connections 7\n",
                calls - failed,
                f64::from(calls) / 100.0
            )
        };
        let before = Sample::read(&metrics(100, 10, 100), begun);
        let now = Sample::read(&metrics(150, 20, 150), begun + Duration::from_secs(2));
        let figures = Figures::between(&before, &now);
        assert_eq!(
            (figures.requests, figures.calls, figures.failing),
            (25.0, 25.0, 0.2)
        );
        assert_eq!((figures.cpu, figures.connections), (0.25, 7.0));
        assert!((figures.p50.unwrap() - 0.05).abs() < 1e-9, "{figures:?}");
        let tool = &figures.tools[0];
        assert_eq!((tool.total, tool.failed, tool.calls), (150.0, 20.0, 25.0));
        // A gateway that began anew.
        let anew = Sample::read(&metrics(30, 0, 30), begun + Duration::from_secs(3));
        assert_eq!(Figures::between(&now, &anew).calls, 30.0);
    }
}
