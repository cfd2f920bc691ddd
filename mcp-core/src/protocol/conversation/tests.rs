//! A server of the test's own behind an instance: what it says during a call reaches the client, what the client answers
//! reaches it, and cancellation ends its work.

mod gate;
mod lists;

use crate::{
    engine::Engine,
    peer::Peer,
    policy::{Action, Asked, Door, Gate, Held, Hold, Policy, Record, Refusal, Trace},
    protocol::{
        AbandonedSettings, Endpoint, Exchange, Gateway, GatewayParts, ProtocolSettings, Reply, ReplyBody, Way,
    },
    relay::{Answer, Forwarded, Line, LogLevel, Origin, Progress, Trouble},
    spec::Method,
    telemetry::Metrics,
    tool::{StoredTool, ToolCompiler},
    view::{Inventories, Item, Offer, Resources, ViewSettings},
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue};
use mcp_common::{
    authenticator::Principal,
    catalog::{Catalog, InstanceEntry},
    datasource::{self, Load},
    key::Key,
};
use prometheus_client::registry::Registry;
use serde_json::{Value, json, value::RawValue};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap()
}

/// Does what the name of the tool says.
#[derive(Default)]
struct Scripted {
    /// Told when the work of a call is dropped before its end.
    dropped: Mutex<Option<oneshot::Sender<()>>>,
    /// Told when a call hangs.
    hanging: Mutex<Option<mpsc::UnboundedSender<()>>>,
}

struct TellsDrop(Option<oneshot::Sender<()>>);

impl Drop for TellsDrop {
    fn drop(&mut self) {
        if let Some(sender) = self.0.take() {
            let _nobody_waits = sender.send(());
        }
    }
}

impl Origin for Scripted {
    fn answer(
        self: Arc<Self>,
        request: Forwarded,
        line: Line,
    ) -> BoxFuture<'static, Result<Answer, Trouble>> {
        Box::pin(async move {
            let params: Value = serde_json::from_str(request.params.get()).unwrap();
            let text = match params["name"].as_str().unwrap_or_default() {
                "talks" => {
                    for percent in [10_u32, 5, 70] {
                        let total = Some(100_u32.into());
                        line.progress(&Progress {
                            progress: percent.into(),
                            total,
                            message: None,
                        });
                    }
                    let message = raw(&json!({"level": "warning", "data": "half way"}));
                    line.log(LogLevel::Warning, &message).await;
                    line.log(LogLevel::Debug, &message).await;
                    "done".to_owned()
                }
                "asks" => {
                    let params = raw(&json!({"message": "Which?"}));
                    match line.ask("elicitation/create", Some(&params)).await {
                        Ok(answer) => answer.get().to_owned(),
                        Err(error) => format!("no answer: {error}"),
                    }
                }
                "hangs" => {
                    let _tells = TellsDrop(self.dropped.lock().unwrap().take());
                    if let Some(hanging) = &*self.hanging.lock().unwrap() {
                        hanging.send(()).unwrap();
                    }
                    std::future::pending().await
                }
                "fails" => return Err(Trouble::Failed("the server is away".to_owned())),
                _ => format!("{} {}", request.method.name(), params["uri"]),
            };
            let result = json!({"content": [{"type": "text", "text": text}]});
            Ok(Answer::read(&raw(&result)).unwrap())
        })
    }
}

/// Offers what it is told to.
struct Shelf {
    origin: Arc<Scripted>,
    epoch: AtomicU64,
    prompts: Mutex<Option<Vec<&'static str>>>,
}

impl Shelf {
    fn item(&self, key: &str, name: &str) -> Item {
        Item {
            key: key.into(),
            entry: json!({(name): key}).to_string().into(),
            legacy_entry: None,
            mirrored: Arc::default(),
            origin: self.origin.clone(),
        }
    }
}

impl Inventories for Shelf {
    fn offer(&self, _: &InstanceEntry<StoredTool>) -> Offer {
        let tools = ["talks", "asks", "hangs", "fails"];
        let prompts = self.prompts.lock().unwrap().clone();
        let prompts = prompts.map(|names| names.into_iter().map(|name| self.item(name, "name")).collect());
        Offer {
            tools: tools.map(|name| self.item(name, "name")).into(),
            resources: Some(Resources {
                resources: ["x:b", "x:a", "x:c"].map(|uri| self.item(uri, "uri")).into(),
                ..Resources::default()
            }),
            prompts,
            ..Offer::default()
        }
    }

    fn epoch(&self, _: &InstanceEntry<StoredTool>) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }
}

struct World {
    shelf: Arc<Shelf>,
    endpoint: Endpoint,
}

impl World {
    fn new() -> Self {
        Self::with(Policy::default())
    }

