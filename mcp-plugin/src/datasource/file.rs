//! `file`: a folder of YAML, JSON and TOML documents, edited with any editor, kept in git, mounted as a ConfigMap.
//!
//! A thread watches the folder and reads what changed; what it read is in a ledger in memory, from which consumers
//! are served. Revisions are microseconds since 1970, so a process that starts again does not repeat one.
//! With `writable = true` the gateway writes too: one file per definition below `admin/`, never in anybody else's file.
//! `docs/DATASOURCES.md` has the rules.

mod canonical;
mod claims;
mod contents;
mod folder;
mod parse;
mod pending;
mod reports;
mod scan;
mod stamp;
mod watch;

pub use contents::{Contents, FileDefinition, FileFault, read, write};

use super::ledger::{Ledger, Numbering};
use async_trait::async_trait;
use bytes::Bytes;
use folder::Folder;
use futures_util::{StreamExt, stream};
use mcp_common::{
    datasource::{Changes, DataSource, HistoryEntry, Load, SourceError, Write},
    key::{Key, Revision},
    plugin::{DataSourceFactory, PluginError, Settings, Table},
    private_file,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch as signal;

const TABLE: &str = "data_source.file";

/// Definitions in a folder.
pub struct Files {
    folder: Arc<Mutex<Folder>>,
    shared: Arc<Mutex<Shared>>,
    news: Arc<signal::Sender<()>>,
    writable: bool,
    /// Ends the thread when dropped.
    _watch: watch::Watch,
}

/// The definitions in one file, for commands that work on files: each with its key and its JSON text. The name's ending
/// says which format it is; everything that is wrong comes as one text, with the lines.
pub fn read_text(name: &std::path::Path, content: &[u8]) -> Result<Vec<(Key, Bytes)>, String> {
    if !parse::is_candidate(name) {
        return Err("must end with .yaml, .yml, .json or .toml".to_owned());
    }
    let parsed = parse::parse(name, content);
    if parsed.faults.is_empty() {
        let documents = parsed.documents.into_iter();
        return Ok(documents.map(|document| (document.key, document.body)).collect());
    }
    let faults = parsed.faults.iter();
    let faults: Vec<String> = faults
        .map(|fault| format!("line {}: {}", fault.line, fault.reason))
        .collect();
    Err(faults.join("; "))
}

/// What consumers read.
struct Shared {
    ledger: Ledger,
    /// Why the folder cannot be read now.
    away: Option<String>,
}

/// The table `data_source.file`.
#[derive(Clone, Debug)]
pub struct FileSettings {
    /// The folder.
    pub path: PathBuf,
    /// Whether the admin API may write.
    pub writable: bool,
    /// How often to look at all files, for what the system does not report.
    pub poll: Duration,
    /// How many revisions of a key are kept, in memory.
    pub history: usize,
}

impl FileSettings {
    /// Reads the table; everything has a default.
    pub fn read(settings: &Settings) -> Result<Self, PluginError> {
        let table = Table::new(TABLE, settings, &["path", "writable", "poll_ms", "history"])?;
        Ok(Self {
            path: table.text("path")?.unwrap_or("data/definitions").into(),
            writable: table.flag("writable")?,
            poll: Duration::from_millis(table.number("poll_ms", 100..=3_600_000, 5_000)?),
            history: table.number("history", 1..=10_000, 50)?,
        })
    }
}

impl FileSettings {
    /// Whether the folder is there, or could be made where that is the gateway's to do.
    fn check(&self) -> Result<(), PluginError> {
        let path = &self.path;
        let error = match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Ok(()),
            Ok(_) => "is no folder".to_owned(),
            Err(error) if self.writable => match private_file::could_be_written(path) {
                Ok(()) => return Ok(()),
                Err(reason) => format!("cannot be made ({error}; {reason})"),
            },
            Err(error) => format!("cannot be read ({error})"),
        };
        Err(PluginError::Setting {
            key: format!("{TABLE}.path"),
            reason: format!(
                "the folder `{}` {error}; make it, or set another path",
                path.display()
            ),
        })
    }
}

