//! Clients that call again and again, whatever happens, when their turn comes and not when the call before is over.

use super::tally::{Outcome, Tally};
use anyhow::Result;
use dynmcp_harness::Mcp;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{task::JoinHandle, time::MissedTickBehavior};

pub(super) struct Load {
    shared: Arc<Shared>,
    begun: Instant,
    calling: JoinHandle<()>,
}

struct Shared {
    /// The gateways, and which of them are there.
    endpoints: [String; 2],
    are_there: [AtomicBool; 2],
    mcp: Mcp,
    tally: Mutex<Tally>,
    under_way: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    pub(super) fn start(endpoints: [String; 2], calls: u32) -> Self {
        let shared = Arc::new(Shared {
            endpoints,
            are_there: [true, true].map(AtomicBool::new),
            mcp: Mcp::default(),
            tally: Mutex::default(),
            under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let begun = Instant::now();
        let callers = shared.clone();
        let calling = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_secs(1) / calls.max(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut number = 0;
            while !callers.is_over.load(Ordering::Relaxed) {
                ticks.tick().await;
                number += 1;
                let callers = callers.clone();
                callers.under_way.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let due = Instant::now();
                    let outcome = callers.call(number).await;
                    let second = usize::try_from((due - begun).as_secs()).unwrap_or_default();
                    callers.tally().add(second, due.elapsed(), number, outcome);
                    callers.under_way.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self {
            shared,
            begun,
            calling,
        }
    }

    /// A gateway is not there any more, as a load balancer finds out.
    pub(super) fn without(&self, place: usize) {
        self.shared.are_there[place].store(false, Ordering::Relaxed);
    }

    /// The second that it is.
    pub(super) fn second(&self) -> usize {
        usize::try_from(self.begun.elapsed().as_secs()).unwrap_or_default()
    }

    /// Waits for all calls.
    pub(super) async fn end(self) -> Result<Tally> {
        self.shared.is_over.store(true, Ordering::Relaxed);
        self.calling.await?;
        while self.shared.under_way.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(std::mem::take(&mut *self.shared.tally()))
    }
}

impl Shared {
    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every fourth pays.
    async fn call(&self, number: u64) -> Outcome {
        let pays = number.is_multiple_of(4);
        let tool = if pays { "pay" } else { "look" };
        let params = json!({"name": tool, "arguments": {"number": number}});
        let mut place = usize::try_from(number / 4 % 2).unwrap_or_default();
        for _ in 0..2 {
            if !self.are_there[place].load(Ordering::Relaxed) {
                place = 1 - place;
            }
            match self
                .mcp
                .modern(&self.endpoints[place], "tools/call", params.clone())
                .await
            {
                Ok((status, body)) => return outcome(pays, status, &body),
                // The gateway is gone, perhaps with the call. Who only looks asks the other one.
                Err(_) if pays => return Outcome::Lost,
                Err(_) => place = 1 - place,
            }
        }
        Outcome::FailedLook("no gateway answered".to_owned())
    }
}

fn outcome(pays: bool, status: u16, body: &Value) -> Outcome {
    let result = &body["result"];
    let is_good = status == 200 && result["isError"] != true && !result.is_null();
    match (pays, is_good) {
        (true, true) => Outcome::Paid(port(result)),
        (true, false) => Outcome::FailedPayment,
        (false, true) => Outcome::Looked(port(result)),
        (false, false) => Outcome::FailedLook(body.to_string()),
    }
}

/// Which endpoint answered.
fn port(result: &Value) -> u64 {
    let text = result["content"][0]["text"].as_str().unwrap_or_default();
    let answer: Value = serde_json::from_str(text).unwrap_or_default();
    answer["port"].as_u64().unwrap_or_default()
}
