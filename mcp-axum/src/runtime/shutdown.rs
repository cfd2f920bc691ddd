//! What ends a gateway from outside, and that it ends: on threads of their own, so that nothing that is stuck keeps a signal
//! from being heard or the process from ending.

mod signals;

use super::watchdog::Vitals;
use signals::Signals;
pub(crate) use signals::Unheard;
use std::{
    io::{self, Write},
    process,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// After `app.drain_seconds` everything has this long to end by itself.
pub(crate) const LAST_MOMENT: Duration = Duration::from_secs(5);
/// The same after the second signal.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Whoever sends one signal to a process and its group, as `timeout` does, asks once.
const ONE_REQUEST: Duration = Duration::from_millis(500);
/// What is logged at the very end needs this long to be written, where somebody reads it.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// What the end of a gateway is made of.
pub(crate) struct Ending {
    /// How long calls in flight may take.
    pub(crate) drain: Duration,
    /// What may be stuck, after how long.
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) patience: Duration,
    /// Ends the wait for calls in flight.
    pub(crate) halt: CancellationToken,
    pub(crate) stage: Stage,
    /// Told when the configuration is to be read again.
    pub(crate) reload: Arc<Notify>,
}

/// What is being waited for; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<&'static str>>);

impl Stage {
    pub(crate) fn begin(&self, what: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    fn now(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens from now on. The receiver gets the first signal's name; from then on the process ends by its deadline, or soon
/// after another signal, whatever the rest of it does.
pub(crate) fn listen(unheard: Unheard, ending: Ending) -> io::Result<mpsc::Receiver<&'static str>> {
    let (runtime, mut signals) = Signals::listen(unheard)?;
    let (first, heard) = mpsc::channel();
    let (again, second) = mpsc::channel();
    let reload = ending.reload.clone();
    let hear = move || {
        runtime.block_on(async {
            // Nobody hears it where the gateway has ended already.
            let name = signals.next(&reload).await;
            let _ = first.send(name);
            let begun = Instant::now();
            while signals.next(&reload).await == name && begun.elapsed() < ONE_REQUEST {}
            let _ = again.send(());
            // A sender that is gone would look like the end.
            std::future::pending::<()>().await;
        });
    };
    thread::Builder::new()
        .name("dynmcp-signals".to_owned())
        .spawn(hear)?;
    let (begun, begins) = mpsc::channel();
    let see_to_it = move || {
        if let Ok(name) = heard.recv() {
            let _ = begun.send(name);
            end(&ending, &second);
        }
    };
    thread::Builder::new()
        .name("dynmcp-end".to_owned())
        .spawn(see_to_it)?;
    Ok(begins)
}

/// Usually the process has ended before this has.
#[expect(clippy::disallowed_methods, reason = "`main` may be what is stuck")]
fn end(ending: &Ending, second: &mpsc::Receiver<()>) {
    let time = ending.drain + LAST_MOMENT;
    let is_late = second.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
    if !is_late {
        ending.halt.cancel();
        thread::sleep(AT_ONCE);
    }
    let why = if is_late {
        "stopped at the deadline"
    } else {
        "stopped at once by a second signal"
    };
    let mut stuck: Vec<String> = vec![ending.stage.now().to_owned()];
    stuck.extend(
        ending
            .vitals
            .stuck(ending.patience)
            .iter()
            .map(ToString::to_string),
    );
    let text = format!("{why}; cut off: {}", stuck.join("; "));
    tracing::error!(target: "dynmcp", "{text}");
    // Nobody may be reading there: then it is not written.
    let write = move || writeln!(io::stderr(), "dynmcp: {text}");
    let _ = thread::Builder::new().spawn(write);
    thread::sleep(LAST_WORDS);
    process::exit(1);
}
