//! All replicas are replaced while clients work. A client repeats a call on another replica if the connection failed,
//! and only then.

use super::INSTANCE;
use anyhow::{Result, ensure};
use dynmcp_harness::{Directory, Mcp, Replicas};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
const ATTEMPTS: usize = 5;

#[derive(Default)]
struct Tally {
    begun: AtomicUsize,
    answered: AtomicUsize,
    repeated: AtomicUsize,
}

pub(super) async fn restart(replicas: &mut Replicas, calls: usize) -> Result<()> {
    println!("\n{calls} calls while all three are replaced, one by one");
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(client(replicas.directory(), tally.clone(), calls));
    }
    for place in 0..3 {
        let share = calls / 4 * (place + 1);
        while tally.answered.load(Relaxed) < share {
            if let Some(ended) = clients.try_join_next() {
                ended??;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        replicas.replace(place).await?;
        println!("  replica {place} is {} now", replicas.directory().origin(place));
    }
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    let (answered, repeated) = (tally.answered.load(Relaxed), tally.repeated.load(Relaxed));
    println!("  {answered} answered, all of them right; {repeated} sent again after a lost connection");
    Ok(())
}

async fn client(directory: Directory, tally: Arc<Tally>, calls: usize) -> Result<()> {
    let mcp = Mcp::default();
    loop {
        let number = tally.begun.fetch_add(1, Relaxed);
        if number >= calls {
            return Ok(());
        }
        call(&mcp, &directory, number, &tally).await?;
        tally.answered.fetch_add(1, Relaxed);
    }
}

async fn call(mcp: &Mcp, directory: &Directory, number: usize, tally: &Tally) -> Result<()> {
    let params = json!({"name": "get_item", "arguments": {"id": number}});
    for attempt in 1.. {
        let endpoint = format!("{}/mcp/{INSTANCE}", directory.origin(number + attempt));
        match mcp.modern(&endpoint, "tools/call", params.clone()).await {
            Ok((status, body)) => {
                let item = &body["result"]["structuredContent"]["item"];
                ensure!(item == number, "call {number} was answered {status}: {body}");
                return Ok(());
            }
            Err(error) if attempt < ATTEMPTS => {
                tally.repeated.fetch_add(1, Relaxed);
                drop(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
