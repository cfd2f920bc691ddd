//! The extension for tasks (2026-07-28): a call that turned into a task is asked for, answered and cancelled where it is. The ids
//! of tasks are those of their servers, with the upstream before them, and a tag that only who was given one can know.

use super::offered;
use crate::{
    protocol::{
        Reply,
        ask::Ask,
        fault::Fault,
        params::{TaskParams, as_string},
    },
    relay::{Answer, Forwarded},
    spec::Method,
};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

/// What both sides declare.
pub(super) const EXTENSION: &str = "io.modelcontextprotocol/tasks";

pub(super) async fn pass_on(ask: &Ask<'_>, method: Method, params: &TaskParams<'_>) -> Result<Reply, Fault> {
    let given = params.id.and_then(as_string);
    let given = given.ok_or_else(|| Fault::invalid_params("params.taskId must be the id of a task"))?;
    if !declares(ask) {
        let needed = json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}});
        let needed = RawValue::from_string(needed.to_string());
        let needed = needed.map_err(|error| Fault::internal(error.to_string()))?;
        let message = format!("tasks are for clients that declare `{EXTENSION}`");
        return Err(Fault::missing_capability(&message, &needed, ask.era));
    }
    let unknown =
        || Fault::invalid_params("params.taskId is not known: it names no task of this caller here");
    let (upstream, own) = own(ask, &given).ok_or_else(unknown)?;
    let origin = ask.exchange.view.task(upstream).ok_or_else(unknown)?;
    let mut request = ask.forwarded(method);
    rename_in(&mut request, own);
    offered::send(ask, method, origin, request, "").await
}

fn declares(ask: &Ask<'_>) -> bool {
    let capabilities = ask.meta.as_ref().and_then(|meta| meta.client_capabilities);
    let capabilities: Option<Value> = capabilities.and_then(|raw| serde_json::from_str(raw.get()).ok());
    capabilities.is_some_and(|all| all["extensions"][EXTENSION].is_object())
}

/// The id that a client is given for a task of an upstream.
pub(super) fn given(tag: &impl Fn(&str) -> String, upstream: &str, own: &str) -> String {
    format!("{upstream}.{}.{own}", tag(&format!("{upstream}.{own}")))
}

/// The upstream, and the id that it gave.
fn own<'a>(ask: &Ask<'_>, given: &'a str) -> Option<(&'a str, &'a str)> {
    let (upstream, rest) = given.split_once('.')?;
    let (tag, own) = rest.split_once('.')?;
    let expected = tagger(ask)(&format!("{upstream}.{own}"));
    (expected == tag).then_some((upstream, own))
}

/// Tags ids for this caller and this instance.
pub(super) fn tagger(ask: &Ask<'_>) -> impl Fn(&str) -> String + Send + Sync + use<> {
    let gateway = ask.endpoint.gateway.clone();
    let whose = format!(
        "{}\0{}",
        ask.exchange.view.entry.definition.id, ask.exchange.principal.subject
    );
    move |id| gateway.sessions.tag(&format!("task\0{whose}\0{id}"))
}

/// Names the task of a result as its client knows it.
pub(super) fn rename(answer: &mut Answer, tag: &impl Fn(&str) -> String) {
    let task = answer.task().map(|(upstream, own)| given(tag, upstream, &own));
    if let Some(task) = task {
        answer.rename_task(&task);
    }
}

fn rename_in(request: &mut Forwarded, own: &str) {
    #[derive(Deserialize)]
    struct Params<'a>(#[serde(borrow)] indexmap::IndexMap<std::borrow::Cow<'a, str>, &'a RawValue>);

    let Ok(Params(members)) = serde_json::from_str(request.params.get()) else {
        return;
    };
    let mut out = format!("{{\"taskId\":{}", json!(own));
    for (name, value) in members.iter().filter(|(name, _)| *name != "taskId") {
        out.extend([",", &*json!(name).to_string(), ":", value.get()]);
    }
    out.push('}');
    if let Ok(params) = RawValue::from_string(out) {
        request.params = params;
    }
}
