//! Is known at one place: says so, gives signs of life, says it again where it was forgotten, and takes it back at the end.

use super::{
    over_http,
    table::{Entry, Place},
};
use crate::{
    app::{App, Phase},
    telemetry::metrics::{OneRegistry, RegisterMetrics},
};
use mcp_common::backoff::Backoff;
use mcp_core::engine::Engine;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The first wait after a failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long taking it back may take while the gateway ends.
const LAST_TIME: Duration = Duration::from_secs(2);
/// How often it is looked whether the gateway serves: nobody is sent to one that does not.
const LOOK: Duration = Duration::from_millis(100);

/// What a sign of life came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The place knows it.
    Known,
    /// It has to be said again.
    Forgotten,
}

pub(super) struct Enlistment {
    entry: Entry,
    configured: watch::Receiver<Arc<App>>,
    metrics: OneRegistry,
    registry: String,
    #[cfg(feature = "etcd")]
    etcd: Option<mcp_plugin::datasource::etcd::EtcdAnnouncement>,
}

impl Enlistment {
    /// `None` where nothing can be prepared; the log says why.
    pub(super) fn new(
        entry: Entry,
        configured: watch::Receiver<Arc<App>>,
        metrics: &RegisterMetrics,
    ) -> Option<Self> {
        let registry = entry.registry();
        #[cfg(feature = "etcd")]
        let etcd = match etcd(&entry) {
            Ok(etcd) => etcd,
            Err(error) => {
                tracing::warn!(registry, error, "this gateway is not registered");
                return None;
            }
        };
        Some(Self {
            metrics: metrics.of(&registry, &entry.name),
            registry,
            entry,
            configured,
            #[cfg(feature = "etcd")]
            etcd,
        })
    }

    /// Until it is told to stop; it has taken back by then what it said, as far as the place answers.
    pub(super) async fn last_until(self, stop: &CancellationToken) {
        tokio::select! {
            () = self.serving() => {}
            () = stop.cancelled() => return,
        }
        let mut was_said = false;
        tokio::select! {
            () = self.keep(&mut was_said) => {}
            () = stop.cancelled() => {}
        }
        self.metrics.is_known.set(0);
        if !was_said {
            return;
        }
        let (registry, name) = (&*self.registry, &*self.entry.name);
        match tokio::time::timeout(LAST_TIME, self.withdraw()).await {
            Ok(Ok(())) => tracing::info!(registry, name, "this gateway is not registered any more"),
            Ok(Err(error)) => {
                tracing::warn!(
                    registry,
                    name,
                    error,
                    "this gateway could not be unregistered, its lease ends by itself"
                )
            }
            Err(_) => {
                tracing::warn!(
                    registry,
                    name,
                    "this gateway could not be unregistered in time, its lease ends by itself"
                )
            }
        }
    }

    async fn serving(&self) {
        while self.configured.borrow().phase() != Phase::Ready {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn keep(&self, was_said: &mut bool) {
        let mut waits = Backoff::between(FIRST_WAIT, LONGEST_WAIT.min(self.entry.interval.max(FIRST_WAIT)));
        let mut is_known = false;
        let mut told: Option<String> = None;
        let (registry, name) = (&*self.registry, &*self.entry.name);
        loop {
            let done = match is_known {
                true => self.renew().await,
                false => {
                    // It may be stored there although its answer gets lost.
                    *was_said = true;
                    self.announce().await.map(|()| Sign::Known)
                }
            };
            let wait = match done {
                Ok(Sign::Known) => {
                    if !is_known || told.is_some() {
                        let address = &*self.entry.address;
                        tracing::info!(registry, name, address, "this gateway is registered");
                    }
                    (is_known, told) = (true, None);
                    self.metrics.is_known.set(1);
                    waits.reset();
                    self.entry.interval
                }
                Ok(Sign::Forgotten) => {
                    tracing::info!(
                        registry,
                        name,
                        "a registry has forgotten this gateway, it registers again"
                    );
                    is_known = false;
                    continue;
                }
                Err(error) => {
                    self.metrics.failures.inc();
                    if told.as_ref() != Some(&error) {
                        tracing::warn!(
                            registry,
                            name,
                            error,
                            "this gateway cannot be registered, it is tried again"
                        );
                    }
                    told = Some(error);
                    self.metrics.is_known.set(0);
                    waits.next_wait()
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// By the rules that are in effect.
    fn engine(&self) -> Engine {
        let app = self.configured.borrow().clone();
        Engine::new((*app.engine).clone(), app.services.clone())
    }

    async fn announce(&self) -> Result<(), String> {
        match &self.entry.place {
            Place::Etcd { .. } => self.announce_to_etcd().await,
            _ => over_http::announce(&self.engine(), &self.entry).await,
        }
    }

    async fn renew(&self) -> Result<Sign, String> {
        match &self.entry.place {
            Place::Etcd { .. } => self.renew_at_etcd().await,
            _ => over_http::renew(&self.engine(), &self.entry).await,
        }
    }

    async fn withdraw(&self) -> Result<(), String> {
        match &self.entry.place {
            Place::Etcd { .. } => self.withdraw_from_etcd().await,
            _ => over_http::withdraw(&self.engine(), &self.entry).await,
        }
    }
}

#[cfg(feature = "etcd")]
fn etcd(entry: &Entry) -> Result<Option<mcp_plugin::datasource::etcd::EtcdAnnouncement>, String> {
    use mcp_plugin::datasource::etcd::EtcdAnnouncement;
    let Place::Etcd {
        connection,
        prefix,
        ttl,
    } = &entry.place
    else {
        return Ok(None);
    };
    let key = format!("{prefix}{}", entry.name);
    let announcement = EtcdAnnouncement::new(connection, key, entry.document().to_string(), *ttl);
    announcement.map(Some).map_err(|error| error.to_string())
}

#[cfg(feature = "etcd")]
impl Enlistment {
    fn etcd(&self) -> Result<&mcp_plugin::datasource::etcd::EtcdAnnouncement, String> {
        self.etcd.as_ref().ok_or_else(|| "there is no etcd".to_owned())
    }

    async fn announce_to_etcd(&self) -> Result<(), String> {
        self.etcd()?.announce().await
    }

    async fn renew_at_etcd(&self) -> Result<Sign, String> {
        let is_known = self.etcd()?.renew().await?;
        Ok(if is_known { Sign::Known } else { Sign::Forgotten })
    }

    async fn withdraw_from_etcd(&self) -> Result<(), String> {
        self.etcd()?.withdraw().await
    }
}

#[cfg(not(feature = "etcd"))]
impl Enlistment {
    async fn announce_to_etcd(&self) -> Result<(), String> {
        Err("this gateway was built without etcd".to_owned())
    }

    async fn renew_at_etcd(&self) -> Result<Sign, String> {
        Ok(Sign::Forgotten)
    }

    async fn withdraw_from_etcd(&self) -> Result<(), String> {
        Ok(())
    }
}
