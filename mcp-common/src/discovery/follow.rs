//! Looks again and again, and hands on what is seen.

use super::{Board, Discovery, Look, NotSeen};
use crate::backoff::Backoff;
use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

/// The longest wait for a place that is away, in intervals.
const LONGEST: u32 = 10;
/// What comes together is looked at together.
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
        let looked = Instant::now();
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
        let pause = source.pause();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = source.changed() => {
                let rest = pause.saturating_sub(looked.elapsed());
                tokio::time::sleep(rest.max(GATHER)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::{Announced, Set, SourceSettings};
    use async_trait::async_trait;
    use serde_json::json;
    use std::sync::Arc;

    /// Says something else whenever it is asked, and that there is something else all the time.
    struct Restless {
        looks: u32,
        pause: Option<Duration>,
    }

    #[async_trait]
    impl Discovery for Restless {
        async fn look(&mut self) -> Result<Look, NotSeen> {
            self.looks += 1;
            let url = format!("http://a.example/{}", self.looks);
            let found = Announced {
                id: "a".to_owned(),
                document: Ok(json!({"url": url})),
            };
            Ok(Look::Set(Set {
                upstreams: vec![found],
                notes: Vec::new(),
            }))
        }

        async fn changed(&mut self) {}

        fn pause(&self) -> Duration {
            struct Usual;
            #[async_trait]
            impl Discovery for Usual {
                async fn look(&mut self) -> Result<Look, NotSeen> {
                    Ok(Look::Same)
                }
            }
            self.pause.unwrap_or_else(|| Usual.pause())
        }
    }

    async fn looks_in(time: Duration, pause: Option<Duration>) -> u32 {
        let settings = SourceSettings {
            kind: "test".to_owned(),
            name: "test".into(),
            interval: Duration::from_secs(60),
            tags: Vec::new(),
            tools_prefix: None,
            tools_group: None,
            trust: false,
            allow_empty: true,
            max_servers: 10,
            max_bytes: 1_000,
        };
        let board = Board::new(vec![settings], Arc::new(|_| Ok(())));
        let mut source = Restless { looks: 0, pause };
        let following = follow(&mut source, 0, Duration::from_secs(60), &board);
        assert!(tokio::time::timeout(time, following).await.is_err());
        source.looks
    }

    #[tokio::test]
    async fn whoever_changes_all_the_time_is_looked_at_once_a_second() {
        let time = Duration::from_millis(2_500);
        let looks = looks_in(time, None).await;
        assert!((2..=3).contains(&looks), "{looks}");
        let looks = looks_in(Duration::from_millis(500), Some(Duration::ZERO)).await;
        assert!(looks >= 3, "where it lets itself be asked: {looks}");
    }
}
