//! The sources of `[[discovery]]`: from their tables to the tasks that look.

mod oneself;
mod registration;

use crate::{register, runtime::tasks::DISCOVERY, settings::Settings};
use mcp_common::{
    catalog::{Catalog, Compile},
    datasource::DataSource,
    discovery::{
        Announcements, Board, Discovery, Pages, Registry as Registered, SourceSettings, Surroundings, follow,
    },
    key::Kind,
    plugin::{DiscoveryFactory, PluginError, Registry, all_problems},
    tasks::{Ends, Tasks},
};
use mcp_core::tool::ToolCompiler;
use oneself::Others;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// One source.
struct Source {
    /// What the board knows it by.
    id: usize,
    /// Its table of the configuration.
    table: Value,
    /// What looks, until it is started.
    waiting: Option<(Duration, Box<dyn Discovery>)>,
    /// Its task, once it is.
    task: Option<Tasks>,
}

/// All sources of a gateway, and what they have found.
pub(crate) struct Discoveries {
    /// What they have found.
    pub(crate) board: Arc<Board>,
    /// Where servers announce themselves, and what the board knows it by.
    pub(crate) registry: Option<(Arc<Registered>, usize)>,
    pages: Arc<dyn Pages>,
    sources: Mutex<Vec<Source>>,
    /// Whose number it is next.
    next: AtomicUsize,
}

/// A table that is right as far as the gateway knows it.
struct Read {
    place: String,
    table: Value,
    settings: SourceSettings,
    factory: Box<dyn DiscoveryFactory>,
    own: Value,
}

/// Everything that can be known to be wrong with the tables.
pub(crate) fn problems(settings: &Settings) -> Vec<PluginError> {
    problems_of(&settings.discovery.with_agents(&settings.agents))
}

fn problems_of(tables: &[(String, Value)]) -> Vec<PluginError> {
    let (_, mut problems) = read(tables);
    problems.extend(problems_of_types(tables));
    problems
}

/// What is wrong with what is the types' own, whatever is wrong with the rest of a table.
fn problems_of_types(tables: &[(String, Value)]) -> Vec<PluginError> {
    let Ok(registry) = Registry::<dyn DiscoveryFactory>::discoveries() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (place, table) in tables {
        let factory = SourceSettings::kind(place, table).and_then(|kind| registry.get(kind));
        if let Ok(factory) = factory {
            let own = SourceSettings::of_type(table);
            problems.extend(all_problems(place, &own, |own| factory.check(place, own)));
        }
    }
    problems
}

impl Discoveries {
    /// Reads the tables and reaches for nothing.
    pub(crate) fn build(
        settings: &Settings,
        catalog: &Arc<Catalog<ToolCompiler>>,
        source: &Arc<dyn DataSource>,
        pages: Arc<dyn Pages>,
    ) -> Result<Self, PluginError> {
        let (read, problems) = read(&settings.discovery.with_agents(&settings.agents));
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem);
        }
        let own: Arc<[String]> = register::addresses(settings).into();
        let (mut sources, mut registry) = (Vec::new(), None);
        for (id, one) in read.iter().enumerate() {
            let discovery: Box<dyn Discovery> = if one.settings.kind == registration::TYPE {
                let opened = Arc::new(registration::open(one, &settings.app.data_dir, source)?);
                registry = Some((opened.clone(), id));
                Box::new(Announcements::new(opened))
            } else {
                make(one, &pages, &own)?
            };
            sources.push(Source::new(id, one, discovery));
        }
        let catalog = Arc::downgrade(catalog);
        let next = AtomicUsize::new(read.len());
        let settings = read.into_iter().map(|one| one.settings).collect();
        let check = Arc::new(
            move |definition: &mcp_common::key::Definition| match catalog.upgrade() {
                Some(catalog) => catalog.compiler().check_document(Kind::UPSTREAM, definition),
                None => Ok(()),
            },
        );
        Ok(Self {
            board: Arc::new(Board::new(settings, check)),
            registry,
            pages,
            sources: Mutex::new(sources),
            next,
        })
    }

    /// Starts to look wherever nobody looks yet.
    pub(crate) fn start(&self, tasks: &Tasks) {
        for source in self.sources().iter_mut() {
            let Some((interval, discovery)) = source.waiting.take() else {
                continue;
            };
            let (id, own) = (source.id, tasks.branch());
            let (board, discovery) = (self.board.clone(), Arc::new(tokio::sync::Mutex::new(discovery)));
            own.spawn(DISCOVERY, Ends::WhenTold, move || {
                let (board, discovery) = (board.clone(), discovery.clone());
                async move { match follow(&mut **discovery.lock().await, id, interval, &board).await {} }
            });
            source.task = Some(own);
        }
    }

    /// What can be known to be wrong with other tables, and those that wait to be started in place of these: what did not change goes on as it does.
    pub(crate) fn adopt(&self, settings: &Settings, tasks: &Tasks) -> Result<(), PluginError> {
        let (read, problems) = read(&settings.discovery.with_agents(&settings.agents));
        if let Some(problem) = problems.into_iter().next() {
            return Err(problem);
        }
        let mut sources = self.sources();
        let is_same = |source: &Source, one: &Read| source.table == one.table;
        let own: Arc<[String]> = register::addresses(settings).into();
        // All that is new has to be made before anything goes.
        let mut made = Vec::new();
        for one in &read {
            made.push(match sources.iter().any(|source| is_same(source, one)) {
                true => None,
                false => Some(make(one, &self.pages, &own)?),
            });
        }
        let mut before = std::mem::take(&mut *sources);
        for (one, made) in read.iter().zip(made) {
            let known = before.iter().position(|source| is_same(source, one));
            sources.push(match (known, made) {
                (Some(place), None) => before.swap_remove(place),
                (_, Some(discovery)) => {
                    Source::new(self.next.fetch_add(1, Ordering::Relaxed), one, discovery)
                }
                // Two of the same name are refused above.
                (None, None) => continue,
            });
        }
        for source in before {
            if let Some(task) = source.task {
                task.stop();
            }
        }
        let arranged = sources
            .iter()
            .zip(read)
            .map(|(source, one)| (source.id, one.settings));
        let arranged = arranged.collect();
        drop(sources);
        self.board.arrange(arranged);
        self.start(tasks);
        Ok(())
    }

    fn sources(&self) -> MutexGuard<'_, Vec<Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn new(id: usize, of: &Read, discovery: Box<dyn Discovery>) -> Self {
        Self {
            id,
            table: of.table.clone(),
            waiting: Some((of.settings.interval, discovery)),
            task: None,
        }
    }
}

