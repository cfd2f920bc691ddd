//! A request to one of a service's endpoints, and on to another one where that does no harm: what certainly was not sent, and what may be done twice.

use super::{Progress, Sender, Stage, Upstream};
use crate::{
    engine::{failure::Failure, http::client::Answer, result::Outcome},
    fleet::{Lease, Mask, Unavailable, Verdict, Who},
    tool::Base,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::time::{Instant, timeout};

impl Sender<'_> {
    /// The answer of the first endpoint that gives one, or what the last one said.
    pub(super) async fn anywhere(
        &self,
        base: &Base,
        request: Request<Full<Bytes>>,
        upstream: &Upstream,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        let fleet = &base.fleet;
        let keys = fleet.keys(self.who());
        let may_be_done_twice = self.may_be_done_twice(&request);
        let mut tried = Mask::default();
        let mut last = None;
        fleet.earn();
        if let Some(most) = fleet.bound() {
            progress.stage = Stage::Turn(fleet.upstream().clone(), most);
        }
        let who = (self.context.principal.known_subject(), self.deadline.into_std());
        loop {
            let lease = match fleet.admit(keys, tried, who).await {
                Ok(lease) => lease.until(self.deadline.into_std()),
                Err(why) => return last.unwrap_or_else(|| Err(unavailable(base, &why))),
            };
            tried.add(lease.place);
            progress.retries += u32::from(last.is_some());
            let mut attempt = request.clone();
            address(base, lease.place, &mut attempt)?;
            progress.status = None;
            progress.stage = Stage::Endpoint(lease.endpoint().url.clone());
            let left = self.deadline.saturating_duration_since(Instant::now());
            let patience = may_be_done_twice.then(|| fleet.patience(tried, left)).flatten();
            let sending = self.follow(attempt, Some(base), upstream, progress);
            let result = match patience {
                None => sending.await,
                Some(patience) => timeout(patience, sending).await.unwrap_or_else(|_| {
                    let url = &lease.endpoint().url;
                    let text = format!("{url} gave no complete answer within {patience:?}.");
                    Err(Failure::new(Outcome::Timeout, text))
                }),
            };
            let is_safe = may_be_done_twice || matches!(&result, Err(failure) if failure.is_unsent);
            let goes_on = is_safe && means_another(&result);
            judge(lease, &result);
            if !goes_on || !fleet.spend(tried) {
                return result;
            }
            last = Some(result);
        }
    }

    fn who(&self) -> Who<'_> {
        let session = self
            .context
            .headers
            .and_then(|headers| headers.get("mcp-session-id"));
        Who {
            session: session.and_then(|session| session.to_str().ok()),
            principal: self.context.principal.known_subject(),
            arguments: self.context.arguments.map(|arguments| arguments.get()),
        }
    }

    /// By its method (RFC 9110 section 9.2.2), or by a header that tells the service that it is the same request.
    fn may_be_done_twice(&self, request: &Request<Full<Bytes>>) -> bool {
        let retry = self.delivery.retry.as_ref();
        request.method().is_idempotent() || retry.is_some_and(|retry| retry.idempotency_key.is_some())
    }
}

/// Where it is at this endpoint.
fn address(base: &Base, place: usize, request: &mut Request<Full<Bytes>>) -> Result<(), Failure> {
    let addressed = base.origin(place).map(|origin| origin.address(request));
    match addressed {
        Some(Ok(())) => Ok(()),
        _ => Err(Failure::new(
            Outcome::Refused,
            "The URL is too long to be called; nothing was sent.",
        )),
    }
}

/// Whether another endpoint may do better.
fn means_another(result: &Result<Answer, Failure>) -> bool {
    match result {
        Ok(answer) => matches!(
            answer.status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(failure) => is_of_endpoint(failure),
    }
}

/// Whether the endpoint is to blame, and not what was asked.
fn is_of_endpoint(failure: &Failure) -> bool {
    failure.is_unsent
        || matches!(
            failure.outcome,
            Outcome::Connect | Outcome::Timeout | Outcome::Tls
        )
}

fn judge(lease: Lease<'_>, result: &Result<Answer, Failure>) {
    match result {
        Ok(answer) if answer.status.is_server_error() => {
            lease.judge(Verdict::Bad(format!(
                "it answered with the status {}",
                answer.status.as_u16()
            )));
        }
        Ok(_) => lease.judge(Verdict::Good),
        Err(failure) if is_of_endpoint(failure) => lease.judge(Verdict::Bad(failure.reason().to_owned())),
        // An answer that is too large, or leads elsewhere, is an answer.
        Err(_) => lease.judge(Verdict::Good),
    }
}

fn unavailable(base: &Base, why: &Unavailable) -> Failure {
    let text = format!(
        "The upstream `{}` cannot be called now: {why}; nothing was sent.",
        base.id()
    );
    let outcome = match why {
        Unavailable::Busy { .. } | Unavailable::NoTurn { .. } => Outcome::Overloaded,
        Unavailable::Open { .. } | Unavailable::Tried => Outcome::Connect,
    };
    Failure::new(outcome, text)
}
