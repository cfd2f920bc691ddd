//! What the tests need beside Rust: a few system programs, and in `.tools` Node.js and Python with pinned packages, and those of
//! the console.

mod cargo_deny;
mod compose;
mod console;
mod everything;
mod kubernetes;
mod node;
mod provider;
mod python;
mod stamp;
mod system;

use crate::command::root;
use anyhow::Result;
use std::path::PathBuf;

/// Installs what is missing; quick when nothing is.
pub(crate) fn install() -> Result<()> {
    let tools = root().join(".tools");
    let pinned = root().join("tests/clients/tools");
    system::install()?;
    node::install(&tools, &pinned)?;
    provider::install(&tools, &pinned)?;
    console::install(&root().join("console"))?;
    python::install(&tools, &pinned)?;
    python::install_as(&tools.join("openapi"), &pinned.join("requirements-openapi.txt"))?;
    compose::install(&tools, &pinned)?;
    everything::install(&tools, &pinned)?;
    kubernetes::install(&tools, &pinned)
}

/// The benchmark compares with nginx where there is one.
pub(crate) fn install_nginx() {
    if let Err(reason) = system::install_nginx() {
        println!("without nginx: {reason:#}");
    }
}

/// Every server that definitions can live in.
pub(crate) fn install_stores() -> Result<()> {
    system::install_stores()
}

/// What the fuzz targets are built with beside Rust.
pub(crate) fn install_for_fuzz() -> Result<()> {
    system::install_for_fuzz()
}

/// The program that checks dependencies.
pub(crate) fn install_cargo_deny() -> Result<PathBuf> {
    cargo_deny::install(&root().join(".tools"))
}
