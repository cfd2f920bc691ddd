//! A gateway with upstreams.

use super::Options;
use crate::contender::{first_answer, port_of};
use crate::request::Request;
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Setup};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long upstreams may take until they can be called.
const PATIENCE: Duration = Duration::from_secs(60);

/// `app` are more lines of `[app]`, and `tables` further tables.
pub(super) async fn start(options: &Options, app: &str, tables: &str) -> Result<Gateway> {
    let program = options.program.as_ref().map(fs::canonicalize).transpose()?;
    let setup = Setup {
        program,
        app: app.to_owned(),
        tables: tables.to_owned(),
    };
    Gateway::start_as(&setup).await
}

/// Waits until so many upstreams can be called.
pub(super) async fn ready(gateway: &Gateway, count: usize) -> Result<()> {
    let begun = Instant::now();
    loop {
        let all = gateway.admin().get("upstreams").await?;
        let states = all.as_array().context("no list of upstreams")?;
        let ready = states.iter().filter(|state| state["state"] == "ready").count();
        if ready == count {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "only {ready} of {count}: {all:.2000}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// An instance with all tools of an upstream, and of these definitions.
pub(super) async fn instance(gateway: &Gateway, id: &str, upstreams: Value, tools: Value) -> Result<()> {
    let document = json!({"name": id, "tool_ids": tools, "include": {"upstreams": upstreams}});
    gateway.admin().put_instance(id, &document).await
}

/// A call, and what it is answered: the text that every server of this benchmark answers.
pub(super) async fn call(gateway: &Gateway, instance: &str, tool: &str) -> Result<(Request, Vec<u8>)> {
    let request = Request::tool(port_of(gateway)?, instance, tool, &Request::arguments());
    let answer = first_answer(port_of(gateway)?, &request).await?;
    is_answer(&answer)?;
    Ok((request, answer))
}

/// Whether that is the message of a call that went well.
pub(super) fn is_answer(message: &[u8]) -> Result<()> {
    let read: Value = serde_json::from_slice(message).unwrap_or_default();
    let result = &read["result"];
    ensure!(
        result["content"] == super::speech::content() && result["isError"] != true,
        "called: {}",
        String::from_utf8_lossy(message)
    );
    Ok(())
}
