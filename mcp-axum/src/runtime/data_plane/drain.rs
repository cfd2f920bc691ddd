//! The end of a worker: requests that were begun are finished, nothing new begins, and there is a deadline.

use super::{
    End,
    member::Member,
    worker::{Connections, Opener},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use tokio::{
    task::Id,
    time::{interval, sleep},
};

const LOOK: Duration = Duration::from_millis(10);

/// How long a client may take nothing of an answer that hyper has whole.
const FLUSH: Duration = Duration::from_secs(1);

/// How a drain ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Connections that still had a request, or a client that was still taking an answer, at the deadline.
    pub cut: usize,
    /// Workers that did not come back, and what they were doing: their connections are lost.
    pub stuck: Vec<String>,
}

impl Drained {
    pub(super) fn add(&mut self, other: Self) {
        self.cut += other.cut;
        self.stuck.extend(other.stuck);
    }
}

pub(super) async fn run(opener: Opener, member: &Member, mut connections: Connections, end: End) -> Drained {
    // Only these are waited for; `None`: a request is in progress.
    let mut awaited: HashMap<Id, Option<Quiet>> = HashMap::new();
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
            accepted = member.next() => opener.open(accepted, &mut connections, true),
            _ = look.tick() => close_finished(&connections, &mut awaited),
            () = &mut deadline => break,
            () = end.halt.cancelled() => break,
        }
    }
    Drained {
        cut: awaited.len(),
        stuck: Vec::new(),
    }
}

/// Since when nothing happens on a connection, and what had happened until then.
struct Quiet {
    since: Instant,
    activity: (u32, u64),
}

/// Answers whose head left before the drain began do not say `Connection: close`; their connections are closed here.
fn close_finished(connections: &Connections, awaited: &mut HashMap<Id, Option<Quiet>>) {
    for (id, quiet) in awaited {
        let Some(connection) = connections.open.get(id) else {
            continue;
        };
        let activity = connection.usage.activity();
        match quiet {
            _ if !connection.usage.is_idle() => *quiet = None,
            Some(quiet) if quiet.activity == activity => {
                if quiet.since.elapsed() >= FLUSH {
                    connection.task.abort();
                }
            }
            _ => {
                let since = Instant::now();
                *quiet = Some(Quiet { since, activity });
            }
        }
    }
}
