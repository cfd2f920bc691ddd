//! `multicast`: servers of the same network that announce themselves: by mDNS (`_mcp._tcp.local`, RFC 6762 and 6763), or with entries of a registry sent to a
//! group of UDP. Each holds for the time that it says.

mod ear;
mod entries;
mod hosts;
mod room;
mod services;

use super::replicas::{self, Listed, Template};
use async_trait::async_trait;
use ear::Ear;
use entries::Entries;
use mcp_common::{
    discovery::{Announced, Discovery, Habits, Look, NotSeen, Set, Surroundings},
    plugin::{DiscoveryFactory, PluginError, Settings, Table},
};
use room::Room;
use services::Services;
use std::{
    future::pending,
    net::{IpAddr, Ipv4Addr, SocketAddrV4},
    time::{Duration, Instant},
};

/// Where mDNS is spoken.
const MDNS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);
/// Where entries are sent to.
const GROUP: &str = "239.255.0.1:5000";
/// What is looked for by mDNS.
const SERVICE: &str = "_mcp._tcp.local";
/// What is taken up at once; what comes meanwhile waits, or is lost as datagrams are.
const AT_ONCE: usize = 1_000;

/// Makes `multicast`.
#[derive(Default)]
pub struct Multicast;

#[mcp_common::discovery("multicast")]
impl DiscoveryFactory for Multicast {
    fn habits(&self) -> Habits {
        Habits {
            // Servers tell by themselves; this is how often they are asked.
            interval: Duration::from_secs(30),
            is_trusted: false,
            may_be_empty: true,
        }
    }

    fn check(&self, place: &str, settings: &Settings) -> Vec<PluginError> {
        Heard::read(place, settings, Duration::ZERO, 0)
            .err()
            .into_iter()
            .collect()
    }

    fn make(
        &self,
        place: &str,
        settings: &Settings,
        gateway: &Surroundings,
    ) -> Result<Box<dyn Discovery>, PluginError> {
        let heard = Heard::read(place, settings, gateway.interval, gateway.max_servers)?;
        Ok(Box::new(heard))
    }
}

struct Heard {
    interface: Ipv4Addr,
    entries: Option<(SocketAddrV4, Entries)>,
    services: Option<Services>,
    template: Template,
    interval: Duration,
    /// More servers are not heard of.
    most: usize,
    /// Of both, as long as they can be listened to.
    ears: Option<(Option<Ear>, Option<Ear>)>,
    asked: Option<Instant>,
    last: Option<Listed>,
}

impl Heard {
    fn read(place: &str, settings: &Settings, interval: Duration, most: usize) -> Result<Self, PluginError> {
        let known = [
            &["only", "group", "service", "interface", "ttl"][..],
            &replicas::SETTINGS,
        ]
        .concat();
        let table = Table::new(place, settings, &known)?;
        let (by_group, by_mdns) = match table.text("only")? {
            None => (true, true),
            Some("group") => (true, false),
            Some("mdns") => (false, true),
            Some(_) => return Err(table.wrong("only", "expected \"group\" or \"mdns\"; without it both")),
        };
        let group = table.text("group")?.unwrap_or(GROUP).parse().ok();
        let group: SocketAddrV4 = group
            .filter(|group: &SocketAddrV4| group.ip().is_multicast() && group.port() > 0)
            .ok_or_else(|| {
                table.wrong(
                    "group",
                    "expected an IPv4 multicast address with its port, such as \"239.255.0.1:5000\"",
                )
            })?;
        let interface = table.text("interface")?.map(str::parse).transpose();
        let interface =
            interface.map_err(|_| table.wrong("interface", "expected an IPv4 address of this machine"))?;
        let service = table.text("service")?.unwrap_or(SERVICE);
        let services = Services::of(service).map_err(|reason| table.wrong("service", reason))?;
        let ttl = Duration::from_secs(table.number("ttl", 1..=86_400, 120)?);
        Ok(Self {
            interface: interface.unwrap_or(Ipv4Addr::UNSPECIFIED),
            entries: by_group.then(|| (group, Entries::lasting(ttl))),
            services: by_mdns.then_some(services),
            template: Template::read(&table)?,
            interval,
            most,
            ears: None,
            asked: None,
            last: None,
        })
    }

