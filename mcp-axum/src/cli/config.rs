//! `dynmcp config …`

use super::Failure;
use crate::{
    runtime::control_plane,
    settings::{DEFAULT_TOML, Layers, Settings},
    telemetry::logging,
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
    let (settings, problems) = Settings::examine(layers)?;
    let mut found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let mut is_configuration = !found.is_empty();
    for problem in control_plane::problems(&settings) {
        is_configuration |= problem.is_configuration();
        found.push(problem.to_string());
    }
    found.extend(logging::problem(&settings.log).map(|problem| problem.to_string()));
    match found.as_slice() {
        [] => Ok(settings),
        found if is_configuration => Err(Failure::configuration(format_args!(
            "configuration: {}",
            found.join("; ")
        ))),
        found => Err(Failure::runtime(found.join("; "))),
    }
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
