//! Records that also go elsewhere: to a receiver of requests, and to syslog.

use super::desk;
use crate::test_app::{Reply, TestApp, Upstream, eventually};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, UdpSocket},
    time::timeout,
};

fn status(status: u16) -> Reply {
    Reply::Fixed {
        status,
        content_type: "text/plain",
        body: Vec::new(),
    }
}

/// All records that a receiver was sent and said that it has, in their order.
fn received(receiver: &Upstream) -> Vec<Value> {
    let requests = receiver.requests();
    let records = requests.iter().flat_map(|request| {
        let body = request.json();
        assert_eq!(body["type"], "audit.records");
        body["data"]["records"].as_array().unwrap().clone()
    });
    records.collect()
}

fn numbers(records: &[Value]) -> BTreeSet<u64> {
    records
        .iter()
        .map(|record| record["seq"].as_u64().unwrap())
        .collect()
}

fn has_call(records: &[Value], tool: &str) -> bool {
    records.iter().any(|record| record["tool"] == tool)
}

async fn call(app: &TestApp, tool: &str) {
    app.mcp("desk").call(tool, json!({})).await;
}

#[tokio::test]
async fn a_receiver_of_requests_gets_every_record_also_after_it_was_away_and_after_a_restart() {
    let receiver = Upstream::start().await;
    let url = format!("{}/audit", receiver.origin());
    let mut app = desk(&[
        ("app.data_source", "sqlite"),
        ("audit.sinks.webhook.url", &url),
        (
            "audit.sinks.webhook.secret",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
    ])
    .await;
    call(&app, "get_order").await;
    eventually("the call is sent", || has_call(&received(&receiver), "get_order")).await;
    let first = receiver.requests()[0].clone();
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/audit"));
    assert!(
        first.headers["webhook-signature"]
            .to_str()
            .unwrap()
            .starts_with("v1,")
    );
    assert!(
        first.headers["webhook-id"]
            .to_str()
            .unwrap()
            .starts_with("audit_")
    );
    assert!(
        app.metrics()
            .contains("dynmcp_audit_sink_failing{sink=\"webhook\"} 0")
    );

    // Nobody waits for one that is away.
    receiver.reply(status(503));
    call(&app, "refund_order").await;
    eventually("it is told", || {
        app.metrics()
            .contains("dynmcp_audit_sink_failing{sink=\"webhook\"} 1")
    })
    .await;
    call(&app, "get_order").await;
    receiver.reply(status(204));
    eventually("it is sent again", || {
        app.metrics()
            .contains("dynmcp_audit_sink_failing{sink=\"webhook\"} 0")
    })
    .await;

    app.stop().await;
    let ended = received(&receiver);
    assert_eq!(
        ended.last().unwrap()["event"],
        "stop",
        "what is left is sent at the end"
    );
    app.start_again().await;
    eventually("it goes on", || {
        let all = received(&receiver);
        all[ended.len()..].iter().any(|record| record["event"] == "start")
    })
    .await;
    let all = numbers(&received(&receiver));
    assert_eq!(all, (1..=*all.last().unwrap()).collect(), "none is missing");
    assert!(
        app.metrics()
            .contains("dynmcp_audit_sink_records_total{sink=\"webhook\"}")
    );
}

#[tokio::test]
async fn syslog_gets_messages_over_udp_and_tcp() {
    let receiver = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let place = format!("udp://{}", receiver.local_addr().unwrap());
    let app = desk(&[("audit.sinks.syslog", &place)]).await;
    call(&app, "get_order").await;
    let mut message = vec![0; 65_536];
    let seen = async {
        loop {
            let length = receiver.recv(&mut message).await.unwrap();
            let text = String::from_utf8(message[..length].to_vec()).unwrap();
            // <PRI>1 TIME HOST APP PROCESS ID - {…}
            let parts: Vec<&str> = text.splitn(8, ' ').collect();
            assert_eq!(
                (parts[0], parts[3], parts[5], parts[6]),
                ("<110>1", "dynmcp", "audit", "-"),
                "{text}"
            );
            let record: Value = serde_json::from_str(parts[7]).unwrap();
            if record["tool"] == "get_order" {
                return record;
            }
        }
    };
    let record = timeout(crate::test_app::DEADLINE, seen).await.unwrap();
    assert_eq!(record["decision"], "allow");
    drop(app);

    let receiver = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("tcp://{}", receiver.local_addr().unwrap());
    let app = desk(&[("audit.sinks.syslog", &place)]).await;
    call(&app, "refund_order").await;
    let (mut stream, _) = receiver.accept().await.unwrap();
    let mut text = String::new();
    let seen = async {
        let mut bytes = vec![0; 65_536];
        while !text.contains("refund_order") {
            let length = stream.read(&mut bytes).await.unwrap();
            assert!(length > 0, "{text}");
            text += std::str::from_utf8(&bytes[..length]).unwrap();
        }
    };
    timeout(crate::test_app::DEADLINE, seen).await.unwrap();
    // Each has its length before it.
    let (length, rest) = text.split_once(' ').unwrap();
    let length: usize = length.parse().unwrap();
    assert!(
        rest[..length].starts_with("<110>1 ") && rest[..length].ends_with('}'),
        "{text}"
    );
}

#[tokio::test]
async fn what_sends_records_is_started_again_and_goes_on_where_it_was() {
    let receiver = Upstream::start().await;
    let url = receiver.origin();
    let app = desk(&[("audit.sinks.webhook.url", &url)]).await;
    call(&app, "get_order").await;
    eventually("the call is sent", || has_call(&received(&receiver), "get_order")).await;
    app.app().tasks.make_panic("audit_sink");
    let restarted = || {
        let report = app.app().tasks.report();
        let task = report.iter().find(|task| task.name == "audit_sink").unwrap();
        task.restarts > 0 && task.running == 1
    };
    eventually("it runs again", restarted).await;
    call(&app, "refund_order").await;
    eventually("the next call is sent", || {
        has_call(&received(&receiver), "refund_order")
    })
    .await;
    let all = numbers(&received(&receiver));
    assert_eq!(all, (1..=*all.last().unwrap()).collect());
}
