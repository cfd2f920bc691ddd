//! `dynmcp hash-key`

use super::{
    Failure,
    output::{OutputFormat, print, print_json},
};
use crate::runtime::control_plane::generate_key;
use mcp_common::secret::ExposeSecret;
use mcp_plugin::authenticator::api_key;
use serde_json::json;
use std::io::{self, IsTerminal};

pub(super) fn run(generate: bool, format: OutputFormat) -> Result<(), Failure> {
    if generate {
        let key = generate_key().map_err(Failure::runtime)?;
        let (key, hash) = (key.expose_secret(), api_key::hash(key.expose_secret()));
        return match format {
            OutputFormat::Text => print(&format!("key  = {key}\nhash = {hash}\n")),
            OutputFormat::Json => print_json(&json!({"key": key, "hash": hash})),
        };
    }
    if io::stdin().is_terminal() {
        eprintln!("Type the key, then Enter:");
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let key = line.trim_end_matches(['\r', '\n']);
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::runtime(
            "standard input holds no key: one line of visible ASCII characters, no spaces",
        ));
    }
    let hash = api_key::hash(key);
    match format {
        OutputFormat::Text => print(&format!("{hash}\n")),
        OutputFormat::Json => print_json(&json!({"hash": hash})),
    }
}
