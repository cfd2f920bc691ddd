//! Another MCP server, of either era: it lists what the test gives it, and does for each request what the test says.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::{StreamExt, future::BoxFuture};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, oneshot};

const MODERN: &str = "2026-07-28";

/// What came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub message: Value,
}

impl Received {
    pub fn method(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    pub fn params(&self) -> &Value {
        &self.message["params"]
    }
}

type Handler = dyn Fn(Received, Talk) -> BoxFuture<'static, ()> + Send + Sync;

/// The server.
pub struct McpServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    is_modern: bool,
    capabilities: Value,
    /// Results of lists, by method.
    lists: Mutex<HashMap<&'static str, String>>,
    handler: Box<Handler>,
    received: Mutex<Vec<Received>>,
    /// Streams that belong to no request, with what their client wants to hear of and the name of the subscription.
    listeners: Mutex<Vec<(Value, mpsc::UnboundedSender<String>)>>,
    sessions: Mutex<u32>,
    /// Who waits for a client's answer, by its session and the id of the request.
    asked: Mutex<HashMap<(String, String), oneshot::Sender<Value>>>,
}

/// The open answer to one request.
pub struct Talk {
    id: Value,
    session: String,
    events: mpsc::UnboundedSender<String>,
    shared: Arc<Shared>,
}

impl Talk {
    /// Ends with this result, as it is written.
    pub fn result(&self, result: &str) {
        self.say(&format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{result}}}"#,
            self.id
        ));
    }

    /// Ends with an error.
    pub fn error(&self, error: &Value) {
        self.say(&json!({"jsonrpc": "2.0", "id": self.id, "error": error}).to_string());
    }

    /// Sends a message.
    pub fn say(&self, message: &str) {
        let _gone = self.events.send(format!("event: message\ndata: {message}\n\n"));
    }

    /// Asks the client, and waits for its whole answer.
    pub async fn ask(&self, id: &str, method: &str, params: &Value) -> Value {
        let (sender, receiver) = oneshot::channel();
        let key = (self.session.clone(), id.to_owned());
        self.shared.asked.lock().unwrap().insert(key, sender);
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        receiver.await.unwrap_or_default()
    }

    /// Until nobody reads the answer.
    pub async fn gone(&self) {
        self.events.closed().await;
    }

    /// Tells something.
    pub fn tell(&self, method: &str, params: &Value) {
        self.say(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }
}

impl Drop for McpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl McpServer {
    /// Of either era.
    pub async fn start<F>(is_modern: bool, capabilities: Value, handler: F) -> Self
    where
        F: Fn(Received, Talk) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            is_modern,
            capabilities,
            lists: Mutex::default(),
            handler: Box::new(handler),
            received: Mutex::default(),
            listeners: Mutex::default(),
            sessions: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/mcp", any(answer))
            .with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            task,
        }
    }

    /// What a list has, as it is written: `list("prompts/list", "prompts", "[…]")`.
    pub fn list(&self, method: &'static str, member: &str, entries: &str) {
        let result = format!("\"{member}\":{entries}");
        self.shared.lists.lock().unwrap().insert(method, result);
    }

    pub fn document(&self) -> Value {
        json!({"url": format!("http://{}/mcp", self.address)})
    }

    /// All requests of this method.
    pub fn received(&self, method: &str) -> Vec<Received> {
        let all = self.shared.received.lock().unwrap();
        all.iter().filter(|one| one.method() == method).cloned().collect()
    }

    /// Tells all who listen; in 2026-07-28 only those who want it.
    pub fn tell(&self, method: &str, params: &Value) {
        let mut listeners = self.shared.listeners.lock().unwrap();
        listeners.retain(|(_, sender)| !sender.is_closed());
        for (wanted, sender) in &*listeners {
            let is_wanted = match method {
                _ if !self.shared.is_modern => true,
                "notifications/tools/list_changed" => wanted["toolsListChanged"] == true,
                "notifications/prompts/list_changed" => wanted["promptsListChanged"] == true,
                "notifications/resources/list_changed" => wanted["resourcesListChanged"] == true,
                "notifications/resources/updated" => {
                    let uris = wanted["resourceSubscriptions"].as_array();
                    uris.is_some_and(|uris| uris.contains(&params["uri"]))
                }
                _ => false,
            };
            if is_wanted {
                let message = json!({"jsonrpc": "2.0", "method": method, "params": params});
                let _gone = sender.send(format!("data: {message}\n\n"));
            }
        }
    }

    /// How many streams are open that belong to no request.
    pub fn listeners(&self) -> usize {
        let mut listeners = self.shared.listeners.lock().unwrap();
        listeners.retain(|(_, sender)| !sender.is_closed());
        listeners.len()
    }
}

