//! How connections for a tool are made, compiled: whom they believe, what they show, where they lead through, which
//! addresses they may reach, how long making them may take. Holds references, never secrets.

pub(crate) mod secrets;

use crate::{
    connect::NamedServer,
    egress::{EgressSettings, OwnEgress, ProxyAddress},
    tls_material::pem,
    tool::Origin,
};
use http::uri::Scheme;
use mcp_common::{
    definition::{
        UpstreamDefinition,
        tool::{EgressBinding, HttpBinding, MaybeSecret, ProxyBinding, SecretReference, TlsBinding},
    },
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

impl Transport {
    /// Every secret that it refers to.
    pub(crate) fn references(&self) -> impl Iterator<Item = &SecretReference> {
        let identity = self.identity.iter();
        let identity = identity.flat_map(|identity| {
            identity
                .certificate
                .reference()
                .into_iter()
                .chain([&identity.key])
        });
        let login = self.proxy.iter().filter_map(|proxy| proxy.login.as_ref());
        let login = login.flat_map(|(name, password)| name.reference().into_iter().chain([password]));
        let ca = self.ca.iter().filter_map(MaybeSecret::reference);
        ca.chain(identity).chain(login)
    }
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

/// What a document says of connections, of a tool or of an upstream.
pub(super) struct Connecting<'a> {
    /// Where they lead, and the member that says so.
    pub(super) origins: &'a [(&'a Origin, String)],
    pub(super) connect_timeout: Option<Duration>,
    pub(super) tls: Option<&'a TlsBinding>,
    pub(super) proxy: Option<&'a ProxyBinding>,
    pub(super) egress: Option<&'a EgressBinding>,
    /// What the members are of, with a dot behind it.
    pub(super) at: &'static str,
}

impl Transport {
    /// Of a tool; `None` where connections are made as the gateway makes them for everybody.
    pub(super) fn compile(
        binding: &HttpBinding,
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let member = match (&binding.domain, &binding.upstream) {
            (Some(_), _) => "tds_ext_info.domain",
            (None, Some(_)) => "tds_ext_info.upstream",
            (None, None) => "tds_ext_info.base_url",
        };
        let origins: Vec<_> = origin
            .into_iter()
            .map(|origin| (origin, member.to_owned()))
            .collect();
        let connecting = Connecting {
            origins: &origins,
            connect_timeout: binding.connect_timeout_ms.map(Duration::from_millis),
            tls: binding.tls.as_ref(),
            proxy: binding.proxy.as_ref(),
            egress: binding.egress.as_ref(),
            at: "tds_ext_info.",
        };
        Self::of(&connecting, problems)
    }

    /// Of an MCP server, whose URLs were checked before.
    pub(crate) fn of_upstream(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) -> Self {
        let origin = |url: &str| {
            // `ws` is `http` until the connection is open.
            let over_http = url.replacen("ws", "http", usize::from(url.starts_with("ws")));
            let plain = over_http.split(['?', '#']).next().unwrap_or_default();
            Origin::from_base_url(plain).ok()
        };
        let own = definition.url.iter().map(|url| ("url".to_owned(), url));
        let endpoints = definition.endpoints.iter().enumerate();
        let endpoints = endpoints.map(|(index, endpoint)| (format!("endpoints[{index}].url"), &endpoint.url));
        let origins: Vec<_> = own
            .chain(endpoints)
            .filter_map(|(member, url)| Some((origin(url)?, member)))
            .collect();
        let origins: Vec<_> = origins
            .iter()
            .map(|(origin, member)| (origin, member.clone()))
            .collect();
        let connecting = Connecting {
            origins: &origins,
            connect_timeout: None,
            tls: definition.tls.as_ref(),
            proxy: definition.proxy.as_ref(),
            egress: definition.egress.as_ref(),
            at: "",
        };
        Self::of(&connecting, problems).unwrap_or_default()
    }

    /// The same of anything.
    pub(super) fn of(connecting: &Connecting<'_>, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut transport = Self {
            connect_timeout: connecting.connect_timeout,
            proxy: connecting
                .proxy
                .and_then(|proxy| Proxy::compile(proxy, connecting.at, problems)),
            ..Self::default()
        };
        if let Some(tls) = connecting.tls {
            transport.take_tls(tls, connecting, problems);
        }
        if let Some(egress) = connecting.egress {
            transport.egress = OwnEgress::compile(egress, connecting.at, problems).map(Arc::new);
        }
        for (origin, member) in connecting.origins {
            let excluded = transport.excludes(origin.authority.host());
            problems.extend(excluded.map(|reason| Problem::at(member.as_str(), reason)));
        }
        transport.if_special()
    }

    fn take_tls(&mut self, tls: &TlsBinding, connecting: &Connecting<'_>, problems: &mut Vec<Problem>) {
        let at = |member: &str, reason: String| Problem::at(format!("{}tls{member}", connecting.at), reason);
        let origins = || connecting.origins.iter().map(|(origin, _)| *origin);
        if let Some(origin) = origins().find(|origin| origin.scheme == Scheme::HTTP) {
            let reason = format!(
                "{} is called over http, without TLS; write https:// before it, or leave `tls` out",
                origin.authority
            );
            problems.push(at("", reason));
        }
        if let Some(name) = &tls.server_name {
            let hosts: Vec<_> = origins()
                .map(|origin| origin.authority.host().to_ascii_lowercase())
                .collect();
            match ServerName::try_from(name.trim().to_owned()) {
                Ok(name) if !hosts.is_empty() => self.server_name = Some(NamedServer { hosts, name }),
                Ok(_) => {}
                Err(_) => problems.push(at(".server_name", format!("`{name}` is not the name of a host"))),
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

    /// The proxy that it leads through, if the operator does not name it.
    pub(crate) fn refused_proxy(&self, settings: &EgressSettings) -> Option<&ProxyAddress> {
        let address = &self.proxy.as_ref()?.address;
        (!settings.proxies.contains(address)).then_some(address)
    }

    fn if_special(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl Proxy {
    fn compile(binding: &ProxyBinding, at: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let address = binding
            .url
            .parse()
            .map_err(|reason: crate::egress::NoProxyAddress| {
                problems.push(Problem::at(format!("{at}proxy"), reason.to_string()));
            });
        Some(Self {
            address: address.ok()?,
            login: binding.username.clone().zip(binding.password.clone()),
        })
    }
}
