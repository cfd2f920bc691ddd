//! Whether to try again, and when.

use super::ascii;
use crate::{
    engine::{failure::Failure, http::client::Answer, result::Outcome},
    live::RetryBudget,
    tool::Retry,
};
use http::{HeaderValue, header};
use std::time::{Duration, SystemTime};

/// A value of its own for each call.
pub(super) fn key() -> Option<HeaderValue> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok()?;
    ascii(&format!("{:032x}", u128::from_be_bytes(random)))
}

impl Retry {
    /// The pause before another attempt; `None` if this result stands.
    pub(super) fn pause(
        &self,
        result: &Result<Answer, Failure>,
        attempts: u32,
        budget: Option<&RetryBudget>,
    ) -> Option<Duration> {
        if attempts >= self.max {
            return None;
        }
        let mut least = Duration::ZERO;
        match result {
            Ok(answer) => {
                if !self.statuses.contains(&answer.status.as_u16()) {
                    return None;
                }
                if self.respect_retry_after {
                    least = retry_after(answer).unwrap_or_default();
                }
            }
            // The whole call's time is not over here, so `Timeout` is that of connecting.
            Err(failure)
                if self.after_connect && matches!(failure.outcome, Outcome::Connect | Outcome::Timeout) => {}
            Err(_) => return None,
        }
        if budget.is_some_and(|budget| !budget.spend()) {
            return None;
        }
        Some(self.backoff(attempts).max(least))
    }

    /// Twice as long each time, and half of it by chance, so that callers that failed together do not come together.
    fn backoff(&self, attempts: u32) -> Duration {
        let full = self.base.saturating_mul(1 << attempts.min(16)).min(self.longest);
        let chance = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
        full.mul_f64(0.5 + chance / 2.0)
    }
}

/// RFC 9110 section 10.2.3: seconds or a date.
fn retry_after(answer: &Answer) -> Option<Duration> {
    let text = answer.header(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
