//! What a call would send, without sending it: for people who look why a server does not do what they mean.

use super::{
    call::{self, RemoteCall},
    error::UpstreamError,
    http::text_value,
    hub::Hub,
    outgoing::Speech,
    session::body,
};
use mcp_common::definition::{
    UpstreamDefinition,
    tool::MaybeSecret,
    upstream::{UpstreamAuth, UpstreamTransport},
};

/// What stands in the place of a credential.
const CREDENTIAL: &str = "***";

/// A message to an upstream, and how it would travel.
#[derive(Clone, Debug)]
pub struct Preview {
    /// How messages travel.
    pub transport: UpstreamTransport,
    /// The revision that the server is spoken to in.
    pub protocol: &'static str,
    /// Whether there is a connection now.
    pub is_connected: bool,
    /// The message, JSON text. Its id is another one each time.
    pub message: String,
    /// The headers of its request, where it is one of HTTP, with `***` for credentials.
    pub headers: Vec<(String, String)>,
}

impl Hub {
    /// The message that the call would send; `None` if there is no such upstream.
    pub fn preview(&self, upstream: &str, call: &RemoteCall) -> Option<Result<Preview, UpstreamError>> {
        let offer = self.offer(upstream)?;
        let status = self.status(upstream)?;
        let Some(inventory) = offer.inventory else {
            let why = status
                .last_error
                .unwrap_or_else(|| "it was never there".to_owned());
            return Some(Err(UpstreamError::NotConnected(why)));
        };
        let speech = Speech::of_version(inventory.protocol);
        Some(call::question(speech, call, None).map(|question| {
            let transport = status.transport.unwrap_or_else(|| offer.definition.transport());
            let mut headers = Vec::new();
            if transport == UpstreamTransport::StreamableHttp {
                let mut add = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
                add("mcp-protocol-version", inventory.protocol);
                if speech == Speech::Modern {
                    add("mcp-method", question.method);
                    if let Some(name) = &question.name {
                        add("mcp-name", text_value(name).to_str().unwrap_or_default());
                    }
                }
                for (name, value) in &question.headers {
                    add(name.as_str(), value.to_str().unwrap_or_default());
                }
                own_headers(&offer.definition, &mut add);
            }
            Preview {
                transport,
                protocol: inventory.protocol,
                is_connected: status.transport.is_some(),
                message: String::from_utf8_lossy(&body(0, speech, &question)).into_owned(),
                headers,
            }
        }))
    }
}

fn own_headers(definition: &UpstreamDefinition, add: &mut dyn FnMut(&str, &str)) {
    for (name, value) in &definition.headers {
        match value {
            MaybeSecret::Plain(text) => add(name, text),
            MaybeSecret::Reference(_) => add(name, CREDENTIAL),
        }
    }
    match &definition.auth {
        None | Some(UpstreamAuth::None {} | UpstreamAuth::AwsSigV4(_) | UpstreamAuth::Hmac(_)) => {}
        Some(UpstreamAuth::ApiKey { name, .. }) => add(name.as_deref().unwrap_or("X-API-Key"), CREDENTIAL),
        Some(
            UpstreamAuth::Bearer { .. }
            | UpstreamAuth::ClientCredentials(_)
            | UpstreamAuth::AuthorizationCode(_)
            | UpstreamAuth::User(_)
            | UpstreamAuth::TokenExchange(_),
        ) => add("authorization", &format!("Bearer {CREDENTIAL}")),
        Some(UpstreamAuth::Basic { .. }) => add("authorization", &format!("Basic {CREDENTIAL}")),
    }
}
