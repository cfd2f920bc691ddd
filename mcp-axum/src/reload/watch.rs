//! When a file may have changed: what the system reports of its folder, and now and then without a report. Editors put another file in its
//! place, and orchestrators another link.

use super::seen::Seen;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout, timeout_at},
};

/// After a report others may follow: a save is over when none has come for so long.
const QUIET: Duration = Duration::from_millis(200);
/// Whoever never stops writing is looked at all the same.
const LONGEST: Duration = Duration::from_secs(2);
/// For what the system does not report (network file systems).
const POLL: Duration = Duration::from_secs(2);

/// Follows one file.
pub(super) struct Watch {
    file: Option<PathBuf>,
    reported: Arc<Notify>,
    /// The folders that are watched, and who does it.
    watching: Option<(BTreeSet<PathBuf>, RecommendedWatcher)>,
}

impl Watch {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        let mut watch = Self {
            file,
            reported: Arc::default(),
            watching: None,
        };
        watch.renew();
        watch
    }

    /// Waits until the file may be another one. Whether the system reported it, and nothing more since: without a report somebody may be writing it
    /// now. Whoever waits again misses nothing.
    pub(super) async fn settled(&mut self) -> bool {
        let Ok(()) = timeout(POLL, self.reported.notified()).await else {
            self.renew();
            return false;
        };
        let latest = Instant::now() + LONGEST;
        loop {
            let quiet = (Instant::now() + QUIET).min(latest);
            if timeout_at(quiet, self.reported.notified()).await.is_err() {
                break;
            }
        }
        self.renew();
        true
    }

    /// Watches the folder of the file and, where it is a link, those of what it leads to.
    fn renew(&mut self) {
        let Some(file) = &self.file else { return };
        let (folders, names) = around(file);
        if self
            .watching
            .as_ref()
            .is_some_and(|(watched, _)| *watched == folders)
        {
            return;
        }
        let reported = self.reported.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_it = match &event {
                // Reports may be missing from here on.
                Err(_) => true,
                Ok(event) if event.kind.is_access() && !is_closed(event) => false,
                Ok(event) => event.need_rescan() || event.paths.iter().any(|path| is_meant(path, &names)),
            };
            if is_it {
                reported.notify_one();
            }
        });
        // Without reports there are looks.
        let Ok(mut watcher) = watcher else { return };
        for folder in &folders {
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, folder = %folder.display(), "the system does not report changes of the configuration");
            }
        }
        self.watching = Some((folders, watcher));
        // Between the look before and now something may have come.
        self.reported.notify_one();
    }
}

/// What is there when two looks see the same, for files of which nothing is reported: one that is being written is another one each time.
pub(super) async fn at_rest(seen: Seen, look: impl Fn() -> Seen) -> Seen {
    the_same_twice(seen, look, QUIET).await
}

async fn the_same_twice(mut seen: Seen, look: impl Fn() -> Seen, pause: Duration) -> Seen {
    let latest = Instant::now() + LONGEST;
    loop {
        sleep(pause).await;
        let now = look();
        if now == seen || Instant::now() >= latest {
            return now;
        }
        seen = now;
    }
}

fn is_closed(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

/// A ConfigMap changes by a new link with two dots at the beginning.
fn is_meant(path: &Path, names: &BTreeSet<OsString>) -> bool {
    path.file_name()
        .is_none_or(|name| names.contains(name) || name.to_string_lossy().starts_with(".."))
}

/// The folders, and the names in them.
fn around(file: &Path) -> (BTreeSet<PathBuf>, BTreeSet<OsString>) {
    let mut paths = vec![file.to_owned()];
    let mut next = file.to_owned();
    // A circle of links ends somewhere.
    for _ in 0..16 {
        let Ok(target) = std::fs::read_link(&next) else {
            break;
        };
        next = match next.parent() {
            Some(folder) => folder.join(target),
            None => target,
        };
        paths.push(next.clone());
    }
    paths.extend(file.canonicalize());
    let folder = |path: &PathBuf| match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => path.clone(),
    };
    let names = paths.iter().filter_map(|path| Some(path.file_name()?.to_owned()));
    (paths.iter().map(folder).collect(), names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

    #[tokio::test]
    async fn what_is_being_written_is_looked_at_until_it_stays() {
        let looks = AtomicU8::new(0);
        // Written for three looks more.
        let look = || Seen::Text([looks.fetch_add(1, Relaxed).min(3); 32]);
        let first = look();
        let found = the_same_twice(first, look, Duration::ZERO).await;
        assert_eq!(found, Seen::Text([3; 32]));
        assert_eq!(looks.load(Relaxed), 5);
    }
}
