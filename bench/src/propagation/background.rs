//! What goes on while writes are measured.

use super::{Options, Situation, tool};
use crate::upstream::Upstream;
use anyhow::{Result, ensure};
use dynmcp_harness::{Admin, Mcp, Replicas};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::interval,
};

/// Clients that call, each one call after the other.
const CLIENTS: u32 = 16;

/// Runs until it is ended.
pub(super) struct Background {
    what: &'static str,
    task: Option<JoinHandle<Result<()>>>,
    done: Arc<AtomicUsize>,
    start: Instant,
}

impl Background {
    pub(super) fn start(
        situation: Situation,
        replicas: &Replicas,
        options: &Options,
        upstream: &Upstream,
    ) -> Self {
        let done = Arc::new(AtomicUsize::new(0));
        let (what, task) = match situation {
            Situation::Quiet => ("nothing", None),
            Situation::Load => {
                let endpoint = replicas.all()[1].endpoint("bench");
                (
                    "calls",
                    Some(tokio::spawn(calls(endpoint, options.calls, done.clone()))),
                )
            }
            Situation::Changes => {
                let other = |place: usize| {
                    let name = format!("other_{place}");
                    let document = tool(upstream, &name, "Another one.");
                    (name, document)
                };
                let others = (0..super::OTHERS).map(other).collect();
                let admin = replicas.all()[2].admin().clone();
                let changes = changes(admin, others, options.changes, done.clone());
                ("changes", Some(tokio::spawn(changes)))
            }
        };
        Self {
            what,
            task,
            done,
            start: Instant::now(),
        }
    }

    /// What it was, and how much of it there really was; an error if it had ended before.
    pub(super) async fn end(self) -> Result<String> {
        let rate = self.done.load(Ordering::Relaxed) as f64 / self.start.elapsed().as_secs_f64();
        let Some(task) = self.task else {
            return Ok(self.what.to_owned());
        };
        task.abort();
        match task.await {
            Err(aborted) if aborted.is_cancelled() => Ok(format!("{rate:.0} {}/s", self.what)),
            ended => ended?.and(Err(anyhow::anyhow!("the {} ended by themselves", self.what))),
        }
    }
}

/// Every answer has to be the upstream's.
async fn calls(endpoint: String, per_second: u32, done: Arc<AtomicUsize>) -> Result<()> {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (endpoint, done, mcp) = (endpoint.clone(), done.clone(), Mcp::default());
        clients.spawn(async move {
            let mut turn = interval(Duration::from_secs(1) * CLIENTS / per_second.max(1));
            loop {
                turn.tick().await;
                let call = json!({"name": "watched", "arguments": {}});
                let (status, body) = mcp.modern(&endpoint, "tools/call", call).await?;
                let right = body["result"]["structuredContent"]["id"] == "o-4711";
                ensure!(right, "a call was answered {status}: {body}");
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    // None of them ends without an error.
    match clients.join_next().await {
        Some(failed) => failed?,
        None => Ok(()),
    }
}

/// A change that comes late is made up for.
async fn changes(
    admin: Admin,
    mut others: Vec<(String, Value)>,
    per_second: u32,
    done: Arc<AtomicUsize>,
) -> Result<()> {
    let mut turn = interval(Duration::from_secs(1) / per_second.max(1));
    for number in 0_usize.. {
        turn.tick().await;
        let place = number % others.len();
        let (id, document) = &mut others[place];
        document["description"] = json!(format!("Change {number}."));
        admin.write("tds", id, document).await?;
        done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
