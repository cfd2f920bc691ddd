//! Where work is done that takes longer than a moment: on a few threads beside the workers, whose other calls would
//! wait. What cannot be stopped in a thread is done in a process at the side of the thread (`sandbox`).
//!
//! No tool has more than a part of the threads, and tools whose work waits take turns: one that needs much waits for
//! itself. See docs/adr/0015-work-in-lanes-and-processes.md.

mod metrics;
mod queue;
mod settings;
mod station;

pub use metrics::LaneMetrics;
pub use settings::LaneSettings;
pub(super) use station::Station;

use super::{failure::Failure, result::Outcome};
use mcp_common::tasks::{Ends, Tasks};
use queue::{Errand, Queue};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::{sync::oneshot, time::Instant};

/// What its threads are called among the background tasks.
const WORK: &str = "work";
/// The stack of a thread. Addresses, not memory.
const STACK: usize = 16 << 20;
/// How long a thread stays without work, and its process with it.
const IDLE: Duration = Duration::from_secs(30);

/// Threads for work, started when there is some. Clones share them.
#[derive(Clone)]
pub struct Lane {
    shared: Arc<Shared>,
}

struct Shared {
    settings: LaneSettings,
    queue: Queue,
    metrics: LaneMetrics,
    tasks: Tasks,
}

/// Whose work it is.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Work of the same key takes its turns together.
    pub(super) key: usize,
    /// The name for logs.
    pub(super) name: Arc<str>,
}

impl Owner {
    /// Whoever has this name.
    pub(super) fn named(name: &str) -> Self {
        let key = name.bytes().fold(0, |key: usize, byte| {
            key.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        Self {
            key,
            name: name.into(),
        }
    }
}

/// What is known of an errand while it is under way.
#[derive(Debug, Default)]
struct Progress {
    is_begun: AtomicBool,
    is_abandoned: AtomicBool,
}

/// Says that nobody waits any more, when it is dropped.
struct Waiting(Arc<Progress>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.is_abandoned.store(true, Ordering::Relaxed);
    }
}

impl Lane {
    /// A lane that has started nothing yet. Its threads are among `tasks`.
    pub fn new(settings: LaneSettings, tasks: Tasks) -> Self {
        let queue = Queue::new(settings.threads(), settings.waiting);
        Self {
            shared: Arc::new(Shared {
                settings,
                queue,
                metrics: LaneMetrics::default(),
                tasks,
            }),
        }
    }

    /// Threads without work end now, and the others when they have done what they do.
    pub fn close(&self) {
        self.shared.queue.close();
    }

    /// What is counted.
    pub fn metrics(&self) -> &LaneMetrics {
        &self.shared.metrics
    }

    /// The sizes from which on work is done here.
    pub(super) fn settings(&self) -> &LaneSettings {
        &self.shared.settings
    }

    /// Does the work and waits for it, until `deadline` at most.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        owner: Owner,
        deadline: Instant,
        work: impl FnOnce(&Station<'_>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let progress = Arc::new(Progress::default());
        let (done, result) = oneshot::channel();
        let seen = progress.clone();
        let errand = Errand {
            owner,
            work: Box::new(move |thread| {
                if seen.is_abandoned.load(Ordering::Relaxed) {
                    return;
                }
                seen.is_begun.store(true, Ordering::Relaxed);
                let station = thread.station(deadline.into_std(), &seen.is_abandoned);
                let _ = done.send(work(&station));
            }),
        };
        let waiting = self.shared.metrics.waits();
        let _waiting = (Waiting(progress.clone()), waiting);
        match self.shared.queue.push(errand) {
            queue::Pushed::Full => return Err(self.full()),
            queue::Pushed::NeedsThread => self.start_thread(),
            queue::Pushed::Taken => {}
        }
        match tokio::time::timeout_at(deadline, result).await {
            Ok(Ok(result)) => Ok(result),
            // It panicked; the panic is in the log.
            Ok(Err(_)) => Err(Failure::new(Outcome::BadAnswer, "This call cannot be worked on.")),
            Err(_) => Err(late(progress.is_begun.load(Ordering::Relaxed))),
        }
    }

    fn full(&self) -> Failure {
        let most = self.shared.settings.waiting;
        let text = format!(
            "Too much work of this tool waits already: {most} large or long calls (work.waiting). Try again later."
        );
        Failure::new(Outcome::Overloaded, text)
    }

    fn start_thread(&self) {
        let shared = self.shared.clone();
        let counted = shared.tasks.count(WORK, Ends::WhenTold);
        let started = thread::Builder::new()
            .name("dynmcp-work".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                shared.work();
                drop(counted);
            });
        if let Err(error) = started {
            self.shared.queue.thread_ended();
            tracing::error!(%error, "cannot start a thread for work");
        }
    }
}

impl Shared {
    /// The life of one thread.
    fn work(&self) {
        step_back();
        let mut thread = station::Thread::new(&self.settings, &self.metrics);
        while let Some(Errand { owner, work }) = self.queue.next(IDLE) {
            thread.begin(owner.clone());
            // One piece of work that fails takes no other one with it.
            if !self.tasks.step(WORK, || work(&mut thread)) {
                thread.forget_process();
                tracing::error!(tool = &*owner.name, "work on a call of this tool panicked");
            }
            self.queue.finished(owner.key);
        }
    }
}

/// Where threads have priorities of their own, this one waits for those of the workers: what is worked on here takes long
/// anyway, and what they do is waited for by everybody.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(5) {
        tracing::debug!(%error, "a thread for work keeps its priority");
    }
}

fn late(is_begun: bool) -> Failure {
    match is_begun {
        true => Failure::new(
            Outcome::Timeout,
            "This call took longer to be worked on here than it may (timeout_ms). Ask for less, or send less.",
        ),
        false => Failure::new(
            Outcome::Overloaded,
            "Too much is being worked on here: this call waited for its turn until its time was over (timeout_ms). Try again later.",
        ),
    }
}

impl Default for Lane {
    fn default() -> Self {
        Self::new(LaneSettings::default(), Tasks::default())
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}