impl Files {
    /// Reads the folder and begins to watch it. Blocks for as long as that takes.
    pub fn open(settings: &FileSettings) -> Result<Self, PluginError> {
        let wrong = |reason: String| PluginError::Setting {
            key: format!("{TABLE}.path"),
            reason,
        };
        let path = &settings.path;
        if settings.writable {
            private_file::create_folder(path).map_err(|error| {
                wrong(format!(
                    "the folder `{}` cannot be made ({error}); make it, or set another path",
                    path.display()
                ))
            })?;
        }
        if !path.is_dir() {
            let hint = "make the folder, or set another path";
            return Err(wrong(format!(
                "`{}` is no folder that can be read; {hint}",
                path.display()
            )));
        }
        let shared = Arc::new(Mutex::new(Shared {
            ledger: Ledger::new(settings.history, Numbering::Clock),
            away: None,
        }));
        let folder = Arc::new(Mutex::new(Folder::new(path.clone(), shared.clone())));
        let news = Arc::new(signal::Sender::new(()));
        let watch = watch::Watch::start(folder.clone(), news.clone(), settings.poll)
            .map_err(|error| PluginError::Start(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            folder,
            shared,
            news,
            writable: settings.writable,
            _watch: watch,
        })
    }

    /// Files are written on a thread that may wait for a disk.
    async fn write<T: Send + 'static>(
        &self,
        write: &Write<'_>,
        work: impl FnOnce(&mut Folder, Write<'_>) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        if !self.writable {
            let hint = "change its files, or set data_source.file.writable";
            return Err(SourceError::ReadOnly(format!("it is a folder of files; {hint}")));
        }
        let (key, expected, principal) = (write.key.clone(), write.expected, write.principal.to_owned());
        let (folder, news) = (self.folder.clone(), self.news.clone());
        let done = tokio::task::spawn_blocking(move || {
            let write = Write {
                key: &key,
                expected,
                principal: &principal,
            };
            let answer = work(&mut lock(&folder), write);
            news.send_replace(());
            answer
        });
        let failed = |error: tokio::task::JoinError| SourceError::Unavailable(error.to_string());
        done.await.map_err(failed)?
    }
}

/// A thread that panicked may have left the folder's picture behind; the next scan brings it up to date.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn ledger(&self) -> Result<&Ledger, SourceError> {
        match &self.away {
            None => Ok(&self.ledger),
            Some(reason) => Err(SourceError::Unavailable(reason.clone())),
        }
    }
}

#[async_trait]
impl DataSource for Files {
    async fn load(&self) -> Result<Load, SourceError> {
        Ok(lock(&self.shared).ledger()?.load())
    }

    async fn watch(&self, from: Revision) -> Result<Changes, SourceError> {
        let news = self.news.subscribe();
        lock(&self.shared).ledger()?.changes_after(from)?;
        let watcher = (self.shared.clone(), news, from);
        let changes = stream::try_unfold(watcher, |(shared, mut news, seen)| async move {
            loop {
                // Before reading, so that what comes meanwhile wakes again.
                news.mark_unchanged();
                let batch = lock(&shared).ledger()?.changes_after(seen)?;
                if batch.revision > seen {
                    let seen = batch.revision;
                    return Ok(Some((batch, (shared, news, seen))));
                }
                // Ends when the source is dropped.
                if news.changed().await.is_err() {
                    return Ok(None);
                }
            }
        });
        Ok(changes.boxed())
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        self.write(&write, move |folder, write| folder.put(&write, body))
            .await
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        self.write(&write, |folder, write| folder.delete(&write)).await
    }

    async fn history(&self, key: &Key, limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(lock(&self.shared).ledger.history(key, limit))
    }
}

/// Makes the data source `file` from the table `data_source.file`.
#[derive(Default)]
pub struct FileFactory;

#[mcp_common::datasource("file")]
#[async_trait]
impl DataSourceFactory for FileFactory {
    fn check(&self, settings: &Settings) -> Vec<PluginError> {
        FileSettings::read(settings)
            .and_then(|read| read.check())
            .err()
            .into_iter()
            .collect()
    }

    fn exists(&self, settings: &Settings) -> Result<bool, PluginError> {
        let settings = FileSettings::read(settings)?;
        // Only a folder that may be made is missing; another one is wrong.
        Ok(!settings.writable || settings.path.exists())
    }

    async fn open(&self, settings: &Settings) -> Result<Arc<dyn DataSource>, PluginError> {
        let settings = FileSettings::read(settings)?;
        let opened = tokio::task::spawn_blocking(move || Files::open(&settings));
        let files = opened
            .await
            .map_err(|error| PluginError::Start(error.to_string()))??;
        Ok(Arc::new(files))
    }
}
