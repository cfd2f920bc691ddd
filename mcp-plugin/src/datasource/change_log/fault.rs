//! What can go wrong with a database server, whichever it is.

/// Why the store could not be prepared or asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("no answer in time")]
    Silence,
    /// A write that may have been carried out.
    #[error("no answer to a write")]
    Unanswered,
    #[error("the connection was cut")]
    Cut,
    /// The schema is of a later version.
    #[error("the schema has version {0}")]
    Newer(i64),
    /// The schema is of an earlier version, or there is none, and we are not to change that.
    #[error("the schema is not up to date")]
    Outdated { found: Option<i64>, wanted: i64 },
    /// `dynmcp_xds` or the database is not what this source can use.
    #[error("{0}")]
    Foreign(String),
}

/// What an error means for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// No connection, or it broke.
    Unreachable,
    /// The server is there but cannot take this now: starting, stopping, too many connections.
    Passing,
    /// Another transaction was in the way; the same again may succeed.
    Clash,
    /// Another transaction is open for too long.
    Locked,
    Full,
    /// A replica, or switched to read-only.
    ReadOnly,
    Tls,
    Login,
    UnknownDatabase,
    Rights,
    /// A table, column or trigger of the schema is missing.
    Schema,
    TooLarge,
    /// Triggers need a server setting (`log_bin_trust_function_creators`).
    TriggersForbidden,
    Other,
}

impl Meaning {
    /// What trying again may help against.
    pub(crate) fn passes(self) -> bool {
        matches!(
            self,
            Self::Unreachable | Self::Passing | Self::Clash | Self::Locked | Self::Full | Self::ReadOnly
        )
    }
}

/// What an error means that did not come from the server.
pub(crate) fn outside_the_database(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Tls(_) => Meaning::Tls,
        // rustls speaks through the stream.
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => Meaning::Tls,
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_)
        | sqlx::Error::BeginFailed => Meaning::Unreachable,
        _ => Meaning::Other,
    }
}
