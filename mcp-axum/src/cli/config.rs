//! `dynmcp config …`

use super::Failure;
use crate::{
    reload,
    settings::{DEFAULT_TOML, Layers, Settings},
};
use std::path::PathBuf;

/// Everything that can be known to be wrong without opening anything.
pub(super) fn check(file: Option<PathBuf>) -> Result<(), Failure> {
    let layers = Layers::of_process(file);
    startable(&layers)?;
    match layers.effective_file()? {
        Some(file) => println!("ok: {}", file.display()),
        None => println!("ok: no file, defaults and environment"),
    }
    Ok(())
}

/// The configuration of a gateway that could be started, as far as that can be known without opening anything; otherwise
/// everything that is wrong with it.
pub(super) fn startable(layers: &Layers) -> Result<Settings, Failure> {
    reload::startable(layers).map_err(|unfit| {
        let problems = unfit.problems.join("; ");
        match unfit.is_configuration {
            true => Failure::configuration(format_args!("configuration: {problems}")),
            false => Failure::runtime(problems),
        }
    })
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
