//! `dynmcp config …`

use super::Failure;
use crate::{
    runtime::{control_plane, server::StartError},
    settings::{DEFAULT_TOML, Layers, Settings},
};
use std::path::PathBuf;

/// Everything that can be known to be wrong without opening anything.
pub(super) fn check(file: Option<PathBuf>) -> Result<(), Failure> {
    let layers = Layers::of_process(file);
    let settings = Settings::load(&layers)?;
    control_plane::check_names(&settings).map_err(StartError::from)?;
    match layers.effective_file()? {
        Some(file) => println!("ok: {}", file.display()),
        None => println!("ok: no file, defaults and environment"),
    }
    Ok(())
}

pub(super) fn show(file: Option<PathBuf>) -> Result<(), Failure> {
    let settings = Settings::load(&Layers::of_process(file))?;
    print!("{}", settings.to_redacted_toml());
    Ok(())
}

pub(super) fn print_default() -> Result<(), Failure> {
    print!("{DEFAULT_TOML}");
    Ok(())
}
