//! What `/metrics` shows, as the protocol has it: there is one registry, and both read it.

use super::{
    spans::{member, nanoseconds, scope},
    wire::{
        Buckets, Data, Gauge, Histogram, Member, Metric, Metrics, Number, Resource, ResourceMetrics,
        ScopeMetrics, Sum, Temporality, Value,
    },
};
use crate::exposition::{self, Line};
use std::{mem::take, time::SystemTime};

/// All series, as they were written for `/metrics` in the second of these times; counting began at the first.
pub(super) fn message(text: &str, (started, now): (SystemTime, SystemTime), resource: &Resource) -> Metrics {
    let times = Times {
        started: nanoseconds(started),
        now: nanoseconds(now),
    };
    Metrics {
        resources: vec![ResourceMetrics {
            resource: Some(resource.clone()),
            scopes: vec![ScopeMetrics {
                scope: Some(scope()),
                metrics: metrics(text, times),
            }],
        }],
    }
}

#[derive(Clone, Copy)]
struct Times {
    started: u64,
    now: u64,
}

/// One of them while its lines are read.
#[derive(Default)]
struct Family<'a> {
    name: &'a str,
    help: &'a str,
    kind: &'a str,
    lines: Vec<Line<'a>>,
}

fn metrics(text: &str, times: Times) -> Vec<Metric> {
    let mut all = Vec::new();
    let mut family = Family::default();
    for row in text.lines() {
        let Some(comment) = row.strip_prefix("# ") else {
            family.lines.extend(exposition::line(row));
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (word, name, rest) = (words.next(), words.next(), words.next());
        let (Some(word @ ("HELP" | "TYPE")), Some(name)) = (word, name) else {
            continue;
        };
        if name != family.name {
            all.extend(take(&mut family).finished(times));
            family.name = name;
        }
        match word {
            "HELP" => family.help = rest.unwrap_or_default(),
            _ => family.kind = rest.unwrap_or_default(),
        }
    }
    all.extend(family.finished(times));
    all
}

impl Family<'_> {
    /// `None` without series.
    fn finished(self, times: Times) -> Option<Metric> {
        if self.lines.is_empty() {
            return None;
        }
        let numbers = || self.lines.iter().map(|line| number(line, times)).collect();
        let data = match self.kind {
            "counter" => Data::Sum(Sum {
                points: numbers(),
                temporality: Temporality::Cumulative.into(),
                is_monotonic: true,
            }),
            "histogram" => Data::Histogram(Histogram {
                points: histograms(&self.lines, times),
                temporality: Temporality::Cumulative.into(),
            }),
            _ => Data::Gauge(Gauge { points: numbers() }),
        };
        Some(Metric {
            name: self.name.to_owned(),
            description: self.help.trim_end_matches('.').to_owned(),
            unit: unit(self.name).to_owned(),
            data: Some(data),
        })
    }
}

/// In UCUM, as the protocol has it; Prometheus has it at the end of the name.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        Some("ratio") => "1",
        _ => "",
    }
}

fn number(line: &Line<'_>, times: Times) -> Number {
    Number {
        attributes: attributes(line),
        started: times.started,
        at: times.now,
        value: Some(line.value),
    }
}

fn attributes(line: &Line<'_>) -> Vec<Member> {
    let labels = line.labels().filter(|(name, _)| *name != "le");
    labels
        .map(|(name, value)| member(name, Value::Text(value.to_owned())))
        .collect()
}

/// The lines of one histogram follow each other: sum, count, then its buckets, each with all that is below it.
fn histograms(lines: &[Line<'_>], times: Times) -> Vec<Buckets> {
    let mut all: Vec<Buckets> = Vec::new();
    for line in lines {
        let attributes = attributes(line);
        if all.last().is_none_or(|point| point.attributes != attributes) {
            all.push(Buckets {
                attributes,
                started: times.started,
                at: times.now,
                ..Default::default()
            });
        }
        let Some(point) = all.last_mut() else { continue };
        if line.name.ends_with("_sum") {
            point.sum = Some(line.value);
        } else if line.name.ends_with("_count") {
            point.count = line.value as u64;
        } else {
            let bound: f64 = line.label("le").parse().unwrap_or(f64::INFINITY);
            let below: u64 = point.counts.iter().sum();
            point.counts.push((line.value as u64).saturating_sub(below));
            if bound.is_finite() {
                point.bounds.push(bound);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP a How many.\n# TYPE a counter\na_total{x=\"1\"} 3\na_total{x=\"2\"} 4\n# HELP b How much.\n# TYPE b gauge\nb 2.5\n\
        # HELP c How long.\n# TYPE c histogram\nc_sum{t=\"q\"} 1.5\nc_count{t=\"q\"} 3\nc_bucket{le=\"0.1\",t=\"q\"} 1\nc_bucket{le=\"1.0\",t=\"q\"} 3\n\
        c_bucket{le=\"+Inf\",t=\"q\"} 3\n# HELP d None.\n# TYPE d counter\n# EOF\n";

    #[test]
    fn series_keep_their_kind_their_labels_and_their_numbers() {
        let times = Times { started: 1, now: 2 };
        let all = metrics(TEXT, times);
        let names: Vec<_> = all
            .iter()
            .map(|metric| (&*metric.name, &*metric.description))
            .collect();
        assert_eq!(names, [("a", "How many"), ("b", "How much"), ("c", "How long")]);
        let Some(Data::Sum(sum)) = &all[0].data else {
            panic!("{:?}", all[0])
        };
        assert!(sum.is_monotonic && sum.points.len() == 2);
        assert_eq!(sum.points[1].value, Some(4.0));
        let Some(Data::Histogram(histogram)) = &all[2].data else {
            panic!("{:?}", all[2])
        };
        let [point] = &histogram.points[..] else {
            panic!("{histogram:?}")
        };
        assert_eq!((point.count, point.sum), (3, Some(1.5)));
        assert_eq!(point.bounds, [0.1, 1.0]);
        assert_eq!(point.counts, [1, 2, 0]);
        assert_eq!(point.attributes.len(), 1);
    }

    #[test]
    fn what_is_measured_has_its_unit_and_many_histograms_take_no_time() {
        let units = ["a_seconds", "a_bytes", "a_ratio", "a", "seconds_a"].map(unit);
        assert_eq!(units, ["s", "By", "1", "", ""]);
        let mut text = "# HELP c How long.\n# TYPE c histogram\n".to_owned();
        for tool in 0..20_000 {
            for (line, number) in [("sum", 1), ("count", 2), ("bucket", 1), ("bucket", 2)] {
                let bound = match (line, number) {
                    ("bucket", 1) => "le=\"0.5\",",
                    ("bucket", _) => "le=\"+Inf\",",
                    _ => "",
                };
                text += &format!("c_{line}{{{bound}tool=\"a-tool-of-some-length-{tool}\"}} {number}\n");
            }
        }
        let begun = std::time::Instant::now();
        let all = metrics(&text, Times { started: 1, now: 2 });
        let Some(Data::Histogram(histogram)) = &all[0].data else {
            panic!()
        };
        assert_eq!(histogram.points.len(), 20_000);
        assert!(
            histogram
                .points
                .iter()
                .all(|point| point.counts == [1, 1] && point.count == 2)
        );
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }
}
