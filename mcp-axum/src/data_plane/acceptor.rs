//! Takes connections and hands them out.

use super::Mailbox;
use std::{io, sync::atomic::Ordering, time::Duration};
use tokio::net::{TcpListener, TcpStream};

/// A pause after an error that will come again at once, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn run(listener: TcpListener, workers: Vec<Mailbox>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => hand_out(stream, &workers),
            // The client gave up between its SYN and our accept: nothing of ours is wrong.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// To the worker with the fewest connections that still works.
fn hand_out(stream: TcpStream, workers: &[Mailbox]) {
    // Small answers must not wait for the acknowledgement of the one before.
    let prepared = stream.set_nodelay(true).and_then(|()| stream.into_std());
    let mut stream = match prepared {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "a connection was gone before it was served"),
    };
    let mut candidates: Vec<&Mailbox> = workers.iter().collect();
    candidates.sort_by_key(|worker| worker.load());
    for worker in candidates {
        worker.open.fetch_add(1, Ordering::Relaxed);
        match worker.connections.send(stream) {
            Ok(()) => return,
            Err(back) => {
                worker.open.fetch_sub(1, Ordering::Relaxed);
                stream = back.0;
            }
        }
    }
}
