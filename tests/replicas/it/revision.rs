//! Answers say which revision they come from, and a replica can be asked to have one.

use crate::fixture::{INSTANCE, echo, open_shop, three};
use anyhow::{Result, ensure};
use dynmcp_harness::{Gateway, Setup};
use std::time::{Duration, Instant};

#[tokio::test]
async fn every_answer_carries_the_configured_header() -> Result<()> {
    let (replicas, upstream) = (three("sqlite").await?, echo().await?);
    let revision = open_shop(&replicas, &upstream).await?;
    let client = reqwest::Client::new();
    for gateway in replicas.all() {
        let good = client.post(gateway.endpoint(INSTANCE)).bearer_auth(Gateway::KEY);
        let good = good.header("content-type", "application/json");
        let good = good.body(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        // Also what is refused: no key, and an instance that is not there.
        let stranger = client.get(gateway.endpoint(INSTANCE));
        let unknown = client.get(gateway.endpoint("none")).bearer_auth(Gateway::KEY);
        for (request, status) in [(good, 200), (stranger, 401), (unknown, 404)] {
            let answer = request.send().await?;
            ensure!(answer.status() == status, "{answer:?}");
            let told = answer
                .headers()
                .get("x-config-revision")
                .map(|value| value.to_str());
            let told: u64 = told.transpose()?.unwrap_or_default().parse()?;
            ensure!(told >= revision, "{told}, not {revision}");
        }
    }
    let plain = Gateway::start_as(&Setup::default()).await?;
    let answer = client.get(plain.endpoint(INSTANCE)).send().await?;
    ensure!(!answer.headers().contains_key("x-config-revision"));
    Ok(())
}

#[tokio::test]
async fn waiting_for_a_revision_is_bounded() -> Result<()> {
    let gateway = Gateway::start().await?;
    let start = Instant::now();
    let status = gateway.admin().get("status?wait_revision=1000000").await?;
    ensure!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    ensure!(status["revision"].as_u64() < Some(1_000_000), "{status}");
    Ok(())
}
