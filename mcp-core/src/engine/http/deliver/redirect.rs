//! Where a redirect leads, RFC 9110 section 15.4. The address is checked when it is dialled, like any other.

use crate::engine::{failure::Failure, http::client::Answer, result::Outcome};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;
use mcp_common::definition::tool::RedirectBinding;
use url::Url;

/// What another origin gets to see. Everything else may be a credential.
const FOR_EVERYBODY: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::USER_AGENT,
    header::VIA,
];

/// Where a redirect leads.
pub(super) struct Next {
    pub(super) request: Request<Full<Bytes>>,
    /// Whether it leads to the same scheme, host and port.
    pub(super) is_same_origin: bool,
}

/// The next request; `None` if the answer is no redirect.
pub(super) fn next(
    request: &Request<Full<Bytes>>,
    answer: &Answer,
    rules: &RedirectBinding,
    followed: u32,
) -> Result<Option<Next>, Failure> {
    let is_redirect = matches!(
        answer.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let Some(location) = answer.header(header::LOCATION).filter(|_| is_redirect) else {
        return Ok(None);
    };
    let status = answer.status.as_u16();
    let from = Url::parse(&request.uri().to_string())
        .map_err(|_| refused(status, "from an address that is no URL"))?;
    let host = from.host_str().unwrap_or_default().to_owned();
    if followed >= rules.follow {
        let text = format!(
            "{host} answered {status}, but {followed} redirects were followed already (redirect.follow). Is it a loop?"
        );
        return Err(Failure::new(Outcome::BadAnswer, text));
    }
    let mut to = from
        .join(location)
        .map_err(|_| refused(status, "to something that is no URL"))?;
    to.set_fragment(None);
    if !matches!(to.scheme(), "http" | "https") || !to.username().is_empty() || to.password().is_some() {
        return Err(refused(
            status,
            "to a URL that is not http or https, or has credentials in it",
        ));
    }
    let is_same = from.origin() == to.origin();
    if !is_same && rules.same_origin_only {
        let what = format!(
            "to another origin ({}), which redirect.same_origin_only forbids",
            to.origin().ascii_serialization()
        );
        return Err(refused(status, &what));
    }
    if from.scheme() == "https" && to.scheme() == "http" {
        return Err(refused(status, "from https to http"));
    }
    let uri: Uri = to
        .as_str()
        .parse()
        .map_err(|_| refused(status, "to a URL that cannot be called"))?;
    Ok(Some(Next {
        request: request_to(request, uri, answer.status, is_same),
        is_same_origin: is_same,
    }))
}

fn request_to(
    request: &Request<Full<Bytes>>,
    uri: Uri,
    status: StatusCode,
    is_same: bool,
) -> Request<Full<Bytes>> {
    let method = request.method();
    // 301 and 302 change POST only, because everybody does it; 303 all but HEAD, because that is what it means.
    let becomes_get = match status {
        StatusCode::SEE_OTHER => method != Method::HEAD && method != Method::GET,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
        _ => false,
    };
    let body = if becomes_get {
        Full::default()
    } else {
        request.body().clone()
    };
    let mut next = Request::new(body);
    *next.method_mut() = if becomes_get { Method::GET } else { method.clone() };
    let mut headers = request.headers().clone();
    if becomes_get {
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::CONTENT_LANGUAGE,
        ] {
            headers.remove(name);
        }
    }
    if !is_same {
        let dropped: Vec<HeaderName> = headers
            .keys()
            .filter(|name| !FOR_EVERYBODY.contains(name))
            .cloned()
            .collect();
        for name in dropped {
            headers.remove(name);
        }
    }
    headers.remove(header::HOST);
    // Over plain HTTP the planned request has a Host header; a TLS connection sets its own.
    if uri.scheme_str() == Some("http")
        && let Some(host) = uri
            .authority()
            .and_then(|host| HeaderValue::from_str(host.as_str()).ok())
    {
        headers.insert(header::HOST, host);
    }
    *next.uri_mut() = uri;
    *next.headers_mut() = headers;
    next
}

fn refused(status: u16, what: &str) -> Failure {
    let text = format!("The answer {status} redirects {what}; it is not followed.");
    Failure::new(Outcome::Refused, text)
}
