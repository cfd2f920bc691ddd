//! How far something is that takes more than a second: on standard error, if that is a terminal, and gone when it is done.
//! Without colours, so that there is nothing that `NO_COLOR` could forbid.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

/// What is done by then needs no word.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);

/// What is being done. It is shown until this is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Ends the waiting when it is dropped.
    done: Option<Sender<()>>,
    waiting: Option<JoinHandle<()>>,
}

impl Progress {
    /// Nobody knows how long it takes.
    pub(super) fn of(what: &'static str) -> Self {
        Self::new(ProgressBar::hidden(), "{spinner} {msg} {elapsed}", what)
    }

    /// So many of them.
    pub(super) fn counted(what: &'static str, all: u64) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_length(all);
        Self::new(bar, "{msg} [{bar:30}] {pos} of {len}, {eta} left", what)
    }

    fn new(bar: ProgressBar, template: &str, what: &'static str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        if !can_draw() {
            return Self {
                bar,
                done: None,
                waiting: None,
            };
        }
        let (done, ended) = mpsc::channel::<()>();
        let shown = bar.clone();
        let waiting = thread::spawn(move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self {
            bar,
            done: Some(done),
            waiting: Some(waiting),
        }
    }

    /// One more is done.
    pub(super) fn one(&self) {
        self.bar.inc(1);
    }

    /// What it can be told from elsewhere.
    pub(super) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(waiting) = self.waiting.take() {
            // A thread that has panicked draws nothing any more.
            let _ = waiting.join();
        }
        self.bar.finish_and_clear();
    }
}

/// Whether somebody sees what is drawn.
pub(super) fn can_draw() -> bool {
    stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}
