//! The workers that there are: as many as configured, and others in the place of those that do not come back.

use super::{
    Accepted, End,
    drain::Drained,
    member::Member,
    seats::Seats,
    worker::{Serves, Worker},
};
use crate::{app::App, runtime::tasks::WORKER};
use mcp_core::activity::Activity;
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};
use tokio::runtime;

/// Shared by the acceptor, the watchdog and the data plane.
pub(crate) struct Crew {
    app: Arc<App>,
    seats: Seats,
    end: End,
    serves: Serves,
    members: Mutex<Vec<Arc<Member>>>,
    /// How many were started; each of them reports its end.
    started: AtomicUsize,
    reports: mpsc::Sender<Drained>,
}

/// Sent also by a worker that panics: its connections are lost already, and the panic is in the log.
struct Report {
    crew: Arc<Crew>,
    member: Arc<Member>,
    drained: Drained,
}

impl Crew {
    /// Nobody works yet. The receiver gets a report of every worker that ends.
    pub(super) fn new(
        app: Arc<App>,
        seats: Seats,
        end: End,
        serves: Serves,
    ) -> (Arc<Self>, mpsc::Receiver<Drained>) {
        let (reports, ended) = mpsc::channel();
        let crew = Self {
            app,
            seats,
            end,
            serves,
            members: Mutex::default(),
            started: AtomicUsize::new(0),
            reports,
        };
        (Arc::new(crew), ended)
    }

    pub(super) fn started(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }

    /// How many of them should work.
    pub(super) fn wanted(&self) -> usize {
        match self.serves {
            Serves::Clients => self.app.settings.app.worker_count(),
            Serves::Operators => 1,
        }
    }

    /// Starts one more worker.
    pub(super) fn hire(self: &Arc<Self>) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let name = match self.serves {
            Serves::Clients => format!("dynmcp-{}", self.started()),
            Serves::Operators => format!("dynmcp-op-{}", self.started()),
        };
        let activity = Arc::new(Activity::default());
        let watched = self.app.vitals.watch(name.clone(), Some(activity.clone()));
        let member = Arc::new(Member::new(watched.vital.clone()));
        let worker = Worker {
            app: self.app.clone(),
            activity,
            vital: watched.vital.clone(),
            member: member.clone(),
            seats: self.seats.clone(),
            end: self.end.clone(),
            serves: self.serves,
        };
        let mut report = Report {
            crew: self.clone(),
            member: member.clone(),
            drained: Drained::default(),
        };
        let tasks = self.app.tasks.clone();
        self.started.fetch_add(1, Ordering::SeqCst);
        let work = move || {
            let _watched = watched;
            report.drained = runtime.block_on(tasks.attend(WORKER, worker.run()));
            // A program that still runs beside the worker is not waited for.
            runtime.shutdown_background();
            drop(report);
        };
        self.lock().push(member);
        // Without a thread the report is made here.
        thread::Builder::new().name(name).spawn(work)?;
        Ok(())
    }

    /// Hands a connection to the worker with the fewest connections that still works, and comes back to its loop.
    pub(super) fn hand_out(&self, accepted: Accepted) {
        let mut candidates = self.lock().clone();
        candidates.sort_by_cached_key(|member| (member.is_late(), member.load()));
        let mut accepted = accepted;
        for member in candidates {
            match member.give(accepted) {
                Ok(()) => return,
                Err(back) => accepted = back,
            }
        }
    }

    /// Gives connections that a silent worker has not begun to others, and starts as many workers as are missing. There are
    /// never more than twice as many as configured: one that comes back takes part again.
    pub(crate) fn relieve(self: &Arc<Self>) {
        let members = self.lock().clone();
        let wanted = self.wanted();
        let patience = self.app.settings.watchdog.patience();
        let working = members
            .iter()
            .filter(|member| member.silence() < patience)
            .count();
        if working < wanted && members.len() < 2 * wanted && !self.end.draining.is_cancelled() {
            match self.hire() {
                Ok(()) => {
                    self.app.metrics.workers_replaced.inc();
                    tracing::warn!(
                        target: "dynmcp",
                        "another worker takes new connections; those of the one that is stuck go on if it comes back"
                    );
                }
                Err(error) => tracing::error!(target: "dynmcp", %error, "cannot start another worker"),
            }
        }
        let has_another = |late: &Arc<Member>| {
            members
                .iter()
                .any(|other| !Arc::ptr_eq(other, late) && !other.is_late())
        };
        for late in members.iter().filter(|member| member.is_late()) {
            if has_another(late) {
                late.take_back()
                    .into_iter()
                    .for_each(|accepted| self.hand_out(accepted));
            }
        }
    }

    /// The workers that have not ended, and what they are doing.
    pub(super) fn left(&self) -> Vec<String> {
        self.lock().iter().map(|member| member.describe()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        self.member.close();
        self.crew
            .lock()
            .retain(|member| !Arc::ptr_eq(member, &self.member));
        // Nobody may be waiting for it.
        let _ = self.crew.reports.send(std::mem::take(&mut self.drained));
    }
}
