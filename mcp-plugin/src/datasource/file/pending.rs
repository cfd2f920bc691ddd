//! When to look at what the system reported: not in the middle of a save, and once for a burst of reports.

use super::parse;
use notify::{
    Event, EventKind,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

/// The wait after a report that may be followed by others.
const QUIET: Duration = Duration::from_millis(20);
/// The wait after a file went away: editors and `mv` put another one in its place.
const REPLACING: Duration = Duration::from_millis(100);
/// A file that was written and not closed; also the longest that anything waits.
const OPEN: Duration = Duration::from_secs(1);

/// What the system reported and nobody looked at yet.
#[derive(Default)]
pub(super) struct Pending {
    files: BTreeMap<PathBuf, Wait>,
    /// Something that no single file stands for: a folder, a link.
    everything: Option<Wait>,
}

#[derive(Clone, Copy)]
struct Wait {
    since: Instant,
    until: Instant,
}

/// What to look at now.
pub(super) enum Due {
    Nothing,
    Files(BTreeSet<PathBuf>),
    /// All files but these, which are being written.
    EverythingBut(BTreeSet<PathBuf>),
}

impl Pending {
    /// Takes a report in; `root` is the folder as it was given to the system.
    pub(super) fn report(&mut self, event: &Event, root: &Path, now: Instant) {
        if event.need_rescan() {
            return self.everything(now, QUIET);
        }
        let Some(wait) = wait(event.kind) else {
            return;
        };
        let is_data = matches!(
            event.kind,
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) | EventKind::Access(_)
        );
        // The first of two names is the old one. A file that went to another name of ours will not come back under
        // it, and both are looked at together, so that its definitions are not missed in between.
        let is_backup = event.paths.len() == 2 && !parse::is_candidate(&event.paths[1]);
        for (index, path) in event.paths.iter().enumerate() {
            let wait = if is_backup && index == 0 { REPLACING } else { wait };
            match path.strip_prefix(root) {
                Ok(path) if is_hidden(path) => {
                    // A ConfigMap changes by moving `..data`; other hidden files are editors' own.
                    if path.components().any(|part| name_begins(part, "..")) && !is_data {
                        self.everything(now, QUIET);
                    }
                }
                Ok(path) if parse::is_candidate(path) => self.file(path, now, wait),
                _ if is_data => {}
                _ => self.everything(now, wait),
            }
        }
    }

    pub(super) fn everything(&mut self, now: Instant, wait: Duration) {
        let since = self.everything.map_or(now, |known| known.since);
        self.everything = Some(Wait::new(since, now + wait));
    }

    fn file(&mut self, path: &Path, now: Instant, wait: Duration) {
        let since = self.files.get(path).map_or(now, |known| known.since);
        self.files.insert(path.to_owned(), Wait::new(since, now + wait));
    }

    /// When something is due, if anything is.
    pub(super) fn next(&self) -> Option<Instant> {
        let waits = self.files.values().chain(&self.everything);
        waits.map(|wait| wait.until).min()
    }

    /// Takes out what is due.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        let due: BTreeSet<_> = self
            .files
            .iter()
            .filter(|(_, wait)| wait.until <= now)
            .map(|(path, _)| path.clone())
            .collect();
        self.files.retain(|path, _| !due.contains(path));
        if self.everything.is_some_and(|wait| wait.until <= now) {
            self.everything = None;
            return Due::EverythingBut(self.held());
        }
        if due.is_empty() {
            Due::Nothing
        } else {
            Due::Files(due)
        }
    }

    /// Files that are being written.
    pub(super) fn held(&self) -> BTreeSet<PathBuf> {
        self.files.keys().cloned().collect()
    }
}

impl Wait {
    /// Whoever never stops writing is looked at all the same.
    fn new(since: Instant, until: Instant) -> Self {
        Self {
            since,
            until: until.min(since + OPEN),
        }
    }
}

/// How long the rest of what this belongs to may take; `None` for what changes nothing.
fn wait(kind: EventKind) -> Option<Duration> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(QUIET),
        EventKind::Access(_) => None,
        // Only Linux tells when the file is closed.
        EventKind::Modify(ModifyKind::Data(_)) if cfg!(target_os = "linux") => Some(OPEN),
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) | EventKind::Remove(_) => Some(REPLACING),
        _ => Some(QUIET),
    }
}

fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| name_begins(part, "."))
}

fn name_begins(part: Component<'_>, with: &str) -> bool {
    part.as_os_str().to_string_lossy().starts_with(with)
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, DataChange, RemoveKind};

    fn event(kind: EventKind, path: &str) -> Event {
        Event::new(kind).add_path(Path::new("/d").join(path))
    }

    #[test]
    fn a_file_that_is_being_written_waits_for_its_end() {
        let (mut pending, start) = (Pending::default(), Instant::now());
        let root = Path::new("/d");
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        pending.report(&event(data, "a.yaml"), root, start);
        assert!(matches!(pending.due(start + REPLACING), Due::Nothing));
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        pending.report(&event(close, "a.yaml"), root, start + REPLACING);
        assert!(matches!(pending.due(start + REPLACING + QUIET), Due::Files(files) if files.len() == 1));
        assert_eq!(pending.next(), None);
        // One that is never closed is looked at in the end.
        for step in 0..20 {
            pending.report(&event(data, "a.yaml"), root, start + step * REPLACING);
        }
        assert_eq!(pending.next(), Some(start + OPEN));
    }

    #[test]
    fn folders_and_links_are_everything() {
        let (mut pending, start) = (Pending::default(), Instant::now());
        let root = Path::new("/d");
        for (kind, path) in [
            (EventKind::Remove(RemoveKind::Folder), "sub"),
            (EventKind::Create(CreateKind::Any), "..data"),
        ] {
            pending.report(&event(kind, path), root, start);
            assert!(
                matches!(pending.due(start + REPLACING), Due::EverythingBut(_)),
                "{path}"
            );
        }
        for path in [".a.yaml.swp", "README.md"] {
            let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
            pending.report(&event(data, path), root, start);
        }
        assert_eq!(pending.next(), None);
    }
}
