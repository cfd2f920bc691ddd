//! Registries that are spoken to over HTTP: gateways with the routes of `[[discovery]]` of the type `registration`, and agents of Consul.

use super::{
    enlistment::Sign,
    table::{Entry, Place, Token},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use mcp_common::secret::ExposeSecret;
use mcp_core::engine::Engine;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::time::Duration;

const CONSUL_TOKEN: HeaderName = HeaderName::from_static("x-consul-token");
/// What a service without signs of life is forgotten after, in times to live; Consul takes no less than a minute.
const FORGOTTEN: u32 = 20;

/// Says that the gateway is there.
pub(super) async fn announce(engine: &Engine, entry: &Entry) -> Result<(), String> {
    let (method, path, body) = match &entry.place {
        Place::Consul { id, ttl, .. } => {
            let path = "/v1/agent/service/register?replace-existing-checks=true".to_owned();
            (Method::PUT, path, Some(service(entry, id, *ttl)?))
        }
        _ => (Method::POST, "/api/register".to_owned(), Some(entry.document())),
    };
    good(send(engine, entry, (method, &path), body).await?)
}

/// Gives a sign of life.
pub(super) async fn renew(engine: &Engine, entry: &Entry) -> Result<Sign, String> {
    let (method, path) = match &entry.place {
        Place::Consul { id, .. } => (Method::PUT, format!("/v1/agent/check/pass/{}", check_id(id))),
        _ => (
            Method::POST,
            format!("/api/servers/{}/heartbeat", encoded(&entry.name)),
        ),
    };
    let status = send(engine, entry, (method, &path), None).await?;
    let is_consul = matches!(entry.place, Place::Consul { .. });
    match status {
        StatusCode::NOT_FOUND => Ok(Sign::Forgotten),
        // What older ones say of a check that they do not know.
        StatusCode::INTERNAL_SERVER_ERROR if is_consul => Ok(Sign::Forgotten),
        status => good(status).map(|()| Sign::Known),
    }
}

/// Takes it back.
pub(super) async fn withdraw(engine: &Engine, entry: &Entry) -> Result<(), String> {
    let (method, path) = match &entry.place {
        Place::Consul { id, .. } => (
            Method::PUT,
            format!("/v1/agent/service/deregister/{}", encoded(id)),
        ),
        _ => (Method::DELETE, format!("/api/servers/{}", encoded(&entry.name))),
    };
    match send(engine, entry, (method, &path), None).await? {
        StatusCode::NOT_FOUND => Ok(()),
        status => good(status),
    }
}

/// As the discovery `consul` reads it, here or elsewhere.
fn service(entry: &Entry, id: &str, ttl: Duration) -> Result<Value, String> {
    let uri: Uri = entry
        .address
        .parse()
        .map_err(|_| "its address is no URL".to_owned())?;
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let mut tags: Vec<&str> = vec!["mcp"];
    tags.extend(entry.tags.iter().map(|tag| &**tag).filter(|tag| *tag != "mcp"));
    let forgotten = (ttl * FORGOTTEN).max(Duration::from_secs(60));
    let check = json!({"CheckID": format!("service:{id}"), "Name": "signs of life", "TTL": seconds(ttl), "Status": "passing",
        "DeregisterCriticalServiceAfter": seconds(forgotten)});
    Ok(json!({
        "ID": id,
        "Name": entry.name,
        "Tags": tags,
        "Address": host,
        "Port": port,
        "Meta": {"mcp_scheme": scheme, "mcp_path": uri.path()},
        "Check": check,
    }))
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

fn check_id(id: &str) -> String {
    encoded(&format!("service:{id}"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn good(status: StatusCode) -> Result<(), String> {
    match status.is_success() {
        true => Ok(()),
        false => Err(format!("it answered with the status {}", status.as_u16())),
    }
}

async fn send(
    engine: &Engine,
    entry: &Entry,
    (method, path): (Method, &str),
    body: Option<Value>,
) -> Result<StatusCode, String> {
    let (url, token) = match &entry.place {
        Place::Registry { url, token } | Place::Consul { url, token, .. } => (url, token),
        Place::Etcd { .. } => return Err("etcd is not spoken to over HTTP".to_owned()),
    };
    let has_body = body.is_some();
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    let mut request = Request::new(Full::new(Bytes::from(text)));
    *request.method_mut() = method;
    let uri = format!("{url}{path}").parse();
    *request.uri_mut() = uri.map_err(|_| "its URL is none".to_owned())?;
    let headers = request.headers_mut();
    if has_body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some((name, value)) = credential(&entry.place, token)? {
        headers.insert(name, value);
    }
    let status = engine.send_once(request, entry.timeout).await?;
    StatusCode::from_u16(status).map_err(|_| format!("it answered with the status {status}"))
}

fn credential(place: &Place, token: &Token) -> Result<Option<(HeaderName, HeaderValue)>, String> {
    let Some(token) = token.find()? else {
        return Ok(None);
    };
    let (name, text) = match place {
        Place::Consul { .. } => (CONSUL_TOKEN, token.expose_secret().to_owned()),
        _ => (header::AUTHORIZATION, format!("Bearer {}", token.expose_secret())),
    };
    let mut value =
        HeaderValue::try_from(text).map_err(|_| "its token cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
