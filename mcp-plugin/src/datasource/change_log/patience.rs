//! How long a server may stay silent. A network that loses everything tells nobody, so every wait has a bound.

use super::{Fault, Place};
use mcp_common::datasource::SourceError;
use std::time::Duration;

/// A migration may rebuild a large table.
const MIGRATION: Duration = Duration::from_secs(600);

/// The bounds that follow from `timeout_ms`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    answer: Duration,
    connect: Duration,
}

impl Patience {
    pub(crate) fn new(answer: Duration) -> Self {
        Self {
            answer,
            connect: answer / 2,
        }
    }

    /// The same patience with a bound of its own for connections, if one is given.
    #[cfg(feature = "postgres")]
    pub(crate) fn connecting_in(self, connect: Option<Duration>) -> Self {
        Self {
            connect: connect.unwrap_or(self.connect).min(self.answer),
            ..self
        }
    }

    /// The patience for a connection, with its login.
    pub(crate) fn connect(self) -> Duration {
        self.connect
    }

    /// The patience for the least that a connection can be asked.
    pub(crate) fn sign_of_life(self) -> Duration {
        self.answer / 4
    }

    /// The server ends a transaction in which it has heard nothing for so long: a gateway that vanished in the middle
    /// of a write must not keep all others from writing. In whole seconds.
    pub(crate) fn idle_transaction(self) -> u64 {
        self.answer.as_secs().max(1)
    }

    /// Ends the wait for a server that does not answer.
    pub(crate) async fn in_time<T, E: Into<Fault>>(
        self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Fault> {
        within(self.answer, asked).await
    }

    /// Waits for changes of the schema.
    pub(crate) async fn migrates<T>(
        self,
        migration: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        within(MIGRATION, migration).await
    }

    /// Waits for a write with all that it waits for itself: its turn, other writers, a few attempts.
    pub(crate) async fn writes<T>(
        self,
        place: &Place,
        write: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        match tokio::time::timeout(self.answer * 2, write).await {
            Ok(answer) => answer,
            Err(_) => Err(place.source_error(Fault::Unanswered)),
        }
    }
}

async fn within<T, E: Into<Fault>>(
    bound: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, Fault> {
    match tokio::time::timeout(bound, asked).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Fault::Silence),
    }
}