    fn with(policy: Policy) -> Self {
        let shelf = Arc::new(Shelf {
            origin: Arc::default(),
            epoch: AtomicU64::new(0),
            prompts: Mutex::default(),
        });
        let catalog = Arc::new(Catalog::new(ToolCompiler::default()));
        let gateway = Gateway::new(GatewayParts {
            catalog: catalog.clone(),
            settings: ProtocolSettings {
                view: ViewSettings {
                    page_size: 2,
                    ..ViewSettings::default()
                },
                session_secret: [0; 32],
                session_lifetime: Duration::from_secs(600),
                session_idle: None,
                max_streams: 10,
                max_streams_per_client: 10,
                abandoned: AbandonedSettings::default(),
                via: None,
            },
            inventories: shelf.clone(),
            policy,
            metrics: Metrics::register(&mut Registry::default()),
            shutdown: CancellationToken::new(),
        });
        let document =
            json!({"name": "An instance", "tool_ids": [], "metadata": {"proto_type": "streamable-stateful"}});
        let record = datasource::Record {
            key: Key::instance("i"),
            revision: 1,
            updated_at: None,
            body: document.to_string().into(),
        };
        catalog.replace(Load {
            revision: 1,
            records: vec![record],
            ..Load::default()
        });
        let endpoint = Endpoint::new(gateway, Engine::default());
        Self { shelf, endpoint }
    }

    async fn post(&self, headers: &[(&'static str, &str)], body: &Value) -> Reply {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        let exchange = Exchange {
            view: self.endpoint.gateway().views.get("i").unwrap(),
            headers: &headers,
            principal: Principal::named("ann"),
            peer: Peer::unbounded(),
            way: Way::Request,
            request_id: HeaderValue::from_static("r"),
        };
        self.endpoint.post(&exchange, body.to_string().as_bytes()).await
    }

    async fn modern(&self, method: &str, params: Value) -> Reply {
        self.modern_as(&[], method, params).await
    }

    async fn modern_as(&self, more: &[(&'static str, &str)], method: &str, mut params: Value) -> Reply {
        let capabilities = params["_meta"]["io.modelcontextprotocol/clientCapabilities"].take();
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": if capabilities.is_null() { json!({}) } else { capabilities },
            "io.modelcontextprotocol/logLevel": "info", "progressToken": 0,
        });
        let name = params.get("name").or(params.get("uri")).and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        let mut headers = vec![
            ("mcp-protocol-version", "2026-07-28"),
            ("mcp-method", method),
            ("mcp-name", &name),
        ];
        headers.extend_from_slice(more);
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
        self.post(&headers, &body).await
    }

    /// A session whose client answers elicitations.
    async fn session(&self) -> String {
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {"elicitation": {}}});
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        self.post(&[], &body).await.session.unwrap()
    }

    async fn in_session(&self, session: &str, body: &Value) -> Reply {
        self.post(&[("mcp-session-id", session)], body).await
    }
}

fn call(id: u32, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn body(reply: Reply) -> Value {
    let ReplyBody::Json(pieces) = reply.body else {
        panic!("no JSON")
    };
    serde_json::from_slice(&pieces.concat()).unwrap()
}

fn events(reply: Reply) -> BoxStream<'static, Bytes> {
    let ReplyBody::Events(events) = reply.body else {
        panic!("no stream")
    };
    events
}

