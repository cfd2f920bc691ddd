//! Forward proxies that a deployment lets tools use.

use std::{fmt, str::FromStr};
use url::Url;

/// `http://host:port`, the host in lower case. The gateway speaks plain HTTP with a proxy; what goes through to https
/// upstreams is encrypted from end to end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyAddress {
    /// The host as it stands in a URL: an IPv6 address has brackets.
    host: String,
    port: u16,
}

/// Text that is no [`ProxyAddress`]. The text is not repeated: it may have a password in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoProxyAddress {
    /// It has `user:password@`.
    #[error("must not carry credentials; give `username` and `password` beside `url`, as references")]
    Credentials,
    /// It is something else.
    #[error("must be \"http://host:port\"")]
    Form,
}

impl FromStr for ProxyAddress {
    type Err = NoProxyAddress;

    fn from_str(text: &str) -> Result<Self, NoProxyAddress> {
        let url = Url::parse(text.trim()).map_err(|_| NoProxyAddress::Form)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NoProxyAddress::Credentials);
        }
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        match (url.scheme(), url.host_str(), url.port_or_known_default()) {
            ("http", Some(host), Some(port)) if is_bare && port != 0 => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            _ => Err(NoProxyAddress::Form),
        }
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::{NoProxyAddress, ProxyAddress};

    #[test]
    fn one_address_has_one_form() {
        for (text, expected) in [
            ("http://proxy.corp:3128", "http://proxy.corp:3128"),
            ("HTTP://Proxy.Corp:3128/", "http://proxy.corp:3128"),
            ("http://proxy.corp", "http://proxy.corp:80"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(text.parse::<ProxyAddress>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "proxy.corp:3128",
            "https://proxy.corp:3128",
            "socks5://proxy.corp:1080",
            "http://proxy.corp:3128/path",
            "http://proxy.corp:3128?x",
            "http://proxy.corp:0",
            "${env:HTTP_PROXY}",
        ] {
            assert_eq!(text.parse::<ProxyAddress>(), Err(NoProxyAddress::Form), "{text}");
        }
        for text in ["http://user:pw@proxy.corp:1", "http://user@proxy.corp:1"] {
            assert_eq!(
                text.parse::<ProxyAddress>(),
                Err(NoProxyAddress::Credentials),
                "{text}"
            );
        }
    }
}
