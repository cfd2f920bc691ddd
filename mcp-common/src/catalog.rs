//! The gateway's own complete copy of all definitions, at one revision.
//!
//! A change costs what it touches: a [`Snapshot`] shares everything unchanged with the one before it. A record that
//! cannot be used goes to the quarantine with the reason, and what was good before stays live. Readers take whole
//! snapshots and never wait for a writer.

mod arrival;
mod check;
mod circles;
mod collection;
mod entry;
mod fit;
mod index;
mod preview;
mod quarantine;
mod read;
mod remembered;
mod roles;
mod selection;
mod settle;
mod snapshot;
mod stored;
pub mod sync;
mod transition;

pub use check::Refusal;
pub use circles::Circle;
pub use collection::{Collection, DocumentEntry, Entries, Entry, StoredVersion};
pub use entry::{InstanceEntry, Overridden, Selected, Selection, ToolEntry};
pub use fit::overridden as overridden_subject;
pub use preview::{Clash, Drafts, Preview, Proposed};
pub use quarantine::{Cause, Place, Quarantined};
pub use remembered::{Kept, Remembered};
pub use snapshot::Snapshot;
pub use stored::StoredEntry;

use crate::{
    bounds::{Bounds, JsonBounds},
    datasource::{Batch, Change, Load},
    definition::{InstanceDefinition, SecretDefinition, ToolDefinition, instance::ToolOverrides},
    document::Document,
    key::{Definition, Key, Kind, Revision},
    problem::Problems,
    safe_mode::SafeMode,
};
use arc_swap::ArcSwap;
use std::{
    collections::BTreeSet,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use transition::Transition;

/// A tool that is not stored yet, compiled, or everything that is wrong with it. For [`Catalog::preview_of`].
pub fn draft<C: Compile>(
    compiler: &C,
    id: &Arc<str>,
    document: &Document,
) -> Result<ToolEntry<C::Tool>, Problems> {
    read::draft(compiler, id, document)
}

/// Turns a tool definition into what calls it. Run when a definition changes, never when it is called.
pub trait Compile: Send + Sync + 'static {
    /// The compiled form.
    type Tool: Send + Sync + 'static;
    /// Compiles, or says everything that is wrong.
    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<Self::Tool>, Problems>;

    /// The tool as an instance has it that says something about its arguments. Problems name places inside of the
    /// overrides: `hide[0]`.
    fn with_overrides(
        &self,
        tool: &ToolEntry<Self::Tool>,
        overrides: &Arc<ToolOverrides>,
    ) -> Result<Self::Tool, Problems>;

    /// What is odd about what an instance says, without being wrong, of a tool that `with_overrides` made. Names places inside
    /// of the overrides.
    fn override_warnings<'t>(&self, tool: &'t Self::Tool) -> &'t [String] {
        let _ = tool;
        &[]
    }

    /// What the text of a definition may have.
    fn bounds(&self) -> JsonBounds {
        Bounds::default().definition()
    }

    /// Whether the instance gives the tool what it needs. Problems name places of the instance's document. Asked for
    /// every tool of an instance: cheap.
    fn check_needs(
        &self,
        tool: &ToolEntry<Self::Tool>,
        instance: &InstanceDefinition,
    ) -> Result<(), Problems>;

    /// Whether a definition of another kind can be used; it can be read.
    fn check_document(&self, kind: Kind, definition: &Definition) -> Result<(), Problems> {
        let _ = (kind, definition);
        Ok(())
    }

    /// Whether the value of a stored secret can be used. Asked for definitions that name it.
    fn check_secret(&self, secret: &SecretDefinition) -> Result<(), String> {
        let _ = secret;
        Ok(())
    }

    /// Whether definitions that name secrets which are not there, or which they may not use, are refused. Where there is no store, nobody knows
    /// which secrets there are.
    fn knows_secrets(&self) -> bool {
        true
    }

    /// Whether what an instance says by itself can be used, whatever tools there are.
    fn check_instance(&self, instance: &InstanceDefinition) -> Result<(), Problems> {
        let _ = instance;
        Ok(())
    }

    /// Where it is written down what is being compiled, and what is not to be.
    fn safe_mode(&self) -> Option<&SafeMode> {
        None
    }
}

/// A compiled tool and what is odd about it without being wrong.
#[derive(Debug)]
pub struct Compiled<T> {
    /// The tool, ready to be called.
    pub tool: T,
    /// What the author should know, though the definition works.
    pub warnings: Vec<String>,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The catalog is here now.
    pub revision: Revision,
    /// Instances whose document or selection changed, deleted ones included.
    pub instances: BTreeSet<Arc<str>>,
    /// Definitions of other kinds than tools and instances that are new, changed or gone.
    pub others: BTreeSet<Key>,
    /// The catalog was empty and not ready before.
    pub first_load: bool,
}

/// Hears of every change; runs on the writer's thread, so it must be quick and must not write to the catalog.
pub type Listener = Arc<dyn Fn(&Applied) + Send + Sync>;