async fn next(events: &mut BoxStream<'static, Bytes>) -> Option<Value> {
    let event = events.next().await?;
    let text = std::str::from_utf8(&event).unwrap();
    let data = text.strip_prefix("event: message\ndata: ").unwrap();
    Some(serde_json::from_str(data).unwrap())
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn what_is_said_before_the_answer_makes_it_the_end_of_a_stream() {
    let world = World::new();
    let mut events = events(world.modern("tools/call", json!({"name": "talks"})).await);
    for percent in [10, 70] {
        let progress = next(&mut events).await.unwrap();
        assert_eq!(progress["method"], "notifications/progress");
        assert_eq!(
            progress["params"],
            json!({"progressToken": 0, "progress": percent, "total": 100}),
            "what does not grow is left out"
        );
    }
    let log = next(&mut events).await.unwrap();
    assert_eq!(
        (&log["method"], &log["params"]["data"]),
        (&json!("notifications/message"), &json!("half way"))
    );
    let answer = next(&mut events).await.unwrap();
    assert_eq!((&answer["id"], text(&answer)), (&json!(7), "done"));
    assert_eq!(answer["result"]["resultType"], "complete");
    assert_eq!(next(&mut events).await, None);
}

#[tokio::test]
async fn where_nothing_is_said_or_no_stream_is_taken_the_answer_is_json() {
    let world = World::new();
    let answer = body(world.modern("tools/call", json!({"name": "fails"})).await);
    assert_eq!(
        (text(&answer), &answer["result"]["isError"]),
        ("the server is away", &json!(true))
    );

    let session = world.session().await;
    let headers = [("mcp-session-id", &*session), ("accept", "application/json")];
    let answer = body(world.post(&headers, &call(1, "talks")).await);
    assert_eq!(text(&answer), "done");
    let answer = body(world.post(&headers, &call(2, "asks")).await);
    assert_eq!(text(&answer), "no answer: the client went away");
    let batch = json!([call(1, "asks"), call(2, "talks")]);
    let headers = [
        ("mcp-session-id", &*session),
        ("mcp-protocol-version", "2025-03-26"),
    ];
    let answers = body(world.post(&headers, &batch).await);
    assert_eq!(text(&answers[0]), "no answer: the client went away");
    assert_eq!(text(&answers[1]), "done");
}

#[tokio::test]
async fn a_client_s_answer_reaches_the_call_of_its_session_and_no_other() {
    let world = World::new();
    let (session, foreign) = (world.session().await, world.session().await);
    let mut events = events(world.in_session(&session, &call(1, "asks")).await);
    let asked = next(&mut events).await.unwrap();
    assert_eq!(
        (&asked["method"], &asked["params"]["message"]),
        (&json!("elicitation/create"), &json!("Which?"))
    );
    let answer = |value: &str| json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": value}});
    for (session, value) in [(&foreign, "of another"), (&session, "own"), (&session, "again")] {
        let reply = world.in_session(session, &answer(value)).await;
        assert_eq!(reply.status, 202);
    }
    assert_eq!(text(&next(&mut events).await.unwrap()), "{\"action\":\"own\"}");
    assert_eq!(next(&mut events).await, None);
}

#[tokio::test]
async fn since_2026_07_28_nobody_is_asked_on_a_stream() {
    let world = World::new();
    let answer = body(world.modern("tools/call", json!({"name": "asks"})).await);
    assert_eq!(
        text(&answer),
        "no answer: the client does not answer `elicitation/create`"
    );
}

#[tokio::test]
async fn since_2026_07_28_the_result_asks_and_the_next_request_answers() {
    let world = World::new();
    let params = |more: &Value| {
        let mut params = json!({"name": "asks", "_meta": {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}});
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        params
    };
    // Also a client that takes no stream.
    let headers = [("accept", "application/json")];
    let asking = body(world.modern_as(&headers, "tools/call", params(&json!({}))).await);
    assert_eq!(
        asking["result"]["inputRequests"]["elicitation-1"],
        json!({"method": "elicitation/create", "params": {"message": "Which?"}}),
        "{asking}"
    );
    let go_on = json!({"requestState": asking["result"]["requestState"], "inputResponses": {"elicitation-1": {"action": "own"}}});
    let answer = body(world.modern("tools/call", params(&go_on)).await);
    assert_eq!(
        (text(&answer), &answer["id"]),
        ("{\"action\":\"own\"}", &json!(7))
    );
}

#[tokio::test]
async fn a_cancellation_ends_the_call_of_its_session_without_an_answer() {
    let world = World::new();
    let (dropped, is_dropped) = oneshot::channel();
    let (hanging, mut hangs) = mpsc::unbounded_channel();
    *world.shelf.origin.dropped.lock().unwrap() = Some(dropped);
    *world.shelf.origin.hanging.lock().unwrap() = Some(hanging);
    let (session, foreign) = (world.session().await, world.session().await);
    let cancel =
        |id: u32| json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
    let request = call(5, "hangs");
    let cancelling = async {
        hangs.recv().await.unwrap();
        world.in_session(&foreign, &cancel(5)).await;
        world.in_session(&session, &cancel(6)).await;
        assert_eq!(world.endpoint.gateway().metrics.cancelled.get(), 0);
        world.in_session(&session, &cancel(5)).await;
        assert_eq!(world.endpoint.gateway().metrics.cancelled.get(), 1);
    };
    let (reply, ()) = tokio::join!(world.in_session(&session, &request), cancelling);
    assert!(matches!(reply.body, ReplyBody::Empty), "nothing is answered");
    assert_eq!(reply.status, 202);
    is_dropped.await.unwrap();
}

#[tokio::test]
async fn closing_the_stream_cancels_since_2026_07_28() {
    let world = World::new();
    let (dropped, is_dropped) = oneshot::channel();
    let (hanging, mut hangs) = mpsc::unbounded_channel();
    *world.shelf.origin.dropped.lock().unwrap() = Some(dropped);
    *world.shelf.origin.hanging.lock().unwrap() = Some(hanging);
    tokio::select! {
        _ = world.modern("tools/call", json!({"name": "hangs"})) => panic!("it hangs"),
        _ = hangs.recv() => {}
    }
    is_dropped.await.unwrap();
}
