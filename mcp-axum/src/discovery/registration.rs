//! `registration`: servers that announce themselves at this gateway. The registry is the gateway's own; as a type it stands among the plugins, so that it is
//! known, listed and checked like them.

use super::Read;
use mcp_common::{
    datasource::DataSource,
    discovery::{Discovery, Habits, Registry, RegistrySettings, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use std::{path::Path, sync::Arc, time::Duration};

/// Its name.
pub(super) const TYPE: &str = "registration";
/// The file in `app.data_dir`.
const FILE: &str = "registrations.json";
const DAY: u64 = 86_400;
const SETTINGS: [&str; 5] = ["stale_after", "forget_after", "max_per_key", "file", "shared"];

#[derive(Default)]
struct Registration;

#[mcp_common::discovery("registration")]
impl DiscoveryFactory for Registration {
    fn habits(&self) -> Habits {
        Habits {
            // It tells of changes.
            interval: Duration::from_secs(60),
            is_trusted: false,
            may_be_empty: true,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        read(place, settings).err().into_iter().collect()
    }

    fn make(&self, _: &str, _: &Settings, _: &Surroundings) -> Result<Box<dyn Discovery>, PluginError> {
        Err(PluginError::Start(
            "registration: only a gateway has a registry".to_owned(),
        ))
    }
}

fn read(place: &str, settings: &Settings) -> Result<RegistrySettings, PluginError> {
    let table = Table::new(place, settings, &SETTINGS)?;
    is_shared(&table)?;
    let seconds =
        |name: &str, most: u64, usual: u64| table.number(name, 1..=most, usual).map(Duration::from_secs);
    Ok(RegistrySettings {
        stale_after: seconds("stale_after", 30 * DAY, 600)?,
        forget_after: seconds("forget_after", 365 * DAY, DAY)?,
        most: 0,
        most_per_owner: table.number("max_per_key", 1..=100_000, 100)?,
        file: table.text("file")?.map(Into::into),
    })
}

fn is_shared(table: &Table<'_>) -> Result<bool, PluginError> {
    match table.get("shared") {
        None => Ok(true),
        Some(_) => table.flag("shared"),
    }
}

/// Opens it with what it knew before the last stop, and what is in the store if that can keep it.
pub(super) fn open(
    of: &Read,
    data_dir: &Path,
    source: &Arc<dyn DataSource>,
) -> Result<Registry, PluginError> {
    let mut settings = read(&of.place, &of.own)?;
    settings.most = of.settings.max_servers;
    settings.file.get_or_insert_with(|| data_dir.join(FILE));
    let registry = Registry::open(settings);
    match is_shared(&Table::new(&*of.place, &of.own, &SETTINGS)?)? {
        true => Ok(registry.shared_through(source.clone())),
        false => Ok(registry),
    }
}
