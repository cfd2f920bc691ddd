//! Arguments → HTTP request. Nothing is sent unless every argument found its place.

pub(crate) mod arguments;
mod body;
mod headers;
pub(crate) mod leaf;
pub(crate) mod param;
mod path;
mod query;
mod template;

use crate::{
    engine::{CallContext, arguments::arguments_text, failure::Failure, result::Outcome, work::Work},
    tool::{Call, Finding},
};
use arguments::Arguments;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header, uri::PathAndQuery};
use http_body_util::Full;
use leaf::Scope;

/// The request that this call makes. `is_guarded`: whether the instance hides arguments.
pub(crate) fn plan(
    call: &Call,
    context: &CallContext<'_>,
    is_guarded: bool,
    max_request_bytes: u64,
    work: &dyn Work,
) -> Result<Request<Full<Bytes>>, Failure> {
    let json = arguments_text(context);
    let mut arguments = Arguments::read(call, json)?;
    arguments.is_guarded = is_guarded;
    arguments.check(call, json, work)?;
    let scope = Scope::new(call, context, &arguments, json, max_request_bytes, work);
    build(call, &arguments, &scope, max_request_bytes)
}

/// The request of arguments that were checked and sorted.
pub(crate) fn build(
    call: &Call,
    arguments: &Arguments<'_>,
    scope: &Scope<'_>,
    max_request_bytes: u64,
) -> Result<Request<Full<Bytes>>, Failure> {
    let mut target = Vec::with_capacity(128);
    path::write(&mut target, call, arguments, scope)?;
    query::write(&mut target, call, arguments, scope)?;
    let mut headers = headers::build(call, arguments, scope)?;
    let body = body::build(call, arguments, scope, max_request_bytes)?;
    if let Some(body) = &body
        && body.bytes.len() as u64 > max_request_bytes
    {
        return Err(body::too_large(body.bytes.len() as u64, max_request_bytes));
    }

    let length = target.len();
    let target = PathAndQuery::from_maybe_shared(Bytes::from(target)).map_err(|_| {
        let reason = format!("the URL they make has {length} bytes or cannot be sent for another reason");
        Failure::arguments(vec![Finding::whole(reason)])
    })?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(call.origin.scheme.clone());
    parts.authority = Some(call.origin.authority.clone());
    parts.path_and_query = Some(target);
    let uri = Uri::from_parts(parts).map_err(|error| Failure::new(Outcome::Refused, error.to_string()))?;

    if let Some(host) = &call.origin.host {
        headers.insert(header::HOST, host.clone());
    }
    if let Some(body) = &body {
        headers
            .entry(header::CONTENT_TYPE)
            .or_insert_with(|| body.content_type.clone());
    }
    let is_empty = match &body {
        Some(body) => body.bytes.is_empty(),
        None => matches!(call.method, Method::POST | Method::PUT | Method::PATCH),
    };
    if is_empty {
        // RFC 9110 section 8.6; some servers answer 411 without it.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::new(Full::new(body.map(|body| body.bytes).unwrap_or_default()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}
