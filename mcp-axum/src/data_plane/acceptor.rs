//! Takes connections and hands them out.

use super::{Accepted, Mailbox, seats::Seats};
use prometheus_client::metrics::counter::Counter;
use std::{
    io,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};

/// A pause after an error that will come again at once, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the log says that there are too many connections.
const SAY_AGAIN: Duration = Duration::from_secs(60);

pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) workers: Vec<Mailbox>,
    pub(super) seats: Seats,
    pub(super) refused: Counter,
}

impl Acceptor {
    pub(super) async fn run(self) {
        let mut said: Option<Instant> = None;
        while let Some(seat) = self.seats.take().await {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // Seen now: while the seat waited for its connection others may have left.
                    let is_beyond = self.seats.is_full();
                    if is_beyond {
                        self.refused.inc();
                        if said.is_none_or(|at| at.elapsed() >= SAY_AGAIN) {
                            said = Some(Instant::now());
                            tracing::warn!(
                                "as many connections are open as app.max_connections allows; new ones are answered 503"
                            );
                        }
                    }
                    if let Some(stream) = prepare(stream) {
                        let accepted = Accepted {
                            stream,
                            seat,
                            is_beyond,
                        };
                        hand_out(accepted, &self.workers);
                    }
                }
                // The client gave up between its SYN and our accept: nothing of ours is wrong.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn prepare(stream: TcpStream) -> Option<std::net::TcpStream> {
    // Small answers must not wait for the acknowledgement of the one before.
    let prepared = stream.set_nodelay(true).and_then(|()| stream.into_std());
    prepared
        .map_err(|error| tracing::debug!(%error, "a connection was gone before it was served"))
        .ok()
}

/// To the worker with the fewest connections that still works.
fn hand_out(accepted: Accepted, workers: &[Mailbox]) {
    let mut accepted = accepted;
    let mut candidates: Vec<&Mailbox> = workers.iter().collect();
    candidates.sort_by_key(|worker| worker.load());
    for worker in candidates {
        worker.open.fetch_add(1, Ordering::Relaxed);
        match worker.connections.send(accepted) {
            Ok(()) => return,
            Err(back) => {
                worker.open.fetch_sub(1, Ordering::Relaxed);
                accepted = back.0;
            }
        }
    }
}
