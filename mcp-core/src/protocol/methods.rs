//! What answers each method, in whichever eras have it.

mod external;
mod initialize;
mod limits;
mod lists;
mod offered;
mod subscriptions;
mod tasks;
mod tools;

use super::{
    Exchange, Reply,
    ask::Ask,
    fault::Fault,
    params::{Asked, as_string},
};
use crate::{
    policy::{Answer, Permit, Trace},
    relay::LogLevel,
    spec::{Era, Method},
};
use http::StatusCode;
use serde_json::value::RawValue;
use std::pin::pin;

/// Whether this instance has the method in that era.
pub(super) fn is_served(exchange: &Exchange<'_>, method: Method, era: Era) -> bool {
    method.is_of(era) && exchange.view.capabilities.has(method.needs())
}

/// Answers one request, whose envelope is checked, if it is let in and unless its client cancels it.
pub(super) async fn serve(ask: &Ask<'_>, method: Method, asked: &Asked<'_>) -> Result<Reply, Fault> {
    let mut permit = admit(ask, method, asked).await?;
    let standing = permit.standing();
    let answer = pin!(answer(ask, asked));
    let answered = match &ask.call {
        None => answer.await,
        Some(call) => tokio::select! {
            biased;
            answered = answer => answered,
            // Nobody reads what it is answered, but HTTP wants an answer.
            () = call.cancelled() => return Ok(Reply::empty(StatusCode::ACCEPTED)),
        },
    };
    match answered {
        Ok(mut reply) => {
            reply.trace.external = ask.external.get().copied();
            reply.standing = standing;
            Ok(reply.holding(permit))
        }
        Err(fault) => {
            let fault = fault.consulted(ask.external.get().copied()).standing_at(standing);
            permit.answered(&Answer {
                status: fault.status(),
                trace: &Trace::of_fault(&fault),
                bytes: None,
                revision: None,
            });
            Err(fault)
        }
    }
}

async fn admit(ask: &Ask<'_>, method: Method, asked: &Asked<'_>) -> Result<Permit, Fault> {
    let exchange = ask.exchange;
    let target = asked.mirrored_name().and_then(as_string);
    let arguments = asked.arguments().map(RawValue::get);
    let limits = limits::of(&exchange.view, asked, target.as_deref());
    let request = exchange.asked(method, target.as_deref(), arguments, &limits);
    let admitted = ask.endpoint.gateway.policy.admit_call(&request).await;
    admitted.map_err(|refusal| {
        let target = target.as_deref().unwrap_or_default();
        Fault::refused(&refusal, || match method {
            Method::ResourcesRead | Method::ResourcesSubscribe => Fault::resource_not_found(target, ask.era),
            Method::PromptsGet => Fault::unknown_prompt(target),
            Method::ToolsCall => Fault::unknown_tool(target),
            other => Fault::method_not_found(other.name(), ask.era),
        })
    })
}

async fn answer(ask: &Ask<'_>, asked: &Asked<'_>) -> Result<Reply, Fault> {
    match asked {
        Asked::CallTool(params) => tools::call(ask, params).await,
        Asked::List(method, params) => lists::list(ask, *method, params),
        Asked::ReadResource(params) => offered::read(ask, params).await,
        Asked::GetPrompt(params) => offered::prompt(ask, params).await,
        Asked::Complete(params) => offered::complete(ask, params).await,
        Asked::Task(method, params) => tasks::pass_on(ask, *method, params).await,
        Asked::Discover(_) => Ok(Reply::result(ask.id, ask.exchange.view.discover.clone())),
        Asked::Listen(params) => subscriptions::listen(ask, params).await,
        Asked::Watch(method, params) => subscriptions::watch(ask, *method, params).await,
        Asked::Initialize(params) => Ok(initialize::initialize(ask, params)),
        Asked::Ping(_) => Ok(Reply::result(ask.id, "{}")),
        Asked::SetLevel(params) => {
            let level = params.level.and_then(as_string);
            // Without a session, nobody's messages are kept apart, and none are sent.
            if let (Some(session), Some(level)) =
                (&ask.session, level.and_then(|level| LogLevel::parse(&level)))
            {
                ask.endpoint.gateway.session_state.set_level(&session.id, level);
            }
            Ok(Reply::result(ask.id, "{}"))
        }
        Asked::Unknown(_) => Err(Fault::internal("nothing answers this method")),
    }
}
