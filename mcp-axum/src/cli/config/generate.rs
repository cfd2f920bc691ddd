//! `dynmcp config generate`: a file to start from, for one of three ways to run a gateway.

use crate::{
    cli::{Failure, config::create, output::print},
    runtime::control_plane::generate_key,
};
use clap::ValueEnum;
use mcp_common::secret::ExposeSecret;
use std::path::Path;

/// Who runs it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum Template {
    /// One person, one machine.
    Solo,
    /// A team on one server.
    Team,
    /// Several replicas.
    Enterprise,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::Solo => include_str!("../../../assets/templates/solo.toml"),
            Self::Team => include_str!("../../../assets/templates/team.toml"),
            Self::Enterprise => include_str!("../../../assets/templates/enterprise.toml"),
        }
    }
}

/// The file; what the gateway keeps goes into `data`, or into `data/` of its working directory.
pub(super) fn text(template: Template, data: Option<&Path>) -> Result<String, Failure> {
    let secret = generate_key().map_err(Failure::runtime)?;
    let mut text = template
        .text()
        .replace("{session_secret}", secret.expose_secret());
    if let Some(data) = data {
        let quoted = |path: &Path| toml::Value::from(path.display().to_string()).to_string();
        text = text
            .replace("\"data/dynmcp.db\"", &quoted(&data.join("dynmcp.db")))
            .replace("\"data\"", &quoted(data));
    }
    Ok(text)
}

pub(in crate::cli) fn run(template: Template, output: Option<&Path>) -> Result<(), Failure> {
    let text = text(template, None)?;
    let Some(path) = output else {
        return print(&text);
    };
    create(path, &text)?;
    let path = path.display();
    print(&format!(
        "wrote {path}; start with `dynmcp serve --config {path}`\n"
    ))
}
