//! What goes on while writes are measured.

use super::{Options, Situation, tool};
use anyhow::Result;
use dynmcp_harness::{Admin, Mcp, Replicas};
use serde_json::json;
use std::time::Duration;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

/// Runs until it is ended.
pub(super) struct Background(Option<JoinHandle<Result<()>>>);

impl Background {
    pub(super) fn start(situation: Situation, replicas: &Replicas, options: &Options) -> Self {
        let task = match situation {
            Situation::Quiet => None,
            Situation::Load => {
                let endpoint = replicas.all()[1].endpoint("bench");
                Some(tokio::spawn(calls(endpoint, options.calls)))
            }
            Situation::Changes => {
                let admin = replicas.all()[2].admin().clone();
                Some(tokio::spawn(changes(admin, options.changes)))
            }
        };
        Self(task)
    }

    /// An error if it had ended before.
    pub(super) async fn end(self) -> Result<()> {
        let Some(task) = self.0 else { return Ok(()) };
        task.abort();
        match task.await {
            Ok(ended) => ended,
            Err(aborted) if aborted.is_cancelled() => Ok(()),
            Err(panicked) => Err(panicked.into()),
        }
    }
}

/// Calls that are answered by the gateway itself: its upstream is not there.
async fn calls(endpoint: String, per_second: u32) -> Result<()> {
    let mcp = Mcp::default();
    let mut turn = pace(per_second);
    loop {
        turn.tick().await;
        let (mcp, endpoint) = (mcp.clone(), endpoint.clone());
        tokio::spawn(async move {
            let call = json!({"name": "watched", "arguments": {}});
            mcp.modern(&endpoint, "tools/call", call).await
        });
    }
}

async fn changes(admin: Admin, per_second: u32) -> Result<()> {
    let mut turn = pace(per_second);
    for number in 0_usize.. {
        turn.tick().await;
        let place = number % super::OTHERS;
        let mut other = tool(&format!("Change {number}."));
        other["name"] = json!(format!("other_{place}"));
        admin.write("tds", &format!("other_{place}"), &other).await?;
    }
    Ok(())
}

fn pace(per_second: u32) -> tokio::time::Interval {
    let mut turn = interval(Duration::from_secs(1) / per_second.max(1));
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turn
}
