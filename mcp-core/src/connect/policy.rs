//! Addresses that are not dialled: link-local ones never, since there clouds serve the machine's own credentials,
//! others as the deployment says, and as the tool's definition does. What is checked is the resolved address, so no name
//! and no spelling of a number leads around it.

use crate::egress::{Destination, EgressSettings, METADATA_NAMES, OwnEgress, Scope};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use std::{
    error::Error as StdError,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};
use tower_service::Service;
use url::Host;

type BoxError = Box<dyn StdError + Send + Sync>;

const NEVER: &str = "a link-local or cloud metadata address, which is never called";

/// The name leads to an address that is not dialled, or is not called itself.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {reason}")]
pub(crate) struct Forbidden {
    what: String,
    reason: &'static str,
}

/// Who has a say in what one pool of connections reaches; all have to permit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    /// The settings of the deployment, for all tools.
    pub(crate) gateway: EgressSettings,
    /// The rules of the definitions that this pool is for.
    pub(crate) own: Option<Arc<OwnEgress>>,
}

impl Policy {
    fn refuses(&self, host: &str, destination: &Destination) -> Option<&'static str> {
        let own = || self.own.as_ref()?.refuses(host, destination);
        self.gateway.refuses(host, destination).or_else(own)
    }

    fn refuses_name(&self, host: &str) -> Option<&'static str> {
        let own = || self.own.as_ref()?.refuses_name(host);
        self.gateway.refuses_name(host).or_else(own)
    }
}

/// Checks one address, to which `host` led.
fn check(policy: &Policy, host: &str, address: IpAddr) -> Result<(), Forbidden> {
    let destination = Destination::of(address);
    let reason = match destination.scope() {
        Scope::Never => Some(NEVER),
        _ => policy.refuses(host, &destination),
    };
    forbid(reason, &address)
}

fn forbid(reason: Option<&'static str>, what: &dyn ToString) -> Result<(), Forbidden> {
    reason.map_or(Ok(()), |reason| {
        let what = what.to_string();
        Err(Forbidden { what, reason })
    })
}

/// Why the address, to which `host` led, is not dialled; `None` if it may be.
pub(crate) fn refuses(policy: &Policy, host: &str, address: IpAddr) -> Option<String> {
    check(policy, host, address)
        .err()
        .map(|forbidden| forbidden.to_string())
}

/// The same for a host that a proxy resolves.
pub(crate) fn refuses_unresolved(policy: &Policy, host: &str) -> Option<String> {
    check_unresolved(policy, host)
        .err()
        .map(|forbidden| forbidden.to_string())
}

/// Checks a host that is an address itself: those are dialled without being resolved.
pub(super) fn check_literal(policy: &Policy, host: &str) -> Result<(), Forbidden> {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    address.map_or(Ok(()), |address| check(policy, host, address))
}

/// Checks a host that a proxy resolves. Addresses are checked in every spelling that resolvers understand (`127.1`,
/// `0x7f000001`), names by name only.
pub(super) fn check_unresolved(policy: &Policy, host: &str) -> Result<(), Forbidden> {
    let name = match Host::parse(host) {
        Ok(Host::Ipv4(address)) => return check(policy, host, address.into()),
        Ok(Host::Ipv6(address)) => return check(policy, host, address.into()),
        Ok(Host::Domain(name)) => name,
        Err(_) => return forbid(Some("not a host name"), &host),
    };
    let name = name.trim_end_matches('.');
    if name == "localhost" || name.ends_with(".localhost") {
        return check(policy, name, Ipv4Addr::LOCALHOST.into());
    }
    let is_metadata = METADATA_NAMES.contains(&name);
    let reason = if is_metadata {
        Some(NEVER)
    } else {
        policy.refuses_name(name)
    };
    forbid(reason, &name)
}

/// The system knows no address of the name.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
pub(super) struct Unresolved(#[source] io::Error);

/// The system's resolver without the forbidden addresses.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    system: GaiResolver,
    policy: Arc<Policy>,
}

impl Resolver {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            system: GaiResolver::new(),
            policy,
        }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.system.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let policy = self.policy.clone();
        let host = name.as_str().to_owned();
        let resolving = self.system.call(name);
        Box::pin(async move {
            let mut forbidden = None;
            let mut allowed = Vec::new();
            for address in resolving.await.map_err(Unresolved)? {
                match check(&policy, &host, address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(error) => forbidden = Some(error),
                }
            }
            match forbidden {
                Some(error) if allowed.is_empty() => Err(error.into()),
                _ => Ok(allowed.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_gateway(gateway: EgressSettings) -> Policy {
        Policy { gateway, own: None }
    }

    #[test]
    fn link_local_and_metadata_addresses_are_forbidden_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "[fe80::1]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "100.100.100.200",
        ] {
            assert!(check_literal(&Policy::default(), host).is_err(), "{host}");
        }
        for host in [
            "127.0.0.1",
            "10.0.0.1",
            "[::1]",
            "192.168.1.1",
            "example.com",
            "[fd00::1]",
        ] {
            assert!(check_literal(&Policy::default(), host).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_host_that_a_proxy_resolves_is_judged_by_its_name_and_every_spelling_of_an_address() {
        let rules = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let closed = of_gateway(EgressSettings {
            allow_loopback: false,
            allow_private: false,
            deny: rules(&["*.bad.example", "93.184.216.0/24"]),
            ..EgressSettings::default()
        });
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "10.0.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "localhost",
            "a.localhost.",
            "a.bad.example",
            "A.BAD.example.",
            "93.184.216.34",
            "metadata.google.internal",
            "Metadata.Google.Internal.",
        ] {
            assert!(check_unresolved(&closed, host).is_err(), "{host}");
        }
        for host in ["api.example.com", "bad.example", "8.8.8.8"] {
            assert!(check_unresolved(&closed, host).is_ok(), "{host}");
        }
        let listed = of_gateway(EgressSettings {
            allow: rules(&["api.example.com", "10.0.0.0/8"]),
            ..EgressSettings::default()
        });
        assert!(check_unresolved(&listed, "api.example.com").is_ok());
        assert!(check_unresolved(&listed, "10.1.1.1").is_ok());
        let refused = check_unresolved(&listed, "internal.example.com").unwrap_err();
        assert!(refused.to_string().contains("egress.allow"), "{refused}");
    }
}
