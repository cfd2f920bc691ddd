//! Delivers a request of a tool that asks for more than one plain exchange: its place in the queue, its credential,
//! further attempts, redirects.

mod anywhere;
mod redirect;
mod retry;

use super::{
    client::{Answer, Room, Upstream},
    credentials::{Applied, Hashed, apply, sign},
};
use crate::{
    engine::{CallContext, Engine, failure::Failure, result::Outcome},
    live::{Gate, Place},
    tool::{Auth, Base, Call, Delivery, Retry, ToolState},
};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::Full;
use std::{borrow::Cow, mem, sync::Arc};
use tokio::time::Instant;

/// How far a delivery got, for when it is given up.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The status of the last answer.
    pub(crate) status: Option<u16>,
    /// How often it was sent again.
    pub(crate) retries: u32,
    /// Whether anything of it may have reached somebody.
    pub(crate) is_sent: bool,
    /// What it is waiting for.
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    /// The tool's upstream.
    #[default]
    Upstream,
    /// One of the endpoints of the tool's upstream, by its address.
    Endpoint(Arc<str>),
    /// A place among the calls under way, of which there may be so many.
    Queue(usize),
    /// An endpoint of this upstream, each of which has so many requests under way.
    Turn(Arc<str>, u32),
    /// The token endpoint.
    Token,
    /// Where a redirect leads.
    Redirect(Uri),
}

pub(crate) struct Sender<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) delivery: &'a Delivery,
    pub(crate) context: &'a CallContext<'a>,
    /// What the tool's calls share.
    pub(crate) state: Option<&'a ToolState>,
    pub(crate) room: Room<'a>,
    /// When the call is given up.
    pub(crate) deadline: Instant,
    /// What signatures of attempts before had of the body.
    pub(crate) hashed: Hashed,
}

impl Sender<'_> {
    /// The answer that counts.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        let gate = self.state.map(|state| &state.gate);
        let _place = match gate.filter(|_| self.delivery.concurrency.is_some()) {
            Some(gate) => Some(place(gate, progress).await?),
            None => None,
        };
        let base = self.engine.base(self.delivery)?;
        let base = base.as_deref();
        let upstream = self.engine.connections(self.delivery, base)?;
        let retry = self.delivery.retry.as_ref();
        let budget = self.state.map(|state| &state.retries);
        if let Some(retry) = retry {
            budget.inspect(|budget| budget.earn());
            idempotency_key(retry, &mut request)?;
        }
        if let Some(base) = base {
            let secrets = &self.engine.services.secrets;
            let dressed = base.dress(request.headers_mut(), secrets);
            dressed.map_err(|reason| base_lacks(base, &reason))?;
        }
        let mut attempts = 0;
        let mut is_token_renewed = false;
        loop {
            let mut attempt = request.clone();
            let auth = self.delivery.auth(base);
            let applied = self.authorize(auth, &mut attempt, &upstream, progress).await?;
            progress.status = None;
            progress.stage = Stage::Upstream;
            let result = match base {
                None => self.follow(attempt, base, &upstream, progress).await,
                Some(base) => self.anywhere(base, attempt, &upstream, progress).await,
            };
            // 401 says that nothing was done, so this is no second time, whatever the method.
            if let (Ok(answer), Some(token), false) = (&result, &applied.token, is_token_renewed)
                && answer.status == StatusCode::UNAUTHORIZED
            {
                token.discard();
                is_token_renewed = true;
                continue;
            }
            let pause = retry.and_then(|retry| retry.pause(&result, attempts, budget));
            match pause {
                // A pause that would outlive the call is not begun: what is known now is said now.
                Some(pause) if pause < self.deadline.saturating_duration_since(Instant::now()) => {
                    tokio::time::sleep(pause).await;
                }
                _ => return result,
            }
            attempts += 1;
            progress.retries += 1;
        }
    }

    async fn authorize(
        &self,
        auth: Option<&Auth>,
        request: &mut Request<Full<Bytes>>,
        upstream: &Upstream,
        progress: &mut Progress,
    ) -> Result<Applied, Failure> {
        let Some(auth) = auth else {
            return Ok(Applied::default());
        };
        let services = &self.engine.services;
        let tools = (&services.secrets, &services.tokens, upstream);
        if matches!(auth, Auth::ClientCredentials(_)) {
            progress.stage = Stage::Token;
        }
        apply(auth, request, self.context, tools).await
    }

    async fn follow(
        &self,
        mut request: Request<Full<Bytes>>,
        base: Option<&Base>,
        upstream: &Upstream,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        let room = self.room;
        let signer = self.delivery.auth(base).and_then(Auth::signer);
        if let Some(signer) = signer {
            sign(self.engine, signer, &mut request, &self.hashed).await?;
        }
        let Some(rules) = &self.delivery.redirect else {
            return progress.exchange(upstream, request, room).await;
        };
        let mut upstream = Cow::Borrowed(upstream);
        let mut followed = 0;
        let mut is_with_strangers = false;
        loop {
            let mut head = Request::new(request.body().clone());
            *head.method_mut() = request.method().clone();
            *head.uri_mut() = request.uri().clone();
            *head.headers_mut() = request.headers().clone();
            let answer = progress.exchange(&upstream, head, room).await?;
            let Some(next) = redirect::next(&request, &answer, rules, followed)? else {
                return Ok(answer);
            };
            if !next.is_same_origin {
                upstream = self.for_strangers(base)?;
                is_with_strangers = true;
            }
            request = next.request;
            // Nothing of it is for another origin, nor for one that another one leads back to.
            if let Some(signer) = signer.filter(|_| !is_with_strangers) {
                sign(self.engine, signer, &mut request, &self.hashed).await?;
            }
            progress.stage = Stage::Redirect(request.uri().clone());
            followed += 1;
        }
    }

    /// Connections that show no client certificate.
    fn for_strangers(&self, base: Option<&Base>) -> Result<Cow<'_, Upstream>, Failure> {
        let own = self.delivery.transport(base);
        match own.and_then(|transport| transport.for_strangers()) {
            None => Ok(Cow::Borrowed(&self.engine.upstream)),
            Some(transport) => self.engine.pools.get(&Arc::new(transport)).map(Cow::Owned),
        }
    }
}