fn make(of: &Read, pages: &Arc<dyn Pages>, own: &Arc<[String]>) -> Result<Box<dyn Discovery>, PluginError> {
    let surroundings = Surroundings {
        pages: pages.clone(),
        max_bytes: of.settings.max_bytes,
        max_servers: of.settings.max_servers,
        interval: of.settings.interval,
    };
    let found = of.factory.make(&of.place, &of.own, &surroundings)?;
    Ok(Box::new(Others {
        found,
        own: own.clone(),
    }))
}

impl fmt::Debug for Discoveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Discoveries").field(&self.board).finish()
    }
}

fn read(tables: &[(String, Value)]) -> (Vec<Read>, Vec<PluginError>) {
    let registry = match Registry::<dyn DiscoveryFactory>::discoveries() {
        Ok(registry) => registry,
        Err(error) => return (Vec::new(), vec![error]),
    };
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    let mut names: BTreeMap<Arc<str>, String> = BTreeMap::new();
    for (place, table) in tables {
        let one = match read_one(&registry, place, table) {
            Ok(one) => one,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        if let Some(other) = names.insert(one.settings.name.clone(), place.clone()) {
            problems.push(PluginError::Setting {
                key: format!("{place}.name"),
                reason: format!(
                    "`{}` is the name of {other}, too; give each a name of its own",
                    one.settings.name
                ),
            });
        }
        let is_registry = |one: &Read| one.settings.kind == registration::TYPE;
        if is_registry(&one) && all.iter().any(is_registry) {
            problems.push(PluginError::Setting {
                key: format!("{place}.type"),
                reason: "there is one registry for all; give its keys names of their own by roles".to_owned(),
            });
        }
        all.push(one);
    }
    (all, problems)
}

fn read_one(
    registry: &Registry<dyn DiscoveryFactory>,
    place: &str,
    table: &Value,
) -> Result<Read, PluginError> {
    let kind = SourceSettings::kind(place, table)?;
    let factory = registry.get(kind).map_err(|error| PluginError::Setting {
        key: format!("{place}.type"),
        reason: error.to_string(),
    })?;
    Ok(Read {
        place: place.to_owned(),
        table: table.clone(),
        settings: SourceSettings::read(place, table, factory.habits())?,
        own: SourceSettings::of_type(table),
        factory,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AgentsSettings, DiscoveryTables};
    use serde_json::json;

    fn found(tables: Value) -> Vec<String> {
        let tables: DiscoveryTables = serde_json::from_value(tables).unwrap();
        problems_of(&tables.with_agents(&AgentsSettings::default()))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn the_documented_tables_are_right() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FLEETS.md");
        let page = std::fs::read_to_string(page).unwrap();
        let blocks = page.split("```toml\n").skip(1);
        let mut count = 0;
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            let table: toml::Table = block.parse().unwrap();
            let Some(tables) = table.get("discovery") else {
                continue;
            };
            let tables = serde_json::to_value(tables).unwrap();
            count += tables.as_array().map_or(0, Vec::len);
            assert_eq!(found(tables), [""; 0], "{block}");
        }
        assert!(count >= 3, "{count}");
    }

    #[test]
    fn everything_that_is_wrong_is_said_with_its_place() {
        let right = json!([{"type": "file_watch", "file_path": "x"}, {"type": "exec", "command": ["true"]}]);
        assert_eq!(found(right), Vec::<String>::new());
        let wrong = json!([
            {"file_path": "x"},
            {"type": "file_wach", "file_path": "x"},
            {"type": "file_watch", "file_path": ""},
            {"type": "file_watch", "path": "x", "name": "a"},
            {"type": "http_polling", "url": "ftp://x", "name": "a"},
            {"type": "http_polling", "url": "http://x", "name": "b", "headers": {"a b": "c"}, "interval": 5},
            {"type": "exec", "name": "c", "command": ["./x"]},
            {"type": "exec", "name": "d", "command": "x", "interval": 0},
            {"type": "registration", "stale_after": 0},
            {"type": "registration", "name": "e"},
        ]);
        let found = found(wrong);
        let expected = [
            "discovery[0].type: is missing",
            "discovery[1].type: no discovery is called `file_wach`; there are: ",
            "discovery[4].name: `a` is the name of discovery[3], too",
            "discovery[7].interval: expected a whole number from 1 to 86400",
            "discovery[9].type: there is one registry for all",
            "discovery[2].file_path: expected text that is not empty",
            "discovery[3].path: no such setting; there are: file_path",
            "discovery[3].file_path: is missing",
            "discovery[4].url: must begin with http:// or https://",
            "discovery[5].headers: `a b` cannot be a header",
            "discovery[6].command: must begin with a name that PATH leads to",
            "discovery[7].command: expected a list of texts",
            "discovery[8].stale_after: expected a whole number",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
