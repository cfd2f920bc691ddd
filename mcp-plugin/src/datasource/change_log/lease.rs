//! A connection of the pool for one piece of work.

use super::Patience;
use sqlx::{Connection, Database, Pool, pool::PoolConnection, pool::PoolOptions};
use std::ops::{Deref, DerefMut};

/// A pool that leases are taken from.
///
/// It is not to look after its connections itself: it would ask whether they live, and say good-bye to those that it has
/// had for long, and wait for the server's answer to either without a bound. Over TLS there is an answer to a good-bye,
/// so a network that fell silent would cost the pool a connection for each one, until the system gives up on it.
pub(crate) fn pool_options<DB: Database>(patience: Patience, connections: u32) -> PoolOptions<DB> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(patience.connect())
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Goes back to the pool when the work has come to its end, and is thrown away when it was given up in the middle:
/// nobody answers any more, or nobody waits for it.
pub(crate) struct Lease<DB: Database> {
    connection: PoolConnection<DB>,
    patience: Patience,
    ended: bool,
}

impl<DB: Database> Lease<DB> {
    /// A connection that answers.
    pub(crate) async fn of(pool: &Pool<DB>, patience: Patience) -> Result<Self, sqlx::Error> {
        while let Some(mut lease) = Self::idle(pool, patience) {
            match tokio::time::timeout(patience.sign_of_life(), lease.connection.ping()).await {
                Ok(Ok(())) => return Ok(lease),
                // The server hung up.
                Ok(Err(_)) => {}
                // The others were lost with it.
                Err(_) => while Self::idle(pool, patience).is_some() {},
            }
        }
        // A new one, or one that was given back this moment.
        Ok(Self::holding(pool.acquire().await?, patience))
    }

    fn idle(pool: &Pool<DB>, patience: Patience) -> Option<Self> {
        let connection = pool.try_acquire()?;
        Some(Self::holding(connection, patience))
    }

    fn holding(connection: PoolConnection<DB>, patience: Patience) -> Self {
        Self {
            connection,
            patience,
            ended: false,
        }
    }

    /// Ends the lease: everything that was asked was answered, if only with an error.
    pub(crate) fn end(mut self) {
        self.ended = true;
        // What the pool does by itself, with a bound.
        let returning = self.connection.return_to_pool();
        tokio::spawn(tokio::time::timeout(self.patience.connect(), returning));
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if !self.ended {
            // Taken out of the connection's hands and not carried out: closed at once, and its place is free.
            drop(self.connection.return_to_pool());
        }
    }
}

impl<DB: Database> Deref for Lease<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Lease<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
