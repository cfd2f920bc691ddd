//! Calls that are made on threads with runtimes of their own, as those that serve clients are.

#[cfg(unix)]
use crate::programs;
use crate::{
    behaviour::{RESULT, TOOLS, legacy, modern},
    server::{Received, Reply, Server, event},
    setup::{call, call_by, definition, hub, ready, until},
};
use mcp_core::upstream::{Caller, Hub, UpstreamError};
use serde_json::json;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// One thread.
struct Worker {
    runtime: Handle,
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    fn start() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        let thread = thread::spawn(move || runtime.block_on(stopped.cancelled()));
        Self {
            runtime: handle,
            stop,
            thread: Some(thread),
        }
    }

    fn calls(&self, hub: &Arc<Hub>) -> JoinHandle<Result<String, UpstreamError>> {
        let hub = hub.clone();
        self.runtime.spawn(async move { call(&hub, "get", "{}").await })
    }

    fn calls_by(&self, name: &str, hub: &Arc<Hub>) -> JoinHandle<Result<String, UpstreamError>> {
        let caller = Caller {
            session: Some(name.into()),
            name: name.into(),
        };
        let hub = hub.clone();
        self.runtime
            .spawn(async move { call_by(Some(caller), &hub, "get", "{}").await })
    }
}

/// Nothing that ran there is left.
impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn is_call(received: &Received) -> bool {
    received.rpc() == "tools/call"
}

/// Over which connections calls came from a place in the story on, and everything else.
fn connections(server: &Server, calls_after: usize) -> (BTreeSet<SocketAddr>, BTreeSet<SocketAddr>) {
    let all = server.received();
    let (calls, others): (Vec<_>, Vec<_>) = all.iter().partition(|received| is_call(received));
    let calls = calls.iter().skip(calls_after).map(|received| received.from);
    (
        calls.collect(),
        others.iter().map(|received| received.from).collect(),
    )
}

#[tokio::test]
async fn a_worker_calls_over_connections_of_its_own_and_keeps_them() {
    const CALLS: usize = 8;
    for is_modern in [true, false] {
        let server = Server::start(move |received| match is_modern {
            true => modern(received, TOOLS),
            false => legacy(received, "s-1", TOOLS, false),
        })
        .await;
        let hub = hub(&server.document());
        ready(&hub).await;
        let workers = [Worker::start(), Worker::start()];
        let mut seen = BTreeSet::new();
        for (round, worker) in workers.iter().enumerate() {
            for _ in 0..CALLS {
                worker.calls(&hub).await.unwrap().unwrap();
            }
            let (own, others) = connections(&server, round * CALLS);
            assert!(
                own.len() < CALLS,
                "a connection serves more than one call: {own:?}"
            );
            assert!(own.is_disjoint(&others), "{own:?} {others:?}");
            assert!(own.is_disjoint(&seen), "{own:?} {seen:?}");
            seen.extend(own);
        }
        hub.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 6)]
async fn a_session_that_workers_find_lost_is_made_anew_once() {
    const WORKERS: usize = 3;
    let all_have_called = Barrier::new(WORKERS);
    let (sessions, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, turned_away) = (sessions.clone(), refused.clone());
    let server = Server::start(move |received| {
        if received.rpc() == "initialize" {
            let number = counted.fetch_add(1, Ordering::SeqCst) + 1;
            return legacy(received, &format!("s-{number}"), TOOLS, false);
        }
        // The first one is forgotten as soon as it is called in.
        if is_call(received) && received.header("mcp-session-id") == "s-1" {
            // Whoever called later would find that there is none.
            tokio::task::block_in_place(|| all_have_called.wait());
            turned_away.fetch_add(1, Ordering::SeqCst);
            return legacy(received, "another", TOOLS, false);
        }
        legacy(received, received.header("mcp-session-id"), TOOLS, false)
    })
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    let workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::start()).collect();
    let calls: Vec<_> = workers.iter().map(|worker| worker.calls(&hub)).collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), format!("{RESULT}}}"));
    }
    assert_eq!(refused.load(Ordering::SeqCst), WORKERS);
    assert_eq!(sessions.load(Ordering::SeqCst), 2, "{:?}", server.story());
    // Whoever was refused made its call again, once.
    assert_eq!(server.count("tools/call"), 2 * WORKERS);
    hub.close().await;
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_although_its_worker_ends() {
    let server = Server::start(|received| match received.rpc() {
        "tools/call" => Reply::Silence,
        _ => legacy(received, "s-1", TOOLS, false),
    })
    .await;
    let hub = hub(&server.document());
    ready(&hub).await;
    let worker = Worker::start();
    let calling = worker.calls(&hub);
    until(&hub, "the call", || server.count("tools/call") == 1).await;
    calling.abort();
    assert!(calling.await.unwrap_err().is_cancelled());
    drop(worker);
    until(&hub, "it is cancelled", || {
        server.count("notifications/cancelled") == 1
    })
    .await;
    let cancelled = server.last("notifications/cancelled");
    assert_eq!(
        cancelled.message["params"]["requestId"],
        server.last("tools/call").message["id"]
    );
    assert_eq!(cancelled.header("mcp-session-id"), "s-1");
    hub.close().await;
}

