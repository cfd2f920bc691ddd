//! Replicas are replaced one by one while clients work.

use crate::{
    fixture::{echo, open_shop, three},
    load::{self, Tally},
};
use anyhow::{Result, ensure};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

const CALLS: usize = 10_000;
const CLIENTS: usize = 16;

pub(crate) async fn a_rolling_restart_loses_nothing(source: &str) -> Result<()> {
    let (mut replicas, upstream) = (three(source).await?, echo().await?);
    open_shop(&replicas, &upstream).await?;
    let tally = Arc::new(Tally::default());
    let clients = tokio::spawn(load::run(replicas.directory(), CALLS, CLIENTS, tally.clone()));
    for place in 0..3 {
        // Each one goes in the middle of the work.
        let share = CALLS / 4 * (place + 1);
        while tally.answered.load(Ordering::Relaxed) < share && !clients.is_finished() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ensure!(
            !clients.is_finished(),
            "the clients ended early: {:?}",
            clients.await?
        );
        replicas.replace(place).await?;
    }
    clients.await??;
    let answered = tally.answered.load(Ordering::Relaxed);
    ensure!(answered == CALLS, "{answered} of {CALLS} calls were answered");
    Ok(())
}
