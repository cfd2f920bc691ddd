//! A call of an HTTP tool from its arguments to its result: plan → send → shape.

use super::{
    build, client,
    client::{Answer, Room, Upstream},
    credentials::Hashed,
    deliver::{Progress, Sender},
};
use crate::{
    engine::{
        CallContext, CallResult, Engine, Here,
        arguments::{completed, owner},
        failure::Failure,
        no_memory,
        owned_context::OwnedContext,
        result::{Asked, Outcome},
        work::Work,
    },
    peer::{Held, Peer},
    spans::{Above, Attribute, OpenSpan},
    tool::{Base, Call, Callable, CompiledTool, Delivery, Effort, Overridden, ToolState, Transport},
};
use bytes::Bytes;
use http::{Request, header::VIA};
use http_body::Body as _;
use http_body_util::Full;
use serde_json::value::RawValue;
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::time::Instant;

impl Engine {
    /// Makes the request, sends it and shapes the answer.
    pub(in crate::engine) async fn call_http(
        &self,
        peer: Option<&Arc<Peer>>,
        Callable { tool, state }: Callable<'_>,
        call: &Arc<Call>,
        context: CallContext<'_>,
    ) -> CallResult {
        let timeout = self.timeout(call);
        let deadline = Instant::now() + timeout;
        let prepared = if self.is_quickly_planned(tool, call, context.arguments) {
            let (overridden, most) = (tool.overridden.as_deref(), self.max_request_bytes(call));
            prepare(call, overridden, &context, most, &Here(Effort::Full))
        } else {
            Box::pin(self.prepared_elsewhere(tool, call, &context, deadline)).await
        };
        let Prepared {
            completed,
            mut request,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => return failure.into_result(None),
        };
        self.name_gateway(&mut request, &context);
        let context = CallContext {
            arguments: completed.as_deref().or(context.arguments),
            ..context
        };
        let _held = match held_for(&request, peer) {
            Ok(held) => held,
            Err(failure) => return failure.into_result(None),
        };
        let mut span = self.span(&mut request, &context);
        let mut asked = Asked::default();
        let patience = (deadline, timeout);
        let delivered = self
            .deliver((call, state), request, &context, peer, patience, &mut asked)
            .await;
        if let Some(span) = &mut span {
            described(span, &delivered);
        }
        drop(span);
        let result = match delivered {
            Ok(answer) => self.shaped(call, answer, &context, deadline).await,
            Err(failure) => failure,
        };
        CallResult {
            asked: Some(asked),
            ..result
        }
    }

    /// The span of a request to an upstream, which the request names; `None` where nobody hears of it, and for what no request asked for.
    fn span(&self, request: &mut Request<Full<Bytes>>, context: &CallContext<'_>) -> Option<Box<OpenSpan>> {
        let spans = self.services.spans.as_ref()?;
        let mut span = Above::read(spans, context.headers?)?.open()?;
        span.goes_out(request);
        Some(span)
    }

    /// Whether it takes a moment only to make a request of these arguments.
    fn is_quickly_planned(&self, tool: &CompiledTool, call: &Call, arguments: Option<&RawValue>) -> bool {
        let length = arguments.map_or(2, |raw| raw.get().len());
        self.is_quick(tool, arguments) && call.templates.weight.is_quick(length)
    }

    /// The request of arguments that other calls of the worker would wait for.
    async fn prepared_elsewhere(
        &self,
        tool: &CompiledTool,
        call: &Arc<Call>,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> Result<Prepared, Failure> {
        let (owner, call) = (owner(&call.signature), call.clone());
        let overridden = tool.overridden.clone();
        let context = OwnedContext::of(context);
        let max_request_bytes = self.max_request_bytes(&call);
        let prepared = self.services.lane.run(owner, deadline, move |station| {
            prepare(
                &call,
                overridden.as_deref(),
                &context.borrow(),
                max_request_bytes,
                station,
            )
        });
        prepared.await?
    }

    /// Sends it and waits for the answer, or for the result that says why there is none; `asked` says what that took.
    pub(crate) async fn deliver(
        &self,
        (call, state): (&Call, Option<&ToolState>),
        request: Request<Full<Bytes>>,
        context: &CallContext<'_>,
        peer: Option<&Arc<Peer>>,
        (deadline, timeout): (Instant, Duration),
        asked: &mut Asked,
    ) -> Result<Answer, CallResult> {
        let begun = Instant::now();
        let most = call
            .max_response_bytes
            .unwrap_or(self.settings.max_response_bytes);
        let line = self.line.as_ref();
        let room = Room { most, peer, line };
        let mut progress = Progress::default();
        let exchanged = match &call.delivery {
            None => {
                let exchange = progress.exchange(&self.upstream, request, room);
                tokio::time::timeout_at(deadline, exchange).await
            }
            Some(delivery) => {
                let sender = Sender {
                    engine: self,
                    delivery,
                    context,
                    state,
                    room,
                    deadline,
                    hashed: Hashed::default(),
                };
                // Boxed, so that calls that need none of it have no room for it.
                let sending = Box::pin(sender.send(request, &mut progress));
                tokio::time::timeout_at(deadline, sending).await
            }
        };
        *asked = Asked {
            took: progress.is_sent.then(|| begun.elapsed()),
            retries: progress.retries,
        };
        match exchanged {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(failure.into_result(progress.status)),
            Err(_) => Err(progress.timed_out(call, timeout).into_result(progress.status)),
        }
    }

    /// The service that a tool of this delivery is called at; `None` where the tool says itself where it is called.
    pub(crate) fn base(&self, delivery: &Delivery) -> Result<Option<Arc<Base>>, Failure> {
        let Some(id) = &delivery.upstream else {
            return Ok(None);
        };
        let base = self.services.bases.find(id).ok_or_else(|| {
            let text = format!(
                "There is no upstream `{id}` with `protocol: http` that is switched on, which this tool is called at (tds_ext_info.upstream); nothing was sent."
            );
            Failure::new(Outcome::Refused, text)
        });
        base.map(Some)
    }

    /// Those over which a tool of this delivery is called.
    pub(crate) fn connections(
        &self,
        delivery: &Delivery,
        base: Option<&Base>,
    ) -> Result<Cow<'_, Upstream>, Failure> {
        self.pooled(delivery.transport(base))
    }

