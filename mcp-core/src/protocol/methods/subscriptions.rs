//! `subscriptions/listen`, the stream of changes in 2026-07-28; `resources/subscribe` and its end before.

use crate::{
    protocol::{
        Reply, ReplyBody,
        ask::Ask,
        events::{self, Script, Told},
        fault::Fault,
        params::{ListenParams, ReadParams, as_string, is_object},
        session_state::{MAX_WATCHED_URI, MAX_WATCHES},
    },
    relay::Updates,
    spec::{Feature, Method},
    view::{ListKind, PerList},
};
use futures_util::StreamExt;
use http::StatusCode;
use serde_json::{json, value::RawValue};
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// Begins to tell the session of a resource, or ends it.
pub(super) async fn watch(ask: &Ask<'_>, method: Method, params: &ReadParams<'_>) -> Result<Reply, Fault> {
    let uri = params.uri.and_then(as_string);
    let uri = uri.ok_or_else(|| Fault::invalid_params("params.uri must be the URI of a resource"))?;
    let session = ask.session.as_ref().ok_or_else(|| {
        Fault::invalid_request(
            "there is no session whose stream could tell of a resource: this instance has none",
        )
    })?;
    let watches = ask.endpoint.gateway.session_state.watches(&session.id);
    if method == Method::ResourcesUnsubscribe {
        watches.release(&uri);
        return Ok(Reply::result(ask.id, "{}"));
    }
    check_length(&uri)?;
    let full = || {
        Fault::internal(format!(
            "a session has {MAX_WATCHES} subscriptions at the most: end one of them first"
        ))
    };
    if !watches.has_room(&uri) {
        return Err(full());
    }
    let origin = ask.exchange.view.resource(&uri);
    let origin = origin.ok_or_else(|| Fault::resource_not_found(&uri, ask.era))?;
    let watch = origin.watch(uri.as_ref().into(), watches.updates.clone()).await;
    let watch =
        watch.ok_or_else(|| Fault::internal("the server of this resource does not tell when it changes"))?;
    if !watches.hold(&uri, watch) {
        return Err(full());
    }
    Ok(Reply::result(ask.id, "{}"))
}

fn check_length(uri: &str) -> Result<(), Fault> {
    if uri.len() <= MAX_WATCHED_URI {
        return Ok(());
    }
    Err(Fault::invalid_params(format!(
        "the URI of a subscription has {MAX_WATCHED_URI} bytes at the most"
    )))
}

/// Begins to tell of those of these resources whose servers do; and which these are.
async fn watched(ask: &Ask<'_>, uris: &[Cow<'_, str>]) -> (Vec<String>, Told) {
    let updates = Arc::<Updates>::default();
    let mut asked = Vec::with_capacity(uris.len());
    for uri in uris {
        if let Some(origin) = ask.exchange.view.resource(uri).filter(|_| may_watch(ask, uri)) {
            asked.push((uri, origin));
        }
        // Whose a URI is may take a look at every template; others have their turn in between.
        tokio::task::yield_now().await;
    }
    let begun = asked.into_iter().map(async |(uri, origin)| {
        let watch = origin.watch(uri.as_ref().into(), updates.clone()).await?;
        Some((uri.clone().into_owned(), watch))
    });
    let begun = futures_util::future::join_all(begun).await;
    let (honoured, held) = begun.into_iter().flatten().unzip();
    let told = Told {
        updates: updates.clone(),
        subscription: String::new(),
        _held: held,
    };
    (honoured, told)
}

/// Who may not read a resource does not hear of it either.
fn may_watch(ask: &Ask<'_>, uri: &str) -> bool {
    let request = ask
        .exchange
        .asked(Method::ResourcesSubscribe, Some(uri), None, &[]);
    ask.endpoint.gateway.policy.admit(&request).is_ok()
}

pub(super) async fn listen(ask: &Ask<'_>, params: &ListenParams<'_>) -> Result<Reply, Fault> {
    let wanted = params.notifications.filter(|raw| is_object(raw));
    let wanted =
        wanted.and_then(|raw| serde_json::from_str::<HashMap<Cow<'_, str>, &RawValue>>(raw.get()).ok());
    let wanted =
        wanted.ok_or_else(|| Fault::invalid_params("params.notifications must be an object of booleans"))?;
    let mut honoured = PerList::of(|_| false);
    for list in ListKind::ALL {
        match wanted.get(list.wanted()).map(|raw| raw.get()) {
            Some("true") => honoured.set(list, ask.exchange.view.capabilities.announces(list)),
            None | Some("false") => {}
            Some(_) => {
                let message = format!("params.notifications.{} must be a boolean", list.wanted());
                return Err(Fault::invalid_params(message));
            }
        }
    }
    let uris: Vec<Cow<'_, str>> = match wanted.get("resourceSubscriptions") {
        None => Vec::new(),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| {
            Fault::invalid_params("params.notifications.resourceSubscriptions must be an array of URIs")
        })?,
    };
    if uris.len() > MAX_WATCHES {
        return Err(Fault::invalid_params(format!(
            "params.notifications.resourceSubscriptions names more than {MAX_WATCHES} resources"
        )));
    }
    uris.iter().try_for_each(|uri| check_length(uri))?;
    if !ask.exchange.accepts_events() {
        return Err(Fault::not_acceptable());
    }
    let (resources, mut told) = match ask.exchange.view.capabilities.has(Feature::Subscriptions) {
        true => watched(ask, &uris).await,
        false => watched(ask, &[]).await,
    };
    let id = ask.id.as_json();
    let subscription = format!("\"_meta\":{{\"io.modelcontextprotocol/subscriptionId\":{id}}}");
    let message = |method: &str, params: &str| {
        let message = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}\",\"params\":{{{subscription}{params}}}}}"
        );
        events::event(&message)
    };
    let kinds: Vec<_> = ListKind::ALL
        .into_iter()
        .filter(|list| *honoured.get(*list))
        .collect();
    let mut named: Vec<_> = kinds
        .iter()
        .map(|list| format!("\"{}\":true", list.wanted()))
        .collect();
    if !resources.is_empty() {
        named.push(format!("\"resourceSubscriptions\":{}", json!(resources)));
    }
    told.subscription = format!("{subscription},");
    let opening = message(
        "subscriptions/acknowledged",
        &format!(",\"notifications\":{{{}}}", named.join(",")),
    );
    let end = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\",{subscription}}}}}"
    );
    let closing = events::event(&end);
    if named.is_empty() {
        // Nothing that could ever be sent: acknowledge and free the connection.
        let whole = futures_util::stream::iter([bytes::Bytes::from(opening + &closing)]).boxed();
        return Ok(Reply {
            body: ReplyBody::Events(whole),
            ..Reply::empty(StatusCode::OK)
        });
    }
    let script = Script {
        opening,
        changed: PerList::of(|list| honoured.get(list).then(|| message(list.changed(), ""))),
        closing,
        told: (!resources.is_empty()).then_some(told),
    };
    ask.endpoint.open_stream(ask.exchange, script)
}
