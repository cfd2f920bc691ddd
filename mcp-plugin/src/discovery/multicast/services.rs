//! Services of mDNS: an instance has a SRV record (host and port), perhaps a TXT record (`path=/mcp`, `scheme=https`), and its host has addresses.

use crate::discovery::replicas::{Replica, Template};
use hickory_resolver::proto::{
    op::{Message, MessageType, Query},
    rr::{Name, RData, Record, RecordType},
};
use mcp_common::discovery::{Announced, client_file::id_of};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

/// More instances, and more addresses, are not heard.
const MOST: usize = 1_000;
/// Nobody is believed for longer.
const LONGEST: u32 = 86_400;

pub(super) struct Services {
    service: Name,
    instances: BTreeMap<Name, Instance>,
    addresses: BTreeMap<Name, BTreeMap<IpAddr, Instant>>,
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
            addresses: BTreeMap::new(),
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

    /// What cannot be read is not meant for us.
    pub(super) fn take(&mut self, text: &[u8], from: IpAddr, now: Instant) {
        let Ok(message) = Message::from_vec(text) else {
            return;
        };
        if message.metadata.message_type != MessageType::Response {
            return;
        }
        // Texts are said of instances, which may stand behind them.
        for record in message.all_sections() {
            self.take_record(record, from, now);
        }
        for record in message.all_sections() {
            if let RData::TXT(text) = &record.data
                && let Some(instance) = self.instances.get_mut(&record.name.to_lowercase())
            {
                let said = |name: &str| {
                    text.txt_data.iter().find_map(|pair| {
                        let pair = std::str::from_utf8(pair).ok()?;
                        let (key, value) = pair.split_once('=')?;
                        key.eq_ignore_ascii_case(name).then(|| value.to_owned())
                    })
                };
                (instance.path, instance.scheme) = (said("path"), said("scheme"));
            }
        }
    }

    fn take_record(&mut self, record: &Record, from: IpAddr, now: Instant) {
        let name = record.name.to_lowercase();
        let until = now + Duration::from_secs(record.ttl.min(LONGEST).into());
        match &record.data {
            // It says good-bye.
            RData::PTR(instance) if name == self.service.to_lowercase() && record.ttl == 0 => {
                self.instances.remove(&instance.0.to_lowercase());
            }
            RData::SRV(_) if record.ttl == 0 => _ = self.instances.remove(&name),
            RData::SRV(service) if self.has(&name) => {
                let known = self.instances.remove(&name);
                if self.instances.len() < MOST {
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
            }
            RData::A(address) => self.take_address(name, IpAddr::V4(address.0), until),
            RData::AAAA(address) => self.take_address(name, IpAddr::V6(address.0), until),
            _ => {}
        }
    }

    fn take_address(&mut self, host: Name, address: IpAddr, until: Instant) {
        let known: usize = self.addresses.values().map(BTreeMap::len).sum();
        if known < MOST {
            self.addresses.entry(host).or_default().insert(address, until);
        }
    }

    /// Whether it is an instance of the service.
    fn has(&self, instance: &Name) -> bool {
        let is_below = instance.num_labels() == self.service.num_labels() + 1;
        is_below && instance.base_name().to_lowercase() == self.service.to_lowercase()
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.instances.values().map(|instance| instance.until).min()
    }

    pub(super) fn announced(
        &mut self,
        now: Instant,
        template: &Template,
        notes: &mut Vec<String>,
    ) -> Vec<Announced> {
        self.instances.retain(|_, instance| instance.until > now);
        self.addresses.retain(|_, addresses| {
            addresses.retain(|_, until| *until > now);
            !addresses.is_empty()
        });
        let announced = self.instances.iter().map(|(name, instance)| {
            let label = name.iter().next().unwrap_or_default();
            let label = String::from_utf8_lossy(label).into_owned();
            let Some(id) = id_of(&label) else {
                return Announced {
                    id: label,
                    document: Err("nothing of the name can be an id".to_owned()),
                };
            };
            // One address is enough, and those of IPv4 come first.
            let address = self
                .addresses
                .get(&instance.host)
                .and_then(|all| all.keys().min());
            let replica = Replica {
                host: address.unwrap_or(&instance.from).to_string(),
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
