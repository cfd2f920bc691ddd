//! What a suite is expected to fail, and why.

use anyhow::{Result, ensure};
use std::{fs, path::Path};

/// The entries of some files of `expected-failures/`.
pub struct ExpectedFailures {
    /// `server` or `client`: what of the harness's scenarios they are of.
    side: &'static str,
    /// `scenario` or `scenario:check`.
    pub entries: Vec<String>,
}

impl ExpectedFailures {
    /// Reads the files; every entry must say why it is there, in a comment on its line.
    pub fn read(names: &[&str]) -> Result<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected-failures");
        let mut entries = Vec::new();
        for name in names {
            let text = fs::read_to_string(directory.join(name))?;
            for entry in text
                .lines()
                .filter_map(|line| line.trim_start().strip_prefix("- "))
            {
                let (entry, reason) = entry.split_once('#').unwrap_or((entry, ""));
                ensure!(
                    !reason.trim().is_empty(),
                    "{name}: `{}` has no reason beside it",
                    entry.trim()
                );
                entries.push(entry.trim().to_owned());
            }
        }
        Ok(Self::of_server(entries))
    }

    /// These entries, of scenarios for servers.
    pub fn of_server(entries: Vec<String>) -> Self {
        Self {
            side: "server",
            entries,
        }
    }

    /// The same entries, of scenarios for clients.
    pub fn of_client(self) -> Self {
        Self {
            side: "client",
            ..self
        }
    }

    /// As the conformance harness reads it.
    pub fn to_yaml(&self) -> String {
        let side = self.side;
        match self.entries.as_slice() {
            [] => format!("{side}: []\n"),
            entries => format!("{side}:\n  - {}\n", entries.join("\n  - ")),
        }
    }
}
