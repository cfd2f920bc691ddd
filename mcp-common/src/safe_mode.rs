//! What a process was compiling when it died is remembered on disk, so that the next one does not die of it too.
//!
//! While definitions are compiled they stand in a [journal](journal) that survives the process (not a power cut: nothing is
//! synced). What stands there at the start is suspected: it is tried in a process of its own where there is a [`Trial`], by
//! itself otherwise, and what is known to kill is not compiled again. A changed document, or another version of the gateway, is.
//! Who died for another reason, or while serving, left nothing there, and a suspect that is innocent is cleared by being tried.

mod case;
mod journal;
#[cfg(test)]
mod tests;

pub use case::Subject;
pub use journal::Marked;

use crate::{key::Key, problem::Problem};
use case::{Cases, State};
use journal::Journal;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// Killers, suspects and those that were cleared, for people too.
const FILE: &str = "safe-mode.json";

/// Compiles a document where it can do no harm.
pub trait Trial: Send + Sync {
    /// Waits for the end of it.
    fn run(&self, key: &Key, body: &[u8]) -> Verdict;
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The document may be wrong, but nothing died.
    Survived,
    /// How it died, for people.
    Died(String),
    /// It could not be tried.
    Unknown,
}

/// Shared by everything in a process that compiles.
pub struct SafeMode {
    file: PathBuf,
    journal: Journal,
    cases: Mutex<Cases>,
    trial: Option<Arc<dyn Trial>>,
}

impl SafeMode {
    /// Learns from the processes before this one, in a directory that exists.
    pub fn open(directory: &Path, trial: Option<Arc<dyn Trial>>) -> io::Result<Self> {
        let file = directory.join(FILE);
        let mut cases = Cases::read(&file);
        let journal = Journal::open(directory, |subject, is_alone| cases.died(subject, is_alone))?;
        let safe_mode = Self {
            file,
            journal,
            cases: Mutex::new(cases),
            trial,
        };
        safe_mode.say();
        safe_mode.write(&safe_mode.lock());
        Ok(safe_mode)
    }

    /// Whether nothing is suspected: what is compiled needs a mark, and no look here.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether it can be compiled beside others.
    pub fn is_unknown(&self, subject: &Subject) -> bool {
        self.lock().get(subject).is_none()
    }

    /// Definitions that are not compiled because processes died of them.
    pub fn killers(&self) -> usize {
        self.lock().killers()
    }

    /// Writes down that these are being compiled, until the mark is dropped.
    pub fn mark(&self, subjects: &[Subject]) -> Option<Marked<'_>> {
        self.journal.mark(subjects)
    }

    /// Says that nothing more is compiled for now.
    pub fn rest(&self) {
        self.journal.rest();
    }

    /// The process ends because it was told to: what it is compiling now is not to blame.
    pub fn end(&self) {
        self.journal.end();
    }

    /// Compiles one, or says why not. `body` is the document, if it alone is what is compiled.
    pub fn guard<T>(
        &self,
        subject: &Subject,
        body: Option<&[u8]>,
        work: impl FnOnce() -> T,
    ) -> Result<T, Problem> {
        let state = self.lock().get(subject);
        match state {
            Some(State::Killer) => return Err(self.refusal(subject)),
            Some(State::Suspect) => self.examine(subject, body)?,
            Some(State::Cleared) | None => {}
        }
        let done = {
            let _marked = self.mark(slice::from_ref(subject));
            work()
        };
        if state == Some(State::Suspect) {
            self.change(|cases| cases.set(subject, State::Cleared));
            let Subject { key, .. } = subject;
            tracing::info!(%key, "the gateway did not die of it: it is compiled as ever");
        }
        Ok(done)
    }

    fn examine(&self, subject: &Subject, body: Option<&[u8]>) -> Result<(), Problem> {
        let (Some(trial), Some(body)) = (&self.trial, body) else {
            return Ok(());
        };
        let Verdict::Died(how) = trial.run(&subject.key, body) else {
            return Ok(());
        };
        let Subject { key, .. } = subject;
        tracing::error!(%key, how, "a process of its own died while it compiled this definition; it is not compiled again");
        self.change(|cases| cases.set(subject, State::Killer));
        Err(self.refusal(subject))
    }

    fn refusal(&self, subject: &Subject) -> Problem {
        let deaths = match self.lock().deaths(subject) {
            0 | 1 => "died".to_owned(),
            deaths => format!("died {deaths} times"),
        };
        Problem::whole(format!(
            "the gateway {deaths} while it compiled this version, so that it is not compiled again; change the definition, or \
             start another version of DynMCP; to have it tried again as it is, remove it from `{}` and start anew",
            self.file.display()
        ))
    }

    fn say(&self) {
        let cases = self.lock();
        let of = |state| {
            cases
                .of(state)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (suspects, killers) = (of(State::Suspect), of(State::Killer));
        if !suspects.is_empty() {
            tracing::warn!(
                suspects,
                "a process died while it compiled definitions; these are tried by themselves"
            );
        }
        if !killers.is_empty() {
            tracing::error!(
                killers,
                "processes died while they compiled these definitions; they are not compiled again"
            );
        }
    }

    fn change(&self, change: impl FnOnce(&mut Cases)) {
        let mut cases = self.lock();
        change(&mut cases);
        self.write(&cases);
    }

    fn write(&self, cases: &Cases) {
        if let Err(error) = cases.write(&self.file) {
            let file = self.file.display();
            tracing::warn!(%error, "`{file}` cannot be written: what the gateway dies of would be tried again at the next start");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cases> {
        self.cases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SafeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SafeMode")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