fn stream(receiver: mpsc::UnboundedReceiver<String>) -> Response {
    let events = futures_util::stream::unfold(receiver, |mut receiver| async {
        let text = receiver.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), receiver))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream")];
    (headers, Body::from_stream(events.boxed())).into_response()
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let received = Received {
        headers,
        message: serde_json::from_slice(&body).unwrap_or_default(),
    };
    shared.received.lock().unwrap().push(received.clone());
    let (sender, receiver) = mpsc::unbounded_channel();
    match method {
        Method::GET if !shared.is_modern => {
            shared.listeners.lock().unwrap().push((Value::Null, sender));
            return stream(receiver);
        }
        Method::POST => {}
        Method::DELETE => return StatusCode::NO_CONTENT.into_response(),
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
    let id = received.message["id"].clone();
    let session = received.headers.get("mcp-session-id");
    let session = session.map_or("", |id| id.to_str().unwrap()).to_owned();
    if received.method().is_empty()
        && let Some(id) = id.as_str()
        && let Some(waiting) = shared
            .asked
            .lock()
            .unwrap()
            .remove(&(session.clone(), id.to_owned()))
    {
        let _gone = waiting.send(received.message);
        return StatusCode::ACCEPTED.into_response();
    }
    if received.method().is_empty() || id.is_null() {
        return StatusCode::ACCEPTED.into_response();
    }
    let talk = Talk {
        id,
        session,
        events: sender,
        shared: shared.clone(),
    };
    let complete = |members: &str| {
        let more = if shared.is_modern {
            r#","resultType":"complete","ttlMs":0,"cacheScope":"private""#
        } else {
            ""
        };
        talk.result(&format!("{{{members}{more}}}"));
    };
    let capabilities = &shared.capabilities;
    match (received.method(), shared.is_modern) {
        ("server/discover", true) => {
            complete(&format!(
                r#""supportedVersions":["{MODERN}"],"capabilities":{capabilities}"#
            ));
        }
        ("initialize", false) => {
            let session = {
                let mut sessions = shared.sessions.lock().unwrap();
                *sessions += 1;
                format!("s-{sessions}")
            };
            complete(&format!(
                r#""protocolVersion":"2025-11-25","capabilities":{capabilities},"serverInfo":{{"name":"test","version":"1"}}"#
            ));
            drop(talk);
            let mut response = stream(receiver);
            response
                .headers_mut()
                .insert("mcp-session-id", session.parse().unwrap());
            return response;
        }
        ("server/discover" | "initialize", _) => {
            talk.error(&json!({"code": -32601, "message": "no such method"}))
        }
        ("subscriptions/listen", true) => {
            let wanted = received.params()["notifications"].clone();
            talk.tell(
                "notifications/subscriptions/acknowledged",
                &json!({"_meta": {"io.modelcontextprotocol/subscriptionId": talk.id}, "notifications": wanted}),
            );
            shared
                .listeners
                .lock()
                .unwrap()
                .push((wanted, talk.events.clone()));
        }
        (list, _) if shared.lists.lock().unwrap().contains_key(list) => {
            let members = shared.lists.lock().unwrap()[list].clone();
            complete(&members);
        }
        _ => {
            let doing = (shared.handler)(received, talk);
            tokio::spawn(doing);
        }
    }
    stream(receiver)
}
