//! `exec`: a command that prints a list of servers. Only the configuration says which; nothing that is found can.

use super::seen;
use crate::program::{self, Running};
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    discovery::{Discovery, Habits, Look, NotSeen, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use std::{sync::Arc, time::Duration};

/// Makes `exec`.
#[derive(Default)]
pub struct Exec;

#[mcp_common::discovery("exec")]
impl DiscoveryFactory for Exec {
    fn habits(&self) -> Habits {
        Habits {
            interval: Duration::from_secs(60),
            is_trusted: true,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Printer::read(place, settings, 0).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Printer::read(place, settings, gateway.max_bytes)?))
    }
}

struct Printer {
    command: Vec<Arc<str>>,
    timeout: Duration,
    most: usize,
    last: Option<Bytes>,
}

impl Printer {
    fn read(place: &str, settings: &Settings, most: usize) -> Result<Self, PluginError> {
        let table = Table::new(place, settings, &["command", "timeout"])?;
        let command = program::command(&table)?;
        Ok(Self {
            timeout: Duration::from_secs(table.number("timeout", 1..=600, 30)?),
            command,
            most,
            last: None,
        })
    }

    async fn print(&self) -> Result<Bytes, String> {
        let program = self.command.first().ok_or("there is no command")?;
        let running = Running::start(&self.command, &[])?;
        match tokio::time::timeout(self.timeout, running.ended(self.most)).await {
            Err(_) => Err(format!("`{program}` did not end within {:?}", self.timeout)),
            Ok(Err(reason)) => Err(format!("`{program}` {reason}")),
            Ok(Ok(ended)) if !ended.status.success() => Err(format!(
                "`{program}` ended with {}: {}",
                ended.status,
                ended.complaint()
            )),
            Ok(Ok(ended)) if ended.printed.len() > self.most => Err(format!(
                "`{program}` printed more than {} bytes (max_bytes)",
                self.most
            )),
            Ok(Ok(ended)) => Ok(ended.printed.into()),
        }
    }
}

#[async_trait]
impl Discovery for Printer {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let printed = self.print().await.map_err(NotSeen::Away)?;
        let program = self.command.first().cloned().unwrap_or_default();
        seen(printed, &mut self.last)
            .map_err(|reason| NotSeen::Broken(format!("what `{program}` printed {reason}")))
    }
}
