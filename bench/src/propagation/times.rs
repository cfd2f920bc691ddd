//! How long writes took.

use std::{fmt, time::Duration};

/// One measure per write.
#[derive(Debug, Default)]
pub(super) struct Times(Vec<Duration>);

impl Times {
    pub(super) fn add(&mut self, time: Duration) {
        let place = self.0.partition_point(|other| *other < time);
        self.0.insert(place, time);
    }

    /// The smallest of them that at least this share does not exceed, in milliseconds.
    fn quantile(&self, share: f64) -> f64 {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        let time = self.0.get(rank.saturating_sub(1));
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1000.0)
    }
}

/// The cells of a table: half of them, 99 of 100, all.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half, most, all) = (self.quantile(0.5), self.quantile(0.99), self.quantile(1.0));
        write!(f, "{half:.1} | {most:.1} | {all:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were_measured() {
        let mut times = Times::default();
        for number in (1..=1000).rev() {
            times.add(Duration::from_millis(number));
        }
        assert_eq!(times.to_string(), "500.0 | 990.0 | 1000.0");
        let mut one = Times::default();
        one.add(Duration::from_millis(7));
        assert_eq!(one.to_string(), "7.0 | 7.0 | 7.0");
    }
}
