//! Certificates that their authority has taken back.

use super::{
    authority::{self, Authority, Connection, Holder, connect, list, try_get},
    mutual,
};
use crate::test_app::{DEADLINE, TestApp};
use futures_util::{SinkExt, StreamExt};
use rustls::{
    HandshakeKind, SupportedProtocolVersion,
    pki_types::{CertificateRevocationListDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

/// Longer than files are left alone.
const A_LOOK: Duration = Duration::from_secs(3);

struct Desk {
    app: TestApp,
    own: Authority,
    clients: Authority,
    list: PathBuf,
    _folder: TempDir,
}

/// A gateway whose clients' authority has a list, and three of its clients.
async fn desk(says: impl Fn(&Authority, &[Holder; 3]) -> String) -> (Desk, [Holder; 3]) {
    let (folder, own, clients) = (TempDir::new().unwrap(), Authority::new(), Authority::new());
    let holders = ["a", "b", "c"].map(|name| clients.issue(name, &[&format!("{name}.acme.internal")]));
    let list = folder.path().join("revoked");
    fs::write(&list, says(&clients, &holders)).unwrap();
    let path = list.display().to_string();
    let named = [("app.tls.client_revocation_lists", path.as_str())];
    let app = mutual(&folder, &own, &clients, &named).await;
    let desk = Desk {
        app,
        own,
        clients,
        list,
        _folder: folder,
    };
    (desk, holders)
}

impl Desk {
    /// As whoever takes care of such files writes them.
    fn write(&self, list: impl AsRef<[u8]>) {
        let next = self.list.with_extension("next");
        fs::write(&next, list).unwrap();
        fs::rename(&next, &self.list).unwrap();
    }

    /// The connection of somebody who is let in; of TLS 1.3 it is known with the first answer.
    async fn enters(
        &self,
        holder: &Holder,
        version: &'static SupportedProtocolVersion,
    ) -> Option<Connection> {
        let mut stream = connect(&self.app, &self.own, Some(holder), &[version])
            .await
            .ok()?;
        let (status, _) = try_get(&mut stream, "/livez").await.ok()?;
        assert_eq!(status, 200);
        Some(stream)
    }

    /// By both versions of TLS.
    async fn entries(&self, holder: &Holder) -> [bool; 2] {
        let (older, newer) = (
            self.enters(holder, &TLS12).await,
            self.enters(holder, &TLS13).await,
        );
        [older.is_some(), newer.is_some()]
    }

    async fn is_let_in(&self, holder: &Holder) -> bool {
        let [older, newer] = self.entries(holder).await;
        assert_eq!(older, newer);
        older
    }

    async fn until(&self, holder: &Holder, let_in: bool) {
        let start = Instant::now();
        // The list may change between the two.
        while self.entries(holder).await != [let_in; 2] {
            assert!(start.elapsed() < DEADLINE, "let in: {}", !let_in);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn what_was_taken_back_opens_no_connection_and_keeps_none_open() {
    let (desk, [a, b, c]) = desk(|clients, [a, ..]| clients.takes_back(&[a])).await;
    assert!(!desk.is_let_in(&a).await);
    let mut of_b = desk.enters(&b, &TLS13).await.unwrap();
    let mut of_c = desk.enters(&c, &TLS12).await.unwrap();
    // It opens none for a key either; without a certificate there is nothing to take back.
    let mut without = connect(&desk.app, &desk.own, None, &[&TLS13]).await.unwrap();
    assert_eq!(list(&mut without, "desk", Some(desk.app.user_key())).await.0, 200);
    assert_eq!(list(&mut of_b, "desk", None).await.0, 200);

    desk.write(desk.clients.takes_back(&[&a, &b]));
    desk.until(&b, false).await;
    let mut byte = [0];
    let read = timeout(DEADLINE, of_b.read(&mut byte)).await;
    let read = read.expect("the connection is closed, whoever is waiting");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(!desk.is_let_in(&a).await);
    assert!(desk.is_let_in(&c).await);
    for stream in [&mut of_c, &mut without] {
        assert_eq!(list(stream, "desk", Some(desk.app.user_key())).await.0, 200);
    }

    // What is in no list any more was only kept out for a while.
    desk.write(desk.clients.takes_back(&[]));
    desk.until(&b, true).await;
    assert!(desk.is_let_in(&a).await);
}

/// The stream of an older client, open.
async fn stream(desk: &Desk, holder: &Holder) -> Connection {
    let mut stream = desk.enters(holder, &TLS13).await.unwrap();
    let request = "GET /mcp/desk HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMCP-Protocol-Version: 2025-06-18\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while !line.trim().is_empty() {
        line.clear();
        stream.read_line(&mut line).await.unwrap();
    }
    stream
}

async fn socket(desk: &Desk, holder: &Holder) -> WebSocketStream<Connection> {
    let stream = desk.enters(holder, &TLS12).await.unwrap();
    let request = "wss://localhost/ws/desk".into_client_request().unwrap();
    client_async(request, stream).await.unwrap().0
}

#[tokio::test]
async fn streams_and_websockets_of_what_was_taken_back_end_and_those_of_others_go_on() {
    let (desk, [a, b, _]) = desk(|clients, _| clients.takes_back(&[])).await;
    let mut streams = (stream(&desk, &a).await, stream(&desk, &b).await);
    let mut sockets = (socket(&desk, &a).await, socket(&desk, &b).await);
    desk.write(desk.clients.takes_back(&[&a]));
    let mut rest = Vec::new();
    // What came before does not matter: it ends.
    let read = timeout(DEADLINE, streams.0.read_to_end(&mut rest)).await;
    drop(read.expect("the stream ends"));
    let ended = async { while let Some(Ok(_)) = sockets.0.next().await {} };
    timeout(DEADLINE, ended).await.expect("the WebSocket ends");
    desk.until(&a, false).await;

    let mut byte = [0];
    let more = timeout(Duration::from_millis(300), streams.1.read(&mut byte)).await;
    assert!(!matches!(more, Ok(Ok(0) | Err(_))), "{more:?}");
    sockets.1.send(Message::Ping("there?".into())).await.unwrap();
    let pong = timeout(DEADLINE, sockets.1.next()).await.unwrap();
    assert!(matches!(pong, Some(Ok(Message::Pong(_)))), "{pong:?}");
}

#[tokio::test]
async fn a_list_that_cannot_be_used_changes_nothing() {
    let (desk, [a, b, _]) = desk(|clients, [a, ..]| clients.takes_back(&[a])).await;
    // The other authority has the same name.
    let forged = Authority::new().takes_back(&[]);
    let (once, twice) = (desk.clients.takes_back(&[]), desk.clients.takes_back(&[&b]));
    for broken in [
        String::new(),
        "not a list".to_owned(),
        once[..once.len() / 2].to_owned(),
        forged,
        format!("{once}{twice}"),
    ] {
        desk.write(&broken);
        tokio::time::sleep(A_LOOK).await;
        assert!(!desk.is_let_in(&a).await, "{broken}");
        assert!(desk.is_let_in(&b).await, "{broken}");
    }
    fs::remove_file(&desk.list).unwrap();
    tokio::time::sleep(A_LOOK).await;
    assert!(!desk.is_let_in(&a).await);
    // DER is read as well as PEM.
    let list = desk.clients.takes_back(&[&b]);
    desk.write(CertificateRevocationListDer::from_pem_slice(list.as_bytes()).unwrap());
    desk.until(&b, false).await;
    assert!(desk.is_let_in(&a).await);
}

#[tokio::test]
async fn after_the_end_of_a_list_its_authority_is_not_believed() {
    let (desk, [a, b, _]) = desk(|clients, [a, ..]| clients.took_back(&[a])).await;
    assert!(!desk.is_let_in(&a).await);
    assert!(!desk.is_let_in(&b).await);
    let mut without = connect(&desk.app, &desk.own, None, &[&TLS12]).await.unwrap();
    assert_eq!(list(&mut without, "desk", Some(desk.app.user_key())).await.0, 200);
    desk.write(desk.clients.takes_back(&[&a]));
    desk.until(&b, true).await;
    assert!(!desk.is_let_in(&a).await);
    // A session that is taken up again would be one whose certificate nobody looks at.
    for version in [&TLS12, &TLS13] {
        let client = authority::client(&desk.own, Some(&b), &[version]);
        for _ in 0..2 {
            let mut stream = authority::connect_as(desk.app.address(), &client).await.unwrap();
            assert_eq!(try_get(&mut stream, "/livez").await.unwrap().0, 200);
            let kind = stream.get_ref().get_ref().1.handshake_kind();
            assert_eq!(kind, Some(HandshakeKind::Full));
        }
    }
}
