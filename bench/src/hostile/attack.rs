//! Does what a witness says, from a thread of its own.

use super::{
    client::{Answer, connect, exchange},
    site::{INSTANCE, Site},
    witness::{Attack, Witness},
};
use anyhow::{Context, Result};
use dynmcp_harness::Gateway;
use std::{
    cell::RefCell,
    fmt,
    future::Future,
    rc::Rc,
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    runtime,
    task::LocalSet,
    time::{Instant, sleep, timeout},
};

/// How long it goes on.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) at_least: Duration,
    pub(super) at_most: Duration,
}

/// What came of it.
#[derive(Clone, Default)]
pub(super) struct Outcome {
    sent: usize,
    answered: usize,
    /// Of those that were answered.
    slowest: Duration,
    /// What the last answer was.
    last: String,
    /// Nobody waits for answers.
    is_silent: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, answered, .. } = self;
        match (sent, self.is_silent) {
            (0, _) => f.write_str("–"),
            (_, true) => write!(f, "{sent} made"),
            _ if *answered == 0 => write!(f, "0 of {sent}"),
            _ => write!(
                f,
                "{answered} of {sent} ({}), {:.2} s",
                self.last,
                self.slowest.as_secs_f64()
            ),
        }
    }
}

pub(super) fn start(attack: &Attack, site: &Site, times: Times) -> Result<JoinHandle<Result<Outcome>>> {
    let plan = Plan::new(attack, site)?;
    let port = site.port;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let work = move || {
        let outcome = Rc::new(RefCell::new(Outcome::default()));
        let act = plan.act(port, times, outcome.clone());
        LocalSet::new().block_on(&runtime, async {
            timeout(times.at_most, act).await.unwrap_or(Ok(()))
        })?;
        Ok(outcome.take())
    };
    Ok(thread::Builder::new().name("attacker".to_owned()).spawn(work)?)
}

/// The bytes are made before the clock runs.
enum Plan {
    Wait,
    /// Again and again, each on a connection of its own.
    Exchanges {
        request: Vec<u8>,
        at_once: usize,
    },
    /// Something that is sent and held; slowly if it is a head.
    Held {
        bytes: Vec<u8>,
        is_slow: bool,
        connections: usize,
    },
    /// Sent, and the connection is closed.
    Dropped {
        request: Vec<u8>,
        at_once: usize,
    },
    UnreadMetrics {
        requests: usize,
    },
}

impl Plan {
    fn new(attack: &Attack, site: &Site) -> Result<Self> {
        let port = site.port;
        Ok(match attack {
            Attack::Nothing | Attack::Stored(_) => Self::Wait,
            Attack::Calls { arguments, at_once } => Self::Exchanges {
                request: site.call(Witness::TOOL, arguments).0,
                at_once: *at_once,
            },
            Attack::Admin {
                method,
                path,
                body,
                at_once,
            } => Self::Exchanges {
                request: post(port, method, path, "", body),
                at_once: *at_once,
            },
            Attack::Heads { connections } => Self::Held {
                bytes: [
                    format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-A: ").into_bytes(),
                    vec![b'a'; 400 << 10],
                ]
                .concat(),
                is_slow: true,
                connections: *connections,
            },
            Attack::Bodies { connections } => {
                let mut bytes = post(
                    port,
                    "POST",
                    &format!("/mcp/{INSTANCE}"),
                    "",
                    &" ".repeat(4 << 20),
                );
                bytes.pop();
                Self::Held {
                    bytes,
                    is_slow: false,
                    connections: *connections,
                }
            }
            Attack::Unread { connections } => Self::Held {
                bytes: site.call(Witness::TOOL, &serde_json::json!({})).0,
                is_slow: false,
                connections: *connections,
            },
            Attack::Connections { count } => Self::Held {
                bytes: Vec::new(),
                is_slow: false,
                connections: *count,
            },
            Attack::Abandoned { at_once } => {
                let body = format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{}","arguments":{{}}}}}}"#,
                    Witness::TOOL
                );
                Self::Dropped {
                    request: post(
                        port,
                        "POST",
                        &format!("/mcp/{INSTANCE}"),
                        "MCP-Protocol-Version: 2025-06-18\r\n",
                        &body,
                    ),
                    at_once: *at_once,
                }
            }
            Attack::UnreadMetrics { requests } => Self::UnreadMetrics { requests: *requests },
        })
    }

    async fn act(self, port: u16, times: Times, outcome: Rc<RefCell<Outcome>>) -> Result<()> {
        let end = Instant::now() + times.at_least;
        match self {
            Self::Wait => {}
            Self::Exchanges { request, at_once } => {
                let request: Rc<[u8]> = request.into();
                let many = |_| repeat(port, request.clone(), end, outcome.clone());
                all((0..at_once).map(many)).await;
            }
            Self::Held {
                bytes,
                is_slow,
                connections,
            } => {
                let bytes: Rc<[u8]> = bytes.into();
                let hold = |_| hold(port, bytes.clone(), is_slow, end, outcome.clone());
                all((0..connections).map(hold)).await;
            }
            Self::Dropped { request, at_once } => {
                let request: Rc<[u8]> = request.into();
                let many = |_| drop_again(port, request.clone(), end, outcome.clone());
                all((0..at_once).map(many)).await;
            }
            Self::UnreadMetrics { requests } => unread_metrics(port, requests, end, &outcome).await?,
        }
        tokio::time::sleep_until(end).await;
        Ok(())
    }
}

