//! Medians over the rounds, as Markdown.

use crate::{contender::Role, load::Run};
use std::{collections::BTreeMap, fmt, time::Duration};

/// One contender in one round.
pub(crate) struct Sample {
    requests_per_second: f64,
    p50: f64,
    p99: f64,
    cpu_per_request: Option<f64>,
}

impl Sample {
    /// Times in microseconds.
    pub(crate) fn new(run: Run, cpu: Option<Duration>) -> Self {
        let requests = run.latencies.len() as f64;
        let quantile = |share: f64| {
            let index = ((requests - 1.0) * share) as usize;
            run.latencies
                .get(index)
                .map_or(0.0, |nanoseconds| *nanoseconds as f64 / 1000.0)
        };
        Self {
            requests_per_second: requests / run.elapsed.as_secs_f64(),
            p50: quantile(0.50),
            p99: quantile(0.99),
            cpu_per_request: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / requests),
        }
    }
}

/// All samples, by connections and contender, in the order of the rounds.
#[derive(Default)]
pub(crate) struct Report {
    samples: BTreeMap<usize, BTreeMap<Role, Vec<Sample>>>,
}

impl Report {
    pub(crate) fn add(&mut self, connections: usize, role: Role, sample: Sample) {
        self.samples
            .entry(connections)
            .or_default()
            .entry(role)
            .or_default()
            .push(sample);
    }
}

/// CPU per request relative to the yardstick, round by round: what disturbed a round disturbed both.
fn ratio(of: &[Sample], yardstick: &[Sample]) -> Option<f64> {
    let pairs = of.iter().zip(yardstick);
    let ratios = pairs.filter_map(|(of, yardstick)| Some(of.cpu_per_request? / yardstick.cpu_per_request?));
    median(ratios.collect())
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (connections, contenders) in &self.samples {
            writeln!(
                f,
                "\n### {connections} connection{}\n",
                if *connections == 1 { "" } else { "s" }
            )?;
            writeln!(
                f,
                "| | requests/s | p50 µs | p99 µs | server CPU µs/request | CPU relative to nginx |"
            )?;
            writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
            for (role, samples) in contenders {
                let of = |value: fn(&Sample) -> f64| {
                    median(samples.iter().map(value).collect()).unwrap_or(f64::NAN)
                };
                let cpu = median(
                    samples
                        .iter()
                        .filter_map(|sample| sample.cpu_per_request)
                        .collect(),
                );
                let yardstick = role.yardstick().and_then(|role| contenders.get(&role));
                let ratio = yardstick.and_then(|yardstick| ratio(samples, yardstick));
                writeln!(
                    f,
                    "| {role} | {:.0} | {:.0} | {:.0} | {} | {} |",
                    of(|sample| sample.requests_per_second),
                    of(|sample| sample.p50),
                    of(|sample| sample.p99),
                    cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{cpu:.1}")),
                    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
                )?;
            }
        }
        Ok(())
    }
}
