//! What answers each method, in whichever eras have it.

mod initialize;
mod lists;
mod offered;
mod subscriptions;
mod tools;

use super::{
    Exchange, Reply,
    ask::Ask,
    fault::Fault,
    params::{Asked, as_string},
};
use crate::{
    relay::LogLevel,
    spec::{Era, Method},
};
use http::StatusCode;
use std::pin::pin;

/// Whether this instance has the method in that era.
pub(super) fn is_served(exchange: &Exchange<'_>, method: Option<Method>, era: Era) -> bool {
    let capabilities = &exchange.view.capabilities;
    method.is_some_and(|method| method.is_of(era) && capabilities.has(method.needs()))
}

/// Answers one request, whose envelope is checked, unless its client cancels it.
pub(super) async fn serve(ask: &Ask<'_>, asked: &Asked<'_>) -> Result<Reply, Fault> {
    let answer = pin!(answer(ask, asked));
    let Some(call) = &ask.call else {
        return answer.await;
    };
    tokio::select! {
        biased;
        answered = answer => answered,
        // Nobody reads what it is answered, but HTTP wants an answer.
        () = call.cancelled() => Ok(Reply::empty(StatusCode::ACCEPTED)),
    }
}

async fn answer(ask: &Ask<'_>, asked: &Asked<'_>) -> Result<Reply, Fault> {
    match asked {
        Asked::CallTool(params) => tools::call(ask, params).await,
        Asked::List(method, params) => lists::list(ask, *method, params),
        Asked::ReadResource(params) => offered::read(ask, params).await,
        Asked::GetPrompt(params) => offered::prompt(ask, params).await,
        Asked::Complete(params) => offered::complete(ask, params).await,
        Asked::Discover(_) => Ok(Reply::result(ask.id, ask.exchange.view.discover.clone())),
        Asked::Listen(params) => subscriptions::listen(ask, params),
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
        Asked::Unknown(_) => Err(Fault::internal("the method is served by nobody")),
    }
}
