//! Endpoints die, hang and come back by chance while they are called: nobody who only looks notices, and nothing is paid twice.

use super::{status, tool};
use crate::test_app::TestApp;
use axum::{Router, body::Bytes, extract::State};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

const ENDPOINTS: usize = 5;
/// So many answer at any time.
const LEFT: usize = 2;
const CALLS: u64 = 300;

#[derive(Default)]
struct Seen {
    /// The numbers that came with POST.
    paid: Mutex<Vec<u64>>,
    looked: Mutex<u64>,
    hangs: AtomicBool,
}

/// A server that can be killed, with its connections, and started again at the same address.
struct Endpoint {
    address: SocketAddr,
    seen: Arc<Seen>,
    runtime: Option<Runtime>,
}

async fn answer(State(seen): State<Arc<Seen>>, body: Bytes) -> String {
    match serde_json::from_slice::<Value>(&body) {
        Ok(body) => seen.paid.lock().unwrap().push(body["number"].as_u64().unwrap()),
        Err(_) => *seen.looked.lock().unwrap() += 1,
    }
    while seen.hangs.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    "{}".to_owned()
}

impl Endpoint {
    async fn start() -> Self {
        let mut endpoint = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            seen: Arc::default(),
            runtime: None,
        };
        endpoint.revive().await;
        endpoint
    }

    async fn revive(&mut self) {
        self.seen.hangs.store(false, Ordering::Relaxed);
        if self.runtime.is_some() {
            return;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (address, seen) = (self.address, self.seen.clone());
        let listening = runtime.spawn(async move {
            loop {
                // The one before may not be gone yet.
                if let Ok(listener) = TcpListener::bind(address).await {
                    let bound = listener.local_addr().unwrap();
                    let router = Router::new().fallback(answer).with_state(seen);
                    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
                    return bound;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        self.address = listening.await.unwrap();
        self.runtime = Some(runtime);
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    fn answers(&self) -> bool {
        self.runtime.is_some() && !self.seen.hangs.load(Ordering::Relaxed)
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.kill();
    }
}

/// One thing after the other, until it is told to stop.
async fn chaos(mut endpoints: Vec<Endpoint>, stop: Arc<AtomicBool>) -> (Vec<Endpoint>, usize) {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let chance = getrandom::u32().unwrap() as usize;
        let others = endpoints
            .iter()
            .enumerate()
            .filter(|(place, other)| *place != chance % ENDPOINTS && other.answers());
        let may_fail = others.count() >= LEFT;
        let endpoint = &mut endpoints[chance % ENDPOINTS];
        match chance / ENDPOINTS % 3 {
            0 if may_fail => endpoint.kill(),
            1 if may_fail => endpoint.seen.hangs.store(true, Ordering::Relaxed),
            _ => endpoint.revive().await,
        }
        done += 1;
        tokio::time::sleep(Duration::from_millis(u64::from(getrandom::u32().unwrap() % 60))).await;
    }
    (endpoints, done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_never_fails_and_paying_never_happens_twice() {
    let app = TestApp::start().await;
    let mut endpoints = Vec::new();
    for _ in 0..ENDPOINTS {
        endpoints.push(Endpoint::start().await);
    }
    let urls: Vec<_> = endpoints
        .iter()
        .map(|endpoint| json!({"url": format!("http://{}", endpoint.address)}))
        .collect();
    let document = json!({
        "protocol": "http", "endpoints": urls, "balance": {"algorithm": "round_robin"},
        "breaker": {"cool_down_seconds": 1}, "failover": {"attempts": 4, "attempt_ms": 200},
        "health": {"slow_start_seconds": 0},
    });
    app.admin().put("/admin/uds/billing", &document).await.ok();
    for (id, method) in [("look", "GET"), ("pay", "POST")] {
        let mut document = tool(method, "/");
        document["name"] = id.into();
        document["tds_ext_info"]["timeout_ms"] = 5_000.into();
        app.admin().put(&format!("/admin/tds/{id}"), &document).await.ok();
    }
    app.put_instance("i", &["look", "pay"]).await;

    let stop = Arc::<AtomicBool>::default();
    let raging = tokio::spawn(chaos(endpoints, stop.clone()));
    let mcp = app.mcp("i");
    let looking = async {
        let mut errors = Vec::new();
        for _ in 0..CALLS {
            let result = mcp.call("look", json!({})).await;
            errors.extend((result["isError"] == true).then_some(result));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        errors
    };
    let paying = async |lane: u64| {
        let mut good = Vec::new();
        for number in (0..CALLS / 3).map(|call| lane * CALLS + call) {
            let result = mcp.call("pay", json!({"number": number})).await;
            good.extend((result["isError"] == false).then_some(number));
        }
        good
    };
    let (errors, one, other, third) = tokio::join!(looking, paying(0), paying(1), paying(2));
    stop.store(true, Ordering::Relaxed);
    let (mut endpoints, done) = raging.await.unwrap();
    assert!(done >= 10, "only {done} things happened");
    assert!(
        errors.is_empty(),
        "{} of {CALLS} failed: {}",
        errors.len(),
        errors[0]
    );
    let mut paid: Vec<u64> = endpoints
        .iter()
        .flat_map(|endpoint| endpoint.seen.paid.lock().unwrap().clone())
        .collect();
    paid.sort_unstable();
    assert!(
        paid.windows(2).all(|pair| pair[0] != pair[1]),
        "something was paid twice"
    );
    for number in [one, other, third].concat() {
        assert!(
            paid.binary_search(&number).is_ok(),
            "{number} was said to be paid"
        );
    }

    for endpoint in &mut endpoints {
        endpoint.revive().await;
    }
    let all_used = async || {
        let state = status(&app, "billing").await;
        let mut all = state["endpoints"].as_array().unwrap().iter();
        all.all(|endpoint| endpoint["breaker"] == "closed" && endpoint["under_way"] == 0)
    };
    let deadline = std::time::Instant::now() + crate::test_app::DEADLINE;
    while !all_used().await {
        assert!(
            std::time::Instant::now() < deadline,
            "{}",
            status(&app, "billing").await
        );
        mcp.call("look", json!({})).await;
    }
    let before: Vec<u64> = endpoints
        .iter()
        .map(|endpoint| *endpoint.seen.looked.lock().unwrap())
        .collect();
    for _ in 0..50 {
        mcp.call("look", json!({})).await;
    }
    for (endpoint, before) in endpoints.iter().zip(before) {
        assert_eq!(
            *endpoint.seen.looked.lock().unwrap() - before,
            10,
            "each has its share again"
        );
    }
}
