//! Where the configuration comes from, and in which order one place replaces another.

use super::{Settings, SettingsError, check, source_tables, unknown};
use config::{Config, Environment, File, FileFormat};
use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The commented reference, part of the binary.
pub const DEFAULT_TOML: &str = include_str!("../../../config/default.toml");

/// What `RUN_MODE` is without `RUN_MODE`.
const DEFAULT_RUN_MODE: &str = "development";

/// Everything that the configuration is read from. Tests fill it in; a process uses [`Layers::of_process`].
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The file of `--config`; replaces the one of `RUN_MODE`.
    pub file: Option<PathBuf>,
    /// The directory with `{RUN_MODE}.toml`; empty: no file is looked for.
    pub directory: PathBuf,
    /// `RUN_MODE` and `APP__…`.
    pub environment: HashMap<String, String>,
    /// Options of the command line, by key path.
    pub overrides: Vec<(&'static str, String)>,
}

impl Layers {
    /// This process's environment, `config/` in its working directory.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        // A variable that is not Unicode cannot be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self {
            file,
            directory: "config".into(),
            environment: environment.collect(),
            overrides: Vec::new(),
        }
    }

    /// The file that is read, if there is one.
    pub fn effective_file(&self) -> Result<Option<PathBuf>, SettingsError> {
        if let Some(file) = &self.file {
            return Ok(Some(file.clone()));
        }
        if self.directory.as_os_str().is_empty() {
            return Ok(None);
        }
        let chosen = self.environment.get("RUN_MODE").filter(|mode| !mode.is_empty());
        let mode = chosen.map_or(DEFAULT_RUN_MODE, String::as_str);
        let file = self.directory.join(format!("{mode}.toml"));
        match (file.exists(), chosen) {
            (true, _) => Ok(Some(file)),
            (false, None) => Ok(None),
            (false, Some(mode)) => Err(SettingsError::NoFile(format!(
                "RUN_MODE is `{mode}`, but there is no file {}; write it (it may be empty), or use --config FILE",
                file.display()
            ))),
        }
    }

    pub(super) fn read(&self) -> Result<Settings, SettingsError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml));
        if let Some(file) = self.effective_file()? {
            builder = builder.add_source(File::from_str(&read_toml(&file)?, FileFormat::Toml));
        }
        let environment = Environment::with_prefix("APP")
            .prefix_separator("__")
            .separator("__")
            .source(Some(self.environment.clone().into_iter().collect()));
        builder = builder.add_source(environment);
        for (key, value) in &self.overrides {
            builder = builder
                .set_override(key, value.as_str())
                .map_err(SettingsError::from_config)?;
        }
        let config = builder.build().map_err(SettingsError::from_config)?;

        let merged: toml::Table = config
            .clone()
            .try_deserialize()
            .map_err(SettingsError::from_config)?;
        let unknown = unknown::find(&merged, &source_tables::free_form()?);
        if !unknown.is_empty() {
            return Err(SettingsError::Unknown(unknown));
        }
        let mut settings: Settings = config.try_deserialize().map_err(SettingsError::from_config)?;
        source_tables::normalise(&mut settings);
        check::check(&settings)?;
        Ok(settings)
    }
}

/// The text of a TOML file, known to be TOML.
fn read_toml(file: &Path) -> Result<String, SettingsError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => SettingsError::NoFile(format!("there is no configuration file {name}")),
        _ => SettingsError::NoFile(format!("{name} cannot be read: {error}")),
    })?;
    match text.parse::<toml::Table>() {
        Ok(_) => Ok(text),
        Err(error) => {
            let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
            let line = before.matches('\n').count() + 1;
            let reason = error.message().lines().collect::<Vec<_>>().join(", ");
            Err(SettingsError::Syntax {
                file: format!("{name}:{line}"),
                reason,
            })
        }
    }
}
