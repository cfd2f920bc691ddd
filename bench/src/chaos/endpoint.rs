//! One endpoint, a process of its own: answers with its port, puts down what it is told to pay, and can be made slow and cut off.

use crate::answer::frame;
use anyhow::{Context, Result};
use clap::Parser;
use std::{
    fs::OpenOptions,
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// For `chaos`.
#[derive(Parser)]
pub(crate) struct Options {
    #[arg(long)]
    port: u16,
    /// Where it puts down what was paid, a number on each line.
    #[arg(long)]
    ledger: PathBuf,
}

struct Endpoint {
    port: u16,
    ledger: PathBuf,
    /// Milliseconds before each answer.
    delay: AtomicU64,
    /// Connections end when this changes.
    cut: watch::Sender<u64>,
}

pub(crate) async fn run(options: &Options) -> Result<()> {
    let listener = loop {
        // The process before may not be gone yet.
        match TcpListener::bind(("127.0.0.1", options.port)).await {
            Ok(listener) => break listener,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    let endpoint = Arc::new(Endpoint {
        port: options.port,
        ledger: options.ledger.clone(),
        delay: AtomicU64::new(0),
        cut: watch::Sender::new(0),
    });
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let endpoint = endpoint.clone();
        tokio::spawn(async move {
            let mut cut = endpoint.cut.subscribe();
            cut.mark_unchanged();
            tokio::select! {
                // The other side closes when it likes.
                _ = endpoint.serve(stream) => {}
                _ = cut.changed() => {}
            }
        });
    }
}

impl Endpoint {
    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        let mut buffer = Vec::with_capacity(4096);
        loop {
            let (body, length) = loop {
                match frame(&buffer)? {
                    Some((body, length)) if buffer.len() >= body + length => break (body, length),
                    _ => {}
                }
                let read = stream.read_buf(&mut buffer).await?;
                (read > 0).then_some(()).context("closed")?;
            };
            let head = String::from_utf8_lossy(&buffer[..body]);
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            match path.split('/').collect::<Vec<_>>().as_slice() {
                ["", "pay"] => self.pay(&buffer[body..body + length])?,
                ["", "slow", milliseconds] => self.delay.store(milliseconds.parse()?, Ordering::Relaxed),
                ["", "cut"] => self.cut.send_modify(|times| *times += 1),
                _ => {}
            }
            buffer.drain(..body + length);
            sleep(Duration::from_millis(self.delay.load(Ordering::Relaxed))).await;
            let answer = format!("{{\"port\":{}}}", self.port);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
            stream
                .write_all(format!("{head}: {}\r\n\r\n{answer}", answer.len()).as_bytes())
                .await?;
        }
    }

    /// Before it is answered: what was written is paid, whatever becomes of the answer.
    fn pay(&self, body: &[u8]) -> Result<()> {
        let body: serde_json::Value = serde_json::from_slice(body)?;
        let mut ledger = OpenOptions::new().create(true).append(true).open(&self.ledger)?;
        ledger.write_all(format!("{}\n", body["number"]).as_bytes())?;
        Ok(())
    }
}
