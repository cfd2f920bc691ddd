//! One line of the report.

use super::{attack::Outcome, bystander::Waits, gauge::Used};
use std::{fmt, time::Duration};

/// What one witness did.
pub(super) struct Row {
    name: &'static str,
    attack: String,
    cpu: String,
    memory: String,
    /// Bytes by which the gateway itself grew.
    grown: u64,
    waits: Option<Waits>,
    /// What is left of the gateway; nothing to say if it answers.
    afterwards: Result<(), String>,
}

impl Row {
    pub(super) const HEAD: &str = "| witness | attack: answered of sent (how), slowest | CPU s in s | memory MiB | gateway grew by | bystander p50 ms | p99 ms | max ms \
         | failed | /healthz ms | afterwards |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|";

    pub(super) fn new(
        name: &'static str,
        window: Duration,
        attack: &Outcome,
        used: &Used,
        waits: Waits,
        afterwards: Result<(), String>,
    ) -> Self {
        Self {
            name,
            attack: attack.to_string(),
            cpu: format!("{:.1} in {:.1}", used.cpu.as_secs_f64(), window.as_secs_f64()),
            memory: (used.memory >> 20).to_string(),
            grown: used.grown,
            waits: Some(waits),
            afterwards,
        }
    }

    /// Of a gateway that did not start.
    pub(super) fn no_start(name: &'static str, reason: &str, tried: Duration) -> Self {
        Self {
            name,
            attack: "no start".to_owned(),
            cpu: format!("– in {:.1}", tried.as_secs_f64()),
            memory: "–".to_owned(),
            grown: 0,
            waits: None,
            afterwards: Err(super::site::cause(reason)),
        }
    }

    /// Whether the bystander's calls came back in time and still do, and the gateway itself took no more memory than it may.
    pub(super) fn is_good(&self, goal: Duration, budget: u64) -> bool {
        let in_time = |waits: &Waits| waits.percentile(99) < goal && waits.failed == 0;
        self.afterwards.is_ok() && self.grown <= budget && self.waits.as_ref().is_some_and(in_time)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |wait: Duration| format!("{:.1}", wait.as_secs_f64() * 1000.0);
        write!(
            f,
            "| {} | {} | {} | {} | {} | ",
            self.name,
            self.attack,
            self.cpu,
            self.memory,
            self.grown >> 20
        )?;
        match &self.waits {
            None => f.write_str("– | – | – | – | – | ")?,
            Some(waits) => {
                let most = waits.calls.last().copied().unwrap_or_default();
                let (half, nearly_all) = (waits.percentile(50), waits.percentile(99));
                let failed = |count: usize| {
                    if count > 0 {
                        format!(" ({count} failed)")
                    } else {
                        String::new()
                    }
                };
                write!(
                    f,
                    "{} | {} | {} | {} | {}{} | ",
                    ms(half),
                    ms(nearly_all),
                    ms(most),
                    waits.failed,
                    ms(waits.health),
                    failed(waits.health_failed)
                )?;
            }
        }
        match &self.afterwards {
            Ok(()) => f.write_str("answers |"),
            Err(reason) => write!(f, "**{reason}** |"),
        }
    }
}
