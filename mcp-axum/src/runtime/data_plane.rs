//! The data plane: one OS thread per worker, each with a runtime, a router and an upstream connection pool of its own,
//! so that a call never leaves its CPU. An acceptor hands each new connection to the least busy worker, and a watchdog sees
//! to it that there are always enough workers that come back to their loops.

mod acceptor;
mod answer;
mod compress;
mod connection;
mod crew;
mod drain;
mod entrance;
mod host;
mod http_server;
mod member;
mod peers;
mod routes;
mod seats;
mod socket;
mod stream;
mod worker;

use super::watchdog::Watchdog;
use crate::app::App;
use acceptor::Acceptor;
use connection::Usage;
pub(crate) use crew::Crew;
pub use drain::Drained;
use entrance::TurnedAway;
pub(crate) use peers::Peers;
use peers::Visit;
use seats::{Seat, Seats};
use std::{
    io,
    net::TcpStream,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use worker::Serves;

/// How long after its deadline, or after the order to leave at once, a worker is waited for.
const GRACE: Duration = Duration::from_millis(500);
/// How often it is looked whether that order came.
const LOOK: Duration = Duration::from_millis(20);

/// All workers and their acceptor.
pub struct DataPlane {
    app: Arc<App>,
    clients: Post,
    /// Where operators have an address of their own.
    operators: Option<Post>,
    _watchdog: Watchdog,
    halt: CancellationToken,
}

/// The sockets that are listened on.
pub struct Listeners {
    /// The main one.
    pub clients: TcpListener,
    /// The listener of `app.admin_listen`.
    pub operators: Option<TcpListener>,
}

/// An address and those who serve it.
struct Post {
    crew: Arc<Crew>,
    ended: Receiver<Drained>,
    /// Begin to drain.
    draining: CancellationToken,
    /// Ends the acceptor when it is dropped.
    _accepting: DropGuard,
}

/// Connections of operators; they come from few places.
const OPERATOR_CONNECTIONS: u32 = 128;

/// A connection that nobody serves yet.
struct Accepted {
    stream: TcpStream,
    usage: Arc<Usage>,
    seat: Arc<Seat>,
    visit: Visit,
    /// Why there is no place for it, if there is none.
    turned_away: Option<TurnedAway>,
}

/// What a worker needs to know about the end.
#[derive(Clone)]
struct End {
    /// Finish what was begun.
    draining: CancellationToken,
    /// How long that may take.
    deadline: Duration,
    /// Leave at once.
    halt: CancellationToken,
}

impl DataPlane {
    /// Starts the workers and accepts. Call it on the control runtime.
    pub fn start(app: &Arc<App>, listeners: Listeners) -> io::Result<Self> {
        let halt = CancellationToken::new();
        let end = |draining: &CancellationToken| End {
            draining: draining.clone(),
            deadline: app.settings.app.drain_deadline(),
            halt: halt.clone(),
        };
        let clients = Post::open(app, listeners.clients, end(&app.draining), Serves::Clients)?;
        // Probes are answered while the others drain.
        let later = CancellationToken::new();
        let operators = listeners
            .operators
            .map(|listener| Post::open(app, listener, end(&later), Serves::Operators));
        let operators = operators.transpose()?;
        let crews = [Some(&clients), operators.as_ref()].into_iter().flatten();
        let crews = crews.map(|post| post.crew.clone()).collect();
        Ok(Self {
            app: app.clone(),
            _watchdog: Watchdog::start(app, crews)?,
            clients,
            operators,
            halt,
        })
    }

    /// Ends the wait of [`join`](Self::join) at once, whatever is in flight.
    pub fn halt(&self) -> CancellationToken {
        self.halt.clone()
    }

    /// Waits until every worker has drained, for no longer than they may; they begin when the app's `draining` token is
    /// cancelled. New connections are taken until then, so that probes can read why nothing else is answered.
    pub fn join(self) -> Drained {
        let mut total = Drained::default();
        let mut until = Instant::now() + self.app.settings.app.drain_deadline() + GRACE;
        let mut is_halted = false;
        for post in [Some(self.clients), self.operators].into_iter().flatten() {
            post.draining.cancel();
            let mut ended = 0;
            while ended < post.crew.started() {
                if self.halt.is_cancelled() && !is_halted {
                    is_halted = true;
                    until = until.min(Instant::now() + GRACE);
                }
                match post.ended.recv_timeout(LOOK) {
                    Ok(drained) => {
                        ended += 1;
                        total.add(drained);
                    }
                    Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                    Err(_) => {
                        total.stuck.extend(post.crew.left());
                        break;
                    }
                }
            }
        }
        total
    }
}

impl Post {
    fn open(app: &Arc<App>, listener: TcpListener, end: End, serves: Serves) -> io::Result<Self> {
        let seats = Seats::new(match serves {
            Serves::Clients => app.settings.app.max_connections,
            Serves::Operators => OPERATOR_CONNECTIONS,
        });
        let draining = end.draining.clone();
        let (crew, ended) = Crew::new(app.clone(), seats.clone(), end, serves);
        for _ in 0..crew.wanted() {
            crew.hire()?;
        }
        let stop = CancellationToken::new();
        let acceptor = Acceptor {
            listener: listener.into_std()?,
            crew: crew.clone(),
            seats,
            serves,
            app: app.clone(),
        };
        acceptor.start(stop.clone())?;
        Ok(Self {
            crew,
            ended,
            draining,
            _accepting: stop.drop_guard(),
        })
    }
}
