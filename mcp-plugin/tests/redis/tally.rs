//! Somebody who counts, and what is counted.

use mcp_common::tally::{Count, Counting, Most, Place, Taken, Tally, Wanted};
use mcp_plugin::tally::redis::{RedisSettings, RedisTally};
use std::time::Duration;

pub(crate) const LEASE: Duration = Duration::from_secs(15);

pub(crate) fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: url.to_owned(),
        prefix: "dynmcp:".to_owned(),
        ..RedisSettings::default()
    }
}

/// One that is connected.
pub(crate) async fn open(url: &str) -> RedisTally {
    let tally = RedisTally::new(settings(url)).unwrap();
    tally.probe().await.unwrap();
    tally
}

pub(crate) fn rate(between: Duration, burst: u32) -> Count {
    Count {
        name: format!("rate-{}-{burst}", between.as_nanos()).into(),
        most: Most::Rate { between, burst },
    }
}

pub(crate) fn per_day(most: u32) -> Count {
    Count {
        name: format!("day-{most}").into(),
        most: Most::PerDay(most),
    }
}

pub(crate) fn concurrent(most: u32) -> Count {
    Count {
        name: format!("now-{most}").into(),
        most: Most::Concurrent(most),
    }
}

pub(crate) fn place(count: &Count, call: u128) -> Place {
    Place {
        holder: "key:k".into(),
        name: count.name.clone(),
        call,
    }
}

/// A limit of somebody.
pub(crate) fn of<'a>(holder: &'a str, count: &'a Count) -> Counting<'a> {
    Counting { holder, count }
}

/// A call of the holder `key:k`.
pub(crate) async fn take(tally: &RedisTally, counts: &[&Count], call: u128) -> Result<Taken, String> {
    take_after(tally, counts, call, &[]).await
}

pub(crate) async fn take_after(
    tally: &RedisTally,
    counts: &[&Count],
    call: u128,
    over: &[Place],
) -> Result<Taken, String> {
    let counts: Vec<_> = counts.iter().map(|count| of("key:k", count)).collect();
    let wanted = Wanted {
        counts: &counts,
        call,
        over,
        lease: LEASE,
    };
    tally.take(&wanted).await
}

/// Which limit refused, and for how long.
#[track_caller]
pub(crate) fn refused(taken: Result<Taken, String>) -> (usize, Duration) {
    match taken {
        Ok(Taken::Refused { by, wait }) => (by, wait),
        other => panic!("{other:?}"),
    }
}

/// What is left.
#[track_caller]
pub(crate) fn left(taken: Result<Taken, String>) -> Vec<u32> {
    match taken {
        Ok(Taken::All(left)) => left,
        other => panic!("{other:?}"),
    }
}
