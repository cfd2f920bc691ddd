//! What somebody wants of an upstream's supervisor, and waits for.

use super::Hub;
use crate::upstream::{error::UpstreamError, supervisor::Order};
use tokio::sync::oneshot;

impl Hub {
    /// Takes the lists of an upstream anew, and waits for it; connects at once where it is not connected.
    pub async fn refresh(&self, id: &str) -> Option<Result<(), UpstreamError>> {
        self.order(id, Order::Refresh).await
    }

    /// Makes a new connection, or starts the program anew, and waits for it.
    pub async fn restart(&self, id: &str) -> Option<Result<(), UpstreamError>> {
        self.order(id, Order::Restart).await
    }

    async fn order(
        &self,
        id: &str,
        order: impl FnOnce(oneshot::Sender<Result<(), UpstreamError>>) -> Order,
    ) -> Option<Result<(), UpstreamError>> {
        let remote = self.remotes.load().get(id)?.clone();
        let (sender, receiver) = oneshot::channel();
        let stopped = || Err(UpstreamError::NotConnected("it is being ended".to_owned()));
        if remote.orders.send(order(sender)).await.is_err() {
            return Some(stopped());
        }
        Some(receiver.await.unwrap_or_else(|_| stopped()))
    }
}
