//! The stream on which servers of earlier revisions tell what belongs to no request.

use super::{HttpLink, answer::Position};
use crate::upstream::{error::UpstreamError, outgoing::Speech};
use http::StatusCode;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// The longest wait before a stream that ends again and again is opened anew.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl HttpLink {
    /// Listens for as long as the server has such a stream. After each interruption the lists count as changed, since
    /// nothing of what was told meanwhile comes again. `answered` hears when the server has answered for the first time, whatever it
    /// says.
    pub(in crate::upstream) async fn listen(
        self: Arc<Self>,
        speech: Speech,
        answered: Option<oneshot::Sender<()>>,
    ) {
        let mut answered = answered;
        let mut position = Position::default();
        let mut failures = 0_u32;
        let mut is_first = true;
        loop {
            let opened = self.open_stream(&position, speech).await;
            if let Some(answered) = answered.take() {
                // Whoever waited may have gone on.
                let _ = answered.send(());
            }
            match opened {
                Ok(response) if response.status().is_success() => {
                    if !std::mem::take(&mut is_first) {
                        self.news.changed.notify_one();
                    }
                    let ended = self.events(response, speech, &mut position, None).await;
                    failures = if ended.is_ok() { 0 } else { failures + 1 };
                }
                Ok(response) => {
                    // Nobody has to offer it.
                    let status = response.status();
                    let is_offered = !matches!(
                        status,
                        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
                    );
                    match self.refusal(response, None).await {
                        Err(UpstreamError::SessionGone) if is_offered => return self.news.lost(),
                        _ if status.is_client_error() || !is_offered => return,
                        _ => failures += 1,
                    }
                }
                Err(_) => failures += 1,
            }
            let wait = position.wait().saturating_mul(1 << failures.min(6));
            tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
        }
    }
}
