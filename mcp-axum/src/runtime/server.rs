//! A running gateway, for the command line, for tests and for programs that embed one.

use super::{
    control_plane::{self, BuildError},
    data_plane::{DataPlane, Drained, Listeners},
    listener,
    shutdown::{self, Ending, LAST_MOMENT, Stage, Unheard},
    tasks::CONFIG,
};
use crate::{
    app::{App, Current, Phase},
    reload::{Followed, Reload},
    settings::Settings,
};
use mcp_common::{catalog::Compile, secret::Secret, tasks::Ends};
use serde_json::json;
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::Notify,
};

/// Threads of the control plane: enough for a write while a catalog is being loaded.
const CONTROL_THREADS: usize = 2;

/// Tasks that run beside requests get this long to notice the end.
const LAST_TASKS: Duration = Duration::from_millis(500);

/// What is begun at the end is over before the process is ended by force: logs are written then.
const LAST_WORK: Duration = LAST_MOMENT.saturating_sub(Duration::from_millis(1_500));

/// Why a gateway did not start. Every text is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nobody can connect.
    #[error("cannot listen on {address}: {cause}{advice}")]
    Listen {
        /// Host and port as configured.
        address: String,
        /// What the system says.
        cause: io::Error,
        /// What to do.
        advice: String,
    },
    /// Something is missing that requests need.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The system gives no threads or no event queue.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
}

impl StartError {
    /// Whether the configuration is to blame (exit code 2), not the circumstances.
    pub fn is_configuration(&self) -> bool {
        matches!(self, Self::Build(error) if error.is_configuration())
    }
}

/// A gateway that accepts connections. Dropping it ends it at once.
///
/// It brings its own runtimes: from asynchronous code, call [`start`](Self::start) and [`drain`](Self::drain) in
/// `spawn_blocking`.
pub struct Server {
    app: Arc<App>,
    current: Arc<Current>,
    /// Has the configuration read again, where it is followed.
    reload: Arc<Notify>,
    address: SocketAddr,
    admin_address: SocketAddr,
    new_admin_key: Option<Secret>,
    data_plane: Option<DataPlane>,
    control: Option<Runtime>,
}

