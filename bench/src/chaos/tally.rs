//! What became of all calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::Duration,
};

/// What became of one call; the endpoint that answered.
pub(super) enum Outcome {
    Looked(u64),
    FailedLook(String),
    Paid(u64),
    FailedPayment,
    /// The gateway was killed meanwhile: nobody knows.
    Lost,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) looks: usize,
    pub(super) failed_looks: Vec<String>,
    pub(super) payments: usize,
    pub(super) good_payments: BTreeSet<u64>,
    pub(super) failed_payments: usize,
    pub(super) lost: usize,
    /// By the second in which they were due: how long they took, and who answered.
    seconds: Vec<Vec<(Duration, Option<u64>)>>,
}

impl Tally {
    pub(super) fn add(&mut self, second: usize, took: Duration, number: u64, outcome: Outcome) {
        let endpoint = match &outcome {
            Outcome::Looked(endpoint) | Outcome::Paid(endpoint) => Some(*endpoint),
            _ => None,
        };
        if self.seconds.len() <= second {
            self.seconds.resize_with(second + 1, Vec::new);
        }
        self.seconds[second].push((took, endpoint));
        match outcome {
            Outcome::Looked(_) => self.looks += 1,
            Outcome::FailedLook(why) => {
                self.looks += 1;
                self.failed_looks.push(why);
            }
            Outcome::Paid(_) => {
                self.payments += 1;
                self.good_payments.insert(number);
            }
            Outcome::FailedPayment => {
                self.payments += 1;
                self.failed_payments += 1;
            }
            Outcome::Lost => {
                self.payments += 1;
                self.lost += 1;
            }
        }
    }

    fn calls(&self, seconds: Range<usize>) -> impl Iterator<Item = &(Duration, Option<u64>)> {
        let seconds = seconds.start..seconds.end.min(self.seconds.len());
        self.seconds.get(seconds).into_iter().flatten().flatten()
    }

    /// What 99 of 100 calls took at the most.
    pub(super) fn slowest(&self, seconds: Range<usize>) -> Duration {
        let mut took: Vec<Duration> = self.calls(seconds).map(|(took, _)| *took).collect();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or_default()
    }

    /// How many calls each endpoint answered.
    pub(super) fn by_endpoint(&self, seconds: Range<usize>) -> BTreeMap<u64, u64> {
        let mut counts = BTreeMap::new();
        for endpoint in self.calls(seconds).filter_map(|(_, endpoint)| *endpoint) {
            *counts.entry(endpoint).or_insert(0) += 1;
        }
        counts
    }
}
