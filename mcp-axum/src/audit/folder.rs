//! The folder of the log: files of lines whose names begin with the number of their first record, so that their order is that of their
//! names.

use super::chain::{Head, Sealed};
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";
/// So many digits have all numbers.
const DIGITS: usize = 20;

/// A longer line is no record, in bytes.
pub(super) const LONGEST_LINE: usize = 1 << 20;
const BLOCK: usize = 64 << 10;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogFile {
    /// The number of its first record.
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

impl LogFile {
    pub(super) fn new(folder: &Path, first: u64) -> Self {
        let path = folder.join(format!("{PREFIX}{first:0DIGITS$}{SUFFIX}"));
        Self { first, path }
    }
}

/// All files, the oldest first.
pub(super) fn files(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let digits = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX))
            .filter(|digits| digits.len() == DIGITS);
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            files.push(LogFile {
                first,
                path: entry.path(),
            });
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// What a file ends with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The last record of the folder that is whole.
    pub(super) head: Option<Head>,
    /// The newest file does not end with the end of a line.
    pub(super) is_open: bool,
    /// What is after the last line's end has so many bytes, and is no record.
    pub(super) torn: Option<u64>,
}

/// Looks for where the chain goes on.
pub(super) fn tail(files: &[LogFile]) -> io::Result<Tail> {
    let mut tail = Tail::default();
    for (age, file) in files.iter().rev().enumerate() {
        let mut lines = BackwardLines::open(&file.path)?;
        let mut is_last = true;
        while let Some(line) = lines.next()? {
            let is_newest = age == 0 && std::mem::take(&mut is_last);
            let has_no_end = is_newest && !lines.ended_with_newline;
            tail.is_open |= has_no_end;
            match Sealed::read(&line) {
                Ok(sealed) => {
                    tail.head = Some(sealed.head);
                    return Ok(tail);
                }
                Err(_) if has_no_end => tail.torn = Some(line.len() as u64),
                Err(_) => {}
            }
        }
    }
    Ok(tail)
}

/// The lines of a file from the last to the first.
pub(super) struct BackwardLines {
    file: File,
    /// What stands before this is not read yet.
    at: u64,
    /// What was read and not given, up to its end.
    rest: Vec<u8>,
    pub(super) ended_with_newline: bool,
    /// Bytes that were read.
    pub(super) read: u64,
}

impl BackwardLines {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let at = file.seek(SeekFrom::End(0))?;
        let mut lines = Self {
            file,
            at,
            rest: Vec::new(),
            ended_with_newline: false,
            read: 0,
        };
        lines.more()?;
        if lines.rest.last() == Some(&b'\n') {
            lines.rest.pop();
            lines.ended_with_newline = true;
        }
        Ok(lines)
    }

    /// The line before, without its end. Of one that is too long the end is given, which is no record.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(newline) = self.rest.iter().rposition(|byte| *byte == b'\n') {
                let line = self.rest.split_off(newline + 1);
                self.rest.pop();
                return Ok(Some(line));
            }
            if self.at == 0 || self.rest.len() > LONGEST_LINE {
                let line = std::mem::take(&mut self.rest);
                let is_over = line.is_empty() && self.at == 0;
                return Ok((!is_over).then_some(line));
            }
            self.more()?;
        }
    }

    fn more(&mut self) -> io::Result<()> {
        let wanted = self.at.min(BLOCK as u64);
        self.at -= wanted;
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut block = vec![0; usize::try_from(wanted).unwrap_or(BLOCK)];
        self.file.read_exact(&mut block)?;
        self.read += wanted;
        block.append(&mut self.rest);
        self.rest = block;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backward(content: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        fs::write(&path, content).unwrap();
        let mut lines = BackwardLines::open(&path).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(String::from_utf8(line).unwrap());
        }
        all
    }

    #[test]
    fn lines_come_from_the_last_to_the_first() {
        assert!(backward("").is_empty());
        assert_eq!(backward("a\nb\n"), ["b", "a"]);
        assert_eq!(backward("a\n\nb"), ["b", "", "a"]);
        let long = "x".repeat(BLOCK + 7);
        let all = format!("{long}\nshort\n{long}\n");
        assert_eq!(backward(&all), [long.as_str(), "short", long.as_str()]);
    }

    #[test]
    fn files_are_in_the_order_of_their_first_records() {
        let folder = tempfile::tempdir().unwrap();
        for first in [1, 1_000_000, 20] {
            fs::write(LogFile::new(folder.path(), first).path, "").unwrap();
        }
        fs::write(folder.path().join("audit-1.jsonl"), "").unwrap();
        fs::write(folder.path().join("notes"), "").unwrap();
        let found = files(folder.path()).unwrap();
        assert_eq!(
            found.iter().map(|file| file.first).collect::<Vec<_>>(),
            [1, 20, 1_000_000]
        );
    }
}
