//! An HTTP API behind the gateway that writes down what it is asked and answers what it was told to.

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Not decoded.
    pub path: String,
    /// Not decoded; without the question mark.
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Recorded {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// What the API answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 and a JSON object that describes the request: `method`, `path`, `query`, `body`.
    Echo,
    /// Always this.
    Fixed {
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
    },
    /// Echo, but late.
    After(Duration),
}

#[derive(Default)]
struct Shared {
    requests: Mutex<Vec<Recorded>>,
    reply: Mutex<Option<Reply>>,
}

/// The running API.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            server,
        }
    }

    /// For `domain` of a definition.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on answers this.
    pub fn reply(&self, reply: Reply) {
        *self.shared.reply.lock().unwrap() = Some(reply);
    }

    /// From now on answers this JSON with this status.
    pub fn reply_json(&self, status: u16, body: &Value) {
        let body = body.to_string().into_bytes();
        self.reply(Reply::Fixed {
            status,
            content_type: "application/json",
            body,
        });
    }

    /// Everything that was asked so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The request that came last.
    #[track_caller]
    pub fn last(&self) -> Recorded {
        self.requests().pop().expect("the upstream was not asked")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default().to_vec();
    let recorded = Recorded {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body,
    };
    let echo = json!({
        "method": recorded.method,
        "path": recorded.path,
        "query": recorded.query,
        "body": String::from_utf8_lossy(&recorded.body),
    });
    shared.requests.lock().unwrap().push(recorded);
    let reply = shared.reply.lock().unwrap().clone();
    match reply.unwrap_or(Reply::Echo) {
        Reply::Echo => axum::Json(echo).into_response(),
        Reply::After(delay) => {
            tokio::time::sleep(delay).await;
            axum::Json(echo).into_response()
        }
        Reply::Fixed {
            status,
            content_type,
            body,
        } => {
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            (status, [("content-type", content_type)], body).into_response()
        }
    }
}
