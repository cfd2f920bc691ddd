//! Connections are kept, given up, and never used twice for one call.

use crate::{
    calling::{call_text, engine, text, tool},
    upstream::{read_request, serve, silent},
};
use mcp_core::engine::Outcome;
use serde_json::json;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, sync::mpsc};

#[tokio::test]
async fn connections_are_kept_and_many_chunks_are_joined() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let origin = serve(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            while read_request(&mut stream).await.is_some() {
                let head =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
                for part in [
                    head,
                    "5\r\n{\"a\":\r\n",
                    "3\r\n[1,\r\n",
                    "3\r\n2]}\r\n",
                    "0\r\n\r\n",
                ] {
                    stream.write_all(part.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        }
    })
    .await;
    let (engine, tool) = (engine(), tool(&origin, "GET", "/", &json!({})));
    for _ in 0..5 {
        assert_eq!(text(&call_text(&engine, &tool, "{}").await), r#"{"a":[1,2]}"#);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_call_that_is_dropped_closes_its_connection() {
    let (origin, mut events) = silent().await;
    let tool = tool(&origin, "GET", "/", &json!({}));
    let engine = engine();
    let task = tokio::spawn(async move { call_text(&engine, &tool, "{}").await.is_error });
    let deadline = Duration::from_secs(10);
    assert_eq!(
        tokio::time::timeout(deadline, events.recv()).await.unwrap(),
        Some("request")
    );
    task.abort();
    assert_eq!(
        tokio::time::timeout(deadline, events.recv()).await.unwrap(),
        Some("closed")
    );
}

/// A server that answers the first request of a connection and closes it upon the second, which it has read.
#[tokio::test]
async fn a_call_that_may_have_been_seen_is_never_sent_again() {
    for method in ["POST", "GET"] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let memory = seen.clone();
        let origin = serve(move |mut stream| {
            let memory = memory.clone();
            async move {
                let first = read_request(&mut stream).await;
                memory.lock().unwrap().extend(first);
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
                let second = read_request(&mut stream).await;
                memory.lock().unwrap().extend(second);
            }
        })
        .await;
        let (engine, tool) = (engine(), tool(&origin, method, "/", &json!({})));
        assert!(!call_text(&engine, &tool, r#"{"n":1}"#).await.is_error);
        let second = call_text(&engine, &tool, r#"{"n":2}"#).await;
        assert!(
            second.is_error && second.outcome == Outcome::Connect,
            "{}",
            text(&second)
        );
        assert!(
            text(&second).contains("broke before it answered"),
            "{}",
            text(&second)
        );
        assert_eq!(seen.lock().unwrap().len(), 2, "{:?}", seen.lock().unwrap());
    }
}

/// A server that closes every connection after its answer without saying so.
#[tokio::test]
async fn a_pooled_connection_that_is_gone_costs_no_call() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    let (closed, mut when_closed) = mpsc::channel(64);
    let origin = serve(move |mut stream| {
        let (counter, closed) = (counter.clone(), closed.clone());
        async move {
            if read_request(&mut stream).await.is_some() {
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
            }
            drop(stream);
            let _ = closed.send(()).await;
        }
    })
    .await;
    let (engine, tool) = (engine(), tool(&origin, "POST", "/", &json!({})));
    for calls in 1..=20 {
        let result = call_text(&engine, &tool, "{}").await;
        assert!(!result.is_error, "{}", text(&result));
        assert_eq!(seen.load(Ordering::Relaxed), calls);
        when_closed.recv().await.unwrap();
    }
}
