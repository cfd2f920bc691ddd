//! Keeps a number of connections busy, one request at a time on each, and checks every answer.

use crate::{answer, events, request::Request};
use anyhow::Result;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    task::{JoinSet, LocalSet},
};

/// What is sent and what has to come back.
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    pub(crate) request: &'a Request,
    pub(crate) expected: &'a [u8],
    pub(crate) form: Form,
}

/// How an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a body of a length that its head says.
    #[default]
    Whole,
    /// As the last of a stream of events; those before it tell of progress.
    Events,
}

/// What came of it.
pub(crate) struct Run {
    pub(crate) elapsed: Duration,
    /// Nanoseconds, in ascending order.
    pub(crate) latencies: Vec<u64>,
    /// Events that came before answers.
    pub(crate) parts: u64,
}

impl Load<'_> {
    /// Keeps `connections` busy for `time`.
    pub(crate) async fn run(&self, connections: usize, time: Duration) -> Result<Run> {
        let request: Rc<[u8]> = self.request.0.as_slice().into();
        let expected: Rc<[u8]> = self.expected.into();
        let local = LocalSet::new();
        let start = Instant::now();
        let work = async {
            let mut tasks = JoinSet::new();
            for _ in 0..connections {
                let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
                stream.set_nodelay(true)?;
                let (request, expected) = (request.clone(), expected.clone());
                tasks.spawn_local(keep_busy(stream, request, expected, self.form, start + time));
            }
            let (mut latencies, mut parts) = (Vec::new(), 0);
            while let Some(task) = tasks.join_next().await {
                let mut done = task??;
                latencies.append(&mut done.0);
                parts += done.1;
            }
            anyhow::Ok((latencies, parts))
        };
        let (mut latencies, parts) = local.run_until(work).await?;
        let elapsed = start.elapsed();
        latencies.sort_unstable();
        Ok(Run {
            elapsed,
            latencies,
            parts,
        })
    }
}

async fn keep_busy(
    mut stream: TcpStream,
    request: Rc<[u8]>,
    expected: Rc<[u8]>,
    form: Form,
    end: Instant,
) -> Result<(Vec<u64>, u64)> {
    let (mut latencies, mut parts) = (Vec::with_capacity(1 << 16), 0);
    let mut buffer = Vec::with_capacity(expected.len() + 1024);
    let mut sent = Instant::now();
    while sent < end {
        stream.write_all(&request).await?;
        match form {
            Form::Whole => answer::check(&mut stream, &mut buffer, &expected).await?,
            Form::Events => parts += events::check(&mut stream, &mut buffer, &expected).await?,
        }
        let received = Instant::now();
        latencies.push(u64::try_from((received - sent).as_nanos())?);
        sent = received;
    }
    Ok((latencies, parts))
}
