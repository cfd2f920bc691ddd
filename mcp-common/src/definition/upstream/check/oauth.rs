//! What in `auth` does not go together where tokens are asked for.

use crate::{
    definition::upstream::{
        AuthorizationCode, UpstreamAuth, UpstreamClientCredentials, UpstreamDefinition, UpstreamProtocol,
    },
    problem::Problem,
};
use http::Uri;

/// More are no list that somebody wrote.
const MOST_SCOPES: usize = 100;

pub(super) fn check(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    match &definition.auth {
        Some(UpstreamAuth::ClientCredentials(binding)) => client_credentials(definition, binding, problems),
        Some(UpstreamAuth::TokenExchange(binding)) => {
            of_one_server(definition, problems);
            client_credentials(definition, binding, problems);
            let believes = definition
                .auth
                .as_ref()
                .is_some_and(UpstreamAuth::believes_its_server);
            problems.extend((believes && !definition.is_fleet()).then(|| {
                let reason = "is missing: the tokens of callers are shown to the authorization server, and the server could name any";
                Problem::at("auth.issuer", reason)
            }));
        }
        Some(UpstreamAuth::AuthorizationCode(binding) | UpstreamAuth::User(binding)) => {
            authorization_code(definition, binding, problems);
        }
        _ => {}
    }
}

fn client_credentials(
    definition: &UpstreamDefinition,
    binding: &UpstreamClientCredentials,
    problems: &mut Vec<Problem>,
) {
    let mut wrong = |member: &str, reason: &str| problems.push(Problem::at(format!("auth.{member}"), reason));
    match (&binding.client_secret, &binding.private_key) {
        (None, None) => wrong(
            "client_secret",
            "is missing: the client shows it to get a token, or signs with a `private_key`",
        ),
        (Some(_), Some(_)) => wrong(
            "private_key",
            "is there beside `client_secret`: a client has one of them",
        ),
        (None, Some(_)) if binding.client_auth.is_some() => wrong(
            "client_auth",
            "says how a `client_secret` is shown, and this client signs with a `private_key`",
        ),
        _ => {}
    }
    if binding.key_id.is_some() && binding.private_key.is_none() {
        wrong("key_id", "names a `private_key`, and there is none");
    }
    if definition.protocol == UpstreamProtocol::Http {
        if binding.token_url.is_none() {
            wrong(
                "token_url",
                "is missing: an HTTP service (`protocol: http`) does not say where tokens come from",
            );
        }
        if binding.private_key.is_some() {
            wrong(
                "private_key",
                "is for MCP servers: give an HTTP service (`protocol: http`) a `client_secret`",
            );
        }
        if binding.resource.is_some() {
            wrong(
                "resource",
                "is for MCP servers: give an HTTP service (`protocol: http`) an `audience`",
            );
        }
    }
    if definition.is_fleet() && definition.protocol == UpstreamProtocol::Mcp {
        let believes = definition
            .auth
            .as_ref()
            .is_some_and(UpstreamAuth::believes_its_server);
        problems.extend(believes.then(|| {
            let reason = "is missing: with several `endpoints` the authorization server has to be named, since each of them could name another one, which would see the client's secret";
            Problem::at("auth.issuer", reason)
        }));
    }
    url("issuer", binding.issuer.as_deref(), problems);
    url("token_url", binding.token_url.as_deref(), problems);
    names(&binding.scopes, binding.resource.as_deref(), problems);
}

/// What is of somebody is for one server.
fn of_one_server(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let reason = if definition.protocol == UpstreamProtocol::Http {
        "is for MCP servers, and this is an HTTP service (`protocol: http`): it takes `oauth2_client_credentials`"
    } else if definition.is_fleet() {
        "is for a server with one `url`: a login is for one server. Several `endpoints` take `oauth2_client_credentials`"
    } else {
        return;
    };
    problems.push(Problem::at("auth.type", reason));
}

fn authorization_code(
    definition: &UpstreamDefinition,
    binding: &AuthorizationCode,
    problems: &mut Vec<Problem>,
) {
    of_one_server(definition, problems);
    let mut wrong = |member: &str, reason: &str| problems.push(Problem::at(member, reason));
    if binding.client_id.is_none() && binding.client_secret.is_some() {
        wrong("auth.client_secret", "is there without its `client_id`");
    }
    if binding.client_auth.is_some() && binding.client_secret.is_none() {
        wrong(
            "auth.client_auth",
            "says how a `client_secret` is shown, and there is none",
        );
    }
    url("issuer", binding.issuer.as_deref(), problems);
    names(&binding.scopes, binding.resource.as_deref(), problems);
}

fn url(member: &str, text: Option<&str>, problems: &mut Vec<Problem>) {
    let reason = match text {
        None => return,
        Some(text) if text.contains('#') => Some("must not have a fragment (`#…`)"),
        Some(text) if member == "issuer" && text.contains('?') => Some("must not have a query (RFC 8414)"),
        Some(text) => match text.parse::<Uri>() {
            Err(_) => Some("is not a URL"),
            Ok(uri) if !matches!(uri.scheme_str(), Some("http" | "https")) => {
                Some("must begin with https://, or http:// for a server of one's own network")
            }
            Ok(uri) => match uri.authority() {
                Some(authority) if authority.as_str().contains('@') => Some("must not carry credentials"),
                Some(authority) if !authority.host().is_empty() => None,
                _ => Some("names no host"),
            },
        },
    };
    problems.extend(reason.map(|reason| Problem::at(format!("auth.{member}"), reason)));
}

fn names(scopes: &[String], resource: Option<&str>, problems: &mut Vec<Problem>) {
    if scopes.len() > MOST_SCOPES {
        let reason = format!("has {} scopes, at most {MOST_SCOPES} are asked for", scopes.len());
        problems.push(Problem::at("auth.scopes", reason));
    }
    for (index, scope) in scopes.iter().enumerate() {
        if !is_scope(scope) {
            let reason = "is no scope: visible ASCII without blanks, quotes and backslashes (RFC 6749)";
            problems.push(Problem::at(format!("auth.scopes[{index}]"), reason));
        }
    }
    if resource.is_some_and(|name| !name.is_empty() && (name.contains('#') || name.parse::<Uri>().is_err())) {
        let reason = "is not a URI without a fragment (RFC 8707)";
        problems.push(Problem::at("auth.resource", reason));
    }
}

/// RFC 6749 section 3.3.
fn is_scope(text: &str) -> bool {
    let is_part = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.bytes().all(is_part)
}
