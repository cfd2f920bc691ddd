//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Stores, logs, listeners, what runtimes need, and connections that are only told that there is no place.
const OTHERS: u64 = 256;

/// Raises the limit as far as this process may, and returns how many client connections fit into it: `wanted`, or fewer, which
/// is said; a warning where somebody wanted them, and not where that is the default. Where descriptors run out nothing works any
/// more, probes not and the store not; where connections do, they are told so. The soft limit that most systems begin with, 1024,
/// is there for programs that use `select`.
pub(super) fn reserve(wanted: u32, is_default: bool) -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // A system that does not let it leaves it where it was.
    let _ = setrlimit(Resource::Nofile, raised);
    let Some(allowed) = getrlimit(Resource::Nofile).current else {
        return wanted;
    };
    let fitting = fitting(allowed, wanted);
    if fitting < wanted && is_default {
        tracing::info!(
            target: "dynmcp",
            allowed,
            "there are places for {fitting} connections, as the system lets this process open no more files (`ulimit -Hn`, \
             LimitNOFILE= of systemd)"
        );
    } else if fitting < wanted {
        tracing::warn!(
            target: "dynmcp",
            allowed,
            needed = u64::from(wanted) * 2 + OTHERS,
            "the system lets this process open too few files for app.max_connections = {wanted}: there are places for \
             {fitting}; raise the hard limit (`ulimit -Hn`, LimitNOFILE= of systemd), or lower app.max_connections"
        );
    }
    fitting
}

/// A client's call has a connection to an upstream. Of few descriptors one half is for everything else.
fn fitting(allowed: u64, wanted: u32) -> u32 {
    let others = OTHERS.min(allowed / 2);
    let most = (allowed - others) / 2;
    wanted.min(u32::try_from(most).unwrap_or(u32::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_the_others_leave() {
        assert_eq!(fitting(1_000_000, 16_384), 16_384);
        assert_eq!(fitting(1_256, 16_384), 500);
        assert_eq!(fitting(128, 16_384), 32);
        assert_eq!(fitting(0, 16_384), 1);
    }
}
