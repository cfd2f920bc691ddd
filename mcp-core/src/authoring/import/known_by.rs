//! What a description is known by from one import to the next: stored in every tool, so without what may be a credential.

use super::sample::decode;
use mcp_common::credential_name::may_be_credential;

/// A URL without login, fragment and those parameters of its query whose names say that they may be credentials. What is
/// no http(s) URL stays as it is.
pub fn known_by(source: &str) -> String {
    let is_http = |scheme: &&str| {
        source
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    let Some(scheme) = ["http://", "https://"].iter().find(|scheme| is_http(scheme)) else {
        return source.to_owned();
    };
    let (scheme, rest) = source.split_at(scheme.len());
    let rest = rest.split('#').next().unwrap_or_default();
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login_and_host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = login_and_host.rsplit('@').next().unwrap_or_default();
    let is_harmless = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !may_be_credential(&decode(name, true))
    };
    let query: Vec<&str> = query.split('&').filter(is_harmless).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}{host}{path}{mark}{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::known_by;

    #[test]
    fn a_url_is_known_without_its_credentials() {
        for (source, expected) in [
            ("https://a.example/openapi.json", "https://a.example/openapi.json"),
            (
                "https://a.example/x?version=2&lang=de",
                "https://a.example/x?version=2&lang=de",
            ),
            ("https://ann:s3cr3t@a.example:8443/x", "https://a.example:8443/x"),
            ("HTTPS://s3cr3t@a.example", "HTTPS://a.example"),
            ("https://a.example/x?token=s3cr3t", "https://a.example/x"),
            (
                "https://a.example/x?v=2&access%5Ftoken=s3cr3t&lang=de",
                "https://a.example/x?v=2&lang=de",
            ),
            (
                "https://a.example/x?key=s3cr3t&sig=s3cr3t#token=s3cr3t",
                "https://a.example/x",
            ),
            ("https://a.example/u@b?code=s3cr3t", "https://a.example/u@b"),
            ("petstore.yaml", "petstore.yaml"),
            ("token@petstore?key=1", "token@petstore?key=1"),
        ] {
            assert_eq!(known_by(source), expected);
            assert_eq!(known_by(expected), expected);
        }
    }
}
