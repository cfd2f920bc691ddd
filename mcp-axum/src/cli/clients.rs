//! `dynmcp clients`: what each MCP client wants to be told of an instance, in its own spelling.

use super::{
    Failure,
    connect::opens_everything,
    gateway::origin,
    output::{OutputFormat, print, print_json},
};
use crate::{
    clients::{Client, ServerEntry},
    settings::{Layers, Settings},
};
use clap::Args;
use mcp_common::definition::name::check_id;
use serde_json::json;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct ClientsArguments {
    /// The instance.
    instance: String,
    /// The gateway's URL as clients see it [default: where the configured one listens].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The key that clients send; one without admin rights.
    #[arg(
        long,
        env = "DYNMCP_CLIENT_KEY",
        hide_env_values = true,
        default_value = "KEY"
    )]
    key: String,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &ClientsArguments) -> Result<(), Failure> {
    if opens_everything(config.clone(), &arguments.key) {
        return Err(Failure::configuration(
            "--key is an administrator's key, which no client should have; `dynmcp keys create` makes one for it",
        ));
    }
    let here = || -> Result<String, Failure> {
        let settings = Settings::load(&Layers::of_process(config))?;
        let unknown = "which port the gateway listens on is not known (`app.port` is 0): give its --url";
        origin(&settings, None).ok_or_else(|| Failure::configuration(unknown))
    };
    let gateway = match &arguments.url {
        Some(url) => url.clone(),
        None => here()?,
    };
    check_id(&arguments.instance).map_err(Failure::configuration)?;
    let server = ServerEntry::of(&gateway, &arguments.instance, &arguments.key);
    match arguments.format {
        OutputFormat::Text => print(&server.blocks(Client::ALL, "")),
        OutputFormat::Json => {
            let all = server.by_client();
            let all =
                all.map(|(client, place, text)| json!({"client": client, "place": place, "text": text}));
            print_json(&all.collect::<Vec<_>>())
        }
    }
}
