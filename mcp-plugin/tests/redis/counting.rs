//! What is let in, and what is not.

use super::tally::{concurrent, left, of, open, per_day, place, rate, refused, take, take_after};
use crate::servers::redis::RedisServer;
use mcp_common::tally::{Taken, Tally};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_burst_is_let_in_and_then_no_more_than_the_rate() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let hourly = rate(HOUR / 5, 5);
    for expected in [4, 3, 2, 1, 0] {
        assert_eq!(left(take(&tally, &[&hourly], 0).await), [expected]);
    }
    let (by, wait) = refused(take(&tally, &[&hourly], 0).await);
    assert_eq!(by, 0);
    assert!(wait <= HOUR / 5 && wait > HOUR / 5 * 9 / 10, "{wait:?}");
    // Of thirds of seconds, too, whose sum is no whole number.
    let thirds = rate(Duration::from_secs(1) / 3, 3);
    for expected in [2, 1, 0] {
        assert_eq!(left(take(&tally, &[&thirds], 0).await), [expected]);
    }
    refused(take(&tally, &[&thirds], 0).await);
    // The largest and the smallest that a definition may have.
    let huge = rate(Duration::from_nanos(1), u32::MAX);
    left(take(&tally, &[&huge], 0).await);
    let slow = rate(Duration::from_secs(24 * 3_600), 366);
    assert_eq!(left(take(&tally, &[&slow], 0).await), [365]);
    // Somebody else is counted apart.
    let other = mcp_common::tally::Wanted {
        counts: &[of("key:other", &hourly)],
        call: 0,
        over: &[],
        lease: super::tally::LEASE,
    };
    assert_eq!(tally.take(&other).await, Ok(Taken::All(vec![4])));
}

#[tokio::test]
async fn a_call_is_counted_for_all_of_its_limits_or_for_none() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let (daily, hourly, one) = (per_day(3), rate(HOUR, 2), concurrent(1));
    assert_eq!(left(take(&tally, &[&one, &daily, &hourly], 1).await), [0, 2, 1]);
    assert_eq!(refused(take(&tally, &[&one, &daily, &hourly], 2).await).0, 0);
    let over = [place(&one, 1)];
    assert_eq!(
        left(take_after(&tally, &[&one, &daily, &hourly], 3, &over).await),
        [0, 1, 0]
    );
    tally.give_back(&[place(&one, 3)]).await.unwrap();
    for _ in 0..3 {
        assert_eq!(refused(take(&tally, &[&one, &daily, &hourly], 4).await).0, 2);
    }
    // What was refused has been counted nowhere.
    assert_eq!(left(take(&tally, &[&daily], 5).await), [0]);
    let (by, wait) = refused(take(&tally, &[&daily], 5).await);
    assert!(by == 0 && wait <= HOUR * 24 && !wait.is_zero(), "{wait:?}");
    assert_eq!(left(take(&tally, &[&one], 6).await), [0]);
    // Nothing stays for ever.
    for key in server.cli(&["KEYS", "*"]).lines() {
        let left: i64 = server.cli(&["TTL", key]).parse().unwrap();
        assert!((1..=2 * 86_400).contains(&left), "{key}: {left}");
    }
}

#[tokio::test]
async fn places_are_kept_as_long_as_somebody_says_so() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let two = concurrent(2);
    let short = Duration::from_secs(1);
    let wanted = |call| mcp_common::tally::Wanted {
        counts: &[],
        call,
        over: &[],
        lease: short,
    };
    let counts = [of("key:k", &two)];
    for call in [1, 2] {
        let wanted = mcp_common::tally::Wanted {
            counts: &counts,
            ..wanted(call)
        };
        left(tally.take(&wanted).await);
    }
    refused(take(&tally, &[&two], 3).await);
    // Nobody says any more of the second one: its replica was killed.
    let begun = Instant::now();
    while begun.elapsed() < short * 3 / 2 {
        tally.keep(&[place(&two, 1)], short).await.unwrap();
        tokio::time::sleep(short / 5).await;
    }
    tally.keep(&[place(&two, 1)], short).await.unwrap();
    assert_eq!(left(take(&tally, &[&two], 4).await), [0]);
    refused(take(&tally, &[&two], 5).await);
    // A server that has forgotten everything is told.
    server.cli(&["FLUSHALL"]);
    tally
        .keep(&[place(&two, 1), place(&two, 4)], short)
        .await
        .unwrap();
    refused(take(&tally, &[&two], 6).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_over_three_connections_are_counted_exactly() {
    let server = RedisServer::start(&[]);
    let mut tallies = Vec::new();
    for _ in 0..3 {
        tallies.push(Arc::new(open(&server.url()).await));
    }
    // 200 at once, and 100 a second.
    let (count, day) = (rate(Duration::from_millis(10), 200), per_day(1_000_000));
    let (begun, time) = (Instant::now(), Duration::from_secs(3));
    let callers = (0..50).map(|caller| {
        let tally = tallies[caller % 3].clone();
        let (count, day) = (count.clone(), day.clone());
        tokio::spawn(async move {
            let mut admitted = 0_u32;
            while begun.elapsed() < time {
                if matches!(take(&tally, &[&day, &count], 0).await, Ok(Taken::All(_))) {
                    admitted += 1;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            admitted
        })
    });
    let mut admitted = 0;
    for caller in callers.collect::<Vec<_>>() {
        admitted += caller.await.unwrap();
    }
    let allowed = 200.0 + begun.elapsed().as_secs_f64() * 100.0;
    let share = f64::from(admitted) / allowed;
    assert!((0.95..=1.01).contains(&share), "{admitted} of {allowed}");
    // What was let in is what the day has, to the last one.
    assert_eq!(
        left(take(&tallies[0], &[&day], 0).await),
        [1_000_000 - admitted - 1]
    );
}

#[tokio::test]
async fn it_is_there_for_calls_while_it_is_asked_whether_it_is_there() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let daily = per_day(1_000_000);
    let probes = async {
        for _ in 0..300 {
            tally.probe().await.unwrap();
        }
    };
    let calls = async {
        for _ in 0..300 {
            left(take(&tally, &[&daily], 0).await);
        }
    };
    tokio::join!(probes, calls);
}

#[tokio::test]
async fn a_call_counts_for_the_limits_of_several_holders_or_for_none() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let (own, daily, places) = (rate(HOUR, 9), per_day(2), concurrent(1));
    let counts = [
        of("key:k", &own),
        of("all:desk", &daily),
        of("all:gateway", &places),
    ];
    let wanted = |call, over| mcp_common::tally::Wanted {
        counts: &counts,
        call,
        over,
        lease: super::tally::LEASE,
    };
    let under_way = |call| {
        [mcp_common::tally::Place {
            holder: "all:gateway".into(),
            ..place(&places, call)
        }]
    };
    let (first, third) = (under_way(1), under_way(3));
    assert_eq!(left(tally.take(&wanted(1, &[])).await), [8, 1, 0]);
    // Under way, wherever: neither the key nor the desk counts it.
    let (by, _) = refused(tally.take(&wanted(2, &[])).await);
    assert_eq!(by, 2);
    assert_eq!(left(tally.take(&wanted(3, &first)).await), [7, 0, 0]);
    let (by, _) = refused(tally.take(&wanted(4, &third)).await);
    assert_eq!(by, 1);
}
