//! Where the configuration comes from, and in which order one place replaces another.

use super::{
    Settings, SettingsError, aggregator, check, env_file, format, inexact,
    large_numbers::LargeNumbers,
    lookup::{self, Home},
    sections::OLDER_SECRET_KEY,
    source_tables, unknown,
};
use config::{Config, ConfigBuilder, Environment, File, FileFormat, builder::DefaultState};
use mcp_common::secret::Secret;
use std::{
    collections::{BTreeSet, HashMap},
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
    /// Other files that are looked for, one after the other, where that one is not there.
    pub elsewhere: Vec<PathBuf>,
    /// `RUN_MODE` and `APP__…`.
    pub environment: HashMap<String, String>,
    /// Options of the command line, by key path.
    pub overrides: Vec<(&'static str, String)>,
}

impl Layers {
    /// This process's environment, `config/` in its working directory, and the folders of whoever runs it.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        // A variable that is not Unicode cannot be one of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let environment: HashMap<String, String> = environment.collect();
        Self {
            file,
            directory: "config".into(),
            elsewhere: lookup::places(Home::of(&environment).as_ref()),
            environment,
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
            (false, None) => Ok(lookup::found(&self.elsewhere).map(Path::to_owned)),
            (false, Some(mode)) => Err(SettingsError::NoFile(format!(
                "RUN_MODE is `{mode}`, but there is no file {}; write it (it may be empty), or use --config FILE",
                file.display()
            ))),
        }
    }

    /// The same, or where it would be.
    pub(crate) fn file_or_its_place(&self) -> Option<PathBuf> {
        if self.file.is_some() || self.directory.as_os_str().is_empty() {
            return self.file.clone();
        }
        let chosen = self.environment.get("RUN_MODE").filter(|mode| !mode.is_empty());
        let mode = chosen.map_or(DEFAULT_RUN_MODE, String::as_str);
        let file = self.directory.join(format!("{mode}.toml"));
        let elsewhere = lookup::found(&self.elsewhere).filter(|_| chosen.is_none() && !file.exists());
        Some(elsewhere.map_or(file, Path::to_owned))
    }

    /// `RUST_LOG`, as other programs read it, is the level unless the gateway's own variable says one.
    fn with_rust_log(environment: &HashMap<String, String>) -> HashMap<String, String> {
        const OWN: &str = "APP__LOG__LOG_LEVEL";
        let mut environment = environment.clone();
        let level = environment
            .get("RUST_LOG")
            .filter(|level| !level.trim().is_empty());
        if let Some(level) = level.filter(|_| !environment.contains_key(OWN)) {
            environment.insert(OWN.to_owned(), level.clone());
        }
        environment
    }

    /// The key of secrets by its older name, where the gateway's own says nothing.
    fn take_older_key(environment: &HashMap<String, String>, settings: &mut Settings) {
        let older = environment.get(OLDER_SECRET_KEY);
        let secrets = &mut settings.secrets;
        if let Some(key) = older.filter(|key| !key.is_empty())
            && secrets.key.is_none()
            && secrets.key_file.is_none()
        {
            secrets.key = Some(Secret::from(key.as_str()));
            secrets.key_is_older = true;
        }
    }

    pub(super) fn examine(&self) -> Result<(Settings, Vec<SettingsError>), SettingsError> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml));
        let mut translated = None;
        let mut numbers = LargeNumbers::default();
        let mut environment = self.environment.clone();
        let file = self.effective_file()?;
        if let Some(file) = file.as_deref().filter(|file| env_file::is_meant(file)) {
            let read = env_file::read(file, &format::read_text(file)?)?;
            // What stands in the environment itself is said later.
            for (name, value) in read.variables {
                environment.entry(name).or_insert(value);
            }
            builder = builder.add_source(File::from_str(&read.table.to_string(), FileFormat::Toml));
        } else if let Some(file) = file {
            let text = format::read_text(&file)?;
            numbers = LargeNumbers::find(&file, &text);
            let text = numbers.replaced_in(text);
            let text = match aggregator::is_meant(&file, &text) {
                false => {
                    format::as_toml(&file, &text)?;
                    text
                }
                true => {
                    let read = aggregator::read(&file, &text, &self.environment)?;
                    let text = read.as_toml(&file)?;
                    translated = Some(read);
                    text
                }
            };
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let variables = Environment::with_prefix("APP")
            .prefix_separator("__")
            .separator("__")
            .source(Some(Self::with_rust_log(&environment).into_iter().collect()));
        builder = builder.add_source(variables);
        for (key, value) in &self.overrides {
            builder = builder
                .set_override(key, value.as_str())
                .map_err(SettingsError::from_config)?;
        }
        let merged: toml::Table = builder
            .build_cloned()
            .and_then(Config::try_deserialize)
            .map_err(SettingsError::from_config)?;
        let mut problems = Vec::new();
        let unknown = unknown::find(&merged, &source_tables::free_form()?);
        if !unknown.is_empty() {
            problems.push(SettingsError::Unknown(unknown));
        }
        let mut settings = match typed(builder, &mut problems) {
            Ok(settings) => settings,
            Err(error) => {
                problems.push(error);
                numbers.tell(&mut problems);
                return Err(SettingsError::together(problems));
            }
        };
        let is_told = |problem: &SettingsError, key: &str| matches!(problem, SettingsError::Value { key: told, .. } if told == key);
        for problem in inexact::find(&merged) {
            if let SettingsError::Value { key, .. } = &problem
                && !problems.iter().any(|other| is_told(other, key))
            {
                problems.push(problem);
            }
        }
        source_tables::normalise(&mut settings);
        Self::take_older_key(&environment, &mut settings);
        if let Some(translated) = translated {
            let (aggregated, wrong) = translated.aggregated();
            problems.extend(wrong);
            settings.aggregated = Some(aggregated);
        }
        problems.extend(check::problems(&settings));
        numbers.tell(&mut problems);
        Ok((settings, problems))
    }
}

/// One wrong type hides the next: each is noted, and its key has the default from then on.
fn typed(
    mut builder: ConfigBuilder<DefaultState>,
    problems: &mut Vec<SettingsError>,
) -> Result<Settings, SettingsError> {
    let defaults = Config::builder()
        .add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml))
        .build()
        .map_err(SettingsError::from_config)?;
    let before = problems.len();
    let mut noted = BTreeSet::new();
    loop {
        let error = match builder.build_cloned().and_then(Config::try_deserialize) {
            Ok(settings) => {
                // The library meets them in no order.
                problems[before..].sort_by_key(ToString::to_string);
                return Ok(settings);
            }
            Err(error) => SettingsError::from_config(error),
        };
        let SettingsError::Value { key, .. } = &error else {
            return Err(error);
        };
        // A key without a default, or one that is wrong with it, too.
        let Some(default) = defaults
            .get::<config::Value>(key)
            .ok()
            .filter(|_| noted.insert(key.clone()))
        else {
            return Err(error);
        };
        builder = builder
            .set_override(key, default)
            .map_err(SettingsError::from_config)?;
        problems.push(error);
    }
}
