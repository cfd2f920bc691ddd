//! A folder of definitions, and what a consumer knows of it.

use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    key::{Key, Revision},
    testsuite::Follower,
};
use mcp_plugin::datasource::file::{FileSettings, Files};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Twenty times what a change may take on a machine that does nothing else.
const GENEROUS: Duration = Duration::from_secs(4);

pub(crate) struct Folder {
    directory: TempDir,
    pub(crate) writable: bool,
    pub(crate) poll: Duration,
}

impl Folder {
    /// Too slow a poll to be what finds a change.
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            writable: false,
            poll: Duration::from_secs(3_600),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("definitions").join(name)
    }

    /// As an editor does that opens, truncates, writes and closes.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn open(&self) -> Files {
        fs::create_dir_all(self.path("")).unwrap();
        let settings = FileSettings {
            path: self.path(""),
            writable: self.writable,
            poll: self.poll,
            history: 50,
        };
        Files::open(&settings).unwrap()
    }
}

/// Follows a source until something holds.
pub(crate) struct Reader {
    pub(crate) follower: Follower,
}

impl Reader {
    pub(crate) async fn of(source: &Files) -> Self {
        Self {
            follower: Follower::start(source).await,
        }
    }

    pub(crate) fn text(&self, key: &Key) -> Option<&str> {
        self.follower
            .body(key)
            .map(|body| std::str::from_utf8(body).unwrap())
    }

    /// The ids of all tools.
    pub(crate) fn tools(&self) -> Vec<String> {
        self.follower.state.keys().map(|key| key.id.to_string()).collect()
    }

    /// Place (without the folder) and reason of everything unreadable.
    pub(crate) fn unreadable(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self
            .follower
            .unreadable
            .iter()
            .map(|entry| {
                let place = entry.place.split("/definitions/").last().unwrap();
                (place.to_owned(), entry.reason.clone())
            })
            .collect();
        all.sort();
        all
    }

    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let revision = self.follower.revision;
            let changed = self
                .follower
                .until_that(|follower| follower.revision > revision, what);
            let in_time = tokio::time::timeout(GENEROUS.saturating_sub(start.elapsed()), changed).await;
            assert!(
                in_time.is_ok(),
                "{what}: {:?} {:?}",
                self.follower.state,
                self.unreadable()
            );
        }
    }
}

pub(crate) fn tool(id: &str) -> String {
    format!("{{\"id\": \"{id}\", \"tds_ext_info\": {{}}}}")
}

pub(crate) async fn put(source: &Files, key: &Key, body: &str) -> Result<Revision, SourceError> {
    let write = Write {
        key,
        expected: Expected::Any,
        principal: "anna",
    };
    source.put(write, body.to_owned().into()).await
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