fn post(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        Gateway::KEY,
        body.len()
    )
    .into_bytes()
}

async fn all<F: Future<Output = ()> + 'static>(tasks: impl Iterator<Item = F>) {
    let mut set = tokio::task::JoinSet::new();
    tasks.for_each(|task| {
        set.spawn_local(task);
    });
    while set.join_next().await.is_some() {}
}

async fn repeat(port: u16, request: Rc<[u8]>, end: Instant, outcome: Rc<RefCell<Outcome>>) {
    while Instant::now() < end {
        outcome.borrow_mut().sent += 1;
        let start = Instant::now();
        if let Ok(answer) = exchange(port, &request).await {
            let mut outcome = outcome.borrow_mut();
            outcome.last = kind(&answer);
            outcome.answered += 1;
            outcome.slowest = outcome.slowest.max(start.elapsed());
        } else {
            // Refused, or nobody is there any more.
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The status, and whether a tool's result is an error.
fn kind(answer: &Answer) -> String {
    let is_error = answer.body.windows(14).any(|part| part == br#""isError":true"#);
    format!("{}{}", answer.status, if is_error { " error" } else { "" })
}

/// The connection stays open to the end.
async fn hold(port: u16, bytes: Rc<[u8]>, is_slow: bool, end: Instant, outcome: Rc<RefCell<Outcome>>) {
    outcome.borrow_mut().is_silent = true;
    let held = async {
        let mut stream = connect(port).await?;
        outcome.borrow_mut().sent += 1;
        let piece = if is_slow { 8 << 10 } else { 64 << 10 };
        for piece in bytes.chunks(piece) {
            stream.write_all(piece).await?;
            if is_slow {
                sleep(Duration::from_millis(20)).await;
            }
        }
        std::future::pending::<Result<()>>().await
    };
    // One that is closed by the other side is not opened again.
    let _ = tokio::time::timeout_at(end, held).await;
}

async fn drop_again(port: u16, request: Rc<[u8]>, end: Instant, outcome: Rc<RefCell<Outcome>>) {
    outcome.borrow_mut().is_silent = true;
    while Instant::now() < end {
        if let Ok(mut stream) = connect(port).await
            && stream.write_all(&request).await.is_ok()
        {
            outcome.borrow_mut().sent += 1;
            // It is read before it is known that nobody waits.
            sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn unread_metrics(port: u16, requests: usize, end: Instant, outcome: &RefCell<Outcome>) -> Result<()> {
    outcome.borrow_mut().is_silent = true;
    let (mut sender, connection) = h2::client::handshake(connect(port).await?)
        .await
        .context("HTTP/2")?;
    let driver = tokio::task::spawn_local(connection);
    let mut kept = Vec::new();
    for _ in 0..requests {
        // Waits for a place among the streams; if the connection is closed it is over.
        let Ok(Ok(ready)) = tokio::time::timeout_at(end, sender.ready()).await else {
            break;
        };
        sender = ready;
        let request = http::Request::get(format!("http://127.0.0.1:{port}/metrics")).body(())?;
        kept.push(sender.send_request(request, true)?.0);
        outcome.borrow_mut().sent += 1;
    }
    tokio::time::sleep_until(end).await;
    drop(kept);
    driver.abort();
    Ok(())
}
