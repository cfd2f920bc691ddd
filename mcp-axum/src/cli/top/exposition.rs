//! Histograms as Prometheus counts them.

pub(super) use crate::exposition::{Line, lines};
use std::collections::HashMap;

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
