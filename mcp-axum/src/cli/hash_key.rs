//! `dynmcp hash-key`

use super::Failure;
use crate::runtime::control_plane::generate_key;
use mcp_common::secret::ExposeSecret;
use mcp_plugin::authenticator::api_key;
use std::io::{self, IsTerminal};

pub(super) fn run(generate: bool) -> Result<(), Failure> {
    if generate {
        let key = generate_key().map_err(Failure::runtime)?;
        println!("key  = {}", key.expose_secret());
        println!("hash = {}", api_key::hash(key.expose_secret()));
        return Ok(());
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
    println!("{}", api_key::hash(key));
    Ok(())
}
