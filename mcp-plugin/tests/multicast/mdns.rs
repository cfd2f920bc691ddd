//! Services of mDNS, with a responder of the test.

use super::watched::{discovery, found};
use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode},
    rr::{
        Name, RData, Record,
        rdata::{PTR, SRV, TXT},
    },
};
use serde_json::json;
use socket2::{Domain, Socket, Type};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// Of its own, since others of the machine may speak there, too.
const SERVICE: &str = "_mcp-of-a-test._tcp.local.";

struct Responder(UdpSocket);

impl Responder {
    fn start() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_reuse_port(true).unwrap();
        socket.bind(&SocketAddr::from((GROUP, 5353)).into()).unwrap();
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
        let socket = UdpSocket::from(socket);
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(socket)
    }

    /// Waits until somebody asks for the service.
    fn is_asked(&self) {
        let mut buffer = [0; 9_000];
        loop {
            let (length, _) = self.0.recv_from(&mut buffer).expect("nobody asks");
            let Ok(message) = Message::from_vec(&buffer[..length]) else {
                continue;
            };
            let service = name(SERVICE);
            if message.queries.iter().any(|query| query.name == service) {
                return;
            }
        }
    }

    fn say(&self, records: Vec<Record>) {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.authoritative = true;
        message.add_answers(records);
        self.0.send_to(&message.to_vec().unwrap(), (GROUP, 5353)).unwrap();
    }
}

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn instance(label: &str) -> Name {
    Name::from_labels([label.as_bytes()])
        .unwrap()
        .append_domain(&name(SERVICE))
        .unwrap()
}

fn service(label: &str, ttl: u32, port: u16, host: &str) -> Record {
    Record::from_rdata(instance(label), ttl, RData::SRV(SRV::new(0, 0, port, name(host))))
}

#[tokio::test]
async fn services_come_with_what_is_said_of_them_and_go_with_good_bye_or_time() {
    let responder = Responder::start();
    let table = json!({"only": "mdns", "service": SERVICE, "interface": "127.0.0.1"});
    let mut heard = discovery(&table);
    found(&mut heard, &[]).await;
    responder.is_asked();
    let text = TXT::new(vec![
        "path=/own".to_owned(),
        "scheme=https".to_owned(),
        "flag".to_owned(),
    ]);
    responder.say(vec![
        Record::from_rdata(name(SERVICE), 120, RData::PTR(PTR(instance("Weather One")))),
        Record::from_rdata(instance("Weather One"), 120, RData::TXT(text)),
        service("Weather One", 120, 8443, "pi.local."),
        Record::from_rdata(name("pi.local."), 120, RData::A("10.0.0.7".parse().unwrap())),
        // Others say other things.
        Record::from_rdata(
            name("printer._ipp._tcp.local."),
            120,
            RData::SRV(SRV::new(0, 0, 631, name("printer.local."))),
        ),
    ]);
    let documents = found(&mut heard, &["weather-one"]).await;
    assert_eq!(
        documents[0]["endpoints"],
        json!([{"url": "https://10.0.0.7:8443/own"}])
    );
    // Without an address it is where it speaks from.
    responder.say(vec![service("brief", 1, 80, "elsewhere.local.")]);
    let documents = found(&mut heard, &["brief", "weather-one"]).await;
    assert_eq!(
        documents[0]["endpoints"],
        json!([{"url": "http://127.0.0.1:80/mcp"}])
    );
    found(&mut heard, &["weather-one"]).await;
    let good_bye = RData::PTR(PTR(instance("Weather One")));
    responder.say(vec![Record::from_rdata(name(SERVICE), 0, good_bye)]);
    found(&mut heard, &[]).await;
}
