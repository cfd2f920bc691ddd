//! Reads what the writer has written, from one record on.

use crate::audit::folder;
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::PathBuf,
};

/// Sent together.
const MOST_LINES: usize = 500;
const MOST_BYTES: usize = 512 << 10;

/// Records that follow each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// Without their ends.
    pub(super) lines: Vec<String>,
    /// The number of the record that comes after them.
    pub(super) next: u64,
    /// Records before these that are in no file any more.
    pub(super) missed: u64,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Knows where it has read.
pub(super) struct Follower {
    folder: PathBuf,
    /// The file, by its first record, and what of it is done with.
    place: Option<(u64, u64)>,
    next: u64,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl Follower {
    pub(super) fn new(folder: PathBuf, next: u64) -> Self {
        Self {
            folder,
            place: None,
            next,
        }
    }

    /// What there is from this record on, some of it.
    pub(super) fn batch_from(&mut self, next: u64) -> io::Result<Batch> {
        if next != self.next {
            // It was not sent.
            (self.next, self.place) = (next, None);
        }
        let files = folder::files(&self.folder)?;
        let begin = files.iter().rposition(|file| file.first <= next).unwrap_or(0);
        let mut batch = Batch {
            next,
            ..Batch::default()
        };
        let mut bytes = 0;
        for file in &files[begin.min(files.len())..] {
            let mut done = match self.place {
                Some((first, done)) if first == file.first => done,
                _ => 0,
            };
            let mut reader = match File::open(&file.path) {
                Ok(file) => BufReader::new(file),
                // Removed meanwhile, as the oldest ones are.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            reader.seek(SeekFrom::Start(done))?;
            let mut line = Vec::new();
            loop {
                if batch.lines.len() >= MOST_LINES || bytes >= MOST_BYTES {
                    self.stand(file.first, done, &batch);
                    return Ok(batch);
                }
                line.clear();
                let length = reader.read_until(b'\n', &mut line)?;
                // What is not finished is being written.
                if line.pop_if(|last| *last == b'\n').is_none() {
                    break;
                }
                done += length as u64;
                // What is no record was left by a process that was killed.
                let Ok(Numbered { seq }) = serde_json::from_slice(&line) else {
                    continue;
                };
                let Some(text) = String::from_utf8(std::mem::take(&mut line))
                    .ok()
                    .filter(|_| seq >= batch.next)
                else {
                    continue;
                };
                batch.missed += seq - batch.next;
                batch.next = seq + 1;
                bytes += text.len();
                batch.lines.push(text);
            }
            self.stand(file.first, done, &batch);
        }
        Ok(batch)
    }

    fn stand(&mut self, first: u64, done: u64, batch: &Batch) {
        self.place = Some((first, done));
        self.next = batch.next;
    }
}
