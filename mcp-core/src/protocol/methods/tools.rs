//! `tools/call`, the same for both eras but for what an answer carries.

use super::{
    external::{self, About},
    tasks,
};
use crate::{
    activity::Doing,
    engine::{CallContext, CallResult, Engine, Outcome},
    policy::{Call, Ruling, Trace},
    protocol::{
        Endpoint, Exchange, Reply, Way,
        ask::Ask,
        conversation::{self, Finished},
        envelope::Id,
        fault::Fault,
        headers,
        params::{CallParams, as_string, is_object},
        reply::{ONE_PIECE, Pieces, frame},
    },
    relay::{Answer, Origin, Trouble},
    spec::{Era, Method},
    tool::{Callable, CompiledTool, ToolCompiler},
    view::{Callee, InstanceView, ViewTool},
};
use bytes::Bytes;
use http::StatusCode;
use serde_json::value::RawValue;
use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

/// Everything about a call that can be refused by the protocol comes before the engine is asked.
pub(super) async fn call(ask: &Ask<'_>, params: &CallParams<'_>) -> Result<Reply, Fault> {
    let Ask {
        endpoint, exchange, ..
    } = ask;
    let name = params.name.and_then(as_string);
    let name = name.ok_or_else(|| Fault::invalid_params("params.name must be the name of a tool"))?;
    let Some(tool) = exchange.view.tool(&name) else {
        let needed = exchange.view.scopes_for(&exchange.principal, &name);
        return Err(match needed {
            Some(scopes) => Fault::insufficient_scope(scopes),
            None => Fault::unknown_tool(&name),
        });
    };
    // Some clients send `null` for "no arguments".
    let arguments = params.arguments.filter(|raw| raw.get() != "null");
    if arguments.is_some_and(|raw| !is_object(raw)) {
        return Err(Fault::invalid_params("params.arguments must be an object"));
    }
    let compiler = endpoint.gateway.views.compiler();
    let rights = exchange.principal.rights();
    if rights.is_some_and(|rights| rights.has_conditions()) || !tool.conditions.is_empty() {
        match ruling(exchange, tool, arguments, compiler) {
            Ruling::Allowed(_) => {}
            Ruling::Refused(reason) => return Ok(refused((ask.era, ask.id), &exchange.view, tool, &reason)),
            Ruling::Unknown => return Err(Fault::unknown_tool(&name)),
        }
    }
    if let Some((_, reason)) = external::refusal(ask, Method::ToolsCall, About::Tool(&name)).await {
        return Ok(refused((ask.era, ask.id), &exchange.view, tool, &reason));
    }
    // Over a channel a message has no headers that could repeat anything.
    let is_repeated = ask.era == Era::Modern && exchange.way == Way::Request;
    let shown = match &tool.callee {
        Callee::Defined(shown) => shown,
        Callee::Origin(origin, mirrored) => {
            if is_repeated {
                headers::check_mirrored(exchange.headers, mirrored, arguments)?;
            }
            if let Err(failure) = endpoint.engine.within_bounds(arguments) {
                let result = failure.into_result(None);
                tool.metrics.record(result.outcome, 0.0, result.size());
                return Ok(answer((ask.era, ask.id), &exchange.view, tool, result));
            }
            return call_origin(ask, tool, origin).await;
        }
    };
    let compiled = match endpoint.engine.prepared(shown, compiler).await {
        Ok(compiled) => compiled,
        Err(failure) => {
            let result = failure.into_result(None);
            tool.metrics.record(result.outcome, 0.0, result.size());
            return Ok(answer((ask.era, ask.id), &exchange.view, tool, result));
        }
    };
    if is_repeated {
        headers::check_mirrored(exchange.headers, compiled.mirrored_headers(), arguments)?;
    }
    let wants_progress = ask
        .meta
        .as_ref()
        .is_some_and(|meta| meta.progress_token.is_some());
    if wants_progress && ask.may_stream() && compiled.tells_progress() {
        // Boxed, so that other calls have no room for it.
        return Box::pin(call_telling(ask, tool, compiled, arguments)).await;
    }
    let callable = shown.callable(&compiled);
    let result = perform(endpoint, &endpoint.engine, exchange, (tool, callable), arguments).await;
    Ok(answer((ask.era, ask.id), &exchange.view, tool, result))
}

