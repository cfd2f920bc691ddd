//! `exec`: a program that the configuration lets start, and whose exit code says how an endpoint is.

use crate::program::{self, Running};
use async_trait::async_trait;
use mcp_common::{
    plugin::{HealthProbeFactory, PluginError, Settings, Table},
    probe::{AllowedPrograms, Finding, HealthProbe, Probed, Surroundings},
};
use std::sync::Arc;

/// What is kept of what a program prints.
const PRINTED: usize = 4 << 10;
/// How much of its last line is told, in characters.
const TOLD: usize = 200;

/// Makes `exec`.
#[derive(Default)]
pub struct Exec;

#[mcp_common::health_probe("exec")]
impl HealthProbeFactory for Exec {
    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        read(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Arc<dyn HealthProbe>, PluginError> {
        Ok(Arc::new(Asking {
            command: read(place, settings)?,
            allowed: gateway.programs.clone(),
        }))
    }
}

fn read(place: &str, settings: &Settings) -> Result<Vec<Arc<str>>, PluginError> {
    program::command(&Table::new(place, settings, &["command"])?)
}

struct Asking {
    command: Vec<Arc<str>>,
    allowed: AllowedPrograms,
}

#[async_trait]
impl HealthProbe for Asking {
    async fn probe(&self, endpoint: Probed<'_>) -> Finding {
        let program = self.command.first().map_or("", |program| program);
        if !self.allowed.has(program) {
            return Finding::Unknown(format!(
                "the program `{program}` is not started: `stdio.allow` of the gateway's configuration does not name it"
            ));
        }
        let variables = [
            ("DYNMCP_UPSTREAM", endpoint.upstream),
            ("DYNMCP_ENDPOINT", endpoint.url),
            ("DYNMCP_REGION", endpoint.region.unwrap_or_default()),
        ];
        let running = match Running::start(&self.command, &variables) {
            Ok(running) => running,
            Err(reason) => return Finding::Unknown(reason),
        };
        match running.ended(PRINTED).await {
            Ok(ended) if ended.status.success() => Finding::Good,
            Ok(ended) => {
                let words: String = ended.last_words().chars().take(TOLD).collect();
                let status = ended.status;
                Finding::Bad(match words.is_empty() {
                    true => format!("`{program}` ended with {status}"),
                    false => format!("`{program}` ended with {status}: {words}"),
                })
            }
            Err(reason) => Finding::Unknown(format!("`{program}` {reason}")),
        }
    }
}
