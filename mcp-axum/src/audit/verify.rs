//! Whether the records of a folder are those that were written: none changed, missing or moved.

use super::{
    chain::{Head, Sealed},
    checkpoint::{Checkpoint, PublicKey, checkpoints},
    folder::{self, LONGEST_LINE, LogFile},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// More of them say nothing new.
const MOST_PROBLEMS: usize = 100;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Verified {
    pub(crate) files: usize,
    pub(crate) records: u64,
    /// The number of the first record.
    pub(crate) first: Option<u64>,
    /// The last record; whoever notes it elsewhere knows later whether the end was cut off.
    pub(crate) head: Option<Head>,
    /// Lines that a process did not finish, of which the next one tells.
    pub(crate) torn: u64,
    /// What the log says that it lost.
    pub(crate) lost: u64,
    /// Checkpoints that are those of the key, or of which nobody knows.
    pub(crate) checkpoints: u64,
    /// The last of them.
    pub(crate) checkpoint: Option<Checkpoint>,
    /// Whether their signatures were looked at.
    pub(crate) signatures_checked: bool,
    /// The last line is not finished: a gateway is writing it, or was ended by force.
    pub(crate) is_open: bool,
    /// File, line, what is wrong.
    pub(crate) problems: Vec<String>,
    /// Those for which there is no room.
    pub(crate) more_problems: u64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Told {
    event: Option<String>,
    torn: Option<u64>,
    lost: u64,
    through: u64,
}

/// What is signed of the chain, and by whom.
#[derive(Debug, Default)]
pub(crate) struct Checked<'a> {
    /// The file of checkpoints.
    pub(crate) file: Option<&'a Path>,
    /// Whose they have to be.
    pub(crate) key: Option<PublicKey>,
}

struct Walk {
    /// By the numbers of their records; what has been found is taken out.
    signed: BTreeMap<u64, Checkpoint>,
    found: Verified,
    last: Option<Head>,
    /// A line that is no record: where, how long, why.
    unread: Option<(String, u64, &'static str)>,
    /// The last record that the log says was removed with its file.
    removed_through: u64,
}

/// Reads everything.
pub(crate) fn verify(folder: &Path, checked: &Checked<'_>) -> io::Result<Verified> {
    let files = folder::files(folder)?;
    let mut walk = Walk {
        signed: BTreeMap::new(),
        found: Verified {
            files: files.len(),
            ..Verified::default()
        },
        last: None,
        unread: None,
        removed_through: 0,
    };
    walk.take_checkpoints(checked)?;
    for (index, file) in files.iter().enumerate() {
        walk.file(file, index + 1 == files.len())?;
    }
    Ok(walk.end())
}

impl Walk {
    fn take_checkpoints(&mut self, checked: &Checked<'_>) -> io::Result<()> {
        let Some(file) = checked.file else { return Ok(()) };
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        for (line, checkpoint) in checkpoints(file)? {
            let is_good = |one: &Checkpoint| checked.key.as_ref().is_none_or(|key| one.is_of(key));
            match checkpoint {
                None => self.wrong(format!("{name}:{line}: this line is no checkpoint")),
                Some(one) if !is_good(&one) => self.wrong(format!(
                    "{name}:{line}: this checkpoint is not signed by the key: it was changed, or is another key's ({})",
                    one.key
                )),
                Some(one) => {
                    self.found.checkpoints += 1;
                    let known = self.signed.get(&one.seq);
                    if known.is_some_and(|known| known.hash != one.hash) {
                        self.wrong(format!(
                            "{name}:{line}: record {} was signed before with another hash",
                            one.seq
                        ));
                    }
                    self.found.checkpoint = Some(one.clone());
                    self.signed.insert(one.seq, one);
                }
            }
        }
        self.found.signatures_checked = checked.key.is_some() && self.found.checkpoints > 0;
        if checked.key.is_some() && self.found.checkpoints == 0 {
            self.wrong(format!(
                "{}: there is no checkpoint of the key: somebody removed them, or no gateway has run with it yet",
                file.display()
            ));
        }
        Ok(())
    }

    fn file(&mut self, file: &LogFile, is_newest: bool) -> io::Result<()> {
        let name = file
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut reader = BufReader::new(File::open(&file.path)?);
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            let mut bounded = reader.by_ref().take(LONGEST_LINE as u64);
            if bounded.read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            number += 1;
            let place = format!("{name}:{number}");
            let is_whole = line.pop_if(|last| *last == b'\n').is_some();
            match Sealed::read(&line) {
                Ok(sealed) => {
                    if number == 1 && sealed.head.seq != file.first {
                        self.wrong(format!(
                            "{place}: the file is called after record {}, and begins with {}",
                            file.first, sealed.head.seq
                        ));
                    }
                    self.record(&place, sealed, &line);
                }
                Err(_) if !is_whole && is_newest => self.found.is_open = true,
                Err(reason) => {
                    self.give_up_unread();
                    self.unread = Some((place, line.len() as u64, reason));
                }
            }
        }
    }

    fn record(&mut self, place: &str, sealed: Sealed, line: &[u8]) {
        let told: Told = serde_json::from_slice(line).unwrap_or_default();
        let is_start = told.event.as_deref() == Some("start");
        match self.unread.take() {
            Some((_, len, _)) if is_start && told.torn == Some(len) => self.found.torn += 1,
            Some(unread) => {
                self.unread = Some(unread);
                self.give_up_unread();
            }
            None => {}
        }
        let Sealed { prev, head } = sealed;
        match &self.last {
            None => self.found.first = Some(head.seq),
            Some(last) if head.seq == last.seq + 1 && prev == last.hash => {}
            Some(last) if head.seq == last.seq + 1 => {
                let before = last.seq;
                self.wrong(format!(
                    "{place}: record {} does not follow the record {before} that is there: one of them was changed",
                    head.seq
                ));
            }
            Some(last) if head.seq > last.seq => {
                let (from, to) = (last.seq + 1, head.seq - 1);
                self.wrong(match from == to {
                    true => format!("{place}: record {from} is missing before it"),
                    false => format!("{place}: records {from} to {to} are missing before it"),
                });
            }
            Some(last) => {
                let before = last.seq;
                self.wrong(format!(
                    "{place}: record {} stands after {before}: it was moved or repeated",
                    head.seq
                ));
            }
        }
        match told.event.as_deref() {
            Some("gap") => self.found.lost += told.lost,
            Some("removed") => self.removed_through = self.removed_through.max(told.through),
            _ => {}
        }
        if let Some(signed) = self
            .signed
            .remove(&head.seq)
            .filter(|signed| signed.hash != head.hash)
        {
            self.wrong(format!(
                "{place}: record {} is not the one that was signed at {}: the log was made anew from there on, or from somewhere before",
                head.seq, signed.at
            ));
        }
        self.found.records += 1;
        self.last = Some(head);
    }

    fn give_up_unread(&mut self) {
        if let Some((place, _, reason)) = self.unread.take() {
            self.wrong(format!("{place}: this line is no record: {reason}"));
        }
    }

    fn wrong(&mut self, problem: String) {
        match self.found.problems.len() < MOST_PROBLEMS {
            true => self.found.problems.push(problem),
            false => self.found.more_problems += 1,
        }
    }

    fn end(mut self) -> Verified {
        self.give_up_unread();
        if let Some(first) = self.found.first
            && first > 1
            && first > self.removed_through + 1
        {
            let from = self.removed_through + 1;
            self.wrong(format!(
                "records {from} to {} are missing, and no record says that their files were removed",
                first - 1
            ));
        }
        let last = self.last.as_ref().map_or(0, |last| last.seq);
        if let Some((seq, signed)) = self.signed.last_key_value().filter(|(seq, _)| **seq > last) {
            let problem = format!(
                "the log ends with record {last}, but record {seq} was signed at {}: its end was cut off",
                signed.at
            );
            self.wrong(problem);
        }
        self.found.head = self.last;
        self.found
    }
}
