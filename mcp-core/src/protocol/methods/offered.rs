//! What other servers offer: their answers, and what is said before, go on to the client.

use super::{
    external::{self, About},
    tasks,
};
use crate::{
    policy::Trace,
    protocol::{
        Reply,
        ask::Ask,
        conversation::{self, Finished},
        envelope::Id,
        fault::Fault,
        params::{CompleteParams, Completed, PromptParams, ReadParams, as_string},
    },
    relay::{Answer, Forwarded, Origin, Trouble},
    spec::Method,
};
use std::sync::Arc;

pub(super) async fn read(ask: &Ask<'_>, params: &ReadParams<'_>) -> Result<Reply, Fault> {
    let uri = params.uri.and_then(as_string);
    let uri = uri.ok_or_else(|| Fault::invalid_params("params.uri must be the URI of a resource"))?;
    let origin = ask.exchange.view.resource(&uri);
    let origin = origin.ok_or_else(|| Fault::resource_not_found(&uri, ask.era))?;
    external::check(ask, Method::ResourcesRead, About::Resource(&uri)).await?;
    pass_on(ask, Method::ResourcesRead, &origin, &uri).await
}

pub(super) async fn prompt(ask: &Ask<'_>, params: &PromptParams<'_>) -> Result<Reply, Fault> {
    let name = params.name.and_then(as_string);
    let name = name.ok_or_else(|| Fault::invalid_params("params.name must be the name of a prompt"))?;
    let origin = ask.exchange.view.prompt(&name);
    let origin = origin.ok_or_else(|| Fault::unknown_prompt(&name))?;
    external::check(ask, Method::PromptsGet, About::Prompt(&name)).await?;
    pass_on(ask, Method::PromptsGet, origin, &name).await
}

pub(super) async fn complete(ask: &Ask<'_>, params: &CompleteParams<'_>) -> Result<Reply, Fault> {
    let reference = params.completed();
    let view = &ask.exchange.view;
    let (origin, about) = match &reference {
        Some(Completed::Prompt { name }) => (view.prompt(name), About::Prompt(name)),
        Some(Completed::Template { uri }) => (view.template(uri), About::Resource(uri)),
        None => {
            return Err(Fault::invalid_params(
                "params.ref must name a prompt (`ref/prompt`, name) or a resource template (`ref/resource`, uri)",
            ));
        }
    };
    let origin = origin.ok_or_else(|| {
        Fault::invalid_params("params.ref names neither a prompt nor a template of this instance")
    })?;
    external::check(ask, Method::CompletionComplete, about).await?;
    pass_on(ask, Method::CompletionComplete, origin, "").await
}

async fn pass_on(ask: &Ask<'_>, method: Method, origin: &Arc<dyn Origin>, key: &str) -> Result<Reply, Fault> {
    send(ask, method, origin, ask.forwarded(method), key).await
}

/// Has a request answered that is made already.
pub(super) async fn send(
    ask: &Ask<'_>,
    method: Method,
    origin: &Arc<dyn Origin>,
    request: Forwarded,
    key: &str,
) -> Result<Reply, Fault> {
    let (view, era) = (ask.exchange.view.clone(), ask.era);
    let key = key.to_owned();
    let origin = origin.clone();
    let tag = tasks::tagger(ask);
    conversation::hold(ask, Trace::default(), move |line| {
        Box::pin(async move {
            let mut answered = origin.answer(request, line).await;
            if let Ok(answer) = &mut answered {
                tasks::rename(answer, &tag);
            }
            Box::new(move |id: Id<'_>| match answered {
                Ok(answer) => {
                    let hints = hints(method, &answer, view.uncached);
                    Reply::result(id, answer.render(era, hints, &view.server_info))
                }
                Err(trouble) => {
                    let fault = match &trouble {
                        Trouble::Invalid(reason) => Fault::invalid_params(reason),
                        Trouble::NotFound => Fault::resource_not_found(&key, era),
                        Trouble::Unable { message, data } => Fault::missing_capability(message, data, era),
                        Trouble::NeedsPages { message, data } => Fault::needs_pages(message, data),
                        Trouble::Failed(reason) | Trouble::Unsent(reason) => Fault::internal(reason),
                    };
                    Reply::fault(&fault.with_id(id))
                }
            }) as Finished
        })
    })
    .await
}

/// Results that can be kept say for how long: what another server says changes without our knowing.
fn hints<'a>(method: Method, answer: &Answer, uncached: &'a str) -> &'a str {
    if method == Method::ResourcesRead && !answer.asks_for_input() {
        uncached
    } else {
        ""
    }
}