    /// Those of a transport; `None` for those of everybody.
    pub(super) fn pooled(&self, transport: Option<&Arc<Transport>>) -> Result<Cow<'_, Upstream>, Failure> {
        match transport {
            None => Ok(Cow::Borrowed(&self.upstream)),
            Some(transport) => self.pools.get(transport).map(Cow::Owned),
        }
    }

    /// The request that a call would make, without sending it; or the result that says why there is none.
    pub(in crate::engine) fn plan_http(
        &self,
        tool: &CompiledTool,
        call: &Call,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        let (overridden, most) = (tool.overridden.as_deref(), self.max_request_bytes(call));
        let prepared = prepare(call, overridden, &context, most, &Here(Effort::Full));
        let mut request = prepared.map_err(|failure| failure.into_result(None))?.request;
        self.name_gateway(&mut request, &context);
        Ok(request)
    }

    /// How long a whole call may take.
    pub(crate) fn timeout(&self, call: &Call) -> Duration {
        call.timeout.unwrap_or(self.settings.default_timeout)
    }

    /// The one header that is sent although no definition names it.
    pub(crate) fn name_gateway(&self, request: &mut Request<Full<Bytes>>, context: &CallContext<'_>) {
        if let Some(via) = &self.settings.via {
            request.headers_mut().insert(VIA, via.value(context.headers));
        }
    }

    pub(crate) fn max_request_bytes(&self, call: &Call) -> u64 {
        call.max_request_bytes.unwrap_or_else(|| {
            self.settings
                .max_request_bytes
                .saturating_add(call.extra_request_bytes)
        })
    }
}

/// What came of a request to an upstream.
fn described(span: &mut OpenSpan, delivered: &Result<Answer, CallResult>) {
    if !span.is_sampled() {
        return;
    }
    let (status, failure) = match delivered {
        Ok(answer) => (Some(answer.status.as_u16()), None),
        Err(result) => (result.upstream_status, Some(result.outcome.as_str())),
    };
    span.maybe("http.response.status_code", status.map(Attribute::number));
    match (failure, status) {
        (Some(failure), _) => span.failed(failure),
        (None, Some(status @ 400..)) => span.failed(status.to_string()),
        (None, _) => {}
    }
}

/// The memory of a request while its answer is waited for. What is small is not counted: each connection has little of it.
fn held_for(request: &Request<Full<Bytes>>, peer: Option<&Arc<Peer>>) -> Result<Option<Held>, Failure> {
    let size = request.body().size_hint().lower();
    match peer {
        Some(peer) if size > client::SMALL => peer.hold(size).map(Some).map_err(|_| no_memory("request")),
        _ => Ok(None),
    }
}

/// What is known of a call before it is sent.
struct Prepared {
    /// The arguments with what the instance gives; `None` where it says nothing about them.
    completed: Option<Box<RawValue>>,
    request: Request<Full<Bytes>>,
}

fn prepare(
    call: &Call,
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
    max_request_bytes: u64,
    work: &dyn Work,
) -> Result<Prepared, Failure> {
    let completed = completed(&call.signature, overridden, context, work)?;
    let arguments = completed.as_deref().or(context.arguments);
    let context = CallContext {
        arguments,
        ..*context
    };
    let is_guarded = overridden.is_some_and(|overridden| !overridden.hidden.is_empty());
    let request = build::plan(call, &context, is_guarded, max_request_bytes, work)?;
    Ok(Prepared { completed, request })
}
