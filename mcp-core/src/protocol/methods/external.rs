//! Calls that somebody outside is asked about.

use crate::{
    policy::{Refusal, Verdict},
    protocol::{ask::Ask, fault::Fault},
    spec::Method,
};
use mcp_common::authorizer::{Caller, Question};
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a call is about.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
    Tool(&'a str),
    Resource(&'a str),
    Prompt(&'a str),
}

/// What of any call's parameters is sent on where the configuration says so.
#[derive(Default, Deserialize)]
struct Given<'a> {
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
}

/// Why the call is not made; `None` where nobody is asked, and where it is.
pub(super) async fn refusal(ask: &Ask<'_>, method: Method, about: About<'_>) -> Option<(Verdict, String)> {
    let external = ask.endpoint.external.as_deref()?;
    let given = ask.params.filter(|_| external.with_arguments());
    let given = given.and_then(|raw| serde_json::from_str::<Given<'_>>(raw.get()).ok());
    let (tool, resource, prompt) = match about {
        About::Tool(name) => (Some(name), None, None),
        About::Resource(uri) => (None, Some(uri), None),
        About::Prompt(name) => (None, None, Some(name)),
    };
    let question = Question {
        principal: Caller::of(&ask.exchange.principal),
        action: method.name(),
        instance: &ask.exchange.view.entry.definition.id,
        tool,
        resource,
        prompt,
        arguments: given.unwrap_or_default().arguments,
    };
    // Boxed: the way without anybody to ask should not carry its size.
    let (verdict, reason) = Box::pin(external.ask(&question)).await;
    // Each request asks once.
    let _is_first = ask.external.set(verdict);
    Some((verdict, reason?))
}

/// The same for what is answered by errors of the protocol.
pub(super) async fn check(ask: &Ask<'_>, method: Method, about: About<'_>) -> Result<(), Fault> {
    let Some((verdict, reason)) = refusal(ask, method, about).await else {
        return Ok(());
    };
    let refusal = match verdict {
        Verdict::FailedClosed => Refusal::Unable(reason),
        _ => Refusal::Forbidden(reason),
    };
    Err(Fault::refused(&refusal, || {
        Fault::internal("it is not refused as unknown")
    }))
}
