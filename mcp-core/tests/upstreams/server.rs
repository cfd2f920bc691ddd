//! An MCP server over HTTP that does as it is told, and remembers what it was asked.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, sync::mpsc};

/// What came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The body as it came.
    pub(crate) body: String,
    /// `null` without a body.
    pub(crate) message: Value,
    /// The other end of the connection that it came over.
    pub(crate) from: SocketAddr,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The members of a form.
    pub(crate) fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }

    pub(crate) fn rpc(&self) -> &str {
        self.message["method"].as_str().unwrap_or_default()
    }

    /// An answer to it with this result.
    pub(crate) fn result(&self, result: &str) -> String {
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}",
            self.message["id"]
        )
    }

    pub(crate) fn error(&self, code: i64, more: &Value) -> String {
        let mut error = json!({"code": code, "message": "as told"});
        if !more.is_null() {
            error["data"] = more.clone();
        }
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{error}}}",
            self.message["id"]
        )
    }
}

/// What goes back.
pub(crate) enum Reply {
    Json(u16, String),
    /// With these headers.
    With(u16, Vec<(&'static str, String)>, String),
    /// Events as they are written here; the stream stays open until the sender is dropped.
    Events(Vec<(&'static str, String)>, mpsc::UnboundedReceiver<String>),
    /// Nothing, ever.
    Silence,
}

/// Finished events.
pub(crate) fn events(texts: &[String]) -> Reply {
    let (sender, receiver) = mpsc::unbounded_channel();
    for text in texts {
        sender.send(text.clone()).unwrap();
    }
    Reply::Events(Vec::new(), receiver)
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(handler: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, handler)
    }

    pub(crate) fn on(
        listener: TcpListener,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (received.clone(), Arc::new(handler));
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((socket, from)) = listener.accept().await {
                let (log, handler) = (log.clone(), handler.clone());
                let service = service_fn(move |request| answer(request, from, log.clone(), handler.clone()));
                connections.spawn(async move {
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self {
            address,
            received,
            task,
        }
    }

    pub(crate) fn document(&self) -> Value {
        json!({"url": format!("http://{}/mcp", self.address)})
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The methods of JSON-RPC and of HTTP that came, in their order.
    pub(crate) fn story(&self) -> Vec<String> {
        let told = |received: &Received| match received.rpc() {
            "" => received.method.to_string(),
            rpc => rpc.to_owned(),
        };
        self.received().iter().map(told).collect()
    }

    /// The last message of this method.
    pub(crate) fn last(&self, rpc: &str) -> Received {
        let all = self.received();
        all.into_iter()
            .rev()
            .find(|received| received.rpc() == rpc)
            .unwrap()
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.story().iter().filter(|told| *told == what).count()
    }
}

async fn answer(
    request: Request<Incoming>,
    from: SocketAddr,
    log: Arc<Mutex<Vec<Received>>>,
    handler: Arc<Handler>,
) -> Result<Response<UnsyncBoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let received = Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        message: serde_json::from_slice(&body).unwrap_or_default(),
        from,
    };
    log.lock().unwrap().push(received.clone());
    let reply = handler(&received);
    let (status, headers, body) = match reply {
        Reply::Json(status, text) => (
            status,
            vec![("content-type", "application/json".to_owned())],
            whole(text),
        ),
        Reply::With(status, headers, text) => (status, headers, whole(text)),
        Reply::Events(mut headers, receiver) => {
            headers.push(("content-type", "text/event-stream".to_owned()));
            let pieces = stream::unfold(receiver, |mut receiver| async move {
                let text = receiver.recv().await?;
                Some((Ok(Frame::data(Bytes::from(text))), receiver))
            });
            (200, headers, StreamBody::new(pieces.boxed()).boxed_unsync())
        }
        Reply::Silence => std::future::pending().await,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status.try_into().unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

fn whole(text: String) -> UnsyncBoxBody<Bytes, Infallible> {
    http_body_util::Full::from(text).boxed_unsync()
}

/// One event with this data.
pub(crate) fn event(data: &str) -> String {
    format!("event: message\ndata: {data}\n\n")
}
