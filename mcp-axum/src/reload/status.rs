//! How the configuration's file is doing, for whoever asks.

use crate::{telemetry::metrics::ConfigMetrics, timestamp::rfc3339};
use serde::Serialize;
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use utoipa::ToSchema;

/// Shared by all that is made of one configuration after the other.
#[derive(Debug)]
pub struct ConfigStatus {
    report: Mutex<Report>,
    metrics: ConfigMetrics,
}

/// What is shown of it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Report {
    /// The file; `null` where there is none.
    #[schema(example = "/etc/dynmcp.toml")]
    file: Option<String>,
    /// Whether changes of it come into effect while the gateway runs.
    followed: bool,
    /// How often it was read again and could be used.
    reloads: u64,
    /// How often it could not.
    errors: u64,
    /// When what is in effect was read; RFC 3339. `null`: at the start.
    #[schema(format = DateTime)]
    reloaded_at: Option<String>,
    /// What is wrong with what the file says now, and is not in effect; `null` where nothing is.
    last_error: Option<Trouble>,
    /// Keys whose values come into effect with the next start.
    #[schema(example = json!(["app.port"]))]
    requires_restart: Vec<String>,
}

/// Why a file is not in effect.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Trouble {
    /// File and line where they are known, key and reason.
    #[schema(
        example = "/etc/dynmcp.toml:7: app.port: found string \"x\", expected a whole number from 0 to 65535"
    )]
    reason: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    at: String,
}

impl ConfigStatus {
    pub(crate) fn new(metrics: ConfigMetrics) -> Self {
        Self {
            report: Mutex::default(),
            metrics,
        }
    }

    /// How it is now.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    /// It is followed from now on.
    pub(super) fn began(&self, file: Option<&Path>) {
        let mut report = self.lock();
        report.file = file.map(|file| file.display().to_string());
        report.followed = true;
    }

    pub(super) fn reloaded(&self, file: Option<&Path>, waiting: Vec<String>) {
        self.metrics.reloads.inc();
        self.metrics
            .waiting
            .set(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
        let mut report = self.lock();
        report.reloads += 1;
        report.reloaded_at = Some(rfc3339(SystemTime::now()));
        report.last_error = None;
        report.requires_restart = waiting;
        report.file = file.map(|file| file.display().to_string());
    }

    /// Whether this is what is wrong with what the file says now.
    pub(super) fn has_failed_by(&self, reason: &str) -> bool {
        let report = self.lock();
        report
            .last_error
            .as_ref()
            .is_some_and(|error| error.reason == reason)
    }

    pub(super) fn failed(&self, reason: String) {
        self.metrics.errors.inc();
        let mut report = self.lock();
        report.errors += 1;
        report.last_error = Some(Trouble {
            reason,
            at: rfc3339(SystemTime::now()),
        });
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
