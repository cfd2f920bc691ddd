//! Prometheus' text format, as far as this gateway writes it: a name, labels, a number.

use std::collections::HashMap;

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, String)>,
    pub(super) value: f64,
}

impl Line<'_> {
    /// The label's value; empty where there is none.
    pub(super) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The lines that are series; what cannot be read is passed over.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(line)
}

fn line(text: &str) -> Option<Line<'_>> {
    let end = text.find(['{', ' '])?;
    let (name, rest) = text.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Line { name, labels, value })
}

/// `a="b",c="d"} …`: the labels, and what stands behind the brace.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, quoted) = rest.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name, value));
        rest = &quoted[end + 1..];
    }
}

/// A histogram's upper bounds and how many values are within each, in order of the bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets(Vec<(f64, f64)>);

impl Buckets {
    pub(super) fn add(&mut self, bound: f64, count: f64) {
        match self.0.iter_mut().find(|(known, _)| *known == bound) {
            Some((_, sum)) => *sum += count,
            None => {
                self.0.push((bound, count));
                self.0.sort_by(|(one, _), (other, _)| one.total_cmp(other));
            }
        }
    }

    /// What came since.
    pub(super) fn since(&self, before: Option<&Self>) -> Self {
        let known: HashMap<u64, f64> = before
            .map(|before| {
                before
                    .0
                    .iter()
                    .map(|(bound, count)| (bound.to_bits(), *count))
                    .collect()
            })
            .unwrap_or_default();
        let counts = self.0.iter().map(|&(bound, count)| {
            let before = known.get(&bound.to_bits()).copied().unwrap_or_default();
            // A gateway that began anew counts from the beginning.
            (bound, if count >= before { count - before } else { count })
        });
        Self(counts.collect())
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|&(bound, count)| self.add(bound, count));
    }

    /// As Prometheus' `histogram_quantile` estimates it; `None` of nothing.
    pub(super) fn quantile(&self, q: f64) -> Option<f64> {
        let all = self.0.last().filter(|(_, count)| *count > 0.0)?.1;
        let rank = q * all;
        let at = self.0.iter().position(|(_, count)| *count >= rank)?;
        let (bound, count) = self.0[at];
        let (lower, below) = match at.checked_sub(1) {
            Some(before) => self.0[before],
            None => (0.0, 0.0),
        };
        if bound.is_infinite() {
            return Some(lower);
        }
        Some(lower + (bound - lower) * ((rank - below) / (count - below)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart_into_name_labels_and_number() {
        let text = "# HELP a b\na 1\nb{le=\"+Inf\",tool=\"x \\\"y\\\" {,\\\\\"} 2.5 1700000000\nc{} NaN\nd\n";
        let read: Vec<_> = lines(text).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].name, read[0].value), ("a", 1.0));
        assert_eq!(
            (read[1].label("le"), read[1].label("tool")),
            ("+Inf", "x \"y\" {,\\")
        );
        assert_eq!((read[1].value, read[1].label("none")), (2.5, ""));
        assert!(read[2].value.is_nan());
    }

    #[test]
    fn quantiles_are_those_of_prometheus() {
        let buckets = |counts: &[(f64, f64)]| Buckets(counts.to_vec());
        let all = buckets(&[(0.1, 50.0), (0.5, 90.0), (1.0, 100.0), (f64::INFINITY, 100.0)]);
        assert_eq!(all.quantile(0.5), Some(0.1));
        assert!((all.quantile(0.7).unwrap() - 0.3).abs() < 1e-9);
        assert!((all.quantile(0.95).unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(
            buckets(&[(1.0, 1.0), (f64::INFINITY, 9.0)]).quantile(0.9),
            Some(1.0)
        );
        assert_eq!(buckets(&[(1.0, 0.0), (f64::INFINITY, 0.0)]).quantile(0.9), None);
        let before = buckets(&[(0.1, 40.0), (0.5, 90.0)]);
        assert_eq!(all.since(Some(&before)).0[..2], [(0.1, 10.0), (0.5, 0.0)]);
    }
}
