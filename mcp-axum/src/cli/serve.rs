//! `dynmcp serve`

#[cfg(unix)]
use super::{Failure, banner, config, open_files, own_program, pid_file};
use crate::{
    reload::Followed,
    runtime::{
        server::{Server, Stopped},
        shutdown::Unheard,
    },
    settings::Layers,
    telemetry::logging,
};
use mcp_common::secret::ExposeSecret;
use std::path::PathBuf;

/// What `start` says beside the file.
#[derive(clap::Args, Default)]
pub(super) struct StartArguments {
    /// The name or address to listen on, instead of the configured one.
    #[arg(long)]
    host: Option<String>,
    /// The port, instead of the configured one; 0 for any that is free.
    #[arg(long)]
    port: Option<u16>,
    /// Stay in the foreground, as it does anyway: a service manager puts it into the background.
    #[arg(long)]
    foreground: bool,
}

pub(super) fn start(file: Option<PathBuf>, arguments: StartArguments) -> Result<(), Failure> {
    let mut layers = Layers::of_process(file);
    if layers.effective_file()?.is_none() {
        config::make_first(&layers);
    }
    layers
        .overrides
        .extend(arguments.host.map(|host| ("app.host", host)));
    let port = arguments.port.map(|port| ("app.port", port.to_string()));
    layers.overrides.extend(port);
    let _ = arguments.foreground;
    serve_with(layers)
}

pub(super) fn serve(file: Option<PathBuf>) -> Result<(), Failure> {
    serve_with(Layers::of_process(file))
}

fn serve_with(layers: Layers) -> Result<(), Failure> {
    let mut followed = Followed::new(layers);
    let file = followed.layers.effective_file()?;
    let mut settings = config::startable(&followed.layers)?;
    let unheard = Unheard::begin()?;
    let log = logging::start(&settings.log)?;
    followed.levels = Some(log.levels());
    for note in settings
        .aggregated
        .iter()
        .flat_map(|aggregated| &aggregated.notes)
    {
        tracing::warn!(target: "dynmcp", "{note}");
    }
    #[cfg(unix)]
    {
        let wanted = settings.app.max_connections;
        let default = crate::settings::Settings::load(&Layers::default());
        let is_default = default.is_ok_and(|default| default.app.max_connections == wanted);
        settings.app.max_connections = open_files::reserve(wanted, is_default);
        followed.connections = Some((settings.app.max_connections, wanted));
    }
    settings.work.program = own_program();
    let server = Server::start(settings)?;
    server.follow(followed);
    let _pid_file = pid_file::take(&server.app().settings.app.data_dir);
    banner::log(&server, file.as_deref());
    if let Some(key) = server.new_admin_key() {
        let place = server.app().settings.app.data_dir.join("admin-key.sha256");
        println!();
        println!("  Admin key: {}", key.expose_secret());
        println!(
            "  It is shown only this once; only its hash is kept, in {}.",
            place.display()
        );
        println!("  Use it as `Authorization: Bearer KEY` or `x-api-key: KEY`.");
        println!();
    }
    stay(server, unheard)
}

/// Until a signal comes.
pub(super) fn stay(server: Server, unheard: Unheard) -> Result<(), Failure> {
    match server.run(unheard)? {
        Stopped::Halted => return Err(Failure::runtime("stopped at once by a second signal")),
        Stopped::Drained(drained) if !drained.stuck.is_empty() => {
            let stuck = drained.stuck.join("; ");
            let text = format!(
                "stopped at the deadline; these did not come back, their connections are cut off: {stuck}"
            );
            tracing::error!(target: "dynmcp", connections = drained.cut, "{text}");
            return Err(Failure::runtime(text));
        }
        Stopped::Drained(drained) if drained.cut > 0 => {
            tracing::warn!(
                target: "dynmcp",
                connections = drained.cut,
                "stopped; calls on these were cut off at the deadline"
            );
        }
        Stopped::Drained(_) => tracing::info!(target: "dynmcp", "stopped; everything in flight was finished"),
    }
    Ok(())
}
