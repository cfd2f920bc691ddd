//! What the process compiles at this moment, in a file of its own with a place for each piece of work. Writing is one call
//! into the system without waiting for a disk: the system has the bytes when the process dies.

use super::Subject;
use crate::{
    key::{Key, Kind},
    private_file,
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The journal of a process is called `compiling-{pid}.journal` and locked by it.
const PREFIX: &str = "compiling-";
const SUFFIX: &str = ".journal";

/// The bytes for the mark of one piece of work. What does not fit is not marked: no store takes ids that long.
const PLACE_BYTES: usize = 16 << 10;

pub(super) struct Journal {
    pub(super) path: PathBuf,
    places: Mutex<Places>,
    /// Said once.
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Places {
    /// Open while something is compiled, and a little longer.
    file: Option<Arc<File>>,
    /// The places that are free.
    free: Vec<u64>,
    /// How many there are.
    count: u64,
    is_over: bool,
}

/// Definitions that are being compiled. Dropping it says that it is over.
pub struct Marked<'a> {
    journal: &'a Journal,
    file: Arc<File>,
    place: u64,
}

#[derive(Serialize, Deserialize)]
struct Line {
    /// Kind, id and digest.
    subjects: Vec<(String, String, u64)>,
}

impl Journal {
    /// Tells what stands in the journals of dead processes, and whether it stood alone. That of this one begins with what is
    /// compiled first.
    pub(super) fn open(directory: &Path, mut died: impl FnMut(Subject, bool)) -> io::Result<Self> {
        for entry in fs::read_dir(directory)?.filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
                read_dead(&entry.path(), &mut died);
            }
        }
        Ok(Self {
            path: directory.join(format!("{PREFIX}{}{SUFFIX}", std::process::id())),
            places: Mutex::default(),
            has_failed: AtomicBool::new(false),
        })
    }

    pub(super) fn mark(&self, subjects: &[Subject]) -> Option<Marked<'_>> {
        let subject = |subject: &Subject| {
            let Key { kind, id } = &subject.key;
            (kind.as_str().to_owned(), id.to_string(), subject.digest)
        };
        let line = Line {
            subjects: subjects.iter().map(subject).collect(),
        };
        let mut text = serde_json::to_vec(&line).ok()?;
        text.push(b'\n');
        if text.len() > PLACE_BYTES {
            return None;
        }
        let (file, place) = self.take_place().map_err(|error| self.failed(&error)).ok()??;
        let marked = Marked {
            journal: self,
            file,
            place,
        };
        marked.write(&text);
        Some(marked)
    }

    /// Says that nothing more is compiled for now: no file is kept open, and none left behind.
    pub(super) fn rest(&self) {
        let mut places = self.lock();
        if places.free.len() as u64 == places.count && places.file.is_some() && !places.is_over {
            *places = Places::default();
            let _ = fs::remove_file(&self.path);
        }
    }

    /// The process ends because it was told to: what it is compiling now is not to blame.
    pub(super) fn end(&self) {
        let mut places = self.lock();
        places.is_over = true;
        if places.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }

    fn take_place(&self) -> io::Result<Option<(Arc<File>, u64)>> {
        let mut places = self.lock();
        if places.is_over {
            return Ok(None);
        }
        let file = match &places.file {
            Some(file) => file.clone(),
            None => {
                let file = Arc::new(self.create()?);
                places.file = Some(file.clone());
                file
            }
        };
        let place = places.free.pop().unwrap_or_else(|| {
            places.count += 1;
            places.count - 1
        });
        Ok(Some((file, place)))
    }

    fn create(&self) -> io::Result<File> {
        let mut options = private_file::options();
        let options = options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&self.path)?;
        // Where files cannot be locked, others take what stands here for what a dead process left: it is tried, no more.
        let _ = file.try_lock();
        Ok(file)
    }

    fn failed(&self, error: &io::Error) {
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            let file = self.path.display();
            tracing::warn!(%error, "`{file}` cannot be written: it would not be known which definition a process died of");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marked<'_> {
    fn write(&self, text: &[u8]) {
        let written = write_at(&self.file, text, self.place * PLACE_BYTES as u64);
        if let Err(error) = written {
            self.journal.failed(&error);
        }
    }
}

impl Drop for Marked<'_> {
    fn drop(&mut self) {
        self.write(b"\n");
        self.journal.lock().free.push(self.place);
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.rest();
    }
}

fn read_dead(path: &Path, died: &mut impl FnMut(Subject, bool)) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return;
    };
    if matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)) {
        return;
    }
    let bytes = fs::read(path).unwrap_or_default();
    for place in bytes.chunks(PLACE_BYTES) {
        let text = place.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let Ok(Line { subjects }) = serde_json::from_slice(text) else {
            continue;
        };
        let is_alone = subjects.len() == 1;
        for (kind, id, digest) in subjects {
            if let Some(kind) = Kind::parse(&kind) {
                let key = Key { kind, id: id.into() };
                died(Subject { key, digest }, is_alone);
            }
        }
    }
    let _ = fs::remove_file(path);
}

#[cfg(unix)]
fn write_at(file: &File, text: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, text, offset)
}

#[cfg(windows)]
fn write_at(file: &File, text: &[u8], offset: u64) -> io::Result<()> {
    std::os::windows::fs::FileExt::seek_write(file, text, offset).map(|_| ())
}
