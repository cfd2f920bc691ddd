//! Takes connections and hands them out.

use super::{
    Accepted,
    connection::Usage,
    crew::Crew,
    entrance::TurnedAway,
    peers::Visit,
    seats::{Seat, Seats, Who},
    worker::Serves,
};
use crate::{app::App, runtime::tasks::ACCEPT};
use mcp_common::tasks::Ends;
use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime,
};
use tokio_util::sync::CancellationToken;

/// A pause after an error that will come again at once, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);
/// How often the log says that there are too many connections.
const SAY_AGAIN: Duration = Duration::from_secs(60);

pub(super) struct Acceptor {
    pub(super) listener: std::net::TcpListener,
    pub(super) crew: Arc<Crew>,
    pub(super) seats: Seats,
    pub(super) serves: Serves,
    pub(super) app: Arc<App>,
}

impl Acceptor {
    /// Starts on a thread of its own, so that nothing but the system keeps connections from being taken.
    pub(super) fn start(self, stop: CancellationToken) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _context = runtime.enter();
            TcpListener::from_std(self.listener.try_clone()?)?
        };
        let accept = move || {
            runtime.block_on(async {
                let accepting = self
                    .app
                    .tasks
                    .supervise(ACCEPT, Ends::WhenTold, || self.run(&listener));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = accepting => {}
                }
            });
        };
        thread::Builder::new()
            .name("dynmcp-accept".to_owned())
            .spawn(accept)?;
        Ok(())
    }

    async fn run(&self, listener: &TcpListener) {
        let mut said: Option<Instant> = None;
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    let visit = self.app.peers.enter(address.ip());
                    let usage = Usage::new(
                        self.app.readiness.clone(),
                        self.app.settings.app.client_patience(),
                    );
                    let (seat, turned_away) = self.seat(&visit, &usage);
                    if turned_away.is_some() {
                        self.seats.settled().await;
                    }
                    if let Some(reason) = turned_away {
                        self.app.metrics.connections_refused.inc();
                        if said.is_none_or(|at| at.elapsed() >= SAY_AGAIN) {
                            said = Some(Instant::now());
                            tracing::warn!(client = %address.ip(), "a connection is turned away: {}", reason.reason());
                        }
                    }
                    if let Some(stream) = prepare(stream) {
                        let accepted = Accepted {
                            stream,
                            usage,
                            seat,
                            visit,
                            turned_away,
                        };
                        self.crew.hand_out(accepted);
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

    fn seat(&self, visit: &Visit, usage: &Arc<Usage>) -> (Arc<Seat>, Option<TurnedAway>) {
        let peers = &self.app.peers;
        let who = Who {
            peer: visit.peer().clone(),
            usage: usage.clone(),
            part: (self.serves == Serves::Clients)
                .then(|| peers.part(visit))
                .flatten(),
        };
        if who.part.is_some_and(|part| visit.number > part) {
            return (self.seats.beyond(who), Some(TurnedAway::FullForPeer));
        }
        match self.seats.within(who) {
            Ok(seat) => (seat, None),
            Err(who) => (self.seats.beyond(who), Some(TurnedAway::Full)),
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
