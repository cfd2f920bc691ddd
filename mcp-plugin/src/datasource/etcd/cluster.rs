//! The members of the cluster: one is asked, the next one where it does not answer.

use super::{
    client::Client,
    endpoint::Endpoint,
    settings::{EtcdSettings, TABLE},
    trouble::Trouble,
};
use mcp_common::{plugin::PluginError, problem::innermost_cause};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// What a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// May be asked again, and anybody.
    Read,
    /// The same, with a long answer.
    Page,
    /// Must not be carried out twice.
    Write,
}

/// A question without a good answer.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) endpoint: String,
    pub(super) trouble: Trouble,
}

pub(super) struct Cluster {
    endpoints: Vec<Endpoint>,
    timeout: Duration,
    /// The one that answered last.
    preferred: AtomicUsize,
}

impl Cluster {
    /// A cluster by its settings; nothing is sent yet.
    pub(super) fn new(settings: &EtcdSettings) -> Result<Self, PluginError> {
        let endpoints = settings.endpoints.iter().map(|url| {
            Endpoint::new(url, settings).map_err(|error| {
                let name = if settings.tls.is_some() {
                    "ca_file"
                } else {
                    "endpoints"
                };
                PluginError::Setting {
                    key: format!("{TABLE}.{name}"),
                    reason: format!(
                        "no connection to {url} can be prepared: {}",
                        innermost_cause(&error)
                    ),
                }
            })
        });
        Ok(Self {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            timeout: settings.timeout,
            preferred: AtomicUsize::new(0),
        })
    }

    /// Asks the member that answered last, then the others, as long as that cannot do harm.
    pub(super) async fn ask<T, Answer>(
        &self,
        purpose: Purpose,
        question: impl Fn(Client) -> Answer,
    ) -> Result<T, Fault>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let (answer, _) = self.ask_by_name(purpose, question).await?;
        Ok(answer)
    }

    /// The same, and who answered.
    pub(super) async fn ask_by_name<T, Answer>(
        &self,
        purpose: Purpose,
        question: impl Fn(Client) -> Answer,
    ) -> Result<(T, &str), Fault>
    where
        Answer: Future<Output = Result<T, Trouble>>,
    {
        let preferred = self.preferred.load(Ordering::Relaxed);
        let (mut turn, mut turns) = (0, self.endpoints.len());
        loop {
            let index = (preferred + turn) % self.endpoints.len();
            let endpoint = &self.endpoints[index];
            turn += 1;
            let trouble = match tokio::time::timeout(self.patience(purpose), endpoint.ask(&question)).await {
                Ok(Ok(answer)) => {
                    self.preferred.store(index, Ordering::Relaxed);
                    return Ok((answer, &endpoint.url));
                }
                Ok(Err(trouble)) => {
                    // The connection broke in the middle: a new one may be had, also from the only member.
                    turns = turns.max(if trouble.is_maybe_done() { 2 } else { 1 });
                    trouble
                }
                Err(_) => Trouble::timeout(),
            };
            if matches!(trouble, Trouble::Unreachable { .. }) {
                endpoint.forget().await;
            }
            if turn >= turns || !may_ask_another(purpose, &trouble) {
                let endpoint = endpoint.url.clone();
                return Err(Fault { endpoint, trouble });
            }
            tracing::debug!(endpoint = endpoint.url, ?trouble, "asking another member");
        }
    }

    fn patience(&self, purpose: Purpose) -> Duration {
        match purpose {
            Purpose::Read | Purpose::Write => self.timeout,
            Purpose::Page => self.timeout * 6,
        }
    }
}

fn may_ask_another(purpose: Purpose, trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Unreachable { maybe_done, .. } => purpose != Purpose::Write || !maybe_done,
        Trouble::Passing(_) => purpose != Purpose::Write,
        _ => false,
    }
}
