//! What answers each method, in whichever eras have it.

mod initialize;
mod subscriptions;
mod tools;

use super::{Reply, endpoint::Ask, fault::Fault, params::Asked};
use crate::spec::Method;

/// Answers one request, whose envelope is checked.
pub(super) async fn serve(
    ask: &Ask<'_>,
    name: &str,
    method: Option<Method>,
    asked: &Asked<'_>,
) -> Result<Reply, Fault> {
    if !method.is_some_and(|method| method.is_of(ask.era)) {
        return Err(Fault::method_not_found(name, ask.era));
    }
    match asked {
        Asked::CallTool(params) => tools::call(ask, params).await,
        Asked::ListTools(params) => tools::list(ask, params),
        Asked::Discover(_) => Ok(Reply::result(ask.id, ask.exchange.view.discover.clone())),
        Asked::Listen(params) => subscriptions::listen(ask, params),
        Asked::Initialize(params) => Ok(initialize::initialize(ask, params)),
        // There are no log messages, so that any level is kept trivially.
        Asked::Ping(_) | Asked::SetLevel(_) => Ok(Reply::result(ask.id, "{}")),
        Asked::Unknown(_) => Err(Fault::method_not_found(name, ask.era)),
    }
}
