//! An authoritative name server with records of the test, over UDP and TCP at one port.

use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

/// What an answer by UDP has at the most.
const DATAGRAM: usize = 512;

type Records = BTreeMap<(Name, RecordType), Vec<(u32, RData)>>;

/// Ends when it is dropped.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    state: Arc<State>,
    _running: JoinSet<()>,
}

#[derive(Default)]
struct State {
    records: Mutex<Records>,
    /// Answered instead of anything else.
    refusal: Mutex<Option<ResponseCode>>,
    /// How often it was asked, and how often of that by TCP.
    asked: Mutex<(usize, usize)>,
}

impl NameServer {
    pub(super) async fn start() -> Self {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let (address, state) = (udp.local_addr().unwrap(), Arc::<State>::default());
        let mut running = JoinSet::new();
        running.spawn(datagrams(udp, state.clone()));
        running.spawn(connections(tcp, state.clone()));
        Self {
            address,
            state,
            _running: running,
        }
    }

    /// From now on these are all records of the name and the type.
    pub(super) fn set(&self, name: &str, kind: RecordType, ttl: u32, data: Vec<RData>) {
        let name = Name::from_ascii(name).unwrap();
        let records = data.into_iter().map(|data| (ttl, data)).collect();
        self.state.records.lock().unwrap().insert((name, kind), records);
    }

    pub(super) fn refuse(&self, code: Option<ResponseCode>) {
        *self.state.refusal.lock().unwrap() = code;
    }

    pub(super) fn asked(&self) -> (usize, usize) {
        *self.state.asked.lock().unwrap()
    }
}

pub(super) fn service(priority: u16, weight: u16, port: u16, target: &str) -> RData {
    RData::SRV(rdata::SRV::new(
        priority,
        weight,
        port,
        Name::from_ascii(target).unwrap(),
    ))
}

impl State {
    fn answer(&self, question: &[u8], by_tcp: bool) -> Vec<u8> {
        {
            let mut asked = self.asked.lock().unwrap();
            asked.0 += 1;
            asked.1 += usize::from(by_tcp);
        }
        let question = Message::from_vec(question).unwrap();
        let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
        answer.metadata.authoritative = true;
        answer.metadata.recursion_desired = question.metadata.recursion_desired;
        let query = question.queries[0].clone();
        let name = Name::from_ascii(query.name.to_ascii().to_lowercase()).unwrap();
        let records = self.records.lock().unwrap();
        if let Some(code) = *self.refusal.lock().unwrap() {
            answer.metadata.response_code = code;
        } else if let Some(found) = records.get(&(name.clone(), query.query_type)) {
            for (ttl, data) in found {
                answer.add_answer(Record::from_rdata(query.name.clone(), *ttl, data.clone()));
            }
        } else if !records.keys().any(|(known, _)| *known == name) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        answer.add_query(query);
        let bytes = answer.to_vec().unwrap();
        if !by_tcp && bytes.len() > DATAGRAM {
            return answer.truncate().to_vec().unwrap();
        }
        bytes
    }
}

async fn datagrams(socket: UdpSocket, state: Arc<State>) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let answer = state.answer(&buffer[..length], false);
        socket.send_to(&answer, from).await.unwrap();
    }
}

async fn connections(listener: TcpListener, state: Arc<State>) {
    let mut open = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let state = state.clone();
        open.spawn(async move {
            while let Ok(length) = stream.read_u16().await {
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let answer = state.answer(&question, true);
                stream.write_u16(answer.len() as u16).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
    }
}
