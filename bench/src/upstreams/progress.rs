//! Calls that tell of their progress before they are answered.

use super::{
    Options, server,
    site::{self, is_answer},
    speech::{Era, Speech},
};
use crate::{
    contender::{Contender, port_of},
    events,
    nginx::{Location, Nginx},
    report::Row,
    request::Request,
};
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::{fmt, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// In the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Streamed {
    Direct,
    Proxy,
    Gateway,
}

impl fmt::Display for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Proxy => "nginx `proxy_pass`, `proxy_buffering off`",
            Self::Gateway => "DynMCP `tools/call`",
        })
    }
}

impl Row for Streamed {
    const PART: Option<&'static str> = Some("message");

    fn yardstick(self) -> Option<Self> {
        (self == Self::Gateway).then_some(Self::Proxy)
    }
}

const TOOL: &str = "create_order_000";

pub(super) async fn run(options: &Options) -> Result<()> {
    let speech = Speech::with_tools(Era::Modern, "create_order", 1);
    let servers = [("streamed".to_owned(), speech)].into();
    let behind = server::start(servers, Duration::from_millis(options.pace))?;
    let gateway = site::start(options, "", "").await?;
    let document = json!({"url": server::url(behind, "streamed")});
    gateway.admin().write("uds", "streamed", &document).await?;
    site::ready(&gateway, 1).await?;
    site::instance(&gateway, "streamed", json!(["streamed"]), json!([])).await?;
    let location = Location::new("/mcp/streamed", "/mcp/streamed").unbuffered();
    let nginx = Nginx::start_with(behind, b"", &[location]).await?;

    let pid = gateway.pid().context("it has ended")?;
    let mut contenders = Vec::new();
    for (role, port, pids) in [
        (Streamed::Direct, behind, Vec::new()),
        (Streamed::Proxy, nginx.port(), nginx.pids()),
        (Streamed::Gateway, port_of(&gateway)?, vec![pid]),
    ] {
        let answer = answer(port).await.with_context(|| role.to_string())?;
        contenders.push(Contender::new(role, port, request(port), answer, pids).in_events());
    }
    let forget = || {
        gateway.forget_output()?;
        nginx.forget_log()
    };
    let report = options.turns().run(&contenders, forget).await?;
    println!(
        "\n## Calls with {} messages of progress\n\nA pause of {} ms after each message (timers make it longer), which is sent by itself, and then the answer. Messages are those that \
         arrived: the gateway leaves out what its client does not take in time.\n{report}",
        server::STEPS,
        options.pace,
    );
    Ok(())
}

fn request(port: u16) -> Request {
    let params = json!({"name": TOOL, "arguments": Request::arguments(), "_meta": {"progressToken": 7}});
    Request::rpc(port, "streamed", "tools/call", Some(TOOL), params)
}

/// What the stream of a call ends with, all messages having arrived.
async fn answer(port: u16) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&request(port).0).await?;
    let body = events::read(&mut stream, &mut Vec::new()).await?;
    let mut messages = events::messages(&body);
    let last = messages.next_back().context("a stream without events")?;
    is_answer(last)?;
    let told = messages.count();
    ensure!(
        told == server::STEPS as usize,
        "{told} messages of {}",
        server::STEPS
    );
    Ok(last.to_vec())
}
