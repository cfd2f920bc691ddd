//! Places whose word counts: where keys are, and who decides.

/// Nobody between can change what is there.
pub(crate) fn is_trustworthy(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else {
        return false;
    };
    // A name before `@` is not the host.
    let has_user = uri
        .authority()
        .is_none_or(|authority| authority.as_str().contains('@'));
    let is_here = matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match uri.scheme_str() {
        Some("https") => !has_user,
        Some("http") => !has_user && is_here,
        _ => false,
    }
}
