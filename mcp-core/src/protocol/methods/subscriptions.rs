//! `subscriptions/listen`: the stream of list changes in 2026-07-28.

use crate::{
    protocol::{
        Reply, ReplyBody,
        ask::Ask,
        events::{self, Script},
        fault::Fault,
        params::{ListenParams, is_object},
    },
    view::{ListKind, PerList},
};
use futures_util::StreamExt;
use http::StatusCode;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};

pub(super) fn listen(ask: &Ask<'_>, params: &ListenParams<'_>) -> Result<Reply, Fault> {
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
    if !ask.exchange.accepts_events() {
        return Err(Fault::not_acceptable());
    }
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
    let named: Vec<_> = kinds
        .iter()
        .map(|list| format!("\"{}\":true", list.wanted()))
        .collect();
    let opening = message(
        "subscriptions/acknowledged",
        &format!(",\"notifications\":{{{}}}", named.join(",")),
    );
    let end = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\",{subscription}}}}}"
    );
    let closing = events::event(&end);
    if kinds.is_empty() {
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
    };
    ask.endpoint.open_stream(ask.exchange, script)
}
