//! Arguments → HTTP request. Nothing is sent unless every argument found its place.

mod arguments;
mod body;
mod headers;
mod leaf;
mod path;
mod query;

use super::{CallContext, failure::Failure, result::Outcome};
use crate::tool::Call;
use arguments::Arguments;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header, uri::PathAndQuery};
use http_body_util::Full;
use leaf::Scope;

/// The request that this call makes.
pub(crate) fn plan(
    call: &Call,
    context: &CallContext<'_>,
    max_request_bytes: u64,
) -> Result<Request<Full<Bytes>>, Failure> {
    let json = context
        .arguments
        .map(|raw| raw.get())
        .filter(|json| *json != "null")
        .unwrap_or("{}");
    let mut arguments = Arguments::read(call, json)?;
    arguments.check(call, json)?;
    let scope = Scope::new(call, context, &arguments, json);

    let mut target = Vec::with_capacity(128);
    path::write(&mut target, call, &arguments)?;
    query::write(&mut target, call, &arguments, &scope)?;
    let mut headers = headers::build(call, &arguments, &scope)?;
    let body = body::build(call, &arguments);
    if body
        .as_ref()
        .is_some_and(|body| body.len() as u64 > max_request_bytes)
    {
        let size = body.map_or(0, |body| body.len());
        let text = format!(
            "The request body has {size} bytes, at most {max_request_bytes} are allowed; nothing was sent."
        );
        return Err(Failure::new(Outcome::TooLarge, text));
    }

    let length = target.len();
    let target = PathAndQuery::from_maybe_shared(Bytes::from(target)).map_err(|_| {
        Failure::arguments(&format!(
            "the URL they make has {length} bytes or cannot be sent for another reason"
        ))
    })?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(call.origin.scheme.clone());
    parts.authority = Some(call.origin.authority.clone());
    parts.path_and_query = Some(target);
    let uri = Uri::from_parts(parts).map_err(|error| Failure::new(Outcome::Refused, error.to_string()))?;

    if let Some(host) = &call.origin.host {
        headers.insert(header::HOST, host.clone());
    }
    match &body {
        Some(_) => drop(
            headers
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json")),
        ),
        None if matches!(call.method, Method::POST | Method::PUT | Method::PATCH) => {
            // RFC 9110 section 8.6; some servers answer 411 without it.
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        None => {}
    }
    let mut request = Request::new(Full::new(body.unwrap_or_default()));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}
