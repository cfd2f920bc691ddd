//! The end of a worker: requests that were begun are finished, nothing new begins, and there is a deadline.

use super::{
    Accepted, End,
    worker::{Connections, Opener},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::UnboundedReceiver,
    task::Id,
    time::{interval, sleep},
};

const LOOK: Duration = Duration::from_millis(10);

/// What hyper may need to bring the last bytes of an answer to a slow client after the answer itself is done.
const FLUSH: Duration = Duration::from_secs(1);

/// How a drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections whose request was not finished before the deadline.
    pub cut: usize,
}

impl Drained {
    pub(super) fn add(&mut self, other: Self) {
        self.cut += other.cut;
    }
}

pub(super) async fn run(
    opener: Opener,
    mut incoming: UnboundedReceiver<Accepted>,
    mut connections: Connections,
    end: End,
) -> Drained {
    // Only these are waited for; `None`: a request is in progress, else since when there is none.
    let mut awaited: HashMap<Id, Option<Instant>> = HashMap::new();
    for (id, connection) in &connections.open {
        if connection.usage.is_idle() {
            connection.task.abort();
        } else {
            awaited.insert(*id, None);
        }
    }
    let deadline = sleep(end.deadline);
    tokio::pin!(deadline);
    let mut look = interval(LOOK);
    while !awaited.is_empty() {
        tokio::select! {
            Some(ended) = connections.tasks.join_next_with_id() => {
                connections.forget(ended);
                awaited.retain(|id, _| connections.open.contains_key(id));
            }
            Some(accepted) = incoming.recv() => opener.open(accepted, &mut connections, true),
            _ = look.tick() => close_finished(&connections, &mut awaited),
            () = &mut deadline => break,
            () = end.halt.cancelled() => break,
        }
    }
    let cut = awaited.values().filter(|idle_since| idle_since.is_none()).count();
    Drained { cut }
}

/// Answers whose head left before the drain began do not say `Connection: close`; their connections are closed here.
fn close_finished(connections: &Connections, awaited: &mut HashMap<Id, Option<Instant>>) {
    for (id, idle_since) in awaited {
        let Some(connection) = connections.open.get(id) else {
            continue;
        };
        match idle_since {
            _ if !connection.usage.is_idle() => *idle_since = None,
            None => *idle_since = Some(Instant::now()),
            Some(since) if since.elapsed() >= FLUSH => connection.task.abort(),
            Some(_) => {}
        }
    }
}
