//! Calls of a server with a URL: by the load itself, through nginx, through the gateway, and through other gateways that are installed.

use super::{
    Options,
    peer::Peer,
    server,
    site::{self, is_answer},
    speech::{Era, Speech},
};
use crate::{
    contender::{Contender, first_answer, port_of},
    nginx::{Location, Nginx},
    report::Row,
    request::Request,
};
use anyhow::{Context, Result};
use serde_json::json;
use std::{fmt, time::Duration};

/// In the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Direct,
    Proxy,
    Modern,
    Older,
    Peer,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Proxy => "nginx `proxy_pass`",
            Self::Modern => "DynMCP, server of 2026-07-28",
            Self::Older => "DynMCP, server of 2025-11-25 with a session",
            Self::Peer => "FastMCP proxy",
        })
    }
}

impl Row for Call {
    fn yardstick(self) -> Option<Self> {
        (self > Self::Proxy).then_some(Self::Proxy)
    }
}

const TOOL: &str = "create_order_000";

pub(super) async fn run(options: &Options) -> Result<()> {
    let offered = |era| Speech::with_tools(era, "create_order", 1);
    let servers = [("modern", Era::Modern), ("older", Era::Older)];
    let by_path = servers.map(|(name, era)| (name.to_owned(), offered(era)));
    let behind = server::start(by_path.into(), Duration::ZERO)?;
    let gateway = site::start(options, "", "").await?;
    for (name, _) in servers {
        let document = json!({"url": server::url(behind, name)});
        gateway.admin().write("uds", name, &document).await?;
    }
    site::ready(&gateway, servers.len()).await?;
    let nginx = Nginx::start_with(behind, b"", &[Location::new("/mcp/modern", "/mcp/modern")]).await?;

    let plain = |port| Request::tool(port, "modern", TOOL, &Request::arguments());
    let said = first_answer(behind, &plain(behind)).await?;
    is_answer(&said)?;
    let mut contenders = vec![
        Contender::new(Call::Direct, behind, plain(behind), said.clone(), Vec::new()),
        Contender::new(Call::Proxy, nginx.port(), plain(nginx.port()), said, nginx.pids()),
    ];
    let (port, pid) = (port_of(&gateway)?, gateway.pid().context("it has ended")?);
    for (role, name) in [(Call::Modern, "modern"), (Call::Older, "older")] {
        site::instance(&gateway, name, json!([name]), json!([])).await?;
        let (request, answer) = site::call(&gateway, name, TOOL).await?;
        contenders.push(Contender::new(role, port, request, answer, vec![pid]));
    }
    let peer = match Peer::start(&server::url(behind, "modern"), &plain).await {
        Ok(Some(peer)) => {
            let (port, answer) = (peer.port, peer.answer.clone());
            contenders.push(Contender::new(Call::Peer, port, plain(port), answer, peer.pids()));
            Ok(peer)
        }
        Ok(None) => Err("FastMCP is not installed (no `fastmcp` in PATH)".to_owned()),
        Err(reason) => Err(format!("FastMCP was not measured: {reason:#}")),
    };

    let forget = || {
        gateway.forget_output()?;
        nginx.forget_log()
    };
    let report = options.turns().run(&contenders, forget).await?;
    println!(
        "\n## Calls of a server with a URL\n\nThe server answers a text of {} bytes in JSON. The aim is 1.5 times the CPU of nginx.{}\n{report}",
        crate::upstream::Upstream::body().len(),
        peer.err()
            .map_or_else(String::new, |reason| format!(" {reason}.")),
    );
    Ok(())
}
