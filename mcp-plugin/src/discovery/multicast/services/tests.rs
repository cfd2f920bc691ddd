use super::*;
use hickory_resolver::proto::{
    op::OpCode,
    rr::{DNSClass, rdata::PTR},
};
use mcp_common::plugin::Table;
use serde_json::json;
use std::net::Ipv4Addr;

const SERVICE: &str = "_mcp._tcp.local.";

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn instance(label: &str, host: &str, ttl: u32) -> Record {
    let name = name(&format!("{label}.{SERVICE}"));
    Record::from_rdata(name, ttl, RData::SRV(SRV::new(0, 0, 80, self::name(host))))
}

fn at(host: &str, address: &str) -> Record {
    let data = match address.parse().unwrap() {
        IpAddr::V4(address) => RData::A(address.into()),
        IpAddr::V6(address) => RData::AAAA(address.into()),
    };
    Record::from_rdata(name(host), 120, data)
}

/// With the bit that says that these are all.
fn all(mut record: Record) -> Record {
    record.dns_class = DNSClass::Unknown(0x8001);
    record
}

struct Network {
    services: Services,
    most: usize,
    now: Instant,
}

impl Network {
    fn new() -> Self {
        Self {
            services: Services::of(SERVICE).unwrap(),
            most: 1_000,
            now: Instant::now(),
        }
    }

    fn say(&mut self, from: &str, records: Vec<Record>) {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.add_answers(records);
        let room = Room {
            most: self.most,
            others: 0,
            others_of_one: 0,
        };
        let from = from.parse().unwrap();
        self.services
            .take(&message.to_vec().unwrap(), from, room, self.now);
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.services.forget(self.now);
    }

    fn urls(&self) -> Vec<String> {
        let settings = json!({});
        let template = Template::read(&Table::new("discovery[0]", &settings, &[]).unwrap()).unwrap();
        let announced = self.services.announced(&template, &mut Vec::new());
        let urls = announced
            .into_iter()
            .map(|one| one.document.unwrap()["endpoints"][0]["url"].clone());
        urls.map(|url| url.as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_server_is_called_where_it_speaks_from_if_it_says_that_address() {
    let mut network = Network::new();
    let said =
        ["172.17.0.1", "192.168.1.5", "fe80::1", "2001:db8::5"].map(|address| at("pi.local.", address));
    let records = [&said[..], &[instance("a", "pi.local.", 120)]].concat();
    network.say("192.168.1.5:5353", records.clone());
    assert_eq!(
        network.urls(),
        ["http://192.168.1.5:80/mcp"],
        "a bridge of containers is no place to call"
    );
    let mut network = Network::new();
    network.say("10.0.0.9:5353", records);
    assert_eq!(
        network.urls(),
        ["http://172.17.0.1:80/mcp"],
        "somebody else may speak for it"
    );
    let mut network = Network::new();
    network.say(
        "10.0.0.9:5353",
        vec![instance("a", "pi.local.", 120), at("pi.local.", "fe80::1")],
    );
    assert_eq!(
        network.urls(),
        ["http://10.0.0.9:80/mcp"],
        "none that leads nowhere without a link"
    );
}

#[test]
fn what_does_not_come_from_the_port_of_mdns_is_not_heard() {
    let mut network = Network::new();
    network.say("10.0.0.9:40000", vec![instance("a", "pi.local.", 120)]);
    assert_eq!(network.urls(), [""; 0]);
    network.say("10.0.0.9:5353", vec![instance("a", "pi.local.", 120)]);
    network.say("10.0.0.9:40000", vec![instance("a", "pi.local.", 0)]);
    assert_eq!(network.urls().len(), 1, "nor is its good-bye");
}

#[test]
fn addresses_are_those_of_hosts_that_are_wanted_and_are_renewed() {
    let mut network = Network::new();
    network.say(
        "10.0.0.9:5353",
        vec![instance("a", "pi.local.", 4_000), at("pi.local.", "10.0.0.7")],
    );
    // Anybody may say any number of them.
    for number in 0..2_000_u32 {
        let address = Ipv4Addr::from(0x0b00_0000 + number).to_string();
        network.say(
            "10.0.0.66:5353",
            vec![
                at(&format!("h{number}.local."), &address),
                at("pi.local.", &address),
            ],
        );
    }
    network.passes(100);
    network.say("10.0.0.9:5353", vec![at("pi.local.", "10.0.0.7")]);
    network.passes(100);
    assert_eq!(network.urls(), ["http://10.0.0.7:80/mcp"]);
    // Once nobody says it any more, it is where it speaks from.
    network.passes(100);
    assert_eq!(network.urls(), ["http://10.0.0.9:80/mcp"]);
}

#[test]
fn a_host_that_says_all_of_its_addresses_has_no_others() {
    let mut network = Network::new();
    network.say(
        "10.0.0.99:5353",
        vec![instance("a", "pi.local.", 120), at("pi.local.", "10.0.0.7")],
    );
    network.passes(2);
    network.say("10.0.0.99:5353", vec![at("pi.local.", "10.0.0.8")]);
    assert_eq!(network.urls(), ["http://10.0.0.7:80/mcp"], "one more");
    network.passes(2);
    network.say(
        "10.0.0.99:5353",
        vec![
            all(at("pi.local.", "10.0.0.10")),
            all(at("pi.local.", "10.0.0.9")),
        ],
    );
    assert_eq!(network.urls(), ["http://10.0.0.9:80/mcp"]);
}

#[test]
fn so_many_are_heard_of_and_no_more() {
    let mut network = Network::new();
    network.most = 150;
    let count = |network: &Network| network.services.len();
    for number in 0..120 {
        network.say(
            "10.0.0.66:5353",
            vec![instance(&format!("x{number}"), "x.local.", 120)],
        );
    }
    assert_eq!(count(&network), 100, "of one address");
    for number in 0..120 {
        network.say(
            "10.0.0.67:5353",
            vec![instance(&format!("y{number}"), "y.local.", 120)],
        );
    }
    assert_eq!(count(&network), 150, "of all");
    network.passes(100);
    for number in 0..120 {
        network.say(
            "10.0.0.66:5353",
            vec![instance(&format!("x{number}"), "x.local.", 120)],
        );
    }
    network.passes(100);
    assert_eq!(count(&network), 100, "those that are known are renewed");
    let good_bye = RData::PTR(PTR(name(&format!("x7.{SERVICE}"))));
    network.say(
        "10.0.0.66:5353",
        vec![Record::from_rdata(name(SERVICE), 0, good_bye)],
    );
    assert_eq!(count(&network), 99);
}
