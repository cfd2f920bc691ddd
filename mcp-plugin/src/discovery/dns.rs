//! `dns`: a name that stands for the replicas of one upstream: by its SRV records, or by its addresses (A and AAAA) and a port of the configuration.

use super::replicas::{self, Replica, Template};
use async_trait::async_trait;
use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ProtocolConfig, ResolverConfig},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RData},
};
use mcp_common::{
    discovery::{Announced, Discovery, Habits, Look, NotSeen, Set, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use std::{
    future::pending,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// What can be told sooner than that is not worth asking for.
const SHORTEST: Duration = Duration::from_secs(1);
/// Where name servers listen.
const PORT: u16 = 53;

/// Makes `dns`.
#[derive(Default)]
pub struct Dns;

#[mcp_common::discovery("dns")]
impl DiscoveryFactory for Dns {
    fn habits(&self) -> Habits {
        Habits {
            // Records say themselves how long they hold.
            interval: Duration::from_secs(30),
            is_trusted: false,
            may_be_empty: false,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Named::read(place, settings).err().into_iter().collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        _gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        Ok(Box::new(Named::read(place, settings)?))
    }
}

/// Which records are asked for.
enum Records {
    /// Hosts, ports, priorities and weights.
    Srv,
    /// Addresses of one port.
    Addresses(u16),
}

struct Named {
    id: String,
    name: String,
    records: Records,
    template: Template,
    /// Who is asked, instead of those that the system asks.
    servers: Vec<SocketAddr>,
    timeout: Duration,
    /// Made when it is used, so that a look has what the system says then.
    resolver: Option<TokioResolver>,
    last: Option<Vec<Replica>>,
    holds_until: Option<Instant>,
}

impl Named {
    fn read(place: &str, settings: &Settings) -> Result<Self, PluginError> {
        let known = [
            &["id", "query", "port", "servers", "timeout"][..],
            &replicas::SETTINGS,
        ]
        .concat();
        let table = Table::new(place, settings, &known)?;
        let id = table.text("id")?.ok_or_else(|| {
            table.wrong(
                "id",
                "is missing: the id of the upstream whose endpoints are found",
            )
        })?;
        let template = Template::read(&table)?;
        template
            .check(id)
            .map_err(|reason| table.wrong("id", reason.trim_start_matches("id: ")))?;
        let name = table.text("query")?.ok_or_else(|| {
            table.wrong(
                "query",
                "is missing: a name with SRV records, such as \"_mcp._tcp.example.org\", or with addresses",
            )
        })?;
        Name::from_utf8(name).map_err(|error| table.wrong("query", format!("is no name: {error}")))?;
        let records = match table.number("port", 0..=u16::MAX, 0)? {
            0 if name.starts_with('_') => Records::Srv,
            0 => {
                let reason = "is missing: addresses have none; names with SRV records begin with `_`";
                return Err(table.wrong("port", reason));
            }
            port => Records::Addresses(port),
        };
        let servers = table.words("servers")?;
        let servers = servers.iter().map(|server| {
            let alone = server.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
            alone.or_else(|_| server.parse()).map_err(|_| {
                let reason = format!("`{server}` is no address, such as \"10.0.0.2\" or \"10.0.0.2:53\"");
                table.wrong("servers", reason)
            })
        });
        Ok(Self {
            id: id.to_owned(),
            name: name.to_owned(),
            records,
            template,
            servers: servers.collect::<Result<_, _>>()?,
            timeout: Duration::from_secs(table.number("timeout", 1..=60, 5)?),
            resolver: None,
            last: None,
            holds_until: None,
        })
    }

    fn resolver(&mut self) -> Result<TokioResolver, NetError> {
        if let Some(resolver) = &self.resolver {
            return Ok(resolver.clone());
        }
        let mut builder = match self.servers.is_empty() {
            true => TokioResolver::builder_tokio()?,
            false => {
                let servers = self.servers.iter().map(|server| {
                    let connections = [ProtocolConfig::Udp, ProtocolConfig::Tcp].map(|protocol| {
                        let mut connection = ConnectionConfig::new(protocol);
                        connection.port = server.port();
                        connection
                    });
                    NameServerConfig::new(server.ip(), true, connections.into())
                });
                let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        // All tries together stay within the time that is given for a look.
        options.attempts = 1;
        options.timeout = self.timeout / 2;
        let resolver = builder.build()?;
        Ok(self.resolver.insert(resolver).clone())
    }

    /// What the name stands for, and until when.
    async fn ask(&mut self) -> Result<(Vec<Replica>, Option<Instant>), NetError> {
        let resolver = self.resolver()?;
        let found = match self.records {
            Records::Srv => resolver.srv_lookup(&*self.name).await.map(|found| {
                let replicas = found.answers().iter().filter_map(|record| match &record.data {
                    // "." says that the service is not there (RFC 2782).
                    RData::SRV(service) if !service.target.is_root() => Some(Replica {
                        priority: service.priority.into(),
                        weight: service.weight.into(),
                        host: host(&service.target),
                        port: service.port,
                        ..Replica::default()
                    }),
                    _ => None,
                });
                (replicas.collect(), found.valid_until())
            }),
            Records::Addresses(port) => resolver.lookup_ip(&*self.name).await.map(|found| {
                let replicas = found.iter().map(|address| Replica {
                    host: address.to_string(),
                    port,
                    ..Replica::default()
                });
                (replicas.collect(), found.valid_until())
            }),
        };
        match found {
            Ok((replicas, until)) => Ok((replicas, Some(until))),
            // That is an answer, too.
            Err(error) if error.is_no_records_found() => Ok((Vec::new(), None)),
            Err(error) => Err(error),
        }
    }
}

fn host(target: &Name) -> String {
    let text = target.to_ascii();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

#[async_trait]
impl Discovery for Named {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let timeout = self.timeout;
        let asked = match tokio::time::timeout(timeout, self.ask()).await {
            Ok(asked) => asked.map_err(|error| error.to_string()),
            Err(_) => Err(format!("there was no answer within {timeout:?}")),
        };
        self.holds_until = None;
        let (mut replicas, until) = asked.map_err(|reason| {
            self.resolver = None;
            NotSeen::Away(format!("`{}` cannot be looked up: {reason}", self.name))
        })?;
        self.holds_until = until;
        replicas.sort();
        if self.last.as_ref() == Some(&replicas) {
            return Ok(Look::Same);
        }
        let mut set = Set::default();
        if !replicas.is_empty() {
            let announced: Announced = self
                .template
                .announced(&self.id, replicas.clone(), &mut set.notes);
            set.upstreams.push(announced);
        }
        self.last = Some(replicas);
        Ok(Look::Set(set))
    }

    async fn changed(&mut self) {
        match self.holds_until {
            Some(until) => {
                let until = until.max(Instant::now() + SHORTEST);
                tokio::time::sleep_until(until.into()).await;
            }
            None => pending().await,
        }
    }
}