#[tokio::test]
async fn a_session_of_a_client_outlives_the_worker_that_opened_it() {
    let sessions = AtomicUsize::new(0);
    let server = Server::start(move |received| {
        let session = match received.rpc() {
            "initialize" => format!("s-{}", sessions.fetch_add(1, Ordering::SeqCst) + 1),
            _ => received.header("mcp-session-id").to_owned(),
        };
        legacy(received, &session, TOOLS, false)
    })
    .await;
    let mut document = server.document();
    document["sessions"] = json!("per_client");
    let hub = hub(&document);
    ready(&hub).await;
    let first = Worker::start();
    first.calls_by("ada", &hub).await.unwrap().unwrap();
    let session = server.last("tools/call").header("mcp-session-id").to_owned();
    drop(first);
    let second = Worker::start();
    second.calls_by("ada", &hub).await.unwrap().unwrap();
    assert_eq!(server.last("tools/call").header("mcp-session-id"), session);
    second.calls_by("bob", &hub).await.unwrap().unwrap();
    assert_ne!(server.last("tools/call").header("mcp-session-id"), session);
    assert_eq!(server.count("initialize"), 3, "{:?}", server.story());
    // All of them hear of the end.
    hub.close().await;
    assert_eq!(server.count("DELETE"), 3, "{:?}", server.story());
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_of_a_client_outlives_the_worker_that_started_it() {
    let mut document = programs::document(&programs::script("", &programs::honest()));
    document["sessions"] = json!("per_client");
    let hub = hub(&document);
    ready(&hub).await;
    let first = Worker::start();
    for _ in 0..2 {
        assert_eq!(
            first.calls_by("ada", &hub).await.unwrap().unwrap(),
            format!("{RESULT}}}")
        );
    }
    drop(first);
    let second = Worker::start();
    assert_eq!(
        second.calls_by("ada", &hub).await.unwrap().unwrap(),
        format!("{RESULT}}}")
    );
    // That of the lists, and one for all calls.
    let running = || hub.programs("u").unwrap().running;
    assert_eq!(running(), 2);
    hub.close().await;
    assert_eq!(running(), 0);
}

#[tokio::test]
async fn a_call_under_way_is_answered_although_the_document_changes() {
    let (answers, held) = mpsc::unbounded_channel();
    let held = Mutex::new(Some(held));
    let server = Server::start(move |received| match received.rpc() {
        "tools/call" if received.header("x-team") == "first" => {
            Reply::Events(Vec::new(), held.lock().unwrap().take().unwrap())
        }
        _ => modern(received, TOOLS),
    })
    .await;
    let document = |team: &str| {
        let mut document = server.document();
        document["headers"] = json!({"X-Team": team});
        document
    };
    let hub = hub(&document("first"));
    ready(&hub).await;
    let (one, other) = (Worker::start(), Worker::start());
    let under_way = one.calls(&hub);
    until(&hub, "the call", || server.count("tools/call") == 1).await;

    hub.define(std::iter::once(definition("u", &document("second"))));
    let has_begun =
        |received: &Received| received.rpc() == "tools/list" && received.header("x-team") == "second";
    until(&hub, "the new one", || server.received().iter().any(has_begun)).await;
    ready(&hub).await;
    other.calls(&hub).await.unwrap().unwrap();
    assert_eq!(server.last("tools/call").header("x-team"), "second");
    one.calls(&hub).await.unwrap().unwrap();
    assert_eq!(server.last("tools/call").header("x-team"), "second");

    let first = server.received().into_iter().find(is_call).unwrap();
    let answer = first.result(&format!("{RESULT},\"resultType\":\"complete\"}}"));
    answers.send(event(&answer)).unwrap();
    assert_eq!(
        under_way.await.unwrap().unwrap(),
        format!("{RESULT},\"resultType\":\"complete\"}}")
    );
    hub.close().await;
}
