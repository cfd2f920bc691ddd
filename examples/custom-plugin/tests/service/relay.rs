//! The way to the service: counts what comes back on it, and breaks.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
    task::JoinHandle,
};

pub struct Relay {
    pub port: u16,
    /// Bytes that came from the service.
    answered: Arc<AtomicUsize>,
    /// Bytes that may still come before the connection breaks in the middle.
    left: Arc<AtomicUsize>,
    /// Connections of an earlier storm are broken.
    storm: watch::Sender<u32>,
    accepting: JoinHandle<()>,
}

impl Relay {
    pub async fn to(service: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answered, left) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(usize::MAX)),
        );
        let storm = watch::Sender::new(0);
        let (counted, bound, weather) = (answered.clone(), left.clone(), storm.subscribe());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", service)).await {
                    let (counted, bound, mut weather) = (counted.clone(), bound.clone(), weather.clone());
                    tokio::spawn(async move {
                        weather.mark_unchanged();
                        tokio::select! {
                            () = connect(client, server, &counted, &bound) => {}
                            _ = weather.changed() => {}
                        }
                    });
                }
            }
        });
        Self {
            port,
            answered,
            left,
            storm,
            accepting,
        }
    }

    /// Bytes of all answers so far, heads included.
    pub fn answered(&self) -> usize {
        self.answered.load(Relaxed)
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        self.storm.send_modify(|storm| *storm += 1);
    }

    /// Lets so many more bytes of answers through and then breaks each connection; `usize::MAX` ends that.
    pub fn break_after(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn connect(client: TcpStream, server: TcpStream, answered: &AtomicUsize, left: &AtomicUsize) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = answers(from_server, to_client, answered, left) => {}
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    answered: &AtomicUsize,
    left: &AtomicUsize,
) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        let bound = left.load(Relaxed);
        let passed = length.min(bound);
        if bound != usize::MAX {
            left.fetch_sub(passed, Relaxed);
        }
        answered.fetch_add(passed, Relaxed);
        if to.write_all(&piece[..passed]).await.is_err() || passed < length {
            return;
        }
    }
}
