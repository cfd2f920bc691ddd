//! The stream on which older revisions tell what belongs to no request.

use super::{Bridge, EVENTS};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use mcp_common::backoff::Backoff;
use std::{sync::Arc, time::Duration};

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Bridge {
    /// Listens until the end, once, whatever happens to the gateway meanwhile.
    pub(super) fn listen(self: &Arc<Self>) {
        if self.is_listening.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return;
        }
        let bridge = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = bridge.hear() => {}
                () = bridge.over.cancelled() => {}
            }
        });
    }

    async fn hear(&self) {
        let mut backoff = Backoff::between(FIRST_WAIT, LONGEST_WAIT);
        let mut is_first = true;
        loop {
            let agreed = self.session.agreed();
            let mut headers = agreed.headers();
            headers.insert(header::ACCEPT, EVENTS);
            match self.send(Method::GET, headers, Bytes::new()).await {
                Ok(response) if response.status().is_success() => {
                    if !std::mem::take(&mut is_first) {
                        // What was told meanwhile does not come again.
                        for method in &agreed.changes {
                            let text = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\"}}");
                            self.write(text.into()).await;
                        }
                    }
                    backoff.reset();
                    if let Err(error) = self.events(response, |_| {}).await {
                        (self.complain)(&format!("the stream of notifications broke: {error}"));
                    }
                }
                Ok(response) => match response.status() {
                    StatusCode::NOT_FOUND if agreed.has_session() => {
                        let _ = self.renew(&agreed).await;
                    }
                    // Nobody has to offer it, and it may be too many of them.
                    status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => return,
                    _ => {}
                },
                Err(_) => {}
            }
            tokio::time::sleep(backoff.next_wait()).await;
        }
    }
}
