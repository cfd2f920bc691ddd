//! Where tokens for a server come from: its metadata (RFC 9728) name it and its authorization server, whose metadata say the rest.

use super::{
    binding::Binding,
    challenge::Challenge,
    error::OAuthError,
    fetch::{Fetcher, Got, plain},
    scopes,
    server::{Server, root},
};
use http::Uri;
use serde::{Deserialize, Serialize};
use url::Url;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// What was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) server: Server,
    /// What the server is called when a token for it is asked for; `None` for not at all.
    pub(super) resource: Option<String>,
    /// The scopes that there are.
    pub(super) scopes: Vec<String>,
}

/// What a server says of itself.
#[derive(Deserialize)]
struct Metadata {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Finds it out, or takes what the document says. `preferred` is the authorization server of before, if the server still names it.
pub(super) async fn discover(
    fetcher: &Fetcher,
    binding: &Binding,
    url: &str,
    challenge: &Challenge,
    preferred: Option<&str>,
) -> Result<Found, OAuthError> {
    let named = |resource: String| match binding.resource.as_deref() {
        Some("") => None,
        Some(own) => Some(own.to_owned()),
        None => Some(resource),
    };
    if let Some(token_url) = &binding.token_url {
        fetcher.check("`auth.token_url`", token_url)?;
        return Ok(Found {
            server: Server {
                issuer: binding.issuer.clone().unwrap_or_default(),
                token_endpoint: token_url.clone(),
                ..Server::default()
            },
            resource: named(url.to_owned()),
            scopes: Vec::new(),
        });
    }
    let metadata = metadata(fetcher, url, challenge).await?;
    let (issuer, resource, scopes) = match metadata {
        Some(metadata) => {
            let issuer = issuer(binding, &metadata.authorization_servers, preferred)?;
            let scopes = scopes::union(&[], metadata.scopes_supported);
            (issuer, metadata.resource, scopes)
        }
        // Before 2025-06-18 servers had no metadata, and were their own authorization server.
        None => {
            let uri = fetcher.check("the server's URL", url)?;
            let issuer = binding.issuer.clone().unwrap_or_else(|| root(&uri));
            (issuer, url.to_owned(), Vec::new())
        }
    };
    let server = Server::find(fetcher, &issuer).await?;
    Ok(Found {
        server,
        resource: named(resource),
        scopes,
    })
}

/// The server's own metadata; `None` where it has none.
async fn metadata(
    fetcher: &Fetcher,
    url: &str,
    challenge: &Challenge,
) -> Result<Option<Metadata>, OAuthError> {
    let own = fetcher.check("the server's URL", url)?;
    let places = match &challenge.metadata {
        Some(place) => vec![place.clone()],
        None => {
            let root = root(&own);
            let path = own.path().trim_end_matches('/');
            let mut places = vec![format!("{root}{WELL_KNOWN}{path}"), format!("{root}{WELL_KNOWN}")];
            places.dedup();
            places
        }
    };
    let mut tried = String::new();
    for place in places {
        let place = fetcher.check("the address of the server's metadata", &place)?;
        if !same_origin(&place, &own) {
            return Err(OAuthError::Refused(format!(
                "the server says that its metadata are elsewhere, at {place}, which is not believed: they are asked for at {}",
                root(&own)
            )));
        }
        match fetcher.get::<Metadata>(&place).await? {
            Got::There(metadata) => {
                if !covers(&metadata.resource, url) {
                    return Err(OAuthError::Refused(format!(
                        "{place} is about another server: `{}` is neither {url} nor what it lies below",
                        plain(&metadata.resource)
                    )));
                }
                return Ok(Some(metadata));
            }
            Got::Not(why) => tried = why,
        }
    }
    match &challenge.metadata {
        Some(_) => Err(OAuthError::Refused(format!(
            "the server names metadata that there are not: {tried}"
        ))),
        None => Ok(None),
    }
}

/// Which authorization server is asked.
fn issuer(binding: &Binding, named: &[String], preferred: Option<&str>) -> Result<String, OAuthError> {
    let list = || {
        let named: Vec<String> = named
            .iter()
            .take(10)
            .map(|name| format!("`{}`", plain(name)))
            .collect();
        named.join(", ")
    };
    match (&binding.issuer, named) {
        (Some(own), []) => Ok(own.clone()),
        (Some(own), named) if named.contains(own) => Ok(own.clone()),
        (Some(own), _) => Err(OAuthError::Refused(format!(
            "the server takes tokens of {}, and not of `{own}` (`auth.issuer`)",
            list()
        ))),
        (None, []) => Err(OAuthError::Refused(
            "the server's metadata name no authorization server: write it into `auth.issuer`".to_owned(),
        )),
        (None, [first, ..]) => {
            let before = preferred.filter(|before| named.iter().any(|name| name == before));
            Ok(before.map_or_else(|| first.clone(), str::to_owned))
        }
    }
}

/// Whether the server with this URL is a part of the resource: the same origin, and the same path or one below.
fn covers(resource: &str, url: &str) -> bool {
    let (Ok(resource), Ok(url)) = (Url::parse(resource), Url::parse(url)) else {
        return false;
    };
    let above = resource.path().trim_end_matches('/');
    let is_below = match url.path().strip_prefix(above) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    };
    let is_same_query = resource.query().is_none_or(|query| url.query() == Some(query));
    resource.origin() == url.origin() && is_below && is_same_query && resource.fragment().is_none()
}

fn same_origin(one: &Uri, other: &Uri) -> bool {
    match (Url::parse(&one.to_string()), Url::parse(&other.to_string())) {
        (Ok(one), Ok(other)) => one.origin() == other.origin(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_server_or_what_it_lies_below() {
        let url = "https://a.example/v1/mcp";
        for resource in [
            "https://a.example/v1/mcp",
            "https://A.example:443/v1/mcp/",
            "https://a.example/v1",
            "https://a.example",
            "https://a.example/",
        ] {
            assert!(covers(resource, url), "{resource}");
        }
        for resource in [
            "",
            "a.example",
            "http://a.example/v1/mcp",
            "https://b.example/v1/mcp",
            "https://a.example:444/v1/mcp",
            "https://a.example/v1/mc",
            "https://a.example/v1/mcp/more",
            "https://a.example/v2",
            "https://a.example/v1/mcp#x",
            "https://a.example/v1/mcp?tenant=b",
            "https://a.example.evil.example/v1/mcp",
        ] {
            assert!(!covers(resource, url), "{resource}");
        }
    }
}
