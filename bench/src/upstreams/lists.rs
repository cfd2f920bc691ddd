//! A list of what many servers offer, beside a list of as many tools with definitions that has the same bytes.

use super::{
    Options, server, site,
    speech::{Era, Speech},
};
use crate::{
    contender::{Contender, first_answer, port_of},
    definitions,
    report::Row,
    request::Request,
};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::{
    fmt, fs,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// Servers, and tools of each.
const SERVERS: usize = 20;
const EACH: usize = 50;
const TOOLS: usize = SERVERS * EACH;
/// How long a change of the definitions may take until it is seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// In the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum List {
    Stored,
    Upstreams,
}

impl fmt::Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stored => write!(f, "`tools/list`, {TOOLS} tools with definitions"),
            Self::Upstreams => write!(f, "`tools/list`, {SERVERS} upstreams with {EACH} tools each"),
        }
    }
}

impl Row for List {
    const YARDSTICK: &'static str = "definitions";

    fn yardstick(self) -> Option<Self> {
        (self == Self::Upstreams).then_some(Self::Stored)
    }
}

pub(super) async fn run(options: &Options) -> Result<()> {
    let folder = TempDir::new()?;
    let names: Vec<String> = (0..TOOLS)
        .map(|number| format!("create_order_{number:04}"))
        .collect();
    let tools: Vec<Value> = names.iter().map(|name| identified(name)).collect();
    let instance = json!({"id": "stored", "name": "stored", "tool_ids": names});
    write(&folder, "stored", &json!({"tds": tools, "ids": [instance]}))?;
    let tables = format!(
        "[mcp]\npage_size = {TOOLS}\n[data_source.file]\npath = '{}'\n",
        folder.path().display()
    );
    let gateway = site::start(options, "data_source = 'file'\n", &tables).await?;
    let (port, pid) = (port_of(&gateway)?, gateway.pid().context("it has ended")?);
    let request = |instance| Request::rpc(port, instance, "tools/list", None, json!({}));
    let stored = first_answer(port, &request("stored")).await?;
    let entries = entries(&stored);
    ensure!(
        entries.len() == TOOLS,
        "listed: {}",
        String::from_utf8_lossy(&stored)
    );

    // Servers offer exactly what was listed, so that the lists have the same bytes.
    let id = |number: usize| format!("u{number:02}");
    let speech = |tools: &[Value]| Speech::new(Era::Modern, &json!(tools).to_string());
    let servers = entries.chunks(EACH).enumerate();
    let servers = servers
        .map(|(number, tools)| (id(number), speech(tools)))
        .collect();
    let behind = server::start(servers, Duration::ZERO)?;
    let upstreams: Vec<Value> = (0..SERVERS)
        .map(|number| json!({"id": id(number), "url": server::url(behind, &id(number))}))
        .collect();
    let instance =
        json!({"id": "upstreams", "name": "upstreams", "tool_ids": [], "include": {"upstreams": ["u*"]}});
    write(
        &folder,
        "upstreams",
        &json!({"uds": upstreams, "ids": [instance]}),
    )?;
    let begun = Instant::now();
    let offered = loop {
        let listed = first_answer(port, &request("upstreams")).await?;
        if self::entries(&listed) == entries {
            break listed;
        }
        let text = String::from_utf8_lossy(&listed);
        ensure!(begun.elapsed() < PATIENCE, "not the same tools: {text:.2000}");
        sleep(Duration::from_millis(100)).await;
    };
    let sizes = (stored.len(), offered.len());
    let contenders = [
        Contender::new(List::Stored, port, request("stored"), stored, vec![pid]),
        Contender::new(List::Upstreams, port, request("upstreams"), offered, vec![pid]),
    ];
    let report = options
        .turns()
        .run(&contenders, || gateway.forget_output())
        .await?;
    println!(
        "\n## Lists\n\nThe same tools in the same order: {} bytes from definitions, {} from upstreams. The aim is the same CPU.\n{report}",
        sizes.0, sizes.1
    );
    Ok(())
}

fn identified(name: &str) -> Value {
    let mut tool = definitions::tool(name, 9);
    tool["id"] = json!(name);
    tool
}

/// Whole at once, since the folder is followed.
fn write(folder: &TempDir, name: &str, documents: &Value) -> Result<()> {
    let path = folder.path().join(format!("{name}.json"));
    let beside = folder.path().join(format!(".{name}"));
    fs::write(&beside, documents.to_string())?;
    Ok(fs::rename(beside, path)?)
}

fn entries(answer: &[u8]) -> Vec<Value> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    answer["result"]["tools"].as_array().cloned().unwrap_or_default()
}
