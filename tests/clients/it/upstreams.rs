//! Real MCP servers behind a gateway: `mcp-server-time` as a program, and a server of the Python SDK over HTTP, each
//! spoken to in both eras.

use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Mcp, Setup, Toolbox};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How long servers may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway without a key whose instance `desk` shows everything of these upstreams.
async fn desk(tables: &str, upstreams: &[(&str, Value)]) -> Result<Gateway> {
    let setup = Setup {
        tables: tables.to_owned(),
        ..Setup::default()
    };
    let gateway = Gateway::start_as(&setup).await?;
    for (id, document) in upstreams {
        gateway.admin().write("uds", id, document).await?;
    }
    let ids: Vec<&str> = upstreams.iter().map(|(id, _)| *id).collect();
    let instance = json!({"name": "Desk", "auth": "none", "include": {"upstreams": ids}});
    gateway.admin().put_instance("desk", &instance).await?;
    Ok(gateway)
}

/// Waits until the list has them all.
async fn listed(gateway: &Gateway, names: &[&str]) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let found = Mcp::default().tools(&gateway.endpoint("desk")).await?;
        if names.iter().all(|name| found.iter().any(|other| other == name)) {
            return Ok(());
        }
        let states = gateway.admin().get("upstreams").await?;
        ensure!(Instant::now() < until, "{found:?} is not {names:?}: {states}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn call(gateway: &Gateway, tool: &str, arguments: Value) -> Result<Value> {
    let params = json!({"name": tool, "arguments": arguments});
    let endpoint = gateway.endpoint("desk");
    let (status, mut modern) = Mcp::default()
        .modern(&endpoint, "tools/call", params.clone())
        .await?;
    ensure!(status == 200, "{modern}");
    let (_, older) = Mcp::default().older(&endpoint, "tools/call", params).await?;
    for member in ["content", "isError"] {
        ensure!(
            modern["result"][member] == older["result"][member],
            "{modern} {older}"
        );
    }
    Ok(modern["result"].take())
}

async fn protocol(gateway: &Gateway, id: &str) -> Result<Value> {
    let states = gateway.admin().get("upstreams").await?;
    let states = states.as_array().context("no list")?;
    let state = states.iter().find(|state| state["id"] == id);
    Ok(state.context("no such upstream")?["protocol"].clone())
}

#[tokio::test]
async fn a_program_in_both_eras() -> Result<()> {
    let python = Toolbox::open()?.python();
    let program = python.with_file_name("mcp-server-time");
    let program = program.to_str().context("a path that is no text")?;
    let document = |era: &str| json!({"command": program, "era": era, "tools": {"prefix": era}});
    let tables = format!("[stdio]\nallow = [{}]\n", json!(program));
    let gateway = desk(
        &tables,
        &[("new", document("modern")), ("old", document("legacy"))],
    )
    .await?;
    for (id, era, revision) in [("new", "modern", "2026-07-28"), ("old", "legacy", "2025-11-25")] {
        // The time now would be another one in the second call.
        let tool = format!("{era}_convert_time");
        listed(&gateway, &[&tool]).await?;
        ensure!(protocol(&gateway, id).await? == revision);
        let times = |to: &str| json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": to});
        let result = call(&gateway, &tool, times("Asia/Tokyo")).await?;
        let text = result["content"][0]["text"].as_str().context("no text")?;
        ensure!(text.contains("21:00:00+09:00"), "{result}");
        let wrong = call(&gateway, &tool, times("Nowhere/AtAll")).await?;
        ensure!(wrong["isError"] == true, "{wrong}");
    }
    gateway.stop().await
}

/// A server that ends with the test.
fn server() -> Result<(Child, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let child = Command::new(Toolbox::open()?.python())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/server.py"))
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, format!("http://127.0.0.1:{port}/mcp")))
}

#[tokio::test]
async fn a_server_of_the_sdk_in_both_eras() -> Result<()> {
    let (mut child, url) = server()?;
    let document = |era: &str| json!({"url": url, "era": era, "tools": {"prefix": era}});
    // It may well be there before its server is.
    let gateway = desk("", &[("new", document("modern")), ("old", document("legacy"))]).await?;
    for (id, era, revision) in [("new", "modern", "2026-07-28"), ("old", "legacy", "2025-11-25")] {
        listed(&gateway, &[&format!("{era}_add")]).await?;
        ensure!(protocol(&gateway, id).await? == revision);
        let sum = call(&gateway, &format!("{era}_add"), json!({"a": 40, "b": 2})).await?;
        ensure!(sum["structuredContent"] == json!({"result": 42}), "{sum}");
        let failed = call(&gateway, &format!("{era}_fail"), json!({})).await?;
        ensure!(failed["isError"] == true, "{failed}");
    }
    child.kill().await?;
    let params = json!({"name": "modern_add", "arguments": {"a": 1, "b": 1}});
    let endpoint = gateway.endpoint("desk");
    let (_, mut gone) = Mcp::default().modern(&endpoint, "tools/call", params).await?;
    let gone = gone["result"].take();
    let text = gone["content"][0]["text"].as_str().context("no text")?;
    ensure!(
        gone["isError"] == true && text.contains("The upstream `new` did not do it"),
        "{gone}"
    );
    listed(&gateway, &["modern_add", "legacy_add"]).await?;
    gateway.stop().await
}
