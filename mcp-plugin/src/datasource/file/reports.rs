//! The system's reports of what happens in the folder, as far as it gives any.

use super::watch::Message;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
};

pub(super) struct Reports {
    folder: PathBuf,
    messages: Sender<Message>,
    watcher: Option<Watched>,
    /// Said once.
    is_missed: bool,
}

struct Watched {
    _watcher: RecommendedWatcher,
    root: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Reports {
    pub(super) fn new(folder: PathBuf, messages: Sender<Message>) -> Self {
        Self {
            folder,
            messages,
            watcher: None,
            is_missed: false,
        }
    }

    pub(super) fn are_coming(&self) -> bool {
        self.watcher.is_some()
    }

    /// What the reports' paths begin with.
    pub(super) fn root(&self) -> &Path {
        self.watcher
            .as_ref()
            .map_or(&self.folder, |watched| &watched.root)
    }

    /// Watches the folder that is there now, if it is not the one that is watched; `true` if that changed something.
    pub(super) fn renew(&mut self) -> bool {
        let Ok(root) = self.folder.canonicalize() else {
            return self.watcher.take().is_some();
        };
        let identity = identity(&root);
        let is_same = |watched: &Watched| watched.root == root && watched.identity == identity;
        if self.watcher.as_ref().is_some_and(is_same) {
            return false;
        }
        match watch(&root, self.messages.clone()) {
            Ok(watcher) => {
                self.watcher = Some(Watched {
                    _watcher: watcher,
                    root,
                    identity,
                });
                self.is_missed = false;
                true
            }
            Err(error) => {
                let changed = self.watcher.take().is_some();
                if !std::mem::replace(&mut self.is_missed, true) {
                    let folder = self.folder.display();
                    tracing::warn!(%error, "`{folder}` cannot be watched; looking at all its files twice a second");
                }
                changed
            }
        }
    }
}

fn watch(root: &Path, messages: Sender<Message>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |report| {
        // Fails when nobody wants to know any more.
        let _ = messages.send(Message::Report(report));
    })?;
    watcher.watch(root, RecursiveMode::Recursive)?;
    Ok(watcher)
}

#[cfg(unix)]
fn identity(root: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata: io::Result<fs::Metadata> = fs::metadata(root);
    metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
