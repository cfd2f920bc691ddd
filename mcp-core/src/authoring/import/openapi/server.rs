//! Where the API is.

use super::spec::{Spec, Version};
use crate::authoring::import::{ImportOptions, Unmappable};
use serde_json::{Map, Value};

/// The number of servers that are to choose from.
const MAX_SERVERS: usize = 20;
/// The bytes of a server's URL, its variables filled in.
const MAX_URL: usize = 2_048;

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) url: String,
    /// What else could have been taken.
    pub(super) others: Vec<String>,
}

/// The caller's, else the operation's, the path's or the document's first.
pub(super) fn base_url(
    spec: &Spec<'_>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
    options: &ImportOptions,
) -> Result<Server, Unmappable> {
    if let Some(url) = &options.base_url {
        return Ok(Server {
            url: url.trim_end_matches('/').to_owned(),
            others: Vec::new(),
        });
    }
    if spec.version == Version::Swagger2 {
        return swagger2(spec.root, options);
    }
    let all = [
        operation.get("servers"),
        item.get("servers"),
        spec.root.get("servers"),
    ];
    let servers = all
        .into_iter()
        .filter_map(|servers| servers?.as_array().filter(|servers| !servers.is_empty()))
        .next();
    let mut urls = servers
        .into_iter()
        .flatten()
        .take(MAX_SERVERS)
        .map(with_variables);
    let first = match urls.next() {
        Some(url) => url.map_err(Unmappable)?,
        None => "/".to_owned(),
    };
    Ok(Server {
        url: absolute(&first, options).map_err(Unmappable)?,
        others: urls.filter_map(Result::ok).collect(),
    })
}

fn swagger2(root: &Value, options: &ImportOptions) -> Result<Server, Unmappable> {
    let path = root.get("basePath").and_then(Value::as_str).unwrap_or("/");
    let Some(host) = root.get("host").and_then(Value::as_str) else {
        let url = absolute(path, options).map_err(Unmappable)?;
        return Ok(Server {
            url,
            others: Vec::new(),
        });
    };
    let schemes = root.get("schemes").and_then(Value::as_array);
    let schemes: Vec<&str> = schemes.into_iter().flatten().filter_map(Value::as_str).collect();
    let scheme = match schemes.as_slice() {
        schemes if schemes.contains(&"https") || schemes.is_empty() => "https",
        schemes if schemes.contains(&"http") => "http",
        _ => return Err(Unmappable("schemes: neither http nor https".to_owned())),
    };
    let path = path.trim_end_matches('/');
    let slash = if path.is_empty() || path.starts_with('/') {
        ""
    } else {
        "/"
    };
    Ok(Server {
        url: format!("{scheme}://{host}{slash}{path}"),
        others: Vec::new(),
    })
}

/// The URL with each variable's default.
fn with_variables(server: &Value) -> Result<String, String> {
    let mut url = server
        .get("url")
        .and_then(Value::as_str)
        .unwrap_or("/")
        .trim()
        .to_owned();
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten() {
        let value = match variable.get("default") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => continue,
        };
        if url.len().max(value.len()) > MAX_URL {
            return Err(format!("servers: a URL has more than {MAX_URL} bytes"));
        }
        url = url.replace(&format!("{{{name}}}"), &value);
    }
    if url.contains('{') {
        return Err(format!(
            "servers: `{url}` has a variable without a default; give the base URL (--base-url)"
        ));
    }
    Ok(url)
}

/// A URL without a host is where the description is.
fn absolute(url: &str, options: &ImportOptions) -> Result<String, String> {
    let is_absolute = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    let url = url.split(['?', '#']).next().unwrap_or_default();
    if is_absolute(url) {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    let source = options.source.as_deref().filter(|source| is_absolute(source));
    let Some(source) = source else {
        return Err(format!(
            "servers: `{url}` does not say on which host the API is; give the base URL (--base-url)"
        ));
    };
    Ok(join(source, url).trim_end_matches('/').to_owned())
}

/// A reference as the base resolves it; one with a scheme stays as it is.
pub(super) fn join(base: &str, url: &str) -> String {
    let (Some((scheme, rest)), false) = (base.split_once("://"), url.contains("://")) else {
        return url.to_owned();
    };
    if let Some(host) = url.strip_prefix("//") {
        return format!("{scheme}://{host}");
    }
    let (host, directory) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if url.starts_with('/') {
        url.to_owned()
    } else {
        let directory = directory.rsplit_once('/').map_or("", |(directory, _)| directory);
        format!("/{directory}/{}", url.trim_start_matches("./")).replace("//", "/")
    };
    format!("{scheme}://{host}{path}")
}
