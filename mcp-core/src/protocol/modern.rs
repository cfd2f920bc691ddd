//! Revision 2026-07-28: every request stands alone, its headers are checked against its body. The steps and
//! their order are those of `docs/PROTOCOL.md`, chapter 4.

use super::{
    Endpoint, Exchange,
    envelope::{Id, Request},
    events::{self, Script},
    fault::Fault,
    headers,
    params::{Meta, Params, WantedNotifications, as_string, is_object},
    reply::{Reply, ReplyBody},
    tools,
    version::MODERN,
};
use futures_util::StreamExt;
use http::StatusCode;

/// The severities of RFC 5424 that `logLevel` may name.
const LOG_LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];

pub(super) async fn serve(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    request: &Request<'_>,
    params: &Params<'_>,
    meta: Option<&Meta<'_>>,
) -> Result<Reply, Fault> {
    let id = request.id;
    envelope(exchange, request, params, meta).map_err(|fault| fault.with_id(id))?;
    match &*request.method {
        "tools/call" => tools::call(endpoint, exchange, id, params, true).await,
        "tools/list" => tools::list(exchange, id, params, true),
        "server/discover" => Ok(Reply::result(id, exchange.view.discover.clone())),
        "subscriptions/listen" => listen(endpoint, exchange, id, params).map_err(|fault| fault.with_id(id)),
        other => Err(Fault::method_not_found(other, true).with_id(id)),
    }
}

/// Steps 5 to 8 of chapter 4: `_meta`, version, mirrored headers.
fn envelope(
    exchange: &Exchange<'_>,
    request: &Request<'_>,
    params: &Params<'_>,
    meta: Option<&Meta<'_>>,
) -> Result<(), Fault> {
    let missing = |what: &str| Fault::invalid_envelope(format!("params._meta: {what}"));
    let meta = meta.ok_or_else(|| {
        missing("this revision needs an object with protocolVersion and clientCapabilities")
    })?;
    let version = meta.protocol_version.and_then(as_string);
    let version =
        version.ok_or_else(|| missing("`io.modelcontextprotocol/protocolVersion` must be a string"))?;
    if !meta.client_capabilities.is_some_and(is_object) {
        return Err(missing(
            "`io.modelcontextprotocol/clientCapabilities` must be an object",
        ));
    }
    match headers::protocol_version(exchange.headers)? {
        Some(header) if header == version => {}
        Some(_) => {
            return Err(Fault::header_mismatch(
                "MCP-Protocol-Version differs from params._meta",
            ));
        }
        None => {
            return Err(Fault::header_mismatch(
                "the header MCP-Protocol-Version is missing",
            ));
        }
    }
    if !MODERN.contains(&&*version) {
        return Err(Fault::unsupported_version(&version, MODERN));
    }
    headers::must_equal(exchange.headers, &headers::METHOD, &request.method, false)?;
    let mirrored_name = match &*request.method {
        "tools/call" | "prompts/get" => params.name,
        _ => None,
    };
    if let Some(name) = mirrored_name.and_then(as_string) {
        headers::must_equal(exchange.headers, &headers::NAME, &name, true)?;
    }
    if let Some(level) = meta.log_level
        && !as_string(level).is_some_and(|level| LOG_LEVELS.contains(&&*level))
    {
        let message = format!("params._meta: logLevel must be one of {}", LOG_LEVELS.join(", "));
        return Err(Fault::invalid_params(message));
    }
    Ok(())
}

fn listen(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    id: Id<'_>,
    params: &Params<'_>,
) -> Result<Reply, Fault> {
    let wanted = params.notifications.filter(|raw| is_object(raw));
    let wanted = wanted.and_then(|raw| serde_json::from_str::<WantedNotifications>(raw.get()).ok());
    let wanted =
        wanted.ok_or_else(|| Fault::invalid_params("params.notifications must be an object of booleans"))?;
    if !exchange.accepts_events() {
        return Err(Fault::not_acceptable());
    }
    let id = id.as_json();
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
    endpoint.open_stream(exchange, script)
}
