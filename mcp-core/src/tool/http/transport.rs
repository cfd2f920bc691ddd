//! How connections for a tool are made, compiled: whom they believe, what they show, where they lead through, which
//! addresses they may reach, how long making them may take. Holds references, never secrets.

pub(crate) mod secrets;

use crate::{
    connect::NamedServer,
    egress::{OwnEgress, ProxyAddress},
    tls_material::pem,
    tool::Origin,
};
use http::uri::Scheme;
use mcp_common::{
    definition::tool::{HttpBinding, MaybeSecret, ProxyBinding, SecretReference, TlsBinding},
    problem::Problem,
};
use rustls::pki_types::ServerName;
use std::{sync::Arc, time::Duration};

/// Tools with equal transports share connections; others never do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Transport {
    /// PEM text of the authorities that are believed instead of the system's.
    pub(crate) ca: Option<MaybeSecret>,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) server_name: Option<NamedServer>,
    pub(crate) proxy: Option<Proxy>,
    /// Checked when a connection is made, so those of others, which were checked otherwise, are not used.
    pub(crate) egress: Option<Arc<OwnEgress>>,
    pub(crate) connect_timeout: Option<Duration>,
}

/// PEM texts of a client certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClientIdentity {
    pub(crate) certificate: MaybeSecret,
    pub(crate) key: SecretReference,
}

/// A forward proxy, and who it is told that we are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Proxy {
    pub(crate) address: ProxyAddress,
    pub(crate) login: Option<(MaybeSecret, SecretReference)>,
}

impl Transport {
    /// `None` where connections are made as the gateway makes them for everybody.
    pub(super) fn compile(
        binding: &HttpBinding,
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let mut transport = Self {
            connect_timeout: binding.connect_timeout_ms.map(Duration::from_millis),
            proxy: binding
                .proxy
                .as_ref()
                .and_then(|proxy| Proxy::compile(proxy, problems)),
            ..Self::default()
        };
        if let Some(tls) = &binding.tls {
            transport.take_tls(tls, origin, problems);
        }
        if let Some(egress) = &binding.egress {
            transport.egress = OwnEgress::compile(egress, problems).map(Arc::new);
        }
        if let Some(origin) = origin
            && let Some(reason) = transport.excludes(origin.authority.host())
        {
            let member = if binding.domain.is_some() {
                "domain"
            } else {
                "base_url"
            };
            problems.push(Problem::at(format!("tds_ext_info.{member}"), reason));
        }
        transport.if_special()
    }

    fn take_tls(&mut self, tls: &TlsBinding, origin: Option<&Origin>, problems: &mut Vec<Problem>) {
        let at = |member: &str, reason: String| Problem::at(format!("tds_ext_info.tls{member}"), reason);
        if let Some(origin) = origin.filter(|origin| origin.scheme == Scheme::HTTP) {
            let reason = format!(
                "{} is called over http, without TLS; write https:// before it, or leave `tls` out",
                origin.authority
            );
            problems.push(at("", reason));
        }
        if let Some(name) = &tls.server_name {
            match (ServerName::try_from(name.trim().to_owned()), origin) {
                (Ok(name), Some(origin)) => {
                    let host = origin.authority.host().to_ascii_lowercase();
                    self.server_name = Some(NamedServer { host, name });
                }
                (Ok(_), None) => {}
                (Err(_), _) => {
                    problems.push(at(".server_name", format!("`{name}` is not the name of a host")))
                }
            }
        }
        self.ca = tls.ca.clone();
        if let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) {
            self.identity = Some(ClientIdentity {
                certificate: certificate.clone(),
                key: key.clone(),
            });
        }
        // What stands in the document does not change, so what is wrong with it is known now.
        if let Some(MaybeSecret::Plain(pem)) = &self.ca
            && let Err(reason) = pem::authorities(pem)
        {
            problems.push(at(".ca", reason));
        }
        if let Some(MaybeSecret::Plain(pem)) = &tls.certificate
            && let Err(reason) = pem::certificates(pem)
        {
            problems.push(at(".certificate", reason));
        }
    }

    /// Why the definition's own lists will never let this host of the definition be called.
    pub(super) fn excludes(&self, host: &str) -> Option<String> {
        let reason = self.egress.as_ref()?.excludes(host, self.proxy.is_some())?;
        Some(format!(
            "`{host}` would never be called: {reason}; change one of the two"
        ))
    }

    /// The same for hosts that the definition does not name: without what it shows to its own.
    pub(crate) fn for_strangers(&self) -> Option<Self> {
        let transport = Self {
            identity: None,
            server_name: None,
            ..self.clone()
        };
        transport.if_special()
    }

    /// The same but for how long it may take.
    pub(super) fn in_any_time(&self) -> Option<Self> {
        let transport = Self {
            connect_timeout: None,
            ..self.clone()
        };
        transport.if_special()
    }

    fn if_special(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl Proxy {
    fn compile(binding: &ProxyBinding, problems: &mut Vec<Problem>) -> Option<Self> {
        let address = binding
            .url
            .parse()
            .map_err(|reason: crate::egress::NoProxyAddress| {
                problems.push(Problem::at("tds_ext_info.proxy", reason.to_string()));
            });
        Some(Self {
            address: address.ok()?,
            login: binding.username.clone().zip(binding.password.clone()),
        })
    }
}
