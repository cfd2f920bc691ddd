//! One worker: serves the connections that it is handed.

use super::{
    Accepted, End,
    connection::{LEAST_RATE, Usage},
    drain::{self, Drained},
    entrance::{Entrance, TurnedAway},
    http_server,
    member::Member,
    routes::Routes,
    seats::{Seat, Seats},
    socket::Socket,
    stream::{Guest, Stream},
};
use crate::{
    app::{App, Phase},
    http::mcp::Takeover,
    runtime::{
        control_plane::bounds,
        tls::{Revoked, Shown},
        watchdog::Vital,
    },
};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use mcp_core::activity::Activity;
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    task::{AbortHandle, Id, JoinSet},
    time::{MissedTickBehavior, interval},
};

/// How often connections are looked at. A timer for each of them would cost on every request.
const SWEEP: Duration = Duration::from_secs(1);

/// A connection without a request for so many sweeps is closed: the patience of common proxies (75 s).
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
    seen_at_last_sweep: (u32, u64),
    idle_sweeps: u32,
    stalled_sweeps: u32,
    /// Since when there has always been something to take, and the bytes that had left by then.
    owing: Option<(Instant, u64)>,
    seat: Weak<Seat>,
    /// Where certificates of clients may be taken back: those of this one.
    shown: Option<Arc<Shown>>,
}

/// Makes connections out of sockets.
pub(super) struct Opener {
    app: Arc<App>,
    routes: Routes,
    server: auto::Builder<TokioExecutor>,
    member: Arc<Member>,
    serves: Serves,
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
    pub(super) serves: Serves,
}

/// Whom a worker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// Whoever comes to the main address.
    Clients,
    /// The clients who come to the address of `app.admin_listen`.
    Operators,
}

impl Worker {
    /// Serves until the gateway has drained, and gives signs of life meanwhile.
    pub(super) async fn run(self) -> Drained {
        let delays = self.app.metrics.worker_delays.clone();
        let beat = self.vital.clone().beat(Some(delays));
        tokio::select! {
            drained = self.serve() => drained,
            never = beat => match never {},
        }
    }

