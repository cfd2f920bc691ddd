//! How connections to the upstream are made, and to which (`tds_ext_info.tls`, `tds_ext_info.proxy`, `tds_ext_info.egress`).

use super::{MaybeSecret, SecretReference};
use crate::problem::Problem;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{borrow::Cow, fmt};

/// The authorities that connections believe, and the certificates that they show. Certificates are public, so their PEM text may stand in the document;
/// the key never does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = |schema: &mut Schema| together(schema, "certificate", "key"))]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyBinding {
    /// `http://host:port`.
    pub url: String,
    /// The user, for proxies that ask who comes.
    pub username: Option<MaybeSecret>,
    /// The password of this user.
    pub password: Option<SecretReference>,
}

/// Which hosts and addresses calls of the tool may reach, among those that the gateway lets tools reach. Entries are host
/// names, `*.example.com` for all names below one, addresses, and networks such as `10.0.0.0/8`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EgressBinding {
    /// The only hosts and networks that are reached; all if it is empty.
    #[serde(default)]
    #[schemars(example = &["api.example.com", "*.example.com", "10.0.0.0/8"])]
    pub allow: Vec<String>,
    /// The hosts and networks that are never reached, also where `allow` names them.
    #[serde(default)]
    #[schemars(example = &["10.0.0.0/8", "internal.example.com"])]
    pub deny: Vec<String>,
}

/// A proxy with credentials.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = |schema: &mut Schema| together(schema, "username", "password"))]
struct ProxyObject {
    /// `http://host:port`.
    url: String,
    /// The user, for proxies that ask who comes.
    username: Option<MaybeSecret>,
    /// The password of this user: a reference to a secret.
    password: Option<SecretReference>,
}

/// Neither of the two stands without the other.
fn together(schema: &mut Schema, one: &str, other: &str) {
    let given =
        |name: &str| serde_json::json!({"required": [name], "properties": {name: {"type": "string"}}});
    let pair = |one: &str, other: &str| serde_json::json!({"if": given(one), "then": given(other)});
    schema.insert(
        "allOf".to_owned(),
        serde_json::json!([pair(one, other), pair(other, one)]),
    );
}

impl JsonSchema for ProxyBinding {
    fn schema_name() -> Cow<'static, str> {
        "ProxyBinding".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = ProxyObject::json_schema(generator);
        let description =
            "A forward proxy that `egress.proxies` of the configuration names: its address, or an object.";
        schema.insert("description".to_owned(), description.into());
        schema.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        schema.insert(
            "examples".to_owned(),
            serde_json::json!(["http://proxy.corp:3128"]),
        );
        schema
    }
}

impl TlsBinding {
    /// Every secret that it refers to.
    pub fn references(&self) -> impl Iterator<Item = &SecretReference> {
        let texts = [&self.ca, &self.certificate].into_iter().flatten();
        texts.filter_map(MaybeSecret::reference).chain(&self.key)
    }

    /// `at` is what the binding is a member of, with a dot behind it.
    pub(in crate::definition) fn check(&self, at: &str, problems: &mut Vec<Problem>) {
        let mut report = |member: &str, reason: &str| {
            problems.push(Problem::at(format!("{at}tls.{member}"), reason));
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
    /// Every secret that it refers to.
    pub fn references(&self) -> impl Iterator<Item = &SecretReference> {
        let username = self.username.iter().filter_map(MaybeSecret::reference);
        username.chain(&self.password)
    }

    /// `at` is what the binding is a member of, with a dot behind it.
    pub(in crate::definition) fn check(&self, at: &str, problems: &mut Vec<Problem>) {
        let mut report = |member: &str, reason: &str| {
            problems.push(Problem::at(format!("{at}proxy.{member}"), reason));
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
