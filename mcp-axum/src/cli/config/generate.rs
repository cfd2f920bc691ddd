//! `dynmcp config generate`: a file to start from, for one of three ways to run a gateway.

use crate::{
    cli::{Failure, output::print},
    runtime::control_plane::generate_key,
};
use clap::ValueEnum;
use mcp_common::secret::ExposeSecret;
use std::{fs::OpenOptions, io::Write, path::Path};

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

pub(in crate::cli) fn run(template: Template, output: Option<&Path>) -> Result<(), Failure> {
    let secret = generate_key().map_err(Failure::runtime)?;
    let text = template
        .text()
        .replace("{session_secret}", secret.expose_secret());
    let Some(path) = output else {
        return print(&text);
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "; it is left as it is: choose another name",
            _ => "",
        };
        Failure::runtime(format_args!("{}: {error}{advice}", path.display()))
    })?;
    let path = path.display();
    print(&format!(
        "wrote {path}; start with `dynmcp serve --config {path}`\n"
    ))
}
