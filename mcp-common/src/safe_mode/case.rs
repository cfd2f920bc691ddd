//! What is known of documents that processes died with.

use super::now;
use crate::{
    key::{Key, Kind},
    private_file,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hasher},
    io::{self, Write},
    path::Path,
};

/// Cases beyond this are forgotten, those first that matter least and are the oldest.
const MOST: usize = 1_000;

/// What is compiled: one version of a definition, possibly with what an instance says about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The key under which it is stored, or would be.
    pub key: Key,
    /// The digest of the texts. A gateway that was built by another compiler may have another one, and then tries again.
    pub(super) digest: u64,
}

/// What is thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// A process died while this was compiled, beside others possibly.
    Suspect,
    /// It was compiled since then. If a process dies with it alone all the same, it was this.
    Cleared,
    /// It is not compiled again.
    Killer,
}

/// A case as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Case {
    kind: String,
    id: String,
    digest: String,
    state: State,
    deaths: u32,
    /// Seconds since 1970.
    last: u64,
    /// The version of the gateway.
    version: String,
}

#[derive(Debug, Default)]
pub(super) struct Cases(BTreeMap<Subject, Known>);

#[derive(Debug)]
struct Known {
    state: State,
    deaths: u32,
    last: u64,
}

impl Subject {
    /// The subject for a definition: its text, and what else is compiled with it.
    pub fn new(key: Key, texts: &[&[u8]]) -> Self {
        let mut digest = DefaultHasher::new();
        for text in texts {
            digest.write(text);
        }
        Self {
            key,
            digest: digest.finish(),
        }
    }
}

impl Cases {
    /// The cases of a file; none where there is no file or a damaged one.
    pub(super) fn read(file: &Path) -> Self {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => {
                tracing::warn!(%error, "`{}` cannot be read; going on without it", file.display());
                return Self::default();
            }
        };
        let cases: Vec<Case> = serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "`{}` is damaged; going on without it", file.display());
            Vec::new()
        });
        Self(cases.into_iter().filter_map(Case::known).collect())
    }

    pub(super) fn write(&self, file: &Path) -> io::Result<()> {
        if self.0.is_empty() {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let cases: Vec<Case> = self.0.iter().map(Case::of).collect();
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        let mut options = private_file::options();
        let mut output = options.write(true).create(true).truncate(true).open(&temporary)?;
        output.write_all(&serde_json::to_vec_pretty(&cases)?)?;
        output.sync_all()?;
        fs::rename(&temporary, file)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, subject: &Subject) -> Option<State> {
        self.0.get(subject).map(|known| known.state)
    }

    pub(super) fn deaths(&self, subject: &Subject) -> u32 {
        self.0.get(subject).map_or(0, |known| known.deaths)
    }

    pub(super) fn killers(&self) -> usize {
        self.of(State::Killer).count()
    }

    pub(super) fn of(&self, state: State) -> impl Iterator<Item = &Key> {
        let known = self.0.iter().filter(move |(_, known)| known.state == state);
        known.map(|(subject, _)| &subject.key)
    }

    pub(super) fn set(&mut self, subject: &Subject, state: State) {
        if let Some(known) = self.0.get_mut(subject) {
            known.state = state;
        }
    }

    /// A process died while it compiled this.
    pub(super) fn died(&mut self, subject: Subject, is_alone: bool) {
        let known = self.0.entry(subject).or_insert(Known {
            state: State::Suspect,
            deaths: 0,
            last: 0,
        });
        known.state = match (known.state, known.deaths, is_alone) {
            (State::Killer, ..) => State::Killer,
            // It was suspected before, and now it was the only one.
            (_, 1.., true) => State::Killer,
            _ => State::Suspect,
        };
        known.deaths = known.deaths.saturating_add(1);
        known.last = now();
        self.forget();
    }

    fn forget(&mut self) {
        while self.0.len() > MOST {
            let least = self.0.iter().min_by_key(|(_, known)| {
                let rank = match known.state {
                    State::Cleared => 0,
                    State::Suspect => 1,
                    State::Killer => 2,
                };
                (rank, known.last)
            });
            let Some(least) = least.map(|(subject, _)| subject.clone()) else {
                return;
            };
            self.0.remove(&least);
        }
    }
}

impl Case {
    fn of((subject, known): (&Subject, &Known)) -> Self {
        Self {
            kind: subject.key.kind.as_str().to_owned(),
            id: subject.key.id.to_string(),
            digest: format!("{:016x}", subject.digest),
            state: known.state,
            deaths: known.deaths,
            last: known.last,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn known(self) -> Option<(Subject, Known)> {
        let kind = Kind::parse(&self.kind)?;
        let id = self.id.into();
        let subject = Subject {
            key: Key { kind, id },
            digest: u64::from_str_radix(&self.digest, 16).ok()?,
        };
        let is_of_this = self.version == env!("CARGO_PKG_VERSION");
        let known = Known {
            // Another version of the gateway may not die of it.
            state: if is_of_this || self.state != State::Killer {
                self.state
            } else {
                State::Suspect
            },
            deaths: if is_of_this { self.deaths } else { 0 },
            last: self.last,
        };
        Some((subject, known))
    }
}