/// Something of the service's own is missing.
fn base_lacks(base: &Base, reason: &str) -> Failure {
    let text = format!(
        "The upstream `{}` cannot be called: {reason}; nothing was sent.",
        base.id()
    );
    Failure::new(Outcome::Refused, text)
}

/// A place among the calls under way.
async fn place<'g>(gate: &'g Gate, progress: &mut Progress) -> Result<Place<'g>, Failure> {
    if let Some(place) = gate.try_enter() {
        return Ok(place);
    }
    let most = gate.most();
    let Some(_waiting) = gate.queue() else {
        let text = format!(
            "This tool is busy: {most} calls are under way (limits.concurrency) and its queue is full; nothing was sent. Try again later."
        );
        return Err(Failure::new(Outcome::Overloaded, text));
    };
    progress.stage = Stage::Queue(most);
    let place = gate.enter().await;
    place.ok_or_else(|| Failure::new(Outcome::Overloaded, "This tool takes no calls."))
}

/// A value of its own for each call, where the definition asks for one.
pub(crate) fn add_idempotency_key(call: &Call, request: &mut Request<Full<Bytes>>) -> Result<(), Failure> {
    let delivery = call.delivery.as_ref();
    match delivery.and_then(|delivery| delivery.retry.as_ref()) {
        Some(retry) => idempotency_key(retry, request),
        None => Ok(()),
    }
}

fn idempotency_key(retry: &Retry, request: &mut Request<Full<Bytes>>) -> Result<(), Failure> {
    let Some(name) = &retry.idempotency_key else {
        return Ok(());
    };
    let key = retry::key().ok_or_else(|| {
        Failure::new(
            Outcome::Refused,
            "The machine has no random numbers; nothing was sent.",
        )
    })?;
    request.headers_mut().entry(name.clone()).or_insert(key);
    Ok(())
}

impl Progress {
    /// One request of the delivery, and its answer.
    pub(crate) async fn exchange(
        &mut self,
        upstream: &Upstream,
        request: Request<Full<Bytes>>,
        room: Room<'_>,
    ) -> Result<Answer, Failure> {
        // Whoever gives it up meanwhile does not know better.
        let was_sent = mem::replace(&mut self.is_sent, true);
        let answer = upstream.exchange(request, room, &mut self.status).await;
        if matches!(&answer, Err(failure) if failure.is_unsent) {
            self.is_sent = was_sent;
        }
        answer
    }

    /// What to say when the time is over.
    pub(crate) fn timed_out(&self, call: &Call, timeout: std::time::Duration) -> Failure {
        let delivery = call.delivery.as_deref();
        let host = match &self.stage {
            Stage::Upstream => call.origin.authority.as_str(),
            Stage::Endpoint(url) => url,
            Stage::Redirect(to) => to.authority().map_or("", |authority| authority.as_str()),
            Stage::Token => {
                let source = delivery.and_then(|delivery| match &delivery.auth {
                    Some(Auth::ClientCredentials(source)) => Some(source.host()),
                    _ => None,
                });
                let host = source.unwrap_or_default();
                let text = format!(
                    "No token: the token endpoint at {host} gave no complete answer within {timeout:?}."
                );
                return Failure::new(Outcome::Timeout, text);
            }
            Stage::Turn(upstream, most) => {
                let text = format!(
                    "The upstream `{upstream}` is busy: {most} requests are under way to each endpoint that can be called (limits.endpoint_concurrency), and none ended within {timeout:?}; nothing was sent."
                );
                return Failure::new(Outcome::Overloaded, text);
            }
            Stage::Queue(most) => {
                let text = format!(
                    "This tool is busy: {most} calls are under way (limits.concurrency), and none ended within {timeout:?}; nothing was sent."
                );
                return Failure::new(Outcome::Overloaded, text);
            }
        };
        let text = format!("{host} gave no complete answer within {timeout:?}.");
        Failure::new(Outcome::Timeout, text)
    }
}

/// A header value of these characters.
fn ascii(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}
