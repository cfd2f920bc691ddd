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
        alarm: Signal,
        virtual_alarm: Signal,
        io: Signal,
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
                alarm: signal(SignalKind::alarm())?,
                virtual_alarm: signal(SignalKind::from_raw(rustix::process::Signal::VTALARM.as_raw()))?,
                io: signal(SignalKind::io())?,
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
                    _ = self.alarm.recv() => "SIGALRM",
                    _ = self.virtual_alarm.recv() => "SIGVTALRM",
                    _ = self.io.recv() => "SIGIO",
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

    /// SIGTERM, SIGINT (Ctrl-C), SIGQUIT, and SIGPWR, by which containers of LXC are stopped; registered once, so that none is missed between two waits.
    pub(in super::super) struct Signals {
        ignored: Ignored,
        terminate: Signal,
        interrupt: Signal,
        quit: Signal,
        #[cfg(target_os = "linux")]
        power: Signal,
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
                #[cfg(target_os = "linux")]
                power: signal(SignalKind::from_raw(rustix::process::Signal::POWER.as_raw()))?,
            };
            drop(context);
            Ok((runtime, signals))
        }

        /// The name of the next one that ends the gateway.
        pub(in super::super) async fn next(&mut self, reload: &Notify) -> &'static str {
            #[cfg(target_os = "linux")]
            let power = self.power.recv();
            #[cfg(not(target_os = "linux"))]
            let power = std::future::pending::<Option<()>>();
            tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                _ = self.quit.recv() => "SIGQUIT",
                _ = power => "SIGPWR",
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