impl Server {
    /// Starts a gateway. When this returns, connections are accepted; definitions may still be loading.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        control_plane::check(&settings)?;
        let control = Builder::new_multi_thread()
            .worker_threads(CONTROL_THREADS)
            .thread_name("dynmcp-control")
            .enable_all()
            .build()
            .map_err(StartError::Threads)?;
        // The port first: what is taken by another process is found out before a file is made.
        let listeners = control.block_on(listen(&settings))?;
        let address = listeners.clients.local_addr().map_err(StartError::Threads)?;
        let admin_address = match &listeners.operators {
            None => address,
            Some(listener) => listener.local_addr().map_err(StartError::Threads)?,
        };
        let built = control.block_on(control_plane::build(settings))?;
        let (app, current) = (built.app, built.current);
        let _ = app.listens_at.set(address);
        app.tell_where_it_is();
        let data_plane = control.block_on(async {
            control_plane::start_background(&app, &current);
            DataPlane::start(&app, listeners).map_err(StartError::Threads)
        })?;
        // Last: what a start that failed had stored would count as shown at the next one.
        let new_admin_key = built.key.store_if_new().map_err(BuildError::from)?;
        Ok(Self {
            app,
            current,
            reload: Arc::default(),
            address,
            admin_address,
            new_admin_key,
            data_plane: Some(data_plane),
            control: Some(control),
        })
    }

    /// The address where it listens; the port is the real one, also if 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of `/admin`, probes and metrics: the same, or that of `app.admin_listen`.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// What all its routes share, under the configuration of the start.
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The same under the configuration that is in effect.
    pub fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// From now on changes of the configuration come into effect, as far as they need no restart.
    pub fn follow(&self, followed: Followed) {
        let Some(control) = &self.control else { return };
        let reload = Arc::new(Reload {
            current: self.current.clone(),
            followed,
            wanted: self.reload.clone(),
        });
        let _context = control.enter();
        self.app
            .tasks
            .spawn(CONFIG, Ends::WhenTold, move || reload.clone().run());
    }

    /// Has the configuration read again, whether its file has changed or not.
    pub fn reload(&self) {
        self.reload.notify_one();
    }

    /// The admin key, if this start made one: show it, it is not kept.
    pub fn new_admin_key(&self) -> Option<&Secret> {
        self.new_admin_key.as_ref()
    }

    /// Runs until SIGTERM, SIGINT or SIGQUIT, then drains. A second signal ends the drain at once.
    pub(crate) fn run(mut self, unheard: Unheard) -> io::Result<Stopped> {
        let halt = self.data_plane.as_ref().map(DataPlane::halt).unwrap_or_default();
        let stage = Stage::default();
        let signals = shutdown::listen(
            unheard,
            Ending {
                drain: self.app.settings.app.drain_deadline(),
                vitals: self.app.vitals.clone(),
                patience: self.app.settings.watchdog.patience(),
                halt: halt.clone(),
                stage: stage.clone(),
                reload: self.reload.clone(),
            },
        )?;
        let Ok(name) = signals.recv() else {
            return Err(io::Error::other("the thread that listens to signals has ended"));
        };
        let deadline = self.app.settings.app.drain_seconds;
        tracing::info!(
            target: "dynmcp",
            "{name}: finishing calls in flight, for at most {deadline} s; again to stop at once"
        );
        let drained = self.finish(&stage);
        self.close();
        Ok(if halt.is_cancelled() {
            Stopped::Halted
        } else {
            Stopped::Drained(drained)
        })
    }

    /// Ends it properly: `/readyz` answers 503, streams end, calls in flight finish, at most for `app.drain_seconds`.
    pub fn drain(mut self) -> Drained {
        self.finish(&Stage::default())
    }

    /// The data source is closed here, not by whichever thread lets go of it last: the process does not wait for those.
    fn close(self) {
        // Each configuration that there was has one of these, and they share the data source.
        let apps = [Arc::downgrade(&self.app), Arc::downgrade(&self.current.now())];
        let source = self.app.source.clone();
        drop(self);
        let patience = Instant::now() + LAST_TASKS;
        while apps.iter().any(|app| app.strong_count() > 0) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(source);
    }

    fn finish(&mut self, stage: &Stage) -> Drained {
        let until = Instant::now() + self.app.settings.app.drain_deadline() + LAST_WORK;
        // Before streams of events end.
        let members = json!({"version": env!("CARGO_PKG_VERSION")});
        self.app.events.tell("server.stopped", members);
        self.app.readiness.advance(Phase::Draining);
        self.app.draining.cancel();
        stage.begin("calls in flight");
        let drained = self.data_plane.take().map(DataPlane::join).unwrap_or_default();
        if let Some(control) = self.control.take() {
            stage.begin("background tasks");
            // What they have to finish began with the drain, so it is usually done by now.
            let tasks = &self.app.tasks;
            tasks.stop();
            if let Some(otlp) = &self.app.otlp {
                otlp.close();
            }
            if let Some(audit) = &self.app.audit {
                audit.close();
            }
            self.app.services.lane.close();
            // Their programs and sessions end with those who look after them, now that no call needs them.
            self.app.hub.stop();
            let mut left = tasks.wait(Ends::ByItself, until.saturating_duration_since(Instant::now()));
            left.extend(tasks.wait(Ends::WhenTold, LAST_TASKS));
            if !left.is_empty() {
                tracing::warn!(
                    tasks = left.join(", "),
                    "these background tasks did not end in time"
                );
            }
            stage.begin("the threads of the control plane");
            control.shutdown_timeout(LAST_TASKS);
        }
        if let Some(safe_mode) = self.app.catalog.compiler().safe_mode() {
            safe_mode.end();
        }
        stage.begin("the end of the data source");
        drained
    }
}

/// How [`Server::run`] ended.
pub(crate) enum Stopped {
    Drained(Drained),
    Halted,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.draining.cancel();
        if let Some(data_plane) = &self.data_plane {
            data_plane.halt().cancel();
        }
        if let Some(control) = self.control.take() {
            // Possibly dropped on an asynchronous thread, where waiting is not allowed.
            control.shutdown_background();
        }
    }
}

async fn listen(settings: &Settings) -> Result<Listeners, StartError> {
    let app = &settings.app;
    let operators = match app.admin_address() {
        None => None,
        Some((host, port)) => Some(bind(host, port, "app.admin_listen").await?),
    };
    Ok(Listeners {
        clients: bind(&app.host, app.port, "app.port").await?,
        operators,
    })
}

/// Says which key to change where that is what helps.
async fn bind(host: &str, port: u16, key: &'static str) -> Result<TcpListener, StartError> {
    let name = host.trim_start_matches('[').trim_end_matches(']');
    listener::open(name, port).await.map_err(|cause| {
        let advice = match cause.kind() {
            io::ErrorKind::AddrInUse => format!("; stop what listens there, or choose another port ({key})"),
            io::ErrorKind::PermissionDenied => {
                format!("; ports below 1024 need a privilege: choose another ({key})")
            }
            io::ErrorKind::AddrNotAvailable if key == "app.port" => {
                "; this machine has no such address (app.host)".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => format!("; this machine has no such address ({key})"),
            _ => "; see app.host, app.port and app.admin_listen".to_owned(),
        };
        StartError::Listen {
            address: format!("{host}:{port}"),
            cause,
            advice,
        }
    })
}
