//! The folder as it was seen last, and how that becomes revisions.

use super::{
    Shared, canonical,
    claims::{Changed, Claims, Content},
    lock,
    parse::Document,
    scan::{self, Found, Look},
    stamp::Stamp,
};
use bytes::Bytes;
use mcp_common::{
    datasource::{SourceError, Write},
    key::Revision,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

/// Held while one gateway of several on the same folder writes.
const LOCK: &str = ".dynmcp.lock";

/// How long another one may write.
const TURN: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Seen {
    content: Content,
    stamp: Option<Stamp>,
}

pub(super) struct Folder {
    root: PathBuf,
    files: BTreeMap<PathBuf, Seen>,
    claims: Claims,
    shared: Arc<Mutex<Shared>>,
}

impl Folder {
    pub(super) fn new(root: PathBuf, shared: Arc<Mutex<Shared>>) -> Self {
        Self {
            root,
            files: BTreeMap::new(),
            claims: Claims::default(),
            shared,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at everything but the files of `held`, which are being written.
    pub(super) fn scan_all(&mut self, held: &BTreeSet<PathBuf>) {
        let Found { files, troubles } = match scan::find(&self.root) {
            Ok(found) => found,
            Err(error) => return self.leave(&error),
        };
        // What cannot be looked at is not gone.
        let is_out_of_sight = |path: &Path| {
            held.contains(path) || troubles.iter().any(|(trouble, _)| path.starts_with(trouble))
        };
        let known = self.files.keys().filter(|path| !is_out_of_sight(path)).cloned();
        let paths: BTreeSet<PathBuf> = known
            .chain(files)
            .chain(troubles.iter().map(|(path, _)| path.clone()))
            .filter(|path| !held.contains(path))
            .collect();
        let mut looks: BTreeMap<_, _> = paths
            .into_iter()
            .map(|path| (path.clone(), self.look(&path)))
            .collect();
        for (path, reason) in troubles {
            let parsed = super::parse::Parsed::broken(1, format!("cannot be looked at: {reason}"));
            let content = Content::new(Vec::new(), parsed.faults, None);
            looks.insert(path, Look::Read(content, None));
        }
        self.take_over(looks);
        self.come_back();
    }

    /// Looks at these files.
    pub(super) fn scan(&mut self, paths: BTreeSet<PathBuf>) {
        if let Err(error) = fs::read_dir(&self.root) {
            return self.leave(&error);
        }
        let looks = paths
            .into_iter()
            .map(|path| (path.clone(), self.look(&path)))
            .collect();
        self.take_over(looks);
        self.come_back();
    }

    fn look(&self, path: &Path) -> Look {
        let known = self.files.get(path).and_then(|seen| seen.stamp.as_ref());
        scan::look(&self.root, path, known)
    }

    fn take_over(&mut self, looks: BTreeMap<PathBuf, Look>) {
        let mut next: Vec<(PathBuf, Option<Seen>)> = Vec::new();
        for (path, look) in looks {
            let before = self.files.get(&path);
            match look {
                Look::Unchanged => {}
                Look::Gone if before.is_none() => {}
                Look::Gone => next.push((path, None)),
                Look::Read(content, stamp) => {
                    let content = content.after(before.map(|seen| &seen.content));
                    next.push((path, Some(Seen { content, stamp })));
                }
            }
        }
        if next.is_empty() {
            return;
        }
        let changed: Vec<_> = next
            .iter()
            .map(|(path, seen)| Changed {
                path,
                before: self.files.get(path).map(|seen| &seen.content),
                now: seen.as_ref().map(|seen| &seen.content),
            })
            .collect();
        self.claims
            .change(&changed, &self.root, &mut lock(&self.shared).ledger);
        for (path, seen) in next {
            match seen {
                Some(seen) => self.files.insert(path, seen),
                None => self.files.remove(&path),
            };
        }
    }

    /// The folder is out of reach: everything stays as it is.
    fn leave(&mut self, error: &io::Error) {
        let reason = format!("the folder `{}` cannot be read: {error}", self.root.display());
        lock(&self.shared).away = Some(reason);
    }

    fn come_back(&mut self) {
        lock(&self.shared).away = None;
    }

    pub(super) fn put(&mut self, write: &Write<'_>, body: Bytes) -> Result<Revision, SourceError> {
        let _lock = self.prepare(write)?;
        let path = canonical::path(write.key);
        let file = self.root.join(&path);
        canonical::write(&file, &body).map_err(|error| self.failed(&file, &error))?;
        let now = SystemTime::now();
        let revision = self.append(write, now, Some(body.clone()));
        let document = Document {
            key: write.key.clone(),
            line: 1,
            body,
        };
        let content = Content::new(vec![document], Vec::new(), Some(now));
        // Without a stamp: the next look reads the file and finds what is known.
        let seen = Seen { content, stamp: None };
        self.settle(path, Some(seen));
        Ok(revision)
    }

    pub(super) fn delete(&mut self, write: &Write<'_>) -> Result<Option<Revision>, SourceError> {
        let _lock = self.prepare(write)?;
        let path = canonical::path(write.key);
        if !self.files.contains_key(&path) {
            return Ok(None);
        }
        let file = self.root.join(&path);
        match canonical::remove(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(self.failed(&file, &error)),
            _ => {}
        }
        let revision = self.append(write, SystemTime::now(), None);
        self.settle(path, None);
        Ok(Some(revision))
    }

    /// Brings the definition up to date, and finds out whether it may be written.
    fn prepare(&mut self, write: &Write<'_>) -> Result<File, SourceError> {
        let lock_file = self.turn()?;
        let path = canonical::path(write.key);
        if !scan::stays_inside(&self.root, &path) {
            return Err(SourceError::ReadOnly(format!(
                "`{}` is not written: a link on the way leads out of the folder; remove it",
                self.root.join(path).display()
            )));
        }
        self.scan(BTreeSet::from([path]));
        let shared = lock(&self.shared);
        shared.ledger()?.expect(write)?;
        drop(shared);
        match self.claims.place(write.key) {
            Some((path, _)) if path != canonical::path(write.key) => {
                let place = self.claims.place_text(write.key, &self.root).unwrap_or_default();
                Err(SourceError::ReadOnly(format!(
                    "{} stands in {place}, which the gateway does not write; change it there",
                    write.key
                )))
            }
            _ => Ok(lock_file),
        }
    }

    /// Waits until no other gateway writes the folder, but not for ever: the folder is not looked at meanwhile.
    fn turn(&self) -> Result<File, SourceError> {
        let name = self.root.join(LOCK);
        let failed = |error: &io::Error| self.failed(&name, error);
        let file = OpenOptions::new().create(true).append(true).open(&name);
        let file = file.map_err(|error| failed(&error))?;
        let deadline = Instant::now() + TURN;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(&error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SourceError::Unavailable(format!(
                        "another process holds `{}`; end it, or wait until it is done",
                        name.display()
                    )));
                }
            }
        }
    }

    fn append(&self, write: &Write<'_>, at: SystemTime, body: Option<Bytes>) -> Revision {
        lock(&self.shared)
            .ledger
            .append(write.key, Some(write.principal), at, body)
    }

    /// The ledger has the change already, with its author.
    fn settle(&mut self, path: PathBuf, now: Option<Seen>) {
        let before = self.files.remove(&path);
        let changed = Changed {
            path: &path,
            before: before.as_ref().map(|seen| &seen.content),
            now: now.as_ref().map(|seen| &seen.content),
        };
        self.claims
            .change(&[changed], &self.root, &mut lock(&self.shared).ledger);
        if let Some(seen) = now {
            self.files.insert(path, seen);
        }
    }

    fn failed(&self, file: &Path, error: &io::Error) -> SourceError {
        let text = format!("`{}` cannot be written: {error}", file.display());
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => SourceError::ReadOnly(
                format!("{text}; give this user the right to, or set data_source.file.writable = false"),
            ),
            // Of the disk, of this user's share of it, or of what this process may write.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                SourceError::Full(format!("{text}; free some space there"))
            }
            _ => SourceError::Unavailable(text),
        }
    }
}