    async fn serve(self) -> Drained {
        let Self {
            app,
            activity,
            vital: _,
            member,
            seats,
            end,
            serves,
        } = self;
        let routes = Routes::new(&app, activity, serves);
        let server = http_server::builder(&bounds(&app.settings));
        let opener = Opener {
            app,
            routes,
            server,
            member: member.clone(),
            serves,
        };
        let client_patience = opener.app.settings.app.client_patience();
        let mut connections = Connections::default();
        let mut sweep = interval(SWEEP);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                accepted = member.next() => opener.open(accepted, &mut connections, false),
                Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended),
                _ = sweep.tick() => {
                    let revoked = opener.app.tls.as_ref().map(|tls| tls.revoked());
                    connections.sweep(seats.is_full(), client_patience, revoked.as_deref());
                }
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
            usage,
            seat,
            visit,
            turned_away,
        } = accepted;
        // Those who serve operators are there until the others have ended.
        let turned_away = if late || self.app.phase() == Phase::Draining {
            Some(TurnedAway::Draining)
        } else {
            turned_away
        };
        let counted = Counted::of(self.app.clone(), self.member.clone());
        let stream = match TcpStream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => return tracing::error!(%error, "cannot serve a connection"),
        };
        let takeover = Takeover::default();
        let entrance = Entrance {
            routes: self.routes.clone(),
            usage: usage.clone(),
            peer: visit.peer().clone(),
            turned_away,
            seat: seat.clone(),
            takeover: takeover.clone(),
            compresses: self.app.latest().settings.app.compression,
            strict_transport: self.app.settings.app.tls.strict_transport(),
        };
        let shown = self.app.tls.as_ref().and_then(|tls| tls.shown());
        let stream = match &self.app.tls {
            None => Stream::Plain(stream),
            Some(tls) => {
                let acceptor = match self.serves {
                    Serves::Clients => tls.clients(),
                    Serves::Operators => tls.operators(),
                };
                let guest = Guest {
                    peer: visit.peer().clone(),
                    shown: shown.clone(),
                };
                Stream::tls(&acceptor, stream, guest)
            }
        };
        let socket = Socket::new(stream, usage.clone());
        let service = service_fn(move |request| entrance.serve(request));
        let connection = self
            .server
            .serve_connection_with_upgrades(TokioIo::new(socket), service)
            .into_owned();
        let seated = seat.clone();
        let used = usage.clone();
        let task = connections.tasks.spawn(async move {
            let (_counted, _visit) = (counted, visit);
            let ended = tokio::select! {
                biased;
                ended = connection => ended,
                () = seated.is_needed() => Ok(()),
            };
            if let Some(work) = takeover.taken() {
                // As long as a request, for whoever looks.
                let _in_progress = used.begin();
                work.await;
            }
            // Broken requests and vanished clients: hyper has answered what could be answered.
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended with an error");
            }
        });
        let connection = Connection {
            usage,
            task: task.clone(),
            seen_at_last_sweep: (0, 0),
            idle_sweeps: 0,
            stalled_sweeps: 0,
            owing: None,
            seat: Arc::downgrade(&seat),
            shown,
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

    /// Closes what has been idle for too long; sooner, where others wait for the place. And those whose client has to do
    /// something and does not: it does not finish a header, it does not take an answer. And at once those whose certificate was taken back.
    fn sweep(&mut self, is_full: bool, client_patience: Duration, revoked: Option<&Revoked>) {
        let now = Instant::now();
        for connection in self.open.values_mut() {
            let seen = connection.usage.activity();
            let usage = &connection.usage;
            let is_quiet = seen == connection.seen_at_last_sweep;
            let is_idle = is_quiet && usage.is_idle() && usage.owes_nothing();
            let is_stalled = is_quiet && (usage.is_reading_head() || usage.is_blocked());
            connection.seen_at_last_sweep = seen;
            connection.idle_sweeps = if is_idle { connection.idle_sweeps + 1 } else { 0 };
            connection.usage.swept(connection.idle_sweeps);
            connection.stalled_sweeps = if is_stalled {
                connection.stalled_sweeps + 1
            } else {
                0
            };
            let has_place = connection.seat.upgrade().is_some_and(|seat| seat.is_within());
            let patience = match is_full || !has_place {
                true => IDLE_SWEEPS_WHEN_FULL,
                false => IDLE_SWEEPS,
            };
            let is_stalled = SWEEP * connection.stalled_sweeps >= client_patience;
            let is_slow = connection.takes_too_little(now, client_patience);
            let is_revoked = revoked.is_some_and(|revoked| connection.is_revoked(revoked));
            if connection.idle_sweeps >= patience || is_stalled || is_slow || is_revoked {
                connection.task.abort();
            }
        }
    }
}

impl Connection {
    /// Whether a certificate that it was opened with has been taken back since.
    fn is_revoked(&self, revoked: &Revoked) -> bool {
        let found = self.shown.as_ref().and_then(|shown| shown.in_list(revoked));
        if let Some(serial) = &found {
            tracing::info!(%serial, "a connection is closed, since its client's certificate has been revoked");
        }
        found.is_some()
    }

    /// Whether the client takes its answers too slowly: all of them together, or one of them while it takes others.
    fn takes_too_little(&mut self, now: Instant, patience: Duration) -> bool {
        let (_, written) = self.usage.activity();
        let Some((since, before)) = self.owing.filter(|_| !self.usage.owes_nothing()) else {
            self.owing = (!self.usage.owes_nothing()).then_some((now, written));
            return false;
        };
        if now.duration_since(since) < patience {
            return self.usage.is_overdue(now);
        }
        self.owing = Some((now, written));
        written - before < LEAST_RATE * patience.as_secs() || self.usage.is_overdue(now)
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
