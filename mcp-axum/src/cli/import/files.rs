//! `dynmcp import … --out DIR`: definitions go to files, for whoever keeps them in git. What stands there is updated like
//! what is stored: edits by hand stay.

use crate::cli::Failure;
use async_trait::async_trait;
use bytes::Bytes;
use mcp_common::{
    datasource::{Changes, DataSource, Expected, HistoryEntry, Load, Record, SourceError, Write},
    document::Document,
    key::{Key, Revision},
};
use mcp_core::authoring::export::{FileNames, canonical};
use mcp_plugin::datasource::file;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Of everything: files have no revisions, and one command is the only writer.
const REVISION: Revision = 1;

/// A folder of definitions, one file for each.
pub(super) struct Files {
    folder: PathBuf,
    there: BTreeMap<Key, (PathBuf, Bytes)>,
    /// How many definitions stand in each file.
    crowd: HashMap<PathBuf, usize>,
    names: Mutex<FileNames>,
}

impl Files {
    /// What the folder has; nothing where it is not there yet.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let at =
            |reason: &dyn std::fmt::Display| Failure::runtime(format_args!("{}: {reason}", folder.display()));
        let contents = match folder.exists() {
            true => file::read(folder).map_err(|error| at(&error))?,
            false => file::Contents::default(),
        };
        if let Some(fault) = contents.faults.first() {
            let (place, reason) = (&fault.place, &fault.reason);
            return Err(Failure::runtime(format_args!("{place}: {reason}")));
        }
        let mut files = Self {
            folder: folder.to_owned(),
            there: BTreeMap::new(),
            crowd: HashMap::new(),
            names: Mutex::default(),
        };
        for definition in contents.definitions {
            let place = &definition.place;
            let path = PathBuf::from(place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file));
            *files.crowd.entry(path.clone()).or_default() += 1;
            // So that no new definition gets its name.
            files.names().name(&definition.key);
            files.there.insert(definition.key, (path, definition.body));
        }
        Ok(files)
    }

    fn names(&self) -> MutexGuard<'_, FileNames> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file that is the definition's own.
    fn path(&self, key: &Key) -> Result<PathBuf, SourceError> {
        let Some((path, _)) = self.there.get(key) else {
            return Ok(self.folder.join(self.names().name(key)));
        };
        let is_own = self.crowd.get(path) == Some(&1);
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        if is_own && is_json {
            return Ok(path.clone());
        }
        let why = match is_own {
            true => "is not JSON, and its comments would be lost",
            false => "has other definitions too",
        };
        Err(SourceError::ReadOnly(format!(
            "it stands in {}, which {why}; give it a JSON file of its own, or change it by hand",
            path.display()
        )))
    }
}

fn broken(path: &Path, error: &std::io::Error) -> SourceError {
    SourceError::Broken(format!("{}: {error}", path.display()))
}

#[async_trait]
impl DataSource for Files {
    async fn load(&self) -> Result<Load, SourceError> {
        let record = |(key, (_, body)): (&Key, &(PathBuf, Bytes))| Record {
            key: key.clone(),
            revision: REVISION,
            updated_at: None,
            body: body.clone(),
        };
        Ok(Load {
            revision: REVISION,
            records: self.there.iter().map(record).collect(),
            unreadable: Vec::new(),
        })
    }

    async fn watch(&self, _from: Revision) -> Result<Changes, SourceError> {
        Err(SourceError::Broken("files are not followed".to_owned()))
    }

    async fn put(&self, write: Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let is_there = self.there.contains_key(write.key);
        write.expected.met_by(is_there.then_some(REVISION))?;
        let path = self.path(write.key)?;
        if write.expected == Expected::Absent && path.exists() {
            let reason = format!("{} is there and is no definition", path.display());
            return Err(SourceError::Broken(reason));
        }
        let document = Document::take(body).map_err(|problem| SourceError::Broken(problem.to_string()))?;
        file::write(&path, &canonical(write.key, &document)).map_err(|error| broken(&path, &error))?;
        Ok(REVISION)
    }

    async fn delete(&self, write: Write<'_>) -> Result<Option<Revision>, SourceError> {
        if !self.there.contains_key(write.key) {
            return Ok(None);
        }
        let path = self.path(write.key)?;
        fs::remove_file(&path).map_err(|error| broken(&path, &error))?;
        Ok(Some(REVISION))
    }

    async fn history(&self, _key: &Key, _limit: usize) -> Result<Vec<HistoryEntry>, SourceError> {
        Ok(Vec::new())
    }
}
