//! Records as requests that their receiver can verify, as Standard Webhooks has it.

use super::follow::Batch;
use crate::{app::App, events::signature, settings::AuditWebhookSettings, timestamp::rfc3339};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use mcp_core::engine::Engine;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// By what the configuration says at the time.
pub(super) struct Webhook(pub(super) watch::Receiver<Arc<App>>);

impl Webhook {
    /// Any status of success says that it was understood.
    pub(super) async fn send(&mut self, batch: &Batch) -> Result<(), String> {
        let app = self.0.borrow().clone();
        let settings = &app.settings.audit.sinks.webhook;
        let request = request(settings, batch)?;
        let engine = Engine::new((*app.engine).clone(), app.services.clone());
        let patience = Duration::from_millis(settings.timeout_ms);
        let status = engine.send_once(request, patience).await?;
        match (200..300).contains(&status) {
            true => Ok(()),
            false => Err(format!("it answered with the status {status}")),
        }
    }
}

fn request(settings: &AuditWebhookSettings, batch: &Batch) -> Result<Request<Full<Bytes>>, String> {
    let now = SystemTime::now();
    let body = format!(
        "{{\"type\":\"audit.records\",\"timestamp\":\"{}\",\"data\":{{\"records\":[{}]}}}}",
        rfc3339(now),
        batch.lines.join(",")
    );
    let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let id = id(batch);
    let signed = settings.signed_with()?;
    let signed = signed.map(|secret| signature::of(&secret, &id, timestamp, &body));
    let mut request = Request::new(Full::new(Bytes::from(body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = settings.url.parse().map_err(|_| "its URL is none".to_owned())?;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("dynmcp/", env!("CARGO_PKG_VERSION"))),
    );
    let texts = [
        (ID, Some(id)),
        (TIMESTAMP, Some(timestamp.to_string())),
        (SIGNATURE, signed),
    ];
    for (name, text) in texts {
        if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(name, value);
        }
    }
    Ok(request)
}

/// The same for the same records, also after a restart: what the last line ends with is its hash.
fn id(batch: &Batch) -> String {
    let hash = batch.lines.last().and_then(|line| {
        let end = line.len().checked_sub(2)?;
        line.get(end.checked_sub(24)?..end)
    });
    format!("audit_{}_{}", batch.next, hash.unwrap_or_default())
}
