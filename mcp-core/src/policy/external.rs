//! Somebody outside who is asked about calls, after the gateway's own rules have allowed them: a call is made where both allow it.

mod metrics;

pub use metrics::ExternalMetrics;

use mcp_common::authorizer::{Authorizer, Opinion, Question};
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, time::timeout};

/// Answers that are remembered.
const KEPT: u64 = 50_000;
/// A longer question is not asked, and the call not made, in bytes.
const LONGEST: usize = 512 * 1024;

/// How somebody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalSettings {
    /// Calls are made where nobody answers.
    pub fails_open: bool,
    /// How long a call waits for an answer, for its turn included.
    pub patience: Duration,
    /// How long an answer is good; zero asks each time.
    pub kept: Duration,
    /// Questions at one time.
    pub most_at_once: usize,
    /// Whether arguments are among what is asked.
    pub with_arguments: bool,
}

/// Asks about calls. Shared by all workers.
pub struct External {
    authorizer: Arc<dyn Authorizer>,
    settings: ExternalSettings,
    /// By the hash of the whole question.
    answers: Cache<[u8; 32], Opinion>,
    places: Semaphore,
    metrics: ExternalMetrics,
    /// The last question had no answer: the log says it once.
    is_away: AtomicBool,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was allowed.
    Allowed,
    /// It was refused.
    Refused,
    /// Nobody answered, and the call is made all the same.
    FailedOpen,
    /// Nobody answered, and the call is not made.
    FailedClosed,
}

impl Verdict {
    /// The word of records, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allow",
            Self::Refused => "refuse",
            Self::FailedOpen => "fail_open",
            Self::FailedClosed => "fail_closed",
        }
    }

    /// Whether the call is made.
    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Allowed | Self::FailedOpen)
    }
}

impl External {
    /// Nobody is asked before there is a call.
    pub fn new(
        authorizer: Arc<dyn Authorizer>,
        settings: ExternalSettings,
        metrics: ExternalMetrics,
    ) -> Self {
        Self {
            authorizer,
            answers: Cache::builder()
                .max_capacity(KEPT)
                .time_to_live(settings.kept.max(Duration::from_millis(1)))
                .build(),
            places: Semaphore::new(settings.most_at_once),
            settings,
            metrics,
            is_away: AtomicBool::new(false),
        }
    }

    /// Whether arguments are among what is asked.
    pub fn with_arguments(&self) -> bool {
        self.settings.with_arguments
    }

    /// What is said about a call, and why it is not made, for whoever calls.
    pub async fn ask(&self, question: &Question<'_>) -> (Verdict, Option<String>) {
        let asked = serde_json::to_vec(question).unwrap_or_default();
        if asked.is_empty() || asked.len() > LONGEST {
            self.metrics.count(Verdict::FailedClosed, "asked");
            let reason = format!(
                "This call is not allowed: what the policy service would be asked has more than {LONGEST} bytes; send shorter arguments"
            );
            return (Verdict::FailedClosed, Some(reason));
        }
        let id: [u8; 32] = Sha256::digest(&asked).into();
        if let Some(opinion) = self.answers.get(&id) {
            return self.concluded(&opinion, "cached");
        }
        let started = Instant::now();
        let asking = async {
            let place = self.places.acquire().await;
            let _place = place.map_err(|_| "nobody is asked any more".to_owned())?;
            self.authorizer.decide(question).await
        };
        let patience = self.settings.patience;
        let answered = timeout(patience, asking).await;
        let answered = answered.unwrap_or_else(|_| Err(format!("no answer within {patience:?}")));
        self.metrics.took(started.elapsed());
        match answered {
            Ok(opinion) => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!("the policy service answers again");
                }
                if !self.settings.kept.is_zero() {
                    self.answers.insert(id, opinion.clone());
                }
                self.concluded(&opinion, "asked")
            }
            Err(error) => self.failed(&error),
        }
    }

    fn concluded(&self, opinion: &Opinion, source: &'static str) -> (Verdict, Option<String>) {
        let (verdict, reason) = match opinion {
            Opinion::Allow => (Verdict::Allowed, None),
            Opinion::Refuse(reason) if reason.is_empty() => (
                Verdict::Refused,
                Some("This call is not allowed: the policy service refuses it".to_owned()),
            ),
            Opinion::Refuse(reason) => (
                Verdict::Refused,
                Some(format!(
                    "This call is not allowed: the policy service refuses it: {reason}"
                )),
            ),
        };
        self.metrics.count(verdict, source);
        (verdict, reason)
    }

    fn failed(&self, error: &str) -> (Verdict, Option<String>) {
        let fails_open = self.settings.fails_open;
        if !self.is_away.swap(true, Ordering::Relaxed) {
            let calls = if fails_open {
                "are made all the same"
            } else {
                "are refused"
            };
            tracing::warn!(
                error,
                calls,
                "the policy service does not say whether calls may be made"
            );
        }
        let (verdict, reason) = match fails_open {
            true => (Verdict::FailedOpen, None),
            // What is wrong with it is for the operator, not for whoever calls.
            false => (
                Verdict::FailedClosed,
                Some(
                    "This call is not allowed now: the policy service does not answer; try again later"
                        .to_owned(),
                ),
            ),
        };
        self.metrics.count(verdict, "asked");
        (verdict, reason)
    }
}

#[cfg(test)]
mod tests;
