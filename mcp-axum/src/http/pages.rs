//! Pages and what belongs to them, embedded: how they are served, and the policy that lets nothing in from elsewhere.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A file of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub(super) content: &'static [u8],
    pub(super) media_type: &'static str,
    /// `Content-Security-Policy`.
    pub(super) policy: &'static str,
    /// Changes when the content does; without one the file is sent each time.
    pub(super) version: Option<&'static str>,
}

impl Asset {
    /// The file, or that the browser has it.
    pub(super) fn answer(self, request: &Request) -> Response {
        let tag = self.version.map(|version| format!("\"{version}\""));
        let is_known = tag.as_deref().is_some_and(|tag| knows(request.headers(), tag));
        let mut response = match is_known {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(header::CONTENT_TYPE, self.media_type)], self.content).into_response(),
        };
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_SECURITY_POLICY, self.policy),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // Asked for each time: a gateway that was upgraded must not be used with the page of before.
            (header::CACHE_CONTROL, "no-cache"),
            (header::VARY, "accept-encoding"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Some(tag) = tag.and_then(|tag| HeaderValue::try_from(tag).ok()) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

/// `If-None-Match` (RFC 9110, section 13.1.2), compared weakly: a proxy that compresses weakens tags.
pub(super) fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}
