//! A mix of calls by clients that repeat what failed with the connection, and nothing else.

use crate::fixture::INSTANCE;
use anyhow::{Result, bail, ensure};
use dynmcp_harness::{Directory, Mcp};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::task::JoinSet;

/// Connections of a client that fail one after the other before it gives up.
const ATTEMPTS: usize = 5;

/// Counts as it goes.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) answered: AtomicUsize,
    pub(crate) repeated: AtomicUsize,
}

/// `calls` of them by `clients` at once; the first error or wrong answer ends it.
pub(crate) async fn run(directory: Directory, calls: usize, clients: usize, tally: Arc<Tally>) -> Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let (directory, next, tally) = (directory.clone(), next.clone(), tally.clone());
        tasks.spawn(async move {
            let mcp = Mcp::default();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= calls {
                    return anyhow::Ok(());
                }
                one(&mcp, &directory, number, &tally).await?;
                tally.answered.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(client) = tasks.join_next().await {
        client??;
    }
    Ok(())
}

async fn one(mcp: &Mcp, directory: &Directory, number: usize, tally: &Tally) -> Result<()> {
    let mut failures = Vec::new();
    for attempt in 0..ATTEMPTS {
        let endpoint = format!("{}/mcp/{INSTANCE}", directory.origin(number + attempt));
        match ask(mcp, &endpoint, number).await {
            Ok((status, body)) => return check(number, status, &body),
            Err(error) => {
                tally.repeated.fetch_add(1, Ordering::Relaxed);
                failures.push(format!("{error:?}"));
            }
        }
    }
    bail!("call {number} failed {ATTEMPTS} times:\n{}", failures.join("\n"))
}

pub(crate) async fn ask(mcp: &Mcp, endpoint: &str, number: usize) -> Result<(u16, Value), reqwest::Error> {
    let get = json!({"name": "get_item", "arguments": {"id": number}});
    let add = json!({"name": "add_item", "arguments": {"number": number}});
    match number % 6 {
        0 => mcp.modern(endpoint, "tools/call", get).await,
        1 => mcp.modern(endpoint, "tools/call", add).await,
        2 => mcp.modern(endpoint, "tools/list", json!({})).await,
        3 => mcp.older(endpoint, "tools/call", get).await,
        4 => mcp.older(endpoint, "tools/call", add).await,
        _ => mcp.older(endpoint, "tools/list", json!({})).await,
    }
}

pub(crate) fn check(number: usize, status: u16, body: &Value) -> Result<()> {
    let result = &body["result"];
    let right = match number % 6 {
        0 | 3 => result["structuredContent"] == json!({"item": number}),
        1 | 4 => result["structuredContent"] == json!({"added": {"number": number}}),
        _ => result["tools"].as_array().is_some_and(|tools| {
            let names: Vec<_> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
            names == ["get_item", "add_item"]
        }),
    };
    ensure!(
        right && status == 200,
        "call {number} was answered {status}: {body}"
    );
    Ok(())
}
