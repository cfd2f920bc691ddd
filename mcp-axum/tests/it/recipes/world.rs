//! All hosts that recipes name: one server behind a proxy that leads every name to it. It writes down each request and
//! answers what it was told to.

use super::tls::{self, Authority};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// The header of the proxy of `private-network.yaml`.
const LOGIN: &str = "Basic ZHlubWNwOnByb3h5LXBhc3N3b3Jk"; // dynmcp:proxy-password
const TOKEN: &str = r#"{"access_token":"token-1","token_type":"bearer","expires_in":3600}"#;

/// What it is told to answer.
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Answer {
    pub fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            status,
            headers: headers.collect(),
            body: body.to_owned().into(),
        }
    }

    /// As `docs/DEFINITIONS_AS_CODE.md` describes `mock`.
    pub fn of_mock(json: &str) -> Self {
        #[derive(Deserialize)]
        struct Mock {
            status: Option<u16>,
            #[serde(default)]
            headers: IndexMap<String, String>,
            body: Option<Box<RawValue>>,
        }
        let mock: Mock = serde_json::from_str(json).unwrap();
        let mut headers = mock.headers;
        let body = mock
            .body
            .map(|body| match serde_json::from_str::<String>(body.get()) {
                Ok(text) => ("text/plain; charset=utf-8", Bytes::from(text)),
                Err(_) => ("application/json", body.get().to_owned().into()),
            });
        if let Some((kind, _)) = &body
            && !headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("content-type"))
        {
            headers.insert("Content-Type".to_owned(), (*kind).to_owned());
        }
        Self {
            status: mock.status.unwrap_or(200),
            headers: headers.into_iter().collect(),
            body: body.map(|(_, body)| body).unwrap_or_default(),
        }
    }
}

#[derive(Default)]
struct Memory {
    answers: VecDeque<Answer>,
    requests: Vec<(String, u16)>,
}

pub struct World {
    memory: Arc<Mutex<Memory>>,
    proxy: SocketAddr,
}

impl World {
    /// Puts the secrets that recipes refer to into `folder/secrets`.
    pub async fn start(folder: &Path) -> Self {
        let (names, clients) = (Authority::new(), Authority::new());
        let (certificate, key) = clients.issue("dynmcp.client");
        let secrets = folder.join("secrets");
        fs::create_dir(&secrets).unwrap();
        for (name, text) in [
            ("authority.pem", names.pem()),
            ("ledger-ca.pem", names.pem()),
            ("ledger-client.pem", certificate),
            ("ledger-client.key", key),
        ] {
            fs::write(secrets.join(name), text).unwrap();
        }
        for name in [
            "proxy-password",
            "erp-password",
            "ci",
            "desk",
            "DYNMCP_SECRET_WEATHER",
            "DYNMCP_SECRET_MAPS",
            "DYNMCP_SECRET_BANK",
            "DYNMCP_SECRET_GIT",
        ] {
            fs::write(secrets.join(name), format!("{}\n", name.to_lowercase())).unwrap();
        }
        let memory = Arc::<Mutex<Memory>>::default();
        let acceptor = TlsAcceptor::from(Arc::new(tls::server(names, &clients)));
        let served = memory.clone();
        let server = listen(move |stream| serve(stream, acceptor.clone(), served.clone())).await;
        let proxy = listen(move |stream| tunnel(stream, server)).await;
        Self { memory, proxy }
    }

    pub fn proxy(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// The recipe with all hosts led here, and secrets looked up in files of `secrets`.
    pub fn lead_here(&self, recipe: &str, secrets: &Path) -> String {
        let secrets = secrets.display().to_string();
        let text = recipe
            .replace("${env:", &format!("${{file:{secrets}/"))
            .replace("/run/secrets/dynmcp", &secrets)
            .replace("http://proxy.corp:3128", &self.proxy());
        if text.contains("proxy:") {
            return text;
        }
        let way = format!(
            "proxy: {}, tls: {{ca: '${{file:{secrets}/authority.pem}}'}}",
            self.proxy()
        );
        let block = format!("tds_ext_info:\n  {}", way.replace(", tls", "\n  tls"));
        text.replace("tds_ext_info:\n", &format!("{block}\n"))
            .replace("tds_ext_info: {", &format!("tds_ext_info: {{{way}, "))
    }

    /// In this order. The token endpoint needs no answer.
    pub fn will_answer(&self, answers: Vec<Answer>) {
        self.memory.lock().unwrap().answers = answers.into();
    }

    /// What was asked since the last look, with the status of the answer; and how many answers were not asked for.
    pub fn take(&self) -> (Vec<(String, u16)>, usize) {
        let mut memory = self.memory.lock().unwrap();
        (std::mem::take(&mut memory.requests), memory.answers.len())
    }
}

async fn listen<F, W>(connection: W) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn(TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(connection(stream));
        }
    });
    address
}

/// `CONNECT` to whatever name leads to the server.
async fn tunnel(mut client: TcpStream, server: SocketAddr) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let may_pass = !head.contains("ledger.internal") || head.contains(LOGIN);
    if !head.starts_with("CONNECT ") || !may_pass {
        let _ = client
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            .await;
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, memory: Arc<Mutex<Memory>>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let is_known = stream.get_ref().1.peer_certificates().is_some();
    let service = service_fn(move |request| answer(request, is_known, memory.clone()));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    is_known: bool,
    memory: Arc<Mutex<Memory>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let host = parts.headers["host"].to_str().unwrap();
    let mut text = format!("{} https://{host}{}\n", parts.method, parts.uri);
    if is_known {
        text.push_str("# with the client certificate of the gateway\n");
    }
    headers(&parts.headers, &body, &mut text);
    if !body.is_empty() {
        let _ = write!(text, "\n{}\n", shown(&body));
    }
    let boundary = parts
        .headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok()?.split_once("boundary="));
    if let Some((_, boundary)) = boundary {
        text = text.replace(boundary, "BOUNDARY");
    }
    let mut memory = memory.lock().unwrap();
    let answer = match host {
        "login.example.com" => Answer::new(200, &[("Content-Type", "application/json")], TOKEN),
        "ledger.internal" if !is_known => Answer::new(403, &[], ""),
        _ => memory
            .answers
            .pop_front()
            .unwrap_or_else(|| Answer::new(500, &[], "not expected")),
    };
    memory.requests.push((text, answer.status));
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    for (name, value) in answer.headers {
        response
            .headers_mut()
            .append(name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap());
    }
    Ok(response)
}

/// Those that are not the same in every request.
fn headers(headers: &HeaderMap, body: &Bytes, text: &mut String) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match name.as_str() {
            "host" => continue,
            "user-agent" if value == concat!("dynmcp/", env!("CARGO_PKG_VERSION")) => continue,
            "via" if value.starts_with("1.1 dynmcp-") => continue,
            "content-length" => {
                assert_eq!(value, body.len().to_string());
                continue;
            }
            _ => {}
        }
        let words = name.as_str().split('-').map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_ascii_uppercase() + rest
        });
        let _ = writeln!(text, "{}: {value}", words.collect::<Vec<_>>().join("-"));
    }
}

/// Text as it is; of bytes their number.
fn shown(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace("\r\n", "\n").trim_end_matches('\n').to_owned(),
        Err(_) => format!("{} bytes", body.len()),
    }
}
