//! What happens is told.

use crate::{
    fleet::started,
    test_app::{Client, DEADLINE, TestApp},
};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// An open stream.
pub struct Events {
    response: Response,
    buffer: String,
}

impl Events {
    pub async fn open(client: &Client, query: &str) -> Self {
        Self::open_at(client, "/admin/events", query).await
    }

    /// The same under another name.
    pub async fn open_at(client: &Client, path: &str, query: &str) -> Self {
        let request = client.request(Method::GET, &format!("{path}{query}"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
        }
    }

    /// The name of the next event, and its data; `None` at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        let reading = async {
            loop {
                if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                    let of = |name: &str| {
                        event
                            .lines()
                            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                    };
                    let found = of("event").zip(of("data"));
                    let found =
                        found.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                    self.buffer = rest.to_owned();
                    if found.is_some() {
                        return found;
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.ok()??;
                self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        tokio::time::timeout(DEADLINE, reading)
            .await
            .expect("no event in time")
    }
}

#[tokio::test]
async fn breakers_and_upstreams_are_told_of_and_a_reader_goes_on_where_it_was() {
    let breaker = json!({"breaker": {"failures": 2}});
    let (mut app, upstreams) = started("GET", 1, &breaker).await;
    let mut all = Events::open(&app.admin(), "?since=0").await;
    let mut breakers = Events::open(&app.admin(), "?types=breaker.*").await;
    upstreams[0].reply_json(500, &json!({}));
    for _ in 0..2 {
        app.mcp("i").call("t", json!({})).await;
    }
    let (name, event) = breakers.next().await.unwrap();
    assert_eq!(name, "breaker.opened");
    assert_eq!(
        (&event["upstream"], &event["type"]),
        (&json!("billing"), &json!("breaker.opened"))
    );
    assert_eq!(event["endpoint"], upstreams[0].origin());
    assert_eq!(event["error"], "it answered with the status 500");
    let mut names = Vec::new();
    while names.last().map(String::as_str) != Some("breaker.opened") {
        names.push(all.next().await.unwrap().0);
    }
    assert!(names.contains(&"upstream.discovered".to_owned()), "{names:?}");
    assert!(names.contains(&"definition.changed".to_owned()), "{names:?}");

    app.admin().delete("/admin/uds/billing").await.ok();
    let since = event["id"].as_u64().unwrap();
    let mut later = Events::open(&app.admin(), &format!("?since={since}&types=upstream.*")).await;
    let (name, removed) = later.next().await.unwrap();
    assert_eq!(
        (name.as_str(), &removed["upstream"]),
        ("upstream.removed", &json!("billing"))
    );
    assert_eq!(removed["kind"], "http");

    let mut elsewhere = Events::open_at(&app.admin(), "/api/v1/events", "?types=server.*&since=0").await;
    assert_eq!(elsewhere.next().await.unwrap().0, "server.started");
    app.stop().await;
    assert_eq!(later.next().await, None, "the end of the gateway ends it");
    assert_eq!(elsewhere.next().await.unwrap().0, "server.stopped");
    assert_eq!(elsewhere.next().await, None);
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let app = TestApp::start().await;
    let refused = app
        .admin()
        .get("/admin/events?types=breaker.opend")
        .await
        .error(400);
    assert!(
        refused.contains("there is no event `breaker.opend`; there are server.started"),
        "{refused}"
    );
    app.admin().get("/admin/events?since=soon").await.error(400);
    app.anonymous().get("/admin/events").await.error(401);
    app.user().get("/admin/events").await.error(403);
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(Events::open(&app.admin(), "").await);
    }
    let refused = app.admin().get("/admin/events").await.error(503);
    assert!(refused.contains("64 streams of events are open"), "{refused}");
    drop(open);
    crate::test_app::eventually("their places are free", || {
        app.app().admin.open_event_streams() == 0
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_to_a_key_that_has_ended_however_much_happens() {
    let app = TestApp::start().await;
    let wanted = json!({"name": "viewer", "roles": ["viewer"]});
    let admin = app.admin();
    let made = admin
        .send(admin.request(Method::POST, "/admin/keys").json(&wanted))
        .await;
    let made = made.ok().data();
    let viewer = Client::new(app.address(), made["key"].as_str().map(str::to_owned));
    let tool = json!({"name": "t", "description": "d", "input_schema": {}, "static": {"structured": {}}});
    let mut reading = Events::open(&viewer, "?types=definition.changed").await;
    admin.put("/admin/tds/before", &tool).await.ok();
    reading.next().await.expect("what happens while it may read");
    let id = made["id"].as_str().unwrap();
    let deleted = admin.delete(&format!("/admin/keys/{id}")).await.ok().json();
    admin.put("/admin/tds/after", &tool).await.ok();
    while let Some((_, event)) = reading.next().await {
        let revisions = [&event, &deleted].map(|one| one["revision"].as_u64().unwrap());
        assert!(revisions[0] < revisions[1], "{event}");
    }
}
