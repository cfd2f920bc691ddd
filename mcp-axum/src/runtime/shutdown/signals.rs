//! The signals that a gateway hears: some end it, SIGHUP has the configuration read again, and those that others of its kind take
//! for an order to do something else end nothing.

use std::io;
use tokio::runtime::{self, Runtime};

/// From when this is made, signals that end nothing no longer end the process, as the system would have it.
pub(crate) struct Unheard {
    runtime: Runtime,
    #[cfg(unix)]
    ignored: unix::Ignored,
}

impl Unheard {
    pub(crate) fn begin() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        let ignored = {
            let _context = runtime.enter();
            unix::Ignored::listen()?
        };
        Ok(Self {
            runtime,
            #[cfg(unix)]
            ignored,
        })
    }
}

#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(unix)]
mod unix {
    use super::Unheard;
    use std::io::{self, IsTerminal};
    use tokio::{
        runtime::Runtime,
        signal::unix::{Signal, SignalKind, signal},
        sync::Notify,
    };

    /// What service managers and logrotate send to make programs read their configuration or open their logs anew.
    pub(super) struct Ignored {
        hangup: Signal,
        user1: Signal,
        user2: Signal,
        /// Closing the terminal sends a signal, too.
        has_terminal: bool,
    }

    impl Ignored {
        /// Call it on a runtime with I/O.
        pub(super) fn listen() -> io::Result<Self> {
            Ok(Self {
                hangup: signal(SignalKind::hangup())?,
                user1: signal(SignalKind::user_defined1())?,
                user2: signal(SignalKind::user_defined2())?,
                has_terminal: io::stdin().is_terminal(),
            })
        }

        /// SIGHUP wants the configuration to be read again; the others do nothing, and that is said. Ends when the terminal has
        /// gone.
        async fn until_the_terminal_is_gone(&mut self, reload: &Notify) -> &'static str {
            loop {
                let name = tokio::select! {
                    _ = self.hangup.recv() => "SIGHUP",
                    _ = self.user1.recv() => "SIGUSR1",
                    _ = self.user2.recv() => "SIGUSR2",
                };
                if name == "SIGHUP" && self.has_terminal && !io::stdin().is_terminal() {
                    return "SIGHUP (the terminal was closed)";
                }
                if name == "SIGHUP" {
                    reload.notify_one();
                    continue;
                }
                tracing::warn!(
                    target: "dynmcp",
                    "{name}: nothing is done; definitions and the configuration are always up to date (SIGHUP reads the \
                     configuration at once), and log files begin anew every day. SIGTERM ends the gateway"
                );
            }
        }
    }

    /// SIGTERM, SIGINT (Ctrl-C) and SIGQUIT; registered once, so that none is missed between two waits.
    pub(in super::super) struct Signals {
        ignored: Ignored,
        terminate: Signal,
        interrupt: Signal,
        quit: Signal,
    }

    impl Signals {
        pub(in super::super) fn listen(unheard: Unheard) -> io::Result<(Runtime, Self)> {
            let Unheard { runtime, ignored } = unheard;
            let context = runtime.enter();
            let signals = Self {
                ignored,
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
            };
            drop(context);
            Ok((runtime, signals))
        }

        /// The name of the next one that ends the gateway.
        pub(in super::super) async fn next(&mut self, reload: &Notify) -> &'static str {
            tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.quit.recv() => "SIGQUIT",
                name = self.ignored.until_the_terminal_is_gone(reload) => name,
            }
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen(unheard: Unheard) -> io::Result<(Runtime, Self)> {
        Ok((unheard.runtime, Self))
    }

    /// The name of the next one that ends the gateway.
    pub(super) async fn next(&mut self, _: &tokio::sync::Notify) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}
