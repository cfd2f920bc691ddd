//! The store is killed under load, stays away, and comes back.

use crate::{
    fixture::{INSTANCE, add_item, echo, get_item, open_shop, replicas},
    traffic::Traffic,
};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Mcp, Replicas};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long everything may take to get back to normal, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// An answer that takes longer is a stall.
const STALL: Duration = Duration::from_secs(5);

pub(crate) async fn clients_notice_nothing(source: &str, away: Duration) -> Result<()> {
    let (mut replicas, upstream) = (replicas(source, 2).await?, echo().await?);
    open_shop(&replicas, &upstream).await?;
    let mut traffic = Traffic::start(&replicas);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = traffic.times().await?;

    replicas.store_mut().kill().await?;
    let end = Instant::now() + away;
    until(&replicas, "the store is missed", |gateway| async move {
        let status = gateway.admin().get("status").await?;
        Ok(status["stale"] == true)
    })
    .await?;
    let mut refused = 0;
    while Instant::now() < end || refused == 0 {
        for gateway in replicas.all() {
            says_that_it_is_stale(gateway).await?;
            refuses_writes(gateway, &get_item(&upstream, "Never."), refused).await?;
        }
        refused += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let during = traffic.times().await?;
    let (median, usual) = (during.median(), before.median());
    ensure!(
        median <= usual * 5 + Duration::from_millis(20),
        "half of {} answers took more than {median:?}, {usual:?} with the store",
        during.count()
    );
    ensure!(during.longest() < STALL, "an answer took {:?}", during.longest());

    // A platform team is back before the gateways are.
    replicas.store_mut().start_again().await?;
    let mut tool = add_item(&upstream);
    tool["name"] = json!("written_directly");
    let instance = json!({"name": "Back", "tool_ids": ["back"]});
    let rows = [("TDS", tool), ("IDS", instance)];
    let rows = rows.map(|(kind, document)| (kind, "back".to_owned(), document.to_string()));
    replicas.store().fill(&rows).await?;
    until(
        &replicas,
        "what was written directly is served",
        |gateway| async move {
            let tools = Mcp::default().tools(&gateway.endpoint("back")).await;
            let status = gateway.admin().get("status").await?;
            Ok(tools.is_ok_and(|tools| tools == ["written_directly"]) && status["stale"] == false)
        },
    )
    .await?;
    let ids = replicas.store().ids().await?;
    let ids: Vec<_> = ids.iter().map(|(kind, id)| format!("{kind} {id}")).collect();
    let stored = ["IDS back", "IDS shop", "TDS add_item", "TDS back", "TDS get_item"];
    ensure!(ids == stored, "the store has {ids:?} instead of {stored:?}");
    works_again(
        &replicas,
        &get_item(&upstream, "Gets an item, since the store is back."),
    )
    .await?;
    traffic.times().await.map(|_| ())
}

async fn says_that_it_is_stale(gateway: &Gateway) -> Result<()> {
    let status = gateway.admin().get("status").await?;
    ensure!(status["stale"] == true && status["ready"] == true, "{status}");
    let metrics = gateway.metrics().await?;
    let is_told = metrics.lines().any(|line| line == "dynmcp_source_stale 1");
    ensure!(is_told, "{metrics}");
    for (path, expected) in [("readyz", 200), ("readyz?strict", 503)] {
        let answer = reqwest::get(format!("{}/{path}", gateway.origin())).await?;
        ensure!(answer.status() == expected, "{path}: {answer:?}");
    }
    Ok(())
}

/// A new definition, a changed one, and a deleted one, none of which may be there afterwards.
async fn refuses_writes(gateway: &Gateway, tool: &Value, turn: usize) -> Result<()> {
    let new = format!("tds/never_{turn}");
    let empty = json!({"name": "Empty", "tool_ids": []});
    for (method, path, body) in [
        (Method::PUT, new.as_str(), Some(tool)),
        (Method::PUT, "ids/shop", Some(&empty)),
        (Method::DELETE, "tds/add_item", None),
    ] {
        let answer = write(gateway, method, path, body).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body: Value = answer.json().await?;
        ensure!(status == 503, "{path} was answered {status}: {body}");
        ensure!(body["code"] == 503 && body["error"].is_string(), "{body}");
        let seconds = headers.get("retry-after").context("no Retry-After")?.to_str()?;
        ensure!(seconds.parse::<u32>()? > 0, "{seconds}");
    }
    Ok(())
}

async fn write(gateway: &Gateway, method: Method, path: &str, body: Option<&Value>) -> Result<Response> {
    let url = format!("{}/admin/{path}", gateway.origin());
    let request = Client::new().request(method, url).bearer_auth(Gateway::KEY);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    Ok(request.timeout(PATIENCE).send().await?)
}

/// A change through one replica reaches the other one.
async fn works_again(replicas: &Replicas, tool: &Value) -> Result<()> {
    let [first, .., last] = replicas.all() else {
        anyhow::bail!("two replicas are wanted");
    };
    let revision = first.admin().write("tds", "get_item", tool).await?;
    last.admin()
        .get(&format!("status?wait_revision={revision}"))
        .await?;
    let (_, listed) = Mcp::default()
        .modern(&last.endpoint(INSTANCE), "tools/list", json!({}))
        .await?;
    let description = &listed["result"]["tools"][0]["description"];
    ensure!(*description == tool["description"], "{listed}");
    for gateway in replicas.all() {
        let strict = reqwest::get(format!("{}/readyz?strict", gateway.origin())).await?;
        ensure!(strict.status() == 200, "{strict:?}");
        let quarantine = gateway.admin().get("quarantine").await?;
        ensure!(quarantine == json!([]), "{quarantine}");
    }
    Ok(())
}

/// Of all replicas.
async fn until<'a, F>(replicas: &'a Replicas, what: &str, holds: impl Fn(&'a Gateway) -> F) -> Result<()>
where
    F: Future<Output = Result<bool>> + 'a,
{
    let deadline = Instant::now() + PATIENCE;
    for gateway in replicas.all() {
        while !holds(gateway).await? {
            let output = || gateway.output();
            ensure!(Instant::now() < deadline, "{what}: not in time\n{}", output());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
