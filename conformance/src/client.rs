//! The suites of the harness for clients, whose servers a gateway has as upstreams.

use crate::{
    ExpectedFailures, Report,
    driver::{GATEWAY, SECRETS},
    run::harness,
    suite::ALPHA,
};
use anyhow::Result;
use dynmcp_harness::{Gateway, Setup};
use std::path::Path;
use tempfile::TempDir;

/// One run of the harness as a server.
#[derive(Clone, Copy, Debug)]
pub struct ClientSuite {
    /// Also the name of its file of expected failures.
    pub name: &'static str,
    arguments: &'static [&'static str],
}

impl ClientSuite {
    /// What 2026-07-28 requires of a client, and what 2025-11-25 does; extensions of authorization, and what there was before its metadata.
    pub const ALL: [Self; 4] = [
        Self {
            name: "2026-07-28",
            arguments: &["--requirements", "2026-07-28"],
        },
        Self {
            name: "2025-11-25",
            arguments: &["--requirements", "2025-11-25"],
        },
        Self {
            name: "extensions",
            arguments: &["--suite", "extensions"],
        },
        Self {
            name: "backcompat",
            arguments: &["--suite", "backcompat"],
        },
    ];

    /// For people.
    pub fn title(&self) -> String {
        format!("{ALPHA} client {}", self.arguments.join(" "))
    }

    /// Runs it. `driver` is this package's program, which the harness calls with `drive` for each scenario.
    pub async fn run(&self, driver: &Path) -> Result<Report> {
        let secrets = TempDir::new()?;
        let gateway = Gateway::start_as(&Setup {
            tables: format!("[secrets]\nfile_dir = [{:?}]\n", secrets.path()),
            ..Setup::default()
        })
        .await?;
        let expected = ExpectedFailures::read(&[&format!("client/{}.yml", self.name)])?;
        let command = format!("{} drive", driver.display());
        let mut arguments = vec!["client", "--timeout", "90000", "--command", &command];
        arguments.extend(self.arguments);
        let variables = [
            (GATEWAY, gateway.origin().to_owned()),
            (SECRETS, secrets.path().display().to_string()),
        ];
        let slug = format!("client-{}", self.name);
        harness(ALPHA, &arguments, &variables, &slug, &expected.of_client()).await
    }
}
