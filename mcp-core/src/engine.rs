//! Turns one tool call into one HTTP request and its answer into a tool result: plan → send → shape.

mod caller;
pub(crate) mod complete;
pub(crate) mod failure;
pub(crate) mod http;
mod lane;
mod owned_context;
mod result;
pub mod sandbox;
mod settings;
mod work;

use crate::{
    peer::{Held, Peer},
    tool::{Call, CompiledTool, Delivery, Effort, InstanceNames, Overridden},
};
use ::http::{HeaderMap, Request, Response, StatusCode, header::VIA};
use bytes::Bytes;
pub use failure::ArgumentProblem;
use failure::Failure;
pub use http::Tokens;
use http::{
    client::{Answer, Room, Upstream},
    connections::Pools,
    deliver::{Progress, Sender},
};
use http_body::Body as _;
use http_body_util::Full;
use lane::Owner;
pub use lane::{Lane, LaneMetrics, LaneSettings};
use mcp_common::authenticator::Principal;
use owned_context::OwnedContext;
pub use result::{CallResult, Outcome};
use serde_json::value::RawValue;
pub use settings::EngineSettings;
use std::{borrow::Cow, sync::Arc, time::Duration};
use tokio::time::Instant;
pub(crate) use work::Here;
use work::{Stop, Work};

/// Who calls what with which arguments.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// The instance that the call came through.
    pub instance: &'a InstanceNames,
    /// Who calls.
    pub principal: &'a Principal,
    /// `params.arguments` as the client sent them.
    pub arguments: Option<&'a RawValue>,
    /// Of the client's request. Only those go on that a definition names (`auth.type: passthrough`, and templates that name
    /// one which the operator allows).
    pub headers: Option<&'a HeaderMap>,
}

/// Sends calls upstream. Has connection pools of its own; clones share them.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) settings: EngineSettings,
    upstream: Upstream,
    /// For tools that ask for other connections than those of `upstream`.
    pools: Pools,
}

impl Engine {
    /// With an empty pool; connects when called.
    pub fn new(mut settings: EngineSettings) -> Self {
        settings.via = settings.via.map(|via| via.apart());
        Self {
            upstream: Upstream::new(&settings),
            pools: Pools::new(&settings),
            settings,
        }
    }

    /// Calls the tool. Whatever goes wrong is part of the result; dropping the future gives the upstream call up.
    pub async fn call(&self, tool: &CompiledTool, context: CallContext<'_>) -> CallResult {
        self.call_for(None, tool, context).await
    }

