//! A forward proxy: tunnels, and requests that it reads itself.

use crate::upstream::serve;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::TcpStream,
};

/// Remembers the head of each connection's first request.
#[derive(Clone)]
pub(crate) struct ForwardProxy {
    /// `http://127.0.0.1:…`
    pub(crate) address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl ForwardProxy {
    /// Resolves every name to this machine. With `login`, the header that it expects.
    pub(crate) async fn start(login: Option<&'static str>) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let memory = heads.clone();
        let address = serve(move |stream| connection(stream, login, memory.clone())).await;
        Self { address, heads }
    }

    /// Since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heads.lock().unwrap())
    }
}

async fn connection(mut client: TcpStream, login: Option<&'static str>, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    let lower = head.to_ascii_lowercase();
    let expected = login.map(|login| format!("proxy-authorization: {}", login.to_ascii_lowercase()));
    if expected.is_some_and(|expected| !lower.contains(&expected)) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        let _ = client.write_all(answer.as_bytes()).await;
        return;
    }
    let target = head.split(' ').nth(1).unwrap();
    let is_tunnel = head.starts_with("CONNECT ");
    let authority = if is_tunnel {
        target
    } else {
        let rest = target.strip_prefix("http://").unwrap_or("");
        rest.split('/').next().unwrap()
    };
    let port = authority.rsplit(':').next().unwrap();
    let Ok(mut upstream) = TcpStream::connect(format!("127.0.0.1:{port}")).await else {
        let answer = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
        let _ = client.write_all(answer.as_bytes()).await;
        return;
    };
    if is_tunnel {
        let answer = "HTTP/1.1 200 Connection established\r\n\r\n";
        client.write_all(answer.as_bytes()).await.unwrap();
    } else {
        upstream.write_all(head.as_bytes()).await.unwrap();
    }
    let _ = copy_bidirectional(&mut client, &mut upstream).await;
}
