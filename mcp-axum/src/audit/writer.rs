//! Writes records to files: one process for one folder, a new file when one is large, the oldest ones removed. What cannot be
//! written stays in memory, and nothing that was written is written twice.

use super::{
    buffer::{Event, Item},
    chain::Head,
    folder::{self, LogFile},
    line::Line,
    redaction::Redaction,
};
use mcp_common::private_file;
use std::{
    collections::VecDeque,
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Whoever holds it writes.
const LOCK: &str = "audit.lock";
/// Lines are written together up to this, in bytes.
const TOGETHER: usize = 1 << 20;

/// Where and how much.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    pub(super) max_file_bytes: u64,
    /// 0 for all.
    pub(super) max_files: usize,
    pub(super) redaction: Redaction,
}

pub(super) struct Writer {
    place: Place,
    _lock: File,
    /// The last record that has a line.
    head: Head,
    pending: VecDeque<Item>,
    unwritten: Lines,
    open: Option<Open>,
    /// Went into files of which the event tells already.
    outdated: Vec<PathBuf>,
}

/// Lines that are in no file yet.
#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    /// The number of the first.
    first: u64,
    records: u64,
    /// The room in the buffer that their records have.
    room: usize,
}

struct Open {
    file: File,
    path: PathBuf,
    /// What is there and ours.
    len: u64,
}

/// What one turn of writing did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) records: u64,
    pub(super) room: usize,
}

impl Writer {
    /// Goes on where the folder's last record is. Fails where nothing could be written.
    pub(super) fn open(place: Place) -> io::Result<Self> {
        private_file::create_folder(&place.folder)?;
        let lock = lock(&place.folder)?;
        let files = folder::files(&place.folder)?;
        let tail = folder::tail(&files)?;
        let newest = files.last();
        let open = newest.map(|file| Open::append(file.path.clone())).transpose()?;
        if tail.head.is_none() && open.as_ref().is_some_and(|open| open.len > 0) {
            tracing::error!(
                folder = %place.folder.display(),
                "no record of the audit log can be read; a new chain begins, and `dynmcp audit verify` shows what is there"
            );
        }
        let head = tail.head.unwrap_or_else(|| Head {
            // Not a number that a file has already.
            seq: newest.map_or(0, |file| file.first),
            ..Head::default()
        });
        let mut writer = Self {
            place,
            _lock: lock,
            head,
            pending: VecDeque::new(),
            unwritten: Lines::default(),
            open,
            outdated: Vec::new(),
        };
        if let Some(open) = writer.open.as_mut().filter(|_| tail.is_open) {
            // Stays as it is, on a line of its own.
            open.file.write_all(b"\n")?;
            open.len += 1;
        }
        writer
            .pending
            .push_back(Item::Event(Event::Start { torn: tail.torn }));
        writer.write()?;
        Ok(writer)
    }

    /// The last record that has a line.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn take_in(&mut self, items: Vec<Item>) {
        self.pending.extend(items);
    }

    /// Whether everything is in a file.
    pub(super) fn is_done(&self) -> bool {
        self.pending.is_empty() && self.unwritten.text.is_empty()
    }

    /// How many records are in none.
    pub(super) fn waiting(&self) -> u64 {
        self.unwritten.records + self.pending.len() as u64
    }

    /// Writes something of what is there; call it again until all is done.
    pub(super) fn write(&mut self) -> io::Result<Written> {
        self.make_lines();
        if self.unwritten.text.is_empty() {
            return Ok(Written::default());
        }
        self.find_file()?;
        let Some(open) = &mut self.open else {
            return Ok(Written::default());
        };
        if let Err(error) = open.file.write_all(&self.unwritten.text) {
            // What came into the file is written again.
            let _ = open.file.set_len(open.len);
            return Err(error);
        }
        open.len += self.unwritten.text.len() as u64;
        let Lines { records, room, .. } = self.unwritten;
        self.unwritten.text.clear();
        (self.unwritten.records, self.unwritten.room) = (0, 0);
        for path in self.outdated.drain(..) {
            // The next time, if not now.
            let _ = fs::remove_file(path);
        }
        Ok(Written { records, room })
    }

    /// Puts everything on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), |open| open.file.sync_data())
    }

    fn make_lines(&mut self) {
        let lines = &mut self.unwritten;
        if lines.text.is_empty() {
            lines.first = self.head.seq + 1;
        }
        while lines.text.len() < TOGETHER
            && let Some(item) = self.pending.pop_front()
        {
            let line = Line::of(&item, &self.place.redaction);
            match self.head.seal(&line, &mut lines.text) {
                Ok(()) => lines.records += 1,
                Err(error) => tracing::error!(%error, "a record of the audit log cannot be written as JSON"),
            }
            if let Item::Entry(entry) = &item {
                lines.room += entry.size();
            }
        }
    }

    /// The file for the next lines.
    fn find_file(&mut self) -> io::Result<()> {
        if let Some(open) = &mut self.open {
            match open.state() {
                State::Ours if open.len < self.place.max_file_bytes => return Ok(()),
                State::Ours => {
                    let _ = open.file.sync_data();
                    tracing::info!(seq = self.unwritten.first - 1, "a file of the audit log is full");
                }
                State::Longer => {
                    // A part of ours, where the disk was full; or somebody else's, which is nothing that happened here.
                    tracing::warn!(file = %open.path.display(), "the file of the audit log has more than was written; it is cut off");
                    open.file.set_len(open.len)?;
                    if open.len < self.place.max_file_bytes {
                        return Ok(());
                    }
                }
                State::Gone => tracing::error!(
                    file = %open.path.display(),
                    "somebody removed, replaced or shortened the file of the audit log: its records are missing; a new file begins"
                ),
            }
        }
        self.open = None;
        private_file::create_folder(&self.place.folder)?;
        let next = LogFile::new(&self.place.folder, self.unwritten.first);
        self.open = Some(Open::append(next.path)?);
        self.prune()
    }

    /// Says that the oldest files go; they go when that is written.
    fn prune(&mut self) -> io::Result<()> {
        let most = self.place.max_files;
        let files = folder::files(&self.place.folder)?;
        if most == 0 || files.len() <= most {
            return Ok(());
        }
        let (old, kept) = files.split_at(files.len() - most);
        if let Some(oldest) = kept.first() {
            let through = oldest.first - 1;
            self.pending.push_back(Item::Event(Event::Removed { through }));
            self.outdated = old.iter().map(|file| file.path.clone()).collect();
        }
        Ok(())
    }
}

enum State {
    Ours,
    Longer,
    /// Not there any more, another file, or less than there was.
    Gone,
}

impl Open {
    fn append(path: PathBuf) -> io::Result<Self> {
        let file = private_file::append(&path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, path, len })
    }

    fn state(&self) -> State {
        let Ok(there) = fs::metadata(&self.path) else {
            return State::Gone;
        };
        if !self.is(&there) || there.len() < self.len {
            return State::Gone;
        }
        match there.len() > self.len {
            true => State::Longer,
            false => State::Ours,
        }
    }

    #[cfg(unix)]
    fn is(&self, there: &fs::Metadata) -> bool {
        use std::os::unix::fs::MetadataExt;
        let ours = self.file.metadata();
        ours.is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
    }

    #[cfg(not(unix))]
    fn is(&self, _: &fs::Metadata) -> bool {
        true
    }
}

fn lock(folder: &Path) -> io::Result<File> {
    let file = private_file::append(&folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::Error::other(
            "another gateway writes there; each replica needs a folder of its own",
        )),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
