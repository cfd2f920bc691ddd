//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Stores, logs, listeners and what runtimes need.
const OTHERS: u64 = 256;

/// Raises the limit as far as this process may, and says so if that is not enough for `max_connections`. The soft
/// limit that most systems begin with, 1024, is there for programs that use `select`.
pub(super) fn raise(max_connections: u32) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // A system that does not let it leaves it where it was.
    let _ = setrlimit(Resource::Nofile, raised);
    let allowed = getrlimit(Resource::Nofile).current;
    // A client's call has a connection to an upstream.
    let wanted = u64::from(max_connections) * 2 + OTHERS;
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        tracing::warn!(
            target: "dynmcp",
            allowed,
            wanted,
            "the system lets this process open fewer files than app.max_connections = {max_connections} may take; raise \
             the hard limit (`ulimit -Hn`, LimitNOFILE= of systemd) or lower app.max_connections"
        );
    }
}
