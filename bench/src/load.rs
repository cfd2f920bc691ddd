//! Keeps a number of connections busy, one request at a time on each, and checks every answer.

use crate::{answer, request::Request};
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
}

/// What came of it.
pub(crate) struct Run {
    pub(crate) elapsed: Duration,
    /// Nanoseconds, in ascending order.
    pub(crate) latencies: Vec<u64>,
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
                tasks.spawn_local(keep_busy(stream, request.clone(), expected.clone(), start + time));
            }
            let mut latencies = Vec::new();
            while let Some(task) = tasks.join_next().await {
                latencies.append(&mut task??);
            }
            anyhow::Ok(latencies)
        };
        let mut latencies = local.run_until(work).await?;
        let elapsed = start.elapsed();
        latencies.sort_unstable();
        Ok(Run { elapsed, latencies })
    }
}

async fn keep_busy(
    mut stream: TcpStream,
    request: Rc<[u8]>,
    expected: Rc<[u8]>,
    end: Instant,
) -> Result<Vec<u64>> {
    let mut latencies = Vec::with_capacity(1 << 16);
    let mut buffer = Vec::with_capacity(expected.len() + 1024);
    let mut sent = Instant::now();
    while sent < end {
        stream.write_all(&request).await?;
        answer::check(&mut stream, &mut buffer, &expected).await?;
        let received = Instant::now();
        latencies.push(u64::try_from((received - sent).as_nanos())?);
        sent = received;
    }
    Ok(latencies)
}
