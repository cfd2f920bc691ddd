//! Upstreams that are connected to and not called.

use super::{
    Options,
    memory::{Kept, settled},
    server, site,
    speech::{Era, Speech},
};
use anyhow::{Context, Result};
use dynmcp_harness::Gateway;
use serde_json::{Value, json};
use std::time::Duration;

/// Tools of each.
const TOOLS: usize = 10;
/// Those that are there before anything is measured.
const FIRST: usize = 3;

/// Servers that are listened to over a connection each.
pub(super) async fn over_http(options: &Options) -> Result<Kept> {
    let speech = |number| Speech::with_tools(Era::Modern, &id(number), TOOLS);
    let servers = (0..FIRST + options.idle).map(|number| (id(number), speech(number)));
    let port = server::start(servers.collect(), Duration::ZERO)?;
    let gateway = site::start(options, "", "").await?;
    let document = |number| json!({"url": server::url(port, &id(number))});
    let (before, after) = fill(options, &gateway, document).await?;
    Ok(Kept {
        what: format!("upstreams over HTTP, {TOOLS} tools each"),
        count: options.idle,
        before,
        after,
        aim: "1 MiB",
    })
}

/// Processes, whose own memory is not counted.
pub(super) async fn programs(options: &Options) -> Result<Kept> {
    let own = std::env::current_exe()?.display().to_string();
    let most = FIRST + options.idle + 1;
    let tables = format!("[stdio]\nallow = ['{own}']\nmax_programs = {most}\n");
    let gateway = site::start(options, "", &tables).await?;
    let document = |_| json!({"command": own, "args": ["program", "--tools", TOOLS.to_string()]});
    let (before, after) = fill(options, &gateway, document).await?;
    Ok(Kept {
        what: format!("upstreams that are programs, {TOOLS} tools each, the gateway alone"),
        count: options.idle,
        before,
        after,
        aim: "1 MiB",
    })
}

fn id(number: usize) -> String {
    format!("u{number:03}")
}

/// Memory with the first of them, and with all.
async fn fill(options: &Options, gateway: &Gateway, document: impl Fn(usize) -> Value) -> Result<(u64, u64)> {
    let pid = gateway.pid().context("it has ended")?;
    let mut before = 0;
    for number in 0..FIRST + options.idle {
        if number == FIRST {
            site::ready(gateway, FIRST).await?;
            before = settled(pid).await?;
        }
        gateway
            .admin()
            .write("uds", &id(number), &document(number))
            .await?;
    }
    site::ready(gateway, FIRST + options.idle).await?;
    Ok((before, settled(pid).await?))
}
