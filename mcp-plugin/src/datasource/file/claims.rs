//! Which file has which definition. Where several have one id, the first one by path counts, and the others are named.

use super::{
    super::ledger::Ledger,
    parse::{Document, Fault},
};
use bytes::Bytes;
use mcp_common::key::Key;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// A file as it was read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) documents: Vec<Document>,
    pub(super) faults: Vec<Fault>,
    /// Documents from before the file was broken; they come after `documents`.
    kept: Vec<Document>,
    modified: Option<SystemTime>,
}

impl Content {
    pub(super) fn new(documents: Vec<Document>, faults: Vec<Fault>, modified: Option<SystemTime>) -> Self {
        Self {
            documents,
            faults,
            kept: Vec::new(),
            modified,
        }
    }

    /// A file with a fault keeps what it had and does not have now: what is missing may be what cannot be read.
    pub(super) fn after(mut self, before: Option<&Self>) -> Self {
        if self.faults.is_empty() {
            return self;
        }
        let read: BTreeSet<Key> = self
            .documents
            .iter()
            .map(|document| document.key.clone())
            .collect();
        let before = before
            .into_iter()
            .flat_map(|before| before.documents.iter().chain(&before.kept));
        self.kept = before
            .filter(|document| !read.contains(&document.key))
            .cloned()
            .collect();
        self
    }
}

/// A document's place in the order of files: path, then position.
type Rank = (Arc<Path>, usize);

struct Claim {
    line: usize,
    is_kept: bool,
    body: Bytes,
    modified: SystemTime,
}

#[derive(Default)]
pub(super) struct Claims {
    by_key: HashMap<Key, BTreeMap<Rank, Claim>>,
    /// Places that were reported because another file has the id.
    duplicates: HashMap<Key, BTreeMap<String, String>>,
    faults: HashMap<PathBuf, BTreeMap<String, String>>,
}

/// What became of one file.
pub(super) struct Changed<'a> {
    pub(super) path: &'a Path,
    pub(super) before: Option<&'a Content>,
    /// `None` for a file that is gone.
    pub(super) now: Option<&'a Content>,
}

impl Claims {
    /// Takes the files' new contents over all at once, so that a definition that moves from one to another is not
    /// missed in between.
    pub(super) fn change(&mut self, changed: &[Changed<'_>], root: &Path, ledger: &mut Ledger) {
        let mut touched = BTreeSet::new();
        let mut reports = Reports::default();
        for file in changed {
            for content in file.before.into_iter() {
                self.withdraw(file.path, content, &mut touched);
            }
            for content in file.now.into_iter() {
                self.enter(file.path, content, &mut touched);
            }
            let faults: BTreeMap<_, _> = file
                .now
                .iter()
                .flat_map(|now| &now.faults)
                .map(|fault| (place(root, file.path, fault.line), fault.reason.clone()))
                .collect();
            reports.replace(self.faults.remove(file.path).unwrap_or_default(), &faults);
            if !faults.is_empty() {
                self.faults.insert(file.path.to_owned(), faults);
            }
        }
        for key in &touched {
            self.settle(key, root, ledger, &mut reports);
        }
        for (place, reason) in reports.0 {
            ledger.report(&place, reason);
        }
    }

    /// The file that the definition comes from, and the line.
    pub(super) fn place(&self, key: &Key) -> Option<(&Path, usize)> {
        let ((path, _), claim) = self.by_key.get(key)?.first_key_value()?;
        Some((&**path, claim.line))
    }

    /// The place as somebody would name it to an editor.
    pub(super) fn place_text(&self, key: &Key, root: &Path) -> Option<String> {
        self.place(key).map(|(path, line)| place(root, path, line))
    }

    fn withdraw(&mut self, path: &Path, content: &Content, touched: &mut BTreeSet<Key>) {
        for (index, document) in content.documents.iter().chain(&content.kept).enumerate() {
            let rank = (Arc::from(path), index);
            if let Some(claims) = self.by_key.get_mut(&document.key) {
                claims.remove(&rank);
                if claims.is_empty() {
                    self.by_key.remove(&document.key);
                }
            }
            touched.insert(document.key.clone());
        }
    }

    fn enter(&mut self, path: &Path, content: &Content, touched: &mut BTreeSet<Key>) {
        let path: Arc<Path> = path.into();
        for (index, document) in content.documents.iter().chain(&content.kept).enumerate() {
            let claim = Claim {
                line: document.line,
                is_kept: index >= content.documents.len(),
                body: document.body.clone(),
                modified: content.modified.unwrap_or(SystemTime::UNIX_EPOCH),
            };
            let claims = self.by_key.entry(document.key.clone()).or_default();
            claims.insert((path.clone(), index), claim);
            touched.insert(document.key.clone());
        }
    }

    fn settle(&mut self, key: &Key, root: &Path, ledger: &mut Ledger, reports: &mut Reports) {
        let claims = self.by_key.get(key);
        let mut ranked = claims.into_iter().flatten();
        let first = ranked.next();
        match (first, ledger.stored(key)) {
            (Some((_, claim)), stored) if stored != Some(&claim.body) => {
                ledger.append(key, None, claim.modified, Some(claim.body.clone()));
            }
            (None, Some(_)) => {
                ledger.append(key, None, SystemTime::now(), None);
            }
            _ => {}
        }
        let mut duplicates = BTreeMap::new();
        if let Some(((path, _), claim)) = first {
            let counts = place(root, path, claim.line);
            let reason =
                format!("{key} stands in {counts} already, and that one counts; remove one of the two");
            for ((path, _), claim) in ranked.filter(|(_, claim)| !claim.is_kept) {
                duplicates.insert(place(root, path, claim.line), reason.clone());
            }
        }
        reports.replace(self.duplicates.remove(key).unwrap_or_default(), &duplicates);
        if !duplicates.is_empty() {
            self.duplicates.insert(key.clone(), duplicates);
        }
    }
}

/// What is to be said about places when everything is settled: one place can be cured of one thing and have another.
#[derive(Default)]
struct Reports(BTreeMap<String, Option<String>>);

impl Reports {
    fn replace(&mut self, before: BTreeMap<String, String>, now: &BTreeMap<String, String>) {
        for place in before.into_keys() {
            self.0.entry(place).or_insert(None);
        }
        for (place, reason) in now {
            self.0.insert(place.clone(), Some(reason.clone()));
        }
    }
}

pub(super) fn place(root: &Path, path: &Path, line: usize) -> String {
    format!("{}:{line}", root.join(path).display())
}
