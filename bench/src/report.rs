//! Medians over the rounds, as Markdown.

use crate::load::Run;
use std::{collections::BTreeMap, fmt, time::Duration};

/// What a row of a table is about, in the order of the rows.
pub(crate) trait Row: Copy + Ord + fmt::Display {
    /// Who the yardsticks are, in the head of the table.
    const YARDSTICK: &'static str = "nginx";
    /// What a request may have several of, which are looked at by themselves.
    const PART: Option<&'static str> = None;

    /// Which row is comparable, and does the same without what is measured.
    fn yardstick(self) -> Option<Self>;
}

/// One contender in one round.
pub(crate) struct Sample {
    requests_per_second: f64,
    p50: f64,
    p99: f64,
    cpu_per_request: Option<f64>,
    parts_per_request: f64,
}

impl Sample {
    /// Times in microseconds.
    pub(crate) fn new(run: &Run, cpu: Option<Duration>) -> Self {
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
            parts_per_request: run.parts as f64 / requests,
        }
    }
}

/// All samples, by connections and row, in the order of the rounds.
pub(crate) struct Report<R> {
    samples: BTreeMap<usize, BTreeMap<R, Vec<Sample>>>,
}

impl<R> Default for Report<R> {
    fn default() -> Self {
        Self {
            samples: BTreeMap::new(),
        }
    }
}

impl<R: Row> Report<R> {
    pub(crate) fn add(&mut self, connections: usize, row: R, sample: Sample) {
        self.samples
            .entry(connections)
            .or_default()
            .entry(row)
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

impl<R: Row> fmt::Display for Report<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (connections, rows) in &self.samples {
            writeln!(
                f,
                "\n### {connections} connection{}\n",
                if *connections == 1 { "" } else { "s" }
            )?;
            write!(
                f,
                "| | requests/s | p50 µs | p99 µs | server CPU µs/request | CPU relative to {} |",
                R::YARDSTICK
            )?;
            if let Some(part) = R::PART {
                write!(f, " {part}s/request | server CPU µs/{part} |")?;
            }
            writeln!(
                f,
                "\n|---|---:|---:|---:|---:|---:|{}",
                R::PART.map_or("", |_| "---:|---:|")
            )?;
            for (row, samples) in rows {
                let of = |value: fn(&Sample) -> f64| {
                    median(samples.iter().map(value).collect()).unwrap_or(f64::NAN)
                };
                let cpus = samples.iter().filter_map(|sample| sample.cpu_per_request);
                let cpu = median(cpus.collect());
                let yardstick = row.yardstick().and_then(|row| rows.get(&row));
                let ratio = yardstick.and_then(|yardstick| ratio(samples, yardstick));
                write!(
                    f,
                    "| {row} | {:.0} | {:.0} | {:.0} | {} | {} |",
                    of(|sample| sample.requests_per_second),
                    of(|sample| sample.p50),
                    of(|sample| sample.p99),
                    or_dash(cpu, 1),
                    or_dash(ratio, 2),
                )?;
                if R::PART.is_some() {
                    let parts = of(|sample| sample.parts_per_request);
                    write!(f, " {parts:.1} | {} |", or_dash(cpu.map(|cpu| cpu / parts), 2))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

fn or_dash(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}