/// What the roles of the caller say about a call that the view has.
fn ruling(
    exchange: &Exchange<'_>,
    tool: &ViewTool,
    arguments: Option<&RawValue>,
    compiler: &ToolCompiler,
) -> Ruling {
    let view = &exchange.view;
    let call = Call {
        principal: &exchange.principal,
        instance: &view.entry.definition.id,
        tool: &tool.name,
        tags: view.tags_of(&tool.name),
        conditions: &tool.conditions,
        arguments: arguments.map(RawValue::get),
    };
    call.ruling(compiler)
}

/// A model can do something about it: with other arguments it may be allowed.
fn refused((era, id): (Era, Id<'_>), view: &InstanceView, tool: &ViewTool, reason: &str) -> Reply {
    tool.metrics.record(Outcome::Refused, 0.0, 0);
    let result = Answer::tool_error(reason).render(era, "", &view.server_info);
    let mut reply = Reply::result(id, result);
    reply.trace.tool = Some(tool.name.clone());
    reply.trace.outcome = Some(Outcome::Refused);
    reply.trace.is_refused = true;
    reply
}

/// A call that tells how far it is. What it needs of its request it has for itself, since it may go on in a stream.
async fn call_telling(
    ask: &Ask<'_>,
    tool: &ViewTool,
    compiled: Arc<CompiledTool>,
    arguments: Option<&RawValue>,
) -> Result<Reply, Fault> {
    let (endpoint, exchange) = (ask.endpoint.clone(), ask.exchange);
    let (view, headers) = (exchange.view.clone(), exchange.headers.clone());
    let (principal, peer, way) = (exchange.principal.clone(), exchange.peer.clone(), exchange.way);
    let request_id = exchange.request_id.clone();
    let (name, arguments) = (tool.name.clone(), arguments.map(RawValue::to_owned));
    let era = ask.era;
    let begun = Trace {
        tool: Some(name.clone()),
        ..Trace::default()
    };
    conversation::hold(ask, begun, move |line| {
        Box::pin(async move {
            let exchange = Exchange {
                view: view.clone(),
                headers: &headers,
                principal,
                peer,
                way,
                request_id,
            };
            let called = view.tool(&name).and_then(|tool| match &tool.callee {
                Callee::Defined(shown) => Some((tool, shown.callable(&compiled))),
                Callee::Origin(..) => None,
            });
            let Some(called) = called else {
                let unknown = Fault::unknown_tool(&name);
                return Box::new(move |id: Id<'_>| Reply::fault(&unknown.with_id(id))) as Finished;
            };
            let engine = endpoint.engine.telling(line);
            let result = perform(&endpoint, &engine, &exchange, called, arguments.as_deref()).await;
            Box::new(move |id: Id<'_>| match view.tool(&name) {
                Some(tool) => answer((era, id), &view, tool, result),
                None => Reply::fault(&Fault::unknown_tool(&name).with_id(id)),
            }) as Finished
        })
    })
    .await
}

async fn perform(
    endpoint: &Endpoint,
    engine: &Engine,
    exchange: &Exchange<'_>,
    (tool, callable): (&ViewTool, Callable<'_>),
    arguments: Option<&RawValue>,
) -> CallResult {
    let started = Instant::now();
    let context = CallContext {
        instance: &exchange.view.names,
        principal: &exchange.principal,
        arguments,
        headers: Some(exchange.headers),
    };
    let result = {
        let _in_flight = endpoint.in_flight();
        let doing = Doing::Call {
            instance: exchange.view.entry.definition.id.clone(),
            tool: tool.name.clone(),
        };
        let call = pin!(engine.call_for(Some(&exchange.peer), callable, context));
        endpoint.activity.during(doing, call).await
    };
    tool.metrics
        .record(result.outcome, started.elapsed().as_secs_f64(), result.size());
    if let Some(asked) = result.asked {
        tool.metrics.asked(asked);
    }
    if let Some(places) = &result.mismatch {
        tool.metrics.mismatch(places);
    }
    result
}

/// A tool of another server.
async fn call_origin(ask: &Ask<'_>, tool: &ViewTool, origin: &Arc<dyn Origin>) -> Result<Reply, Fault> {
    let (view, era) = (ask.exchange.view.clone(), ask.era);
    let (origin, request) = (origin.clone(), ask.forwarded(Method::ToolsCall));
    let name = tool.name.clone();
    let in_flight = ask.endpoint.in_flight();
    let tag = tasks::tagger(ask);
    let trace = Trace {
        tool: Some(name.clone()),
        ..Trace::default()
    };
    conversation::hold(ask, trace, move |line| {
        Box::pin(async move {
            let started = Instant::now();
            let mut answered = origin.answer(request, line).await;
            if let Ok(answer) = &mut answered {
                tasks::rename(answer, &tag);
            }
            drop(in_flight);
            let took = started.elapsed();
            Box::new(move |id: Id<'_>| answer_of_origin((era, id), &view, name, answered, took)) as Finished
        })
    })
    .await
}

fn answer_of_origin(
    (era, id): (Era, Id<'_>),
    view: &InstanceView,
    name: Arc<str>,
    answered: Result<Answer, Trouble>,
    took: Duration,
) -> Reply {
    // What does not fit, or wants a page of the gateway's own first, went nowhere.
    let is_sent = !matches!(
        &answered,
        Err(Trouble::Invalid(_) | Trouble::NeedsPages { .. } | Trouble::Unsent(_))
    );
    let (outcome, size, mut reply) = match answered {
        Ok(answer) => {
            let outcome = match answer.is_error() {
                true => Outcome::Upstream4xx,
                false => Outcome::Ok,
            };
            let result = answer.render(era, "", &view.server_info);
            (outcome, result.len(), Reply::result(id, result))
        }
        Err(Trouble::Invalid(reason)) => {
            let fault = Fault::invalid_params(reason).with_id(id);
            (Outcome::InvalidArguments, 0, Reply::fault(&fault))
        }
        Err(Trouble::Unable { message, data }) if era == Era::Modern => {
            let fault = Fault::missing_capability(&message, &data, era).with_id(id);
            (Outcome::InvalidArguments, 0, Reply::fault(&fault))
        }
        Err(Trouble::NeedsPages { message, data }) => {
            let fault = Fault::needs_pages(&message, &data).with_id(id);
            (Outcome::Upstream4xx, 0, Reply::fault(&fault))
        }
        // A model can do something about it.
        Err(trouble) => {
            let answer = Answer::tool_error(&trouble.to_string());
            let result = answer.render(era, "", &view.server_info);
            (Outcome::Connect, result.len(), Reply::result(id, result))
        }
    };
    if let Some(tool) = view.tool(&name) {
        tool.metrics.record(outcome, took.as_secs_f64(), size);
        if is_sent {
            tool.metrics.upstream(took);
        }
    }
    reply.trace.tool = Some(name);
    reply.trace.outcome = Some(outcome);
    reply
}

/// The answer to a request of that era and id.
fn answer((era, id): (Era, Id<'_>), view: &InstanceView, tool: &ViewTool, result: CallResult) -> Reply {
    // Before 2026-07-28 structured content is always an object.
    let structured = result
        .structured
        .filter(|json| era == Era::Modern || json.starts_with(b"{"));
    let size = result.content.len() + structured.as_ref().map_or(0, Bytes::len);
    let mut reply = if size <= ONE_PIECE {
        let mut out = frame(id, size + 256);
        out.extend_from_slice(CONTENT);
        out.extend_from_slice(&result.content);
        if let Some(structured) = structured {
            out.extend_from_slice(STRUCTURED);
            out.extend_from_slice(&structured);
        }
        close(&mut out, era, view, result.is_error);
        Reply::json(StatusCode::OK, out)
    } else {
        let mut opening = frame(id, CONTENT.len());
        opening.extend_from_slice(CONTENT);
        let mut closing = Vec::with_capacity(256);
        close(&mut closing, era, view, result.is_error);
        let mut pieces = Pieces::default();
        pieces[0] = opening.into();
        pieces[1] = result.content.into();
        if let Some(structured) = structured {
            pieces[2] = Bytes::from_static(STRUCTURED);
            pieces[3] = structured;
        }
        pieces[4] = closing.into();
        Reply::pieces(StatusCode::OK, pieces)
    };
    reply.trace.tool = Some(tool.name.clone());
    if let Callee::Defined(shown) = &tool.callee {
        reply.trace.definition = Some(shown.revision());
    }
    reply.trace.outcome = Some(result.outcome);
    reply.trace.upstream_status = result.upstream_status;
    reply
}

/// What stands before an answer as content blocks, and between them and its structured content.
const CONTENT: &[u8] = b"{\"content\":";
const STRUCTURED: &[u8] = b",\"structuredContent\":";

/// What follows the answer's content.
fn close(out: &mut Vec<u8>, era: Era, view: &InstanceView, is_error: bool) {
    out.extend_from_slice(if is_error {
        b",\"isError\":true"
    } else {
        b",\"isError\":false"
    });
    if era == Era::Modern {
        out.extend_from_slice(
            b",\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":",
        );
        out.extend_from_slice(view.server_info.as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
}
