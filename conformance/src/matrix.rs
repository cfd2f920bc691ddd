//! The suites through a gateway to servers that have everything which they ask for: in the same era on both sides, from each era to the
//! other, and to a server that knows the older revisions alone. What each cell fails is beside what the server fails when it is asked
//! directly; a cell's file of expected failures has the reason of each.

pub use crate::everything::Release;
use crate::{
    ExpectedFailures, Report,
    everything::Everything,
    run::measure,
    suite::{ALPHA, STABLE},
};
use anyhow::{Result, ensure};
use dynmcp_harness::Gateway;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// One suite through one gateway to one server.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Also the name of its file of expected failures.
    pub name: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
    server: Release,
    /// How the gateway speaks to the server.
    era: &'static str,
}

const MODERN: &[&str] = &["--requirements", "2026-07-28"];
const OLDER: &[&str] = &["--requirements", "2025-11-25"];
const ALL: &[&str] = &["--suite", "all"];

impl Cell {
    const fn new(
        name: &'static str,
        package: &'static str,
        arguments: &'static [&'static str],
        server: Release,
        era: &'static str,
    ) -> Self {
        Self {
            name,
            package,
            arguments,
            server,
            era,
        }
    }

    /// All of them.
    pub const MATRIX: [Self; 8] = [
        Self::new("new-to-new", ALPHA, MODERN, Release::Current, "modern"),
        Self::new("old-to-old", ALPHA, OLDER, Release::Current, "legacy"),
        Self::new("stable-to-old", STABLE, ALL, Release::Current, "legacy"),
        Self::new("old-to-1.30", ALPHA, OLDER, Release::Old, "auto"),
        Self::new("stable-to-1.30", STABLE, ALL, Release::Old, "auto"),
        Self::new("new-to-old", ALPHA, MODERN, Release::Current, "legacy"),
        Self::new("old-to-new", ALPHA, OLDER, Release::Current, "modern"),
        Self::new("new-to-1.30", ALPHA, MODERN, Release::Old, "auto"),
    ];

    /// For people.
    pub fn title(&self) -> String {
        format!("{}: {} {}", self.name, self.package, self.arguments.join(" "))
    }

    /// What the server gives when it is asked directly. Nothing is expected of it.
    pub async fn directly(&self) -> Result<Report> {
        let server = Everything::start(self.server).await?;
        let nothing = ExpectedFailures::of_server(Vec::new());
        let slug = format!("direct-{}", self.name);
        measure(&server.url, self.package, self.arguments, &slug, &nothing).await
    }

    /// What comes of it through a gateway, whose instance has nothing but this server.
    pub async fn through_a_gateway(&self) -> Result<Report> {
        let server = Everything::start(self.server).await?;
        let gateway = Gateway::start().await?;
        let upstream = json!({"url": server.url, "era": self.era});
        gateway.admin().write("uds", "everything", &upstream).await?;
        let instance = json!({
            "name": "Everything", "auth": "none", "include": {"upstreams": ["everything"]},
            "metadata": {"proto_type": "streamable-stateful"},
        });
        gateway.admin().put_instance("everything", &instance).await?;
        ready(&gateway).await?;
        let expected = ExpectedFailures::read(&[&format!("through/{}.yml", self.name)])?;
        let url = gateway.endpoint("everything");
        measure(&url, self.package, self.arguments, self.name, &expected).await
    }
}

async fn ready(gateway: &Gateway) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let states = gateway.admin().get("upstreams").await?;
        if states[0]["state"] == "ready" {
            return Ok(());
        }
        ensure!(Instant::now() < until, "the upstream does not come: {states}");
        sleep(Duration::from_millis(50)).await;
    }
}
