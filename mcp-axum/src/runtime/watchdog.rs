//! Looks whether the threads that serve come back to their loops. It is a plain thread that needs no runtime and waits for
//! nobody, so that whatever is stuck does not keep it from saying so.

mod vitals;

use super::{data_plane::Crew, tasks::WATCHDOG};
use crate::app::App;
use mcp_common::tasks::Ends;
use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};
pub use vitals::{Stuck, Vital, Vitals, Watched};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(250);

/// A look that comes later than this says nothing about the others: the machine was asleep, or busy with everybody.
const OWN_DELAY: Duration = Duration::from_secs(1);

/// It ends when this is dropped.
pub(crate) struct Watchdog {
    _stop: mpsc::Sender<()>,
}

impl Watchdog {
    pub(crate) fn start(app: &Arc<App>, crews: Vec<Arc<Crew>>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let app = app.clone();
        let counted = app.tasks.count(WATCHDOG, Ends::ByItself);
        let look = move || {
            let _counted = counted;
            watch(&app, &crews, &stopped);
        };
        thread::Builder::new()
            .name("dynmcp-watchdog".to_owned())
            .spawn(look)?;
        Ok(Self { _stop: stop })
    }
}

fn watch(app: &App, crews: &[Arc<Crew>], stopped: &mpsc::Receiver<()>) {
    let mut looked = Instant::now();
    while stopped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        let was_late = looked.elapsed() > LOOK + OWN_DELAY;
        looked = Instant::now();
        if !was_late {
            app.tasks.step(WATCHDOG, || {
                look(app);
                crews.iter().for_each(Crew::relieve);
            });
        }
    }
}

fn look(app: &App) {
    let patience = app.settings.watchdog.patience();
    let mut workers = 0;
    let mut control = 0;
    for vital in app.vitals.all() {
        let silence = vital.silence();
        let is_stuck = silence >= patience;
        match (vital.note_stuck(is_stuck), is_stuck) {
            (None, true) => {
                app.metrics.stalls.inc();
                tracing::error!(
                    target: "dynmcp",
                    thread = vital.name(),
                    doing = vital.doing(),
                    silent_ms = millis(silence),
                    "a thread does not come back to its loop"
                );
            }
            (Some(longest), false) => tracing::warn!(
                target: "dynmcp",
                thread = vital.name(),
                silent_ms = millis(longest),
                "the thread is back"
            ),
            _ => {}
        }
        *(if vital.is_worker() {
            &mut workers
        } else {
            &mut control
        }) += i64::from(is_stuck);
    }
    app.metrics.workers_stuck.set(workers);
    app.metrics.control_stuck.set(control);
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
