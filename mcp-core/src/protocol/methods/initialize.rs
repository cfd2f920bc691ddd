//! `initialize`: what an older client and the instance agree on.

use crate::{
    protocol::{
        Reply,
        ask::Ask,
        client_name,
        legacy::is_stateful,
        params::{InitializeParams, as_string},
        session::Agreed,
    },
    relay::ClientCan,
    spec::Legacy,
};
use serde_json::{json, value::RawValue};

pub(super) fn initialize(ask: &Ask<'_>, params: &InitializeParams<'_>) -> Reply {
    let view = &ask.exchange.view;
    let wanted = params.protocol_version.and_then(as_string);
    let version = wanted
        .and_then(|name| Legacy::parse(&name))
        .unwrap_or(Legacy::LATEST);
    let info: Option<&RawValue> = serde_json::from_str(&view.server_info).ok();
    let mut result = json!({
        "protocolVersion": version.as_str(),
        "capabilities": match is_stateful(ask.exchange) {
            true => view.capabilities.older(),
            false if version < Legacy::V2025_06_18 => view.capabilities.without_stream(),
            false => view.capabilities.without_session(),
        },
        "serverInfo": info,
    });
    if let Some(instructions) = &view.entry.definition.description {
        result["instructions"] = json!(instructions);
    }
    let mut reply = Reply::result(ask.id, result.to_string());
    reply.trace.revision = Some(version.as_str());
    if is_stateful(ask.exchange) {
        let subject = &ask.exchange.principal.subject;
        let sessions = &ask.endpoint.gateway.sessions;
        let client = ClientCan::read(params.capabilities);
        reply.session = sessions.issue(&view.entry.definition.id, subject, Agreed { version, client });
        let name = params.client_info.and_then(client_name::read);
        if let (Some(session), Some(name)) = (&reply.session, name) {
            let state = &ask.endpoint.gateway.session_state;
            state.set_client(session.as_str().into(), name);
        }
    }
    reply
}
