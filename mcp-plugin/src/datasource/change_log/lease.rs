//! A connection of the pool for one piece of work.

use super::Patience;
use sqlx::{Database, Pool, pool::PoolConnection};
use std::ops::{Deref, DerefMut};

/// Goes back to the pool when the work has come to its end, and is thrown away when it was given up in the middle:
/// nobody answers any more, or nobody waits for it. Left to itself the pool would ask a connection that comes back
/// whether it lives, wait for the answer without a bound, and have one connection less until then.
pub(crate) struct Lease<DB: Database> {
    connection: PoolConnection<DB>,
    patience: Patience,
    ended: bool,
}

impl<DB: Database> Lease<DB> {
    pub(crate) async fn of(pool: &Pool<DB>, patience: Patience) -> Result<Self, sqlx::Error> {
        Ok(Self {
            connection: pool.acquire().await?,
            patience,
            ended: false,
        })
    }

    /// Everything that was asked was answered, if only with an error.
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
            self.connection.close_on_drop();
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
