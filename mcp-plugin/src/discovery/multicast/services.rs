//! Services of mDNS: an instance has a SRV record (host and port), perhaps a TXT record (`path=/mcp`, `scheme=https`), and its host has addresses.

use super::{Room, hosts::Hosts};
use crate::discovery::replicas::{Replica, Template};
use hickory_resolver::proto::{
    op::{Message, MessageType, Query},
    rr::{Name, RData, Record, RecordType, rdata::SRV},
};
use mcp_common::discovery::{Announced, client_file::id_of};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

/// Nobody is believed for longer.
const LONGEST: u32 = 86_400;

pub(super) struct Services {
    service: Name,
    instances: BTreeMap<Name, Instance>,
    hosts: Hosts,
}

struct Instance {
    host: Name,
    port: u16,
    until: Instant,
    /// Who said so, where the host's addresses are not said.
    from: IpAddr,
    path: Option<String>,
    scheme: Option<String>,
}

impl Services {
    pub(super) fn of(service: &str) -> Result<Self, String> {
        let mut service = Name::from_utf8(service).map_err(|error| format!("is no name: {error}"))?;
        service.set_fqdn(true);
        Ok(Self {
            service,
            instances: BTreeMap::new(),
            hosts: Hosts::default(),
        })
    }

    /// Who is there?
    pub(super) fn question(&self) -> Vec<u8> {
        let mut question = Message::query();
        // Answers belong to no question, and questions need no number (RFC 6762, section 18.1).
        question.metadata.id = 0;
        question.metadata.recursion_desired = false;
        question.add_query(Query::query(self.service.clone(), RecordType::PTR));
        question.to_vec().unwrap_or_default()
    }

    pub(super) fn forget(&mut self, now: Instant) {
        self.instances.retain(|_, instance| instance.until > now);
        let wanted: BTreeSet<&Name> = self.instances.values().map(|instance| &instance.host).collect();
        self.hosts.forget(now, |host| wanted.contains(host));
    }

    pub(super) fn len(&self) -> usize {
        self.instances.len()
    }

    /// How many of them one address says.
    pub(super) fn of_one(&self, from: IpAddr) -> usize {
        self.instances
            .values()
            .filter(|instance| instance.from == from)
            .count()
    }

    /// What cannot be read is not meant for us.
    pub(super) fn take(&mut self, text: &[u8], from: SocketAddr, beside: Room, now: Instant) {
        // Programs that answer from elsewhere are not of the network's own (RFC 6762, section 6).
        if from.port() != super::MDNS.port() {
            return;
        }
        let Ok(message) = Message::from_vec(text) else {
            return;
        };
        if message.metadata.message_type != MessageType::Response {
            return;
        }
        let from = from.ip();
        for record in message.all_sections() {
            self.take_service(record, from, beside, now);
        }
        // What is said of instances and their hosts may stand before them.
        for record in message.all_sections() {
            self.take_text(record);
        }
        let wanted: BTreeSet<&Name> = self.instances.values().map(|instance| &instance.host).collect();
        for record in message.all_sections() {
            let address = match &record.data {
                RData::A(address) => IpAddr::V4(address.0),
                RData::AAAA(address) => IpAddr::V6(address.0),
                _ => continue,
            };
            let host = record.name.to_lowercase();
            if wanted.contains(&host) {
                // The highest bit of the class says that these are all (RFC 6762, section 10.2).
                let are_all = u16::from(record.dns_class) & 0x8000 != 0;
                self.hosts.take(host, address, end(record, now), are_all, now);
            }
        }
    }

    fn take_service(&mut self, record: &Record, from: IpAddr, beside: Room, now: Instant) {
        let name = record.name.to_lowercase();
        match &record.data {
            // It says good-bye.
            RData::PTR(instance) if name == self.service.to_lowercase() && record.ttl == 0 => {
                self.instances.remove(&instance.0.to_lowercase());
            }
            RData::SRV(_) if record.ttl == 0 => _ = self.instances.remove(&name),
            RData::SRV(service) if self.has(&name) => {
                let known = self.instances.get(&name).map(|instance| instance.from);
                if beside.has(known, from, self.len(), || self.of_one(from)) {
                    self.enter(name, service, from, end(record, now));
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, name: Name, service: &SRV, from: IpAddr, until: Instant) {
        let known = self.instances.remove(&name);
        let (path, scheme) = known.map(|known| (known.path, known.scheme)).unwrap_or_default();
        let instance = Instance {
            host: service.target.to_lowercase(),
            port: service.port,
            until,
            from,
            path,
            scheme,
        };
        self.instances.insert(name, instance);
    }

    fn take_text(&mut self, record: &Record) {
        let RData::TXT(text) = &record.data else { return };
        let Some(instance) = self.instances.get_mut(&record.name.to_lowercase()) else {
            return;
        };
        let said = |name: &str| {
            text.txt_data.iter().find_map(|pair| {
                let pair = std::str::from_utf8(pair).ok()?;
                let (key, value) = pair.split_once('=')?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            })
        };
        (instance.path, instance.scheme) = (said("path"), said("scheme"));
    }

    /// Whether it is an instance of the service.
    fn has(&self, instance: &Name) -> bool {
        let is_below = instance.num_labels() == self.service.num_labels() + 1;
        is_below && instance.base_name().to_lowercase() == self.service.to_lowercase()
    }

    pub(super) fn end(&self) -> Option<Instant> {
        let instances = self.instances.values().map(|instance| instance.until);
        instances.chain(self.hosts.end()).min()
    }

    pub(super) fn announced(&self, template: &Template, notes: &mut Vec<String>) -> Vec<Announced> {
        let announced = self.instances.iter().map(|(name, instance)| {
            let label = name.iter().next().unwrap_or_default();
            let label = String::from_utf8_lossy(label).into_owned();
            let Some(id) = id_of(&label) else {
                return Announced {
                    id: label,
                    document: Err("nothing of the name can be an id".to_owned()),
                };
            };
            let replica = Replica {
                host: self.hosts.address(&instance.host, instance.from).to_string(),
                port: instance.port,
                path: instance.path.clone(),
                scheme: instance.scheme.clone(),
                ..Replica::default()
            };
            template.announced(&id, vec![replica], notes)
        });
        announced.collect()
    }
}

fn end(record: &Record, now: Instant) -> Instant {
    now + Duration::from_secs(record.ttl.min(LONGEST).into())
}

#[cfg(test)]
mod tests;