/// All definitions, compiled. Many readers, one writer at a time.
pub struct Catalog<C: Compile> {
    compiler: C,
    current: ArcSwap<Snapshot<C::Tool>>,
    /// Held while a change is made and announced, so that listeners hear changes in order.
    writing: Mutex<()>,
    listeners: Mutex<Vec<Listener>>,
    revisions: watch::Sender<Revision>,
}

impl<C: Compile> Catalog<C> {
    /// An empty catalog at revision 0, not loaded.
    pub fn new(compiler: C) -> Self {
        Self {
            compiler,
            current: ArcSwap::from_pointee(Snapshot::default()),
            writing: Mutex::new(()),
            listeners: Mutex::new(Vec::new()),
            revisions: watch::Sender::new(0),
        }
    }

    /// What compiles the tools.
    pub fn compiler(&self) -> &C {
        &self.compiler
    }

    /// The definitions at one revision. Taking it is cheap; hold it for as long as one piece of work needs a consistent picture.
    pub fn snapshot(&self) -> Arc<Snapshot<C::Tool>> {
        self.current.load_full()
    }

    /// The first complete load is done.
    pub fn loaded(&self) -> bool {
        self.current.load().loaded
    }

    /// Takes over what an earlier process served. It is not served yet: a load decides what still holds, and a record
    /// that cannot be used any more has its last good version here. Only before the first load.
    pub fn remember(&self, remembered: Remembered) {
        let Remembered {
            revision,
            served,
            waiting,
        } = remembered;
        // One after the other: what was served has to stand when what could not be served comes.
        for records in [served, waiting] {
            let changes = records.into_iter().map(Change::Put).collect();
            self.change(|transition| transition.apply(Batch { revision, changes }));
        }
    }

    /// Serves what is remembered as if it had been loaded.
    pub fn serve_remembered(&self) -> Applied {
        self.change(|transition| transition.serve())
    }

    /// Takes a complete load and applies what differs. The load is the truth, even if its revision is a lower one (a
    /// store that was put back from a backup).
    pub fn replace(&self, load: Load) -> Applied {
        self.change(|transition| transition.replace(load))
    }

    /// Applies changes in their order.
    pub fn apply(&self, batch: Batch) -> Applied {
        self.change(|transition| transition.apply(batch))
    }

    /// What storing the document under the key would come to, without doing it: warnings for its author, or why an
    /// administrator's write is refused.
    pub fn check(&self, key: &Key, document: &Document) -> Result<Vec<String>, Refusal> {
        check::check(&self.compiler, &self.snapshot(), key, document)
    }

    /// What making all these changes together would come to, without doing it. Each key at most once.
    pub fn preview(&self, proposed: &[Proposed]) -> Preview<C::Tool> {
        self.preview_of(proposed, Drafts::default())
    }

    /// The same where some of the tools are compiled already.
    pub fn preview_of(&self, proposed: &[Proposed], drafts: Drafts<C::Tool>) -> Preview<C::Tool> {
        self.preview_by(&self.compiler, proposed, drafts)
    }

    /// The same with another compiler: changes may be about what tools are compiled against.
    pub fn preview_by(
        &self,
        compiler: &C,
        proposed: &[Proposed],
        drafts: Drafts<C::Tool>,
    ) -> Preview<C::Tool> {
        preview::preview(compiler, self.snapshot(), proposed, drafts)
    }

    /// Returns `true` as soon as the catalog is at `revision` (or beyond) and every listener has heard of it;
    /// `false` if that takes longer than `timeout`.
    pub async fn wait_for(&self, revision: Revision, timeout: Duration) -> bool {
        let mut revisions = self.revisions();
        let reached = revisions.wait_for(|now| *now >= revision);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// The revision, and every step it makes. A revision shows here after every listener has heard of it.
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.revisions.subscribe()
    }

    /// Calls the listener after every change from now on: the new snapshot is in place then, and nobody who waits
    /// for the revision has been released yet.
    pub fn subscribe(&self, listener: Listener) {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(listener);
    }

    fn change(&self, work: impl FnOnce(&mut Transition<'_, C>)) -> Applied {
        // A poisoned lock only says that a change panicked on its way; the snapshot is always whole.
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transition = Transition::new(&self.compiler, self.snapshot());
        work(&mut transition);
        let (snapshot, applied, found) = transition.finish();
        if let Some(safe_mode) = self.compiler.safe_mode() {
            safe_mode.rest();
        }
        for bad in &found {
            bad.announce();
        }
        self.current.store(Arc::new(snapshot));
        let listeners = self
            .listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for listener in &listeners {
            // One that panics keeps neither the others nor those who wait for the revision from going on.
            if catch_unwind(AssertUnwindSafe(|| listener(&applied))).is_err() {
                tracing::error!(revision = applied.revision, "a listener of the catalog panicked");
            }
        }
        self.revisions.send_replace(applied.revision);
        applied
    }
}

impl<C: Compile> fmt::Debug for Catalog<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Catalog").field(&self.current.load()).finish()
    }
}
