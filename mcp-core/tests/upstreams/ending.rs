//! Calls of which the session, the stream or the document goes away meanwhile.

use crate::{
    behaviour::{RESULT, TOOLS, legacy},
    server::{Received, Reply, Server, event},
    setup::{call, hub, ready, until},
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::mpsc::{self, UnboundedSender};

/// What is said on the stream of the first call, until there is nobody to say it.
type Said = Arc<Mutex<Option<UnboundedSender<String>>>>;

/// Its first call gets a stream that goes with the session; others are answered.
async fn server() -> (Server, Said) {
    let (sender, held) = mpsc::unbounded_channel();
    let said: Said = Arc::new(Mutex::new(Some(sender)));
    let (held, kept) = (Mutex::new(Some(held)), said.clone());
    let server = Server::start(move |received: &Received| {
        if received.method == http::Method::DELETE {
            drop(kept.lock().unwrap().take());
            return Reply::With(204, Vec::new(), String::new());
        }
        if !received.header("last-event-id").is_empty() {
            return Reply::Json(404, "{}".to_owned());
        }
        let stream = match received.rpc() {
            "tools/call" => held.lock().unwrap().take(),
            _ => None,
        };
        match stream {
            Some(stream) => Reply::Events(Vec::new(), stream),
            None => legacy(received, "s-1", TOOLS, false),
        }
    })
    .await;
    (server, said)
}

#[tokio::test]
async fn a_call_under_way_is_answered_although_its_server_is_removed() {
    let (server, said) = server().await;
    let hub = hub(&server.document());
    ready(&hub).await;
    let caller = hub.clone();
    let under_way = tokio::spawn(async move { call(&caller, "get", "{}").await });
    until(&hub, "the call", || server.count("tools/call") == 1).await;

    hub.define(std::iter::empty());
    assert!(hub.ids().is_empty());
    // Time enough for a session that nobody waits with to be ended.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let answer = server.last("tools/call").result(&format!("{RESULT}}}"));
    let said = said
        .lock()
        .unwrap()
        .clone()
        .expect("the session is there while a call is under way");
    said.send(event(&answer)).unwrap();
    drop(said);
    assert_eq!(under_way.await.unwrap().unwrap(), format!("{RESULT}}}"));
    // With the call the session ends, too.
    let ended = async {
        while server.count("DELETE") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
    hub.close().await;
}

/// The server took the call and may have done it.
#[tokio::test]
async fn a_call_whose_stream_cannot_be_gone_on_with_is_not_made_again() {
    let (server, said) = server().await;
    let hub = hub(&server.document());
    ready(&hub).await;
    let caller = hub.clone();
    let under_way = tokio::spawn(async move { call(&caller, "get", "{}").await });
    until(&hub, "the call", || server.count("tools/call") == 1).await;
    let said = said.lock().unwrap().take().unwrap();
    said.send("retry: 1\nid: 7\ndata:\n\n".to_owned()).unwrap();
    drop(said);
    let error = under_way.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("ended before the answer came"), "{error}");
    assert_eq!(server.count("tools/call"), 1, "{:?}", server.story());
    hub.close().await;
}
