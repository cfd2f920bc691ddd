//! One worker: serves the connections that it is handed.

use super::{
    Accepted, End,
    connection::Usage,
    drain::{self, Drained},
    entrance::{Entrance, TurnedAway},
    member::Member,
    seats::Seats,
    socket::Socket,
};
use crate::{app, app::App, watchdog::Vital};
use axum::Router;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use mcp_core::{
    activity::Activity,
    engine::{Engine, EngineSettings},
    protocol::Endpoint,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, Id, JoinSet},
    time::{MissedTickBehavior, interval},
};

/// How often connections are looked at. A timer for each of them would cost on every request.
const SWEEP: Duration = Duration::from_secs(1);

/// A connection without a request for so many sweeps is closed: the patience of common proxies (75 s), and a bound
/// for clients that never finish a header.
const IDLE_SWEEPS: u32 = 75;
/// The same while others wait for its place, or where it was turned away.
const IDLE_SWEEPS_WHEN_FULL: u32 = 5;

/// A worker's open connections.
#[derive(Default)]
pub(super) struct Connections {
    pub(super) tasks: JoinSet<()>,
    pub(super) open: HashMap<Id, Connection>,
}

pub(super) struct Connection {
    pub(super) usage: Arc<Usage>,
    pub(super) task: AbortHandle,
    seen_at_last_sweep: (u32, u32),
    idle_sweeps: u32,
    is_turned_away: bool,
}

/// Makes connections out of sockets.
pub(super) struct Opener {
    app: Arc<App>,
    router: Router,
    server: auto::Builder<TokioExecutor>,
    member: Arc<Member>,
}

/// What a worker is given.
pub(super) struct Worker {
    pub(super) app: Arc<App>,
    /// Where it shows what it does.
    pub(super) activity: Arc<Activity>,
    /// How others see that it works.
    pub(super) vital: Arc<Vital>,
    /// Where its connections come from.
    pub(super) member: Arc<Member>,
    pub(super) seats: Seats,
    pub(super) end: End,
}

impl Worker {
    /// Serves until the gateway has drained.
    pub(super) async fn run(self, engine: EngineSettings) -> Drained {
        let Self {
            app,
            activity,
            vital,
            member,
            seats,
            end,
        } = self;
        // Made here, on this worker's runtime, so that upstream connections belong to it.
        let engine = Engine::new(engine);
        let endpoint = Endpoint::new(app.gateway.clone(), engine).with_activity(activity);
        let router = app::router(app.clone(), endpoint);
        tokio::spawn(vital.beat(Some(app.metrics.worker_delays.clone())));
        let opener = Opener {
            app,
            router,
            server: auto::Builder::new(TokioExecutor::new()),
            member: member.clone(),
        };
        let mut connections = Connections::default();
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = member.next() => opener.open(accepted, &mut connections, false),
                Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended),
                _ = sweep.tick() => connections.sweep(seats.is_full()),
                () = end.draining.cancelled() => break,
                () = end.halt.cancelled() => break,
            }
        }
        drain::run(opener, &member, connections, end).await
    }
}

impl Opener {
    pub(super) fn open(&self, accepted: Accepted, connections: &mut Connections, late: bool) {
        let Accepted {
            stream,
            seat,
            is_beyond,
        } = accepted;
        let turned_away = match (late, is_beyond) {
            (true, _) => Some(TurnedAway::Draining),
            (false, true) => Some(TurnedAway::Full),
            (false, false) => None,
        };
        let counted = Counted::of(self.app.clone(), self.member.clone());
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => return tracing::error!(%error, "cannot serve a connection"),
        };
        let usage = Usage::new(self.app.readiness.clone());
        let entrance = Entrance {
            router: self.router.clone(),
            usage: usage.clone(),
            turned_away,
        };
        let socket = Socket {
            stream,
            usage: usage.clone(),
        };
        let service = service_fn(move |request| entrance.serve(request));
        let connection = self
            .server
            .serve_connection(TokioIo::new(socket), service)
            .into_owned();
        let task = connections.tasks.spawn(async move {
            let (_counted, _seat) = (counted, seat);
            // Broken requests and vanished clients: hyper has answered what could be answered.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
        let connection = Connection {
            usage,
            task: task.clone(),
            seen_at_last_sweep: (0, 0),
            idle_sweeps: 0,
            is_turned_away: turned_away.is_some(),
        };
        connections.open.insert(task.id(), connection);
    }
}

impl Connections {
    pub(super) fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.open.remove(&id);
    }

    /// Closes what has been idle for too long; sooner, where others wait for the place.
    fn sweep(&mut self, is_full: bool) {
        for connection in self.open.values_mut() {
            let seen = connection.usage.activity();
            let idle = connection.usage.is_idle() && seen == connection.seen_at_last_sweep;
            connection.seen_at_last_sweep = seen;
            connection.idle_sweeps = if idle { connection.idle_sweeps + 1 } else { 0 };
            let patience = match is_full || connection.is_turned_away {
                true => IDLE_SWEEPS_WHEN_FULL,
                false => IDLE_SWEEPS,
            };
            if connection.idle_sweeps >= patience {
                connection.task.abort();
            }
        }
    }
}

/// Counts an open connection, for the acceptor's choice and for the metrics.
struct Counted {
    app: Arc<App>,
    member: Arc<Member>,
}

impl Counted {
    /// The acceptor has counted it for the worker already.
    fn of(app: Arc<App>, member: Arc<Member>) -> Self {
        app.metrics.connections.inc();
        Self { app, member }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.app.metrics.connections.dec();
        self.member.closed_one();
    }
}
