//! What templates name of the caller: claims and headers of the request, each by a name that stands in the template, so
//! that all of them are known before a call.

use super::words::{Word, Words};
use crate::tool::RequestHeader;
use http::HeaderName;
use std::{fmt, sync::Arc};

/// A value that not every caller has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallerName {
    /// Member names from `principal.claims` on.
    Claim(Vec<String>),
    /// A header of the client's request.
    Header(HeaderName),
}

impl fmt::Display for CallerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Claim(path) => {
                f.write_str("principal.claims")?;
                path.iter().try_for_each(|step| match is_plain(step) {
                    true => write!(f, ".{step}"),
                    false => write!(f, "[{step:?}]"),
                })
            }
            Self::Header(name) => write!(f, "request.headers[{:?}]", name.as_str()),
        }
    }
}

fn is_plain(step: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    step.chars().all(is_part) && !step.starts_with(|c: char| c.is_ascii_digit())
}

/// The headers of clients' requests that the operator lets definitions name.
pub(crate) type AllowedHeaders = Arc<[RequestHeader]>;

/// The header that a template names, if it may.
pub(super) fn header(name: &str, allowed: &[RequestHeader]) -> Result<HeaderName, String> {
    let header: RequestHeader = name
        .parse()
        .map_err(|reason| format!("names the header {name:?} of the client's request, but that {reason}"))?;
    match allowed.contains(&header) {
        true => Ok(header.name().clone()),
        false => Err(format!(
            "names the header `{}` of the client's request, which is not in `templates.request_headers` of the gateway's configuration",
            header.name()
        )),
    }
}

/// Every claim that a template names.
pub(super) fn claims(source: &str) -> Result<Vec<CallerName>, String> {
    let found = members(source, "principal", "claims").ok_or(
        "names `principal.claims` as a whole; name one of them: `principal.claims.<name>` or `principal.claims[\"<name>\"]`",
    )?;
    Ok(found.into_iter().map(CallerName::Claim).collect())
}

/// Every header of the request that a template names.
pub(super) fn headers(source: &str, allowed: &[RequestHeader]) -> Result<Vec<CallerName>, String> {
    let found = members(source, "request", "headers").ok_or(
        "names the client's request as a whole; name one of its headers: `request.headers[\"<name>\"]`",
    )?;
    let found = found.iter().filter_map(|path| path.first());
    found
        .map(|name| header(name, allowed).map(CallerName::Header))
        .collect()
}

/// The paths from `root.member` on, wherever it stands; `None` where one of them does not begin with a name.
fn members(source: &str, root: &str, member: &str) -> Option<Vec<Vec<String>>> {
    let words: Vec<Word<'_>> = Words::of(source).collect();
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let is_member = index > 0 && words[index - 1] == Word::Symbol('.');
        if *word != Word::Name(root) || is_member {
            continue;
        }
        let (first, mut rest) = step(&words[index + 1..])?;
        if first != member {
            // The other members are looked at elsewhere.
            continue;
        }
        let mut path = Vec::new();
        while let Some((name, after)) = step(rest) {
            path.push(name.to_owned());
            rest = after;
        }
        if path.is_empty() {
            return None;
        }
        found.push(path);
    }
    (!found.is_empty()).then_some(found)
}

/// `.name` or `["name"]`, and what follows.
fn step<'a, 'w>(words: &'w [Word<'a>]) -> Option<(&'a str, &'w [Word<'a>])> {
    match words {
        [Word::Symbol('.'), Word::Name(name), rest @ ..] => Some((name, rest)),
        [Word::Symbol('['), Word::Text(name), Word::Symbol(']'), rest @ ..]
            if !name.is_empty() && !name.contains('\\') =>
        {
            Some((name, rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{claims, header, headers};
    use crate::tool::RequestHeader;

    fn named(found: Result<Vec<super::CallerName>, String>) -> Vec<String> {
        found.unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_claim_is_found_by_its_name() {
        let source = r#"{{ principal.claims.org.id }}{{ principal.claims["https://a.example/t"] | default("principal.claims") }}
            {% if principal.sub and x.principal.claims %}{{ {"a": {"b": principal.claims['c']}} }}{% endif %}
            {{ principal.claims.d[principal.claims.e] }}"#;
        assert_eq!(
            named(claims(source)),
            [
                "principal.claims.org.id",
                r#"principal.claims["https://a.example/t"]"#,
                "principal.claims.c",
                "principal.claims.d",
                "principal.claims.e"
            ]
        );
        for whole in [
            "{{ principal.claims }}",
            "{{ principal.claims[args.x] }}",
            "{{ principal.claims | length }}",
            "{% set p = principal %}",
            "{{ (principal).claims.x }}",
        ] {
            assert!(claims(whole).is_err(), "{whole}");
        }
    }

    #[test]
    fn headers_are_found_in_any_letter_case_and_only_those_that_are_allowed() {
        let allowed: Vec<RequestHeader> = vec!["X-Tenant".parse().unwrap()];
        let source = r#"{{ request.headers["X-TENANT"] | default("-") }}"#;
        assert_eq!(
            named(headers(source, &allowed)),
            [r#"request.headers["x-tenant"]"#]
        );
        assert!(
            header("x-other", &allowed)
                .unwrap_err()
                .contains("templates.request_headers")
        );
        assert!(
            header("Authorization", &allowed)
                .unwrap_err()
                .contains("never passed on")
        );
        for whole in [
            "{{ request.headers }}",
            "{{ request['headers']['x-tenant'] ~ request }}",
            "{{ request.headers[args.h] }}",
        ] {
            assert!(headers(whole, &allowed).is_err(), "{whole}");
        }
    }
}
