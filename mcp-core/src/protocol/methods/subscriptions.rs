//! `subscriptions/listen`: the stream of list changes in 2026-07-28.

use crate::protocol::{
    Reply, ReplyBody,
    endpoint::Ask,
    events::{self, Script},
    fault::Fault,
    params::{ListenParams, WantedNotifications, is_object},
};
use futures_util::StreamExt;
use http::StatusCode;

pub(super) fn listen(ask: &Ask<'_>, params: &ListenParams<'_>) -> Result<Reply, Fault> {
    let wanted = params.notifications.filter(|raw| is_object(raw));
    let wanted = wanted.and_then(|raw| serde_json::from_str::<WantedNotifications>(raw.get()).ok());
    let wanted =
        wanted.ok_or_else(|| Fault::invalid_params("params.notifications must be an object of booleans"))?;
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
    let honoured = if wanted.tools_list_changed {
        "{\"toolsListChanged\":true}"
    } else {
        "{}"
    };
    let opening = message(
        "subscriptions/acknowledged",
        &format!(",\"notifications\":{honoured}"),
    );
    let end = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\",{subscription}}}}}"
    );
    let closing = events::event(&end);
    if !wanted.tools_list_changed {
        // Nothing that could ever be sent: acknowledge and free the connection.
        let whole = futures_util::stream::iter([bytes::Bytes::from(opening + &closing)]).boxed();
        return Ok(Reply {
            body: ReplyBody::Events(whole),
            ..Reply::empty(StatusCode::OK)
        });
    }
    let script = Script {
        opening,
        changed: message("tools/list_changed", ""),
        closing,
    };
    ask.endpoint.open_stream(ask.exchange, script)
}
