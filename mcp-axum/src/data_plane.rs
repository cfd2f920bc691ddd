//! The data plane: one OS thread per worker, each with a runtime, a router and an upstream connection pool of its own,
//! so that a call never leaves its CPU. An acceptor on the control runtime hands each new connection to the least busy
//! worker.

mod acceptor;
mod connection;
mod drain;
mod entrance;
mod seats;
mod socket;
mod worker;

pub use drain::Drained;

use crate::app::App;
use acceptor::Acceptor;
use seats::{Seat, Seats};
use std::{
    io,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{net::TcpListener, runtime, sync::mpsc, task::AbortHandle};
use tokio_util::sync::CancellationToken;

/// All workers and their acceptor.
pub struct DataPlane {
    threads: Vec<JoinHandle<Drained>>,
    acceptor: AbortHandle,
    halt: CancellationToken,
}

/// One worker, seen from the acceptor.
struct Mailbox {
    connections: mpsc::UnboundedSender<Accepted>,
    /// Connections handed over and not closed yet.
    open: Arc<AtomicUsize>,
}

/// A connection that nobody serves yet.
struct Accepted {
    stream: TcpStream,
    seat: Seat,
    /// There is no place for it.
    is_beyond: bool,
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
    pub fn start(app: &Arc<App>, listener: TcpListener) -> io::Result<Self> {
        let halt = CancellationToken::new();
        let end = End {
            draining: app.draining.clone(),
            deadline: app.settings.app.drain_deadline(),
            halt: halt.clone(),
        };
        let seats = Seats::new(app.settings.app.max_connections);
        let mut mailboxes = Vec::new();
        let mut threads = Vec::new();
        for number in 0..app.settings.app.worker_count() {
            let (connections, incoming) = mpsc::unbounded_channel();
            let open = Arc::new(AtomicUsize::new(0));
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            let worker = worker::Worker {
                app: app.clone(),
                incoming,
                count: open.clone(),
                seats: seats.clone(),
                end: end.clone(),
            };
            let engine = app.engine.clone();
            let work = move || runtime.block_on(worker.run(engine));
            threads.push(
                thread::Builder::new()
                    .name(format!("dynmcp-{number}"))
                    .spawn(work)?,
            );
            mailboxes.push(Mailbox { connections, open });
        }
        let acceptor = Acceptor {
            listener,
            workers: mailboxes,
            seats,
            refused: app.metrics.connections_refused.clone(),
        };
        let acceptor = tokio::spawn(acceptor.run()).abort_handle();
        Ok(Self {
            threads,
            acceptor,
            halt,
        })
    }

    /// Ends the wait of [`join`](Self::join) at once, whatever is in flight.
    pub fn halt(&self) -> CancellationToken {
        self.halt.clone()
    }

    /// Waits until every worker has drained; they begin when the app's `draining` token is cancelled. New connections
    /// are taken until then, so that probes can read why nothing else is answered.
    pub fn join(self) -> Drained {
        let mut total = Drained::default();
        for thread in self.threads {
            // A worker that panicked has lost its connections already; the panic is in the log.
            total.add(thread.join().unwrap_or_default());
        }
        self.acceptor.abort();
        total
    }
}

impl Mailbox {
    fn load(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}
