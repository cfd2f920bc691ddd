//! How connections to the upstream are made (`tds_ext_info.tls`, `tds_ext_info.proxy`).

use super::{MaybeSecret, SecretReference};
use crate::problem::Problem;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

/// The `tls` member. Certificates are public, so their PEM text may stand in the document; the key never does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsBinding {
    /// Whose certificates are believed, instead of the authorities that the gateway's system knows.
    pub ca: Option<MaybeSecret>,
    /// The gateway's own certificate, and those up to an authority that the upstream knows.
    pub certificate: Option<MaybeSecret>,
    /// The private key of `certificate`.
    pub key: Option<SecretReference>,
    /// The name in the upstream's certificate, where it is not its host's.
    pub server_name: Option<String>,
}

/// The `proxy` member: an address, or an object with credentials.
#[derive(Clone, Debug)]
pub struct ProxyBinding {
    /// `http://host:port`.
    pub url: String,
    /// For proxies that ask who comes.
    pub username: Option<MaybeSecret>,
    /// Of this user.
    pub password: Option<SecretReference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProxyObject {
    url: String,
    username: Option<MaybeSecret>,
    password: Option<SecretReference>,
}

impl TlsBinding {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let mut report = |member: &str, reason: &str| {
            problems.push(Problem::at(format!("tds_ext_info.tls.{member}"), reason));
        };
        match (&self.certificate, &self.key) {
            (Some(_), None) => report("key", "is missing: a certificate is shown with its private key"),
            (None, Some(_)) => report("certificate", "is missing: a private key goes with a certificate"),
            _ => {}
        }
        for (member, value) in [("ca", &self.ca), ("certificate", &self.certificate)] {
            // Never repeated: it may be the key.
            if let Some(MaybeSecret::Plain(text)) = value
                && text.contains("PRIVATE KEY")
            {
                report(
                    member,
                    "has a private key in it, which never stands in a definition: put it into a file of the gateway and refer to it in `key`",
                );
            }
        }
    }
}

impl ProxyBinding {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let mut report = |member: &str, reason: &str| {
            problems.push(Problem::at(format!("tds_ext_info.proxy.{member}"), reason));
        };
        match (&self.username, &self.password) {
            (Some(_), None) => report("password", "is missing: `username` goes with a password"),
            (None, Some(_)) => report("username", "is missing: `password` goes with a user name"),
            (Some(MaybeSecret::Plain(name)), _) if name.contains(':') => {
                report("username", "must not have a colon (RFC 7617)");
            }
            _ => {}
        }
    }
}

impl<'de> Deserialize<'de> for ProxyBinding {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct TextOrObject;

        impl<'de> Visitor<'de> for TextOrObject {
            type Value = ProxyBinding;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"http://host:port\" or {url, username, password}")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ProxyBinding, E> {
                Ok(ProxyBinding {
                    url: text.to_owned(),
                    username: None,
                    password: None,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ProxyBinding, A::Error> {
                let object = ProxyObject::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ProxyBinding {
                    url: object.url,
                    username: object.username,
                    password: object.password,
                })
            }
        }

        input.deserialize_any(TextOrObject)
    }
}
