//! Who is measured: where requests go, what has to come back, whose CPU time counts.

use crate::{
    answer, cpu, definitions::TOOLS, features, load::Form, nginx::Nginx, report::Row, request::Request,
    upstream::Upstream,
};
use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use dynmcp_harness::Gateway;
use serde_json::Value;
use std::{fmt, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// In the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Role {
    /// The upstream itself.
    Direct,
    /// nginx in front of the upstream.
    Proxy,
    /// DynMCP calling the upstream.
    Call,
    /// The same by a DynMCP that writes no line for each request.
    Silent,
    /// DynMCP sending a form.
    Form,
    /// DynMCP shaping the answer with jq.
    Jq,
    /// DynMCP shaping the answer with a template.
    Template,
    /// DynMCP calling with an OAuth 2 token.
    #[value(name = "oauth2")]
    OAuth2,
    /// nginx with a request of 1.4 MB.
    ProxyUpload,
    /// DynMCP making a multipart body of the same request.
    Multipart,
    /// nginx in front of an answer of 100 KiB.
    ProxyLarge,
    /// DynMCP calling for the same answer.
    Large,
    /// nginx with a file of the same bytes as the list of tools.
    Static,
    /// DynMCP listing its tools.
    List,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Proxy => "nginx `proxy_pass`",
            Self::Call => "DynMCP `tools/call`",
            Self::Silent => "DynMCP `tools/call`, `log.requests = false`",
            Self::Form => "DynMCP, form body",
            Self::Jq => "DynMCP, answer by jq",
            Self::Template => "DynMCP, answer by template",
            Self::OAuth2 => "DynMCP, OAuth 2 upstream",
            Self::ProxyUpload => "nginx `proxy_pass`, request of 1.4 MB",
            Self::Multipart => "DynMCP, multipart with a file of 1 MiB",
            Self::ProxyLarge => "nginx `proxy_pass`, answer of 100 KiB",
            Self::Large => "DynMCP, answer of 100 KiB",
            Self::Static => "nginx, static file",
            Self::List => "DynMCP `tools/list`, 100 tools",
        })
    }
}

impl Row for Role {
    /// Which nginx does what is comparable: the same request and the same answer of the upstream.
    fn yardstick(self) -> Option<Self> {
        match self {
            Self::Call | Self::Silent | Self::Form | Self::Jq | Self::Template | Self::OAuth2 => {
                Some(Self::Proxy)
            }
            Self::Multipart => Some(Self::ProxyUpload),
            Self::Large => Some(Self::ProxyLarge),
            Self::List => Some(Self::Static),
            Self::Direct | Self::Proxy | Self::ProxyUpload | Self::ProxyLarge | Self::Static => None,
        }
    }
}

/// One of them.
pub(crate) struct Contender<R = Role> {
    pub(crate) role: R,
    pub(crate) port: u16,
    pub(crate) request: Request,
    pub(crate) expected: Vec<u8>,
    pub(crate) form: Form,
    /// All processes of the server; empty where the server is this process.
    pids: Vec<u32>,
}

impl<R> Contender<R> {
    pub(crate) fn new(role: R, port: u16, request: Request, expected: Vec<u8>, pids: Vec<u32>) -> Self {
        Self {
            role,
            port,
            request,
            expected,
            form: Form::Whole,
            pids,
        }
    }

    /// The same, answered with a stream.
    pub(crate) fn in_events(self) -> Self {
        Self {
            form: Form::Events,
            ..self
        }
    }

    /// CPU time of its processes so far.
    pub(crate) fn cpu(&self) -> Result<Option<Duration>> {
        if self.pids.is_empty() {
            return Ok(None);
        }
        self.pids
            .iter()
            .map(|pid| cpu::used(*pid))
            .sum::<Result<Duration>>()
            .map(Some)
    }
}

/// DynMCP, and the upstream on its own. What DynMCP answers first is read as JSON and has to be right; what it answers
/// later has to be the same.
pub(crate) async fn of_gateway(gateway: &Gateway, upstream: &Upstream) -> Result<Vec<Contender>> {
    let port = port_of(gateway)?;
    let pids = vec![gateway.pid().context("the gateway has ended")?];
    let body = Upstream::body();

    let call = Request::call(port);
    let called = first_answer(port, &call).await?;
    let structured = &serde_json::from_slice::<Value>(&called)?["result"]["structuredContent"];
    ensure!(
        *structured == serde_json::from_str::<Value>(&body)?,
        "called: {}",
        String::from_utf8_lossy(&called)
    );

    let list = Request::list(port);
    let listed = first_answer(port, &list).await?;
    let tools = serde_json::from_slice::<Value>(&listed)?["result"]["tools"]
        .as_array()
        .map_or(0, Vec::len);
    ensure!(
        tools == TOOLS,
        "{tools} tools listed: {}",
        String::from_utf8_lossy(&listed)
    );

    let direct_port = upstream.port();
    let mut contenders = vec![
        Contender::new(
            Role::Direct,
            direct_port,
            Request::call(direct_port),
            body.into_bytes(),
            Vec::new(),
        ),
        Contender::new(Role::Call, port, call, called, pids.clone()),
        Contender::new(Role::List, port, list, listed, pids.clone()),
    ];
    for feature in &features::all(upstream.port()) {
        let request = Request::tool(port, "features", feature.name, &feature.arguments);
        let answer = first_answer(port, &request).await?;
        let result = &serde_json::from_slice::<Value>(&answer)?["result"];
        ensure!(
            result["isError"] == false && result["content"] == feature.content,
            "{}: {result:.2000}",
            feature.name
        );
        contenders.push(Contender::new(feature.role, port, request, answer, pids.clone()));
    }
    Ok(contenders)
}

/// A DynMCP with the same tools that writes no line for each request.
pub(crate) async fn of_silent(gateway: &Gateway) -> Result<Contender> {
    let port = port_of(gateway)?;
    let request = Request::call(port);
    let expected = first_answer(port, &request).await?;
    ensure!(
        serde_json::from_slice::<Value>(&expected)?["result"]["isError"] == false,
        "called: {}",
        String::from_utf8_lossy(&expected)
    );
    let pids = vec![gateway.pid().context("the gateway has ended")?];
    Ok(Contender::new(Role::Silent, port, request, expected, pids))
}

/// nginx in its roles.
pub(crate) fn of_nginx(nginx: &Nginx, static_bytes: Vec<u8>) -> Vec<Contender> {
    let port = nginx.port();
    let small = Upstream::body().into_bytes();
    let large = Upstream::large_body().into_bytes();
    let upload = features::upload_arguments();
    let roles = [
        (Role::Proxy, Request::call(port), small.clone()),
        (
            Role::ProxyUpload,
            Request::tool(port, "features", "multipart", &upload),
            small,
        ),
        (Role::ProxyLarge, Request::get(port, Nginx::LARGE), large),
        (Role::Static, Request::get(port, Nginx::FILE), static_bytes),
    ];
    let contender = |(role, request, expected)| Contender::new(role, port, request, expected, nginx.pids());
    roles.into_iter().map(contender).collect()
}

/// Where a gateway listens.
pub(crate) fn port_of(gateway: &Gateway) -> Result<u16> {
    let (_, port) = gateway.origin().rsplit_once(':').context("no port")?;
    Ok(port.parse()?)
}

/// What a request is answered with on a connection of its own.
pub(crate) async fn first_answer(port: u16, request: &Request) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&request.0).await?;
    let mut buffer = Vec::new();
    let body = answer::read(&mut stream, &mut buffer).await?;
    Ok(buffer.split_off(body))
}
