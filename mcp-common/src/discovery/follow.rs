//! Looks again and again, and hands on what is seen.

use super::{Board, Discovery, Look, NotSeen};
use crate::backoff::Backoff;
use std::{convert::Infallible, time::Duration};

/// The longest wait for a place that is away, in intervals.
const LONGEST: u32 = 10;
/// What tells of changes is not asked more often.
const GATHER: Duration = Duration::from_millis(50);

/// Goes on for ever. A place that cannot be reached is asked after the interval at first, then more and more seldom.
pub async fn follow(
    source: &mut dyn Discovery,
    place: usize,
    interval: Duration,
    board: &Board,
) -> Infallible {
    let mut backoff = Backoff::between(interval, interval * LONGEST);
    loop {
        let wait = match source.look().await {
            Ok(seen) => {
                backoff.reset();
                match seen {
                    Look::Same => board.same(place),
                    Look::Set(set) => board.take(place, set),
                }
                interval
            }
            Err(error) => {
                board.failed(place, &error);
                match error {
                    NotSeen::Away(_) => backoff.next_wait().max(interval),
                    NotSeen::Broken(_) => interval,
                }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = source.changed() => tokio::time::sleep(GATHER).await,
        }
    }
}
