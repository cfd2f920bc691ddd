//! Somebody who has nothing to do with it: calls a plain tool all the time, and looks whether the gateway lives.

use super::site::Site;
use crate::{answer, request::Request};
use anyhow::{Result, anyhow};
use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    runtime,
    sync::watch,
    task::{JoinSet, LocalSet},
    time::{Instant, sleep, sleep_until},
};

/// How long each call took, in ascending order, and how many failed.
#[derive(Default)]
pub(super) struct Waits {
    pub(super) calls: Vec<Duration>,
    pub(super) failed: usize,
    /// The longest of a new connection that asks for `/healthz`.
    pub(super) health: Duration,
    pub(super) health_failed: usize,
}

impl Waits {
    /// The wait that so many of a hundred calls do not exceed.
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let index = (self.calls.len() * percent / 100).min(self.calls.len().saturating_sub(1));
        self.calls.get(index).copied().unwrap_or(Duration::MAX)
    }
}

/// Calls until it is stopped.
pub(super) struct Bystander {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Result<Waits>>,
}

impl Bystander {
    /// Enough that each worker has some.
    pub(super) const CONNECTIONS: u32 = 16;
    /// Between two calls of a connection.
    pub(super) const INTERVAL: Duration = Duration::from_millis(20);
    /// Between two looks at `/healthz`.
    const LOOK: Duration = Duration::from_millis(100);

    pub(super) fn start(site: &Site) -> Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let caller = Caller {
            port: site.port,
            request: site.plain(),
            expected: site.plain_answer().into(),
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("bystander".to_owned())
            .spawn(move || {
                let waits = Rc::new(RefCell::new(Waits::default()));
                let work = act(caller, stopped, waits.clone());
                LocalSet::new().block_on(&runtime, work)?;
                let mut waits = waits.take();
                waits.calls.sort_unstable();
                Ok(waits)
            })?;
        Ok(Self { stop, thread })
    }

    pub(super) fn stop(self) -> Result<Waits> {
        self.stop.send_replace(true);
        self.thread.join().map_err(|_| anyhow!("the bystander broke"))?
    }
}

#[derive(Clone)]
struct Caller {
    port: u16,
    request: Request,
    expected: Arc<[u8]>,
}

async fn act(caller: Caller, stopped: watch::Receiver<bool>, waits: Rc<RefCell<Waits>>) -> Result<()> {
    let mut tasks = JoinSet::new();
    let start = Instant::now();
    for place in 0..Bystander::CONNECTIONS {
        let due = start + Bystander::INTERVAL * place / Bystander::CONNECTIONS;
        tasks.spawn_local(call_again(caller.clone(), due, stopped.clone(), waits.clone()));
    }
    tasks.spawn_local(look_again(caller.port, stopped, waits));
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    Ok(())
}

/// A call that waits keeps the next ones waiting: each counts from when it was due.
async fn call_again(
    caller: Caller,
    mut due: Instant,
    mut stopped: watch::Receiver<bool>,
    waits: Rc<RefCell<Waits>>,
) {
    let mut stream = None;
    let mut buffer = Vec::new();
    while !*stopped.borrow() {
        sleep_until(due).await;
        // The timer's own lateness is nobody's wait.
        let mut since = Instant::now();
        let answered = tokio::select! {
            answered = caller.call(&mut stream, &mut buffer) => Some(answered),
            _ = stopped.changed() => None,
        };
        let now = Instant::now();
        let mut waits = waits.borrow_mut();
        if let Some(Err(_)) = answered {
            waits.failed += 1;
            stream = None;
        }
        // Nothing was left of this one when it had to stop.
        let is_cut = answered.is_none() && now - since < Bystander::INTERVAL;
        while !is_cut && since <= now {
            waits.calls.push(now - since);
            since += Bystander::INTERVAL;
        }
        due = (due + Bystander::INTERVAL).max(now);
    }
}

impl Caller {
    async fn call(&self, stream: &mut Option<TcpStream>, buffer: &mut Vec<u8>) -> Result<()> {
        let stream = match stream {
            Some(stream) => stream,
            None => {
                let new = TcpStream::connect(("127.0.0.1", self.port)).await?;
                new.set_nodelay(true)?;
                stream.insert(new)
            }
        };
        stream.write_all(&self.request.0).await?;
        answer::check(stream, buffer, &self.expected).await
    }
}

async fn look_again(port: u16, mut stopped: watch::Receiver<bool>, waits: Rc<RefCell<Waits>>) {
    while !*stopped.borrow() {
        let since = Instant::now();
        let look = look(port);
        let answered = tokio::select! {
            answered = look => answered,
            _ = stopped.changed() => Ok(()),
        };
        {
            let mut waits = waits.borrow_mut();
            waits.health = waits.health.max(since.elapsed());
            waits.health_failed += usize::from(answered.is_err());
        }
        sleep(Bystander::LOOK).await;
    }
}

/// Whether a new connection is told that the gateway lives.
pub(super) async fn look(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&Request::get(port, "/healthz").0).await?;
    let mut buffer = Vec::new();
    answer::read(&mut stream, &mut buffer).await?;
    anyhow::ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "no good answer");
    Ok(())
}