    fn listen(&mut self) -> Result<(), String> {
        if self.ears.is_none() {
            let open = |group| Ear::open(group, self.interface);
            let group = self.entries.as_ref().map(|(group, _)| open(*group)).transpose()?;
            let mdns = self.services.as_ref().map(|_| open(MDNS)).transpose()?;
            self.ears = Some((group, mdns));
        }
        Ok(())
    }

    /// Takes up what was said since the last time.
    fn hear(&mut self, now: Instant) {
        let Self {
            entries,
            services,
            ears,
            most,
            ..
        } = self;
        let mut entries = entries.as_mut().map(|(_, entries)| entries);
        if let Some(entries) = &mut entries {
            entries.forget(now);
        }
        if let Some(services) = services {
            services.forget(now);
        }
        let Some((group, mdns)) = ears else { return };
        let room = |others, others_of_one| Room {
            most: *most,
            others,
            others_of_one,
        };
        if let (Some(ear), Some(entries)) = (group, &mut entries) {
            for (text, from) in ear.said(AT_ONCE) {
                let from = from.ip();
                let others = services.as_ref().map(|all| (all.len(), all.of_one(from)));
                let (all, of_one) = others.unwrap_or_default();
                entries.take(&text, from, room(all, of_one), now);
            }
        }
        if let (Some(ear), Some(services)) = (mdns, services) {
            for (text, from) in ear.said(AT_ONCE) {
                let of = |from: IpAddr| entries.as_ref().map(|all| (all.len(), all.of_one(from)));
                let (all, of_one) = of(from.ip()).unwrap_or_default();
                services.take(&text, from, room(all, of_one), now);
            }
        }
    }

    async fn ask(&mut self, now: Instant) -> Result<(), String> {
        let is_due = self.asked.is_none_or(|asked| asked + self.interval <= now);
        if let (true, Some((_, Some(ear))), Some(services)) = (is_due, &self.ears, &self.services) {
            self.asked = Some(now);
            ear.say(&services.question(), MDNS).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Discovery for Heard {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        let now = Instant::now();
        let done = match self.listen() {
            Ok(()) => self.ask(now).await,
            refused => refused,
        };
        if let Err(reason) = done {
            // A network that was not there may be later.
            (self.ears, self.asked) = (None, None);
            return Err(NotSeen::Away(reason));
        }
        self.hear(now);
        let mut set = Set::default();
        if let Some((_, entries)) = &self.entries {
            set.upstreams.extend(entries.announced(&mut set.notes));
        }
        if let Some(services) = &self.services {
            let found: Vec<Announced> = services.announced(&self.template, &mut set.notes);
            set.upstreams.extend(found);
        }
        let seen: Vec<_> = set
            .upstreams
            .iter()
            .map(|one| match &one.document {
                Ok(document) => (one.id.clone(), document.clone()),
                Err(reason) => (one.id.clone(), reason.clone().into()),
            })
            .collect();
        let seen = (seen, set.notes.clone());
        if self.last.as_ref() == Some(&seen) {
            return Ok(Look::Same);
        }
        self.last = Some(seen);
        Ok(Look::Set(set))
    }

    async fn changed(&mut self) {
        let ends = self.entries.iter().filter_map(|(_, entries)| entries.end());
        let ends = ends.chain(self.services.iter().filter_map(Services::end)).min();
        let over = async {
            match ends {
                Some(end) => tokio::time::sleep_until(end.into()).await,
                None => pending().await,
            }
        };
        let (group, mdns) = match &self.ears {
            Some((group, mdns)) => (group.as_ref(), mdns.as_ref()),
            None => (None, None),
        };
        let said = async |ear: Option<&Ear>| match ear {
            Some(ear) => ear.is_spoken_to().await,
            None => pending().await,
        };
        tokio::select! {
            () = over => {}
            () = said(group) => {}
            () = said(mdns) => {}
        }
    }
}
