//! A service as a platform team would write it: the definitions of the whole company, at one address. And the way to it,
//! on which things go wrong.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses another part of it"
)]

pub mod definitions;
pub mod relay;
mod routes;

use definitions::Definitions;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// What it does instead of answering properly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, with a page for people.
    Status(u16),
    /// 200 with a page for people, as a broken proxy does.
    Page,
    /// Nothing.
    Silence,
}

pub const TOKEN: &str = "s3same-open";

/// What the routes know.
#[derive(Default)]
pub struct Shared {
    pub definitions: Mutex<Definitions>,
    pub fault: Mutex<Option<Fault>>,
    pub delay: Mutex<Duration>,
    /// The status of every answer about all definitions.
    pub polls: Mutex<Vec<u16>>,
}

/// The running service.
pub struct Service {
    pub shared: Arc<Shared>,
    pub port: u16,
    running: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Service {
    pub async fn start() -> Self {
        let mut service = Self {
            shared: Arc::default(),
            port: 0,
            running: Mutex::default(),
        };
        service.port = service.listen(0).await;
        service
    }

    /// Ends its connections too; what it knows is kept.
    pub async fn restart(&self) {
        let running = self.running.lock().unwrap().take();
        let (stop, server) = running.unwrap();
        drop(stop);
        server.await.unwrap();
        self.listen(self.port).await;
    }

    async fn listen(&self, port: u16) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, routes::router(self.shared.clone()));
        let server = server.with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let server = tokio::spawn(async { server.await.unwrap() });
        *self.running.lock().unwrap() = Some((stop, server));
        port
    }

    /// The table `data_source.http` for it.
    pub fn settings(&self, port: u16) -> Value {
        serde_json::json!({
            "url": format!("http://127.0.0.1:{port}/definitions"), "token": TOKEN, "poll_ms": 20, "timeout_ms": 20_000,
        })
    }

    pub fn definitions(&self) -> std::sync::MutexGuard<'_, Definitions> {
        self.shared.definitions.lock().unwrap()
    }

    pub fn fail(&self, fault: Option<Fault>) {
        *self.shared.fault.lock().unwrap() = fault;
    }
}
