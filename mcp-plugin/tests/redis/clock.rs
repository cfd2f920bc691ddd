//! Times are those of the server, whatever the replicas think that it is.

use super::tally::{left, open, per_day, rate, refused, take};
use crate::servers::redis::RedisServer;
use std::time::Duration;

/// The gateway's own clock is not among what is sent: a day is one of the server's, whose clock says something else than this machine's.
#[tokio::test]
async fn a_day_is_one_of_the_server() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let daily = per_day(2);
    let key = format!("dynmcp:{{key:k}}{}", daily.name);
    left(take(&tally, &[&daily], 0).await);
    let stored = server.cli(&["GET", &key]);
    let (day, calls) = stored.split_once(' ').unwrap();
    let seconds: u64 = server.cli(&["TIME"]).lines().next().unwrap().parse().unwrap();
    assert_eq!((day.parse(), calls), (Ok(seconds / 86_400), "1"));
    // What was counted yesterday is over.
    server.cli(&["SET", &key, &format!("{} 2", seconds / 86_400 - 1)]);
    assert_eq!(left(take(&tally, &[&daily], 0).await), [1]);
    // The clock was set back over midnight: what has been counted of the day that comes is not forgotten, and goes on into it.
    server.cli(&["SET", &key, &format!("{} 1", seconds / 86_400 + 1)]);
    assert_eq!(left(take(&tally, &[&daily], 0).await), [0]);
    let (_, wait) = refused(take(&tally, &[&daily], 0).await);
    let until = (seconds / 86_400 + 2) * 86_400 - seconds;
    assert!(
        wait <= Duration::from_secs(until) && wait > Duration::from_secs(until - 60),
        "{wait:?}"
    );
    // A clock that was days ahead holds nobody up for days.
    server.cli(&["SET", &key, &format!("{} 2", seconds / 86_400 + 5)]);
    assert_eq!(left(take(&tally, &[&daily], 0).await), [1]);
}

#[tokio::test]
async fn a_clock_that_was_set_back_holds_nobody_up_for_longer_than_one_burst() {
    let server = RedisServer::start(&[]);
    let tally = open(&server.url()).await;
    let slow = rate(Duration::from_millis(500), 2);
    let key = format!("dynmcp:{{key:k}}{}", slow.name);
    left(take(&tally, &[&slow], 0).await);
    let at: f64 = server.cli(&["GET", &key]).parse().unwrap();
    let tomorrow = at + 86_400e6;
    server.cli(&["SET", &key, &format!("{tomorrow:.0}")]);
    let (_, wait) = refused(take(&tally, &[&slow], 0).await);
    assert!(wait <= Duration::from_millis(500), "{wait:?}");
}