    /// The same for a client, whose memory the request and the answer take.
    pub async fn call_for(
        &self,
        peer: Option<&Arc<Peer>>,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> CallResult {
        let call = &tool.call;
        let timeout = self.timeout(call);
        let deadline = Instant::now() + timeout;
        if let Err(failure) = self.within_bounds(&context) {
            return failure.into_result(None);
        }
        let prepared = match self.is_light(tool, context.arguments) {
            true => prepare(tool, &context, self.max_request_bytes(call), &Here(Effort::Full)),
            false => Box::pin(self.prepared_elsewhere(tool, &context, deadline)).await,
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
        match self
            .deliver(call, request, &context, peer, (deadline, timeout))
            .await
        {
            Ok(answer) => self.shaped(call, answer, &context, deadline).await,
            Err(failure) => failure,
        }
    }

    /// Refuses arguments of which much more would be made than they are.
    fn within_bounds(&self, context: &CallContext<'_>) -> Result<(), Failure> {
        let Some(arguments) = context.arguments else {
            return Ok(());
        };
        let bounds = self.settings.bounds.arguments();
        bounds
            .check_long(arguments.get().as_bytes())
            .map_err(|exceeded| Failure::arguments(&format!("What was sent {exceeded}.")))
    }

    /// The same of an answer that is read, and not only given on.
    fn answer_within_bounds(&self, call: &Call, answer: &Answer) -> Result<(), Failure> {
        let is_read = call.response.is_some() || call.output.is_some();
        let first = answer.body.iter().find(|byte| !byte.is_ascii_whitespace());
        // Pages and other texts have no values.
        if !(is_read && matches!(first, Some(b'[' | b'{'))) {
            return Ok(());
        }
        let bounds = self.settings.bounds.answer();
        bounds.check_long(&answer.body).map_err(|exceeded| {
            Failure::new(Outcome::BadAnswer, format!("The upstream's answer {exceeded}."))
        })
    }

    /// Whether it takes a moment only to make a request of these arguments.
    fn is_light(&self, tool: &CompiledTool, arguments: Option<&RawValue>) -> bool {
        let json = arguments.map_or("{}", RawValue::get);
        let overridden = tool.overridden.as_ref();
        let schemas = [
            tool.call.validator.as_ref(),
            overridden.and_then(|overridden| overridden.validator.as_ref()),
        ];
        json.len() <= self.settings.lane.settings().arguments_bytes
            && tool.call.templates.weight.is_quick(json.len())
            && schemas.into_iter().flatten().all(|schema| schema.is_quick(json))
    }

    /// The request of arguments that other calls of the worker would wait for.
    async fn prepared_elsewhere(
        &self,
        tool: &CompiledTool,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> Result<Prepared, Failure> {
        let (call, overridden) = (tool.call.clone(), tool.overridden.clone());
        let context = OwnedContext::of(context);
        let max_request_bytes = self.max_request_bytes(&call);
        let prepared = self
            .settings
            .lane
            .run(owner(&tool.call), deadline, move |station| {
                prepare_parts(
                    &call,
                    overridden.as_deref(),
                    &context.borrow(),
                    max_request_bytes,
                    station,
                )
            });
        prepared.await?
    }

    /// Sends it and waits for the answer, or for the result that says why there is none.
    pub(crate) async fn deliver(
        &self,
        call: &Call,
        request: Request<Full<Bytes>>,
        context: &CallContext<'_>,
        peer: Option<&Arc<Peer>>,
        (deadline, timeout): (Instant, Duration),
    ) -> Result<Answer, CallResult> {
        let most = call
            .max_response_bytes
            .unwrap_or(self.settings.max_response_bytes);
        let room = Room { most, peer };
        let mut progress = Progress::default();
        let exchanged = match &call.delivery {
            None => {
                let status = &mut progress.status;
                let exchange = self.upstream.exchange(request, room, status);
                tokio::time::timeout_at(deadline, exchange).await
            }
            Some(delivery) => {
                let sender = Sender {
                    engine: self,
                    delivery,
                    context,
                    room,
                    deadline,
                };
                // Boxed, so that calls that need none of it have no room for it.
                let sending = Box::pin(sender.send(request, &mut progress));
                tokio::time::timeout_at(deadline, sending).await
            }
        };
        match exchanged {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(failure)) => Err(failure.into_result(progress.status)),
            Err(_) => Err(progress.timed_out(call, timeout).into_result(progress.status)),
        }
    }

    /// Those over which a tool of this delivery is called.
    pub(crate) fn connections(&self, delivery: &Delivery) -> Result<Cow<'_, Upstream>, Failure> {
        match &delivery.transport {
            None => Ok(Cow::Borrowed(&self.upstream)),
            Some(transport) => self.pools.get(transport).map(Cow::Owned),
        }
    }

    /// The request that a call would make, without sending it; or the result that says why there is none.
    pub fn plan(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
    ) -> Result<Request<Full<Bytes>>, CallResult> {
        let max_request_bytes = self.max_request_bytes(&tool.call);
        self.within_bounds(&context)
            .map_err(|failure| failure.into_result(None))?;
        let prepared = prepare(tool, &context, max_request_bytes, &Here(Effort::Full));
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

    /// What the tool makes of an answer, without asking anybody.
    pub fn shape(&self, tool: &CompiledTool, answer: Response<Bytes>) -> CallResult {
        let context = CallContext {
            instance: &InstanceNames::id_only(""),
            principal: &Principal::anonymous(),
            arguments: None,
            headers: None,
        };
        self.shape_for(tool, context, answer)
    }

    /// The same in a call, whose arguments the tool's templates may name.
    pub fn shape_for(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
        answer: Response<Bytes>,
    ) -> CallResult {
        let answer: Answer = answer.into();
        if let Err(failure) = self.answer_within_bounds(&tool.call, &answer) {
            return failure.into_result(Some(answer.status.as_u16()));
        }
        http::packed(&answer).unwrap_or_else(|| {
            let here = Here(Effort::Full);
            let shaped = http::shape(&tool.call, &answer, &context, self.settings.on_mismatch, &here);
            shaped.unwrap_or_else(|stop| unshaped(stop, answer.status))
        })
    }

    /// The same without holding the thread: for answers in a call.
    pub(crate) async fn answered(
        &self,
        tool: &CompiledTool,
        context: CallContext<'_>,
        answer: Response<Bytes>,
    ) -> CallResult {
        let answer = answer.into();
        let deadline = Instant::now() + self.timeout(&tool.call);
        match http::packed(&answer) {
            Some(packed) => packed,
            None => self.shaped(&tool.call, answer, &context, deadline).await,
        }
    }

    /// What takes a moment is done here. Other answers begin again elsewhere, since most take less than handing over
    /// costs.
    pub(crate) async fn shaped(
        &self,
        call: &Arc<Call>,
        answer: Answer,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> CallResult {
        if let Err(failure) = self.answer_within_bounds(call, &answer) {
            return failure.into_result(Some(answer.status.as_u16()));
        }
        let settings = &self.settings;
        let size = answer.body.len();
        let templates = call.response.as_ref().map(|response| &response.templates.weight);
        let is_light = size <= settings.lane.settings().answer_bytes
            && templates.is_none_or(|weight| {
                weight.is_quick(size + context.arguments.map_or(0, |it| it.get().len()))
            });
        if is_light {
            let here = Here(Effort::Short);
            match http::shape(call, &answer, context, settings.on_mismatch, &here) {
                Ok(result) => return result,
                Err(Stop::Long) => {}
                Err(stop) => return unshaped(stop, answer.status),
            }
        }
        Box::pin(self.shaped_elsewhere(call, answer, context, deadline)).await
    }

    async fn shaped_elsewhere(
        &self,
        call: &Arc<Call>,
        answer: Answer,
        context: &CallContext<'_>,
        deadline: Instant,
    ) -> CallResult {
        let status = answer.status;
        let context = OwnedContext::of(context);
        let (owner, call, on_mismatch) = (owner(call), call.clone(), self.settings.on_mismatch);
        let shaped = self.settings.lane.run(owner, deadline, move |station| {
            let shaped = http::shape(&call, &answer, &context.borrow(), on_mismatch, station);
            shaped.unwrap_or_else(|stop| unshaped(stop, status))
        });
        match shaped.await {
            Ok(result) => result,
            Err(failure) => failure.into_result(Some(status.as_u16())),
        }
    }
}

/// The memory of a request while its answer is waited for. What is small is not counted: each connection has little of it.
fn held_for(request: &Request<Full<Bytes>>, peer: Option<&Arc<Peer>>) -> Result<Option<Held>, Failure> {
    let size = request.body().size_hint().lower();
    match peer {
        Some(peer) if size > http::client::SMALL => {
            peer.hold(size).map(Some).map_err(|_| no_memory("request"))
        }
        _ => Ok(None),
    }
}

/// The client has its part of the memory, or all of it is taken.
fn no_memory(what: &str) -> Failure {
    let text = format!(
        "The gateway has no memory for this {what} now (app.memory_budget): too much is in flight for this client, or for all. Try again later, with less at once."
    );
    Failure::new(Outcome::Overloaded, text)
}

/// Where nothing better can be said: what may take all that there is ends in words of its own.
fn unshaped(stop: Stop, status: StatusCode) -> CallResult {
    let failure = match stop {
        Stop::Failed(failure) => failure,
        Stop::Long => Failure::new(Outcome::BadAnswer, "The answer cannot be shaped."),
    };
    failure.into_result(Some(status.as_u16()))
}

/// Whose turn it is where calls wait for each other: versions of a tool are told apart, instances are not.
fn owner(call: &Arc<Call>) -> Owner {
    Owner {
        key: Arc::as_ptr(call).addr(),
        name: call.id.clone(),
    }
}

/// What is known of a call before it is sent.
struct Prepared {
    /// The arguments with what the instance gives; `None` where it says nothing about them.
    completed: Option<Box<RawValue>>,
    request: Request<Full<Bytes>>,
}

fn prepare(
    tool: &CompiledTool,
    context: &CallContext<'_>,
    max_request_bytes: u64,
    work: &dyn Work,
) -> Result<Prepared, Failure> {
    prepare_parts(
        &tool.call,
        tool.overridden.as_deref(),
        context,
        max_request_bytes,
        work,
    )
}

fn prepare_parts(
    call: &Call,
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
    max_request_bytes: u64,
    work: &dyn Work,
) -> Result<Prepared, Failure> {
    let completed = completed(overridden, context, work)?;
    let arguments = completed.as_deref().or(context.arguments);
    let context = CallContext {
        arguments,
        ..*context
    };
    let request = http::build::plan(call, &context, max_request_bytes, work)?;
    Ok(Prepared { completed, request })
}

/// The arguments with what the instance gives; `None` where it says nothing about them.
pub(crate) fn completed(
    overridden: Option<&Overridden>,
    context: &CallContext<'_>,
    work: &dyn Work,
) -> Result<Option<Box<RawValue>>, Failure> {
    overridden
        .map(|overridden| complete::complete(overridden, context.arguments, work))
        .transpose()
}
