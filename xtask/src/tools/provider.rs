//! The identity provider at which clients log in: packages of its own, which share nothing with those of clients.

use super::{node, stamp::Stamp};
use anyhow::Result;
use std::path::Path;

pub(super) fn install(tools: &Path, pinned: &Path) -> Result<()> {
    let directory = tools.join("provider");
    let pinned = pinned.join("provider");
    let stamp = Stamp::new(&directory, &pinned.join("package-lock.json"))?;
    if stamp.holds() {
        return Ok(());
    }
    stamp.clear()?;
    node::fetch(&directory, &pinned)?;
    stamp.set()
}
