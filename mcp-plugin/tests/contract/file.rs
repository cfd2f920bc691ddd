use async_trait::async_trait;
use mcp_common::{
    datasource::{DataSource, Load},
    key::Key,
    testsuite::{Harness, Raw},
};
use mcp_plugin::datasource::file::{FileSettings, Files};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Revisions are the process' own, so every connection is to the same source.
struct InFolder {
    directory: TempDir,
    source: Arc<Files>,
}

impl InFolder {
    /// A change counts when it is seen, not when it is made: the next write is the later one only after that.
    async fn until(&self, holds: impl Fn(&Load) -> bool) {
        let start = Instant::now();
        while !holds(&self.source.load().await.unwrap()) {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "the change was not seen"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Of an id that needs no encoding.
    fn path(&self, key: &Key) -> PathBuf {
        let kind = key.kind.path_segment();
        self.directory
            .path()
            .join(format!("admin/{kind}/{}.json", key.id))
    }
}

fn stored<'a>(load: &'a Load, key: &Key) -> Option<&'a [u8]> {
    load.records
        .iter()
        .find(|record| record.key == *key)
        .map(|record| &*record.body)
}

#[async_trait]
impl Harness for InFolder {
    const NOT_APPLICABLE: &'static [(&'static str, &'static str)] = &[
        (
            "changes_are_forgotten",
            "nothing outside can make it forget; the unit tests of its ledger try what follows",
        ),
        ("connection_is_cut", "there is no connection"),
        ("server_restarts", "there is no server"),
        ("slow_store", "the folder is local"),
        ("too_large", "a file has no bound of its own"),
    ];

    async fn fresh() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Files::open(&FileSettings {
            path: directory.path().to_owned(),
            writable: true,
            poll: Duration::from_secs(5),
            history: 50,
        });
        Self {
            directory,
            source: Arc::new(source.unwrap()),
        }
    }

    async fn connect(&self) -> Arc<dyn DataSource> {
        self.source.clone()
    }

    async fn raw(&self, write: Raw<'_>) -> bool {
        match write {
            Raw::Put { key, body } => {
                let path = self.path(key);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, body).unwrap();
                self.until(|load| stored(load, key).is_some_and(|stored| stored == body.as_bytes()))
                    .await;
            }
            Raw::Delete(key) => {
                std::fs::remove_file(self.path(key)).unwrap();
                self.until(|load| stored(load, key).is_none()).await;
            }
            Raw::Rename { from, to } => {
                std::fs::rename(self.path(from), self.path(to)).unwrap();
                self.until(|load| stored(load, from).is_none() && stored(load, to).is_some())
                    .await;
            }
            Raw::Unreadable => {
                std::fs::write(self.directory.path().join("x.yaml"), "a: [").unwrap();
                self.until(|load| !load.unreadable.is_empty()).await;
            }
        }
        true
    }
}

mcp_common::datasource_contract!(InFolder);
