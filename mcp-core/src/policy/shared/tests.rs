use super::*;
use async_trait::async_trait;
use mcp_common::tally::{Most, Place};
use std::sync::atomic::AtomicUsize;

/// Lets in whatever it is asked about, and remembers who has which places.
#[derive(Default)]
struct Pad {
    is_away: AtomicBool,
    /// It answers never.
    hangs: AtomicBool,
    /// It answers something that means nothing.
    babbles: AtomicBool,
    asked: AtomicUsize,
    taken: Mutex<Vec<u128>>,
    kept: Mutex<Vec<u128>>,
}

impl Pad {
    async fn answers(&self) -> Result<(), String> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        match self.is_away.load(Ordering::SeqCst) {
            true => Err("away".to_owned()),
            false => Ok(()),
        }
    }

    fn forget(&self, places: &[Place]) {
        let mut taken = self.taken.lock().unwrap();
        taken.retain(|call| places.iter().all(|place| place.call != *call));
    }

    fn taken(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

#[async_trait]
impl Tally for Pad {
    async fn probe(&self) -> Result<(), String> {
        self.answers().await
    }

    async fn take(&self, wanted: &Wanted<'_>) -> Result<Taken, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.answers().await?;
        self.forget(wanted.over);
        let most = wanted
            .counts
            .iter()
            .find_map(|counting| match counting.count.most {
                Most::Concurrent(most) => Some(most as usize),
                _ => None,
            });
        if most.is_some_and(|most| self.taken() >= most) {
            return Ok(Taken::Refused {
                by: 0,
                wait: Duration::from_secs(1),
            });
        }
        self.taken.lock().unwrap().push(wanted.call);
        Ok(match self.babbles.load(Ordering::SeqCst) {
            true => Taken::All(vec![]),
            false => Taken::All(vec![7; wanted.counts.len()]),
        })
    }

    async fn give_back(&self, places: &[Place]) -> Result<(), String> {
        self.answers().await?;
        self.forget(places);
        Ok(())
    }

    async fn keep(&self, places: &[Place], _: Duration) -> Result<(), String> {
        self.answers().await?;
        *self.kept.lock().unwrap() = places.iter().map(|place| place.call).collect();
        Ok(())
    }
}

fn limits(pad: &Arc<Pad>) -> Arc<SharedLimits> {
    let pace = Pace {
        keeping: Duration::from_millis(100),
        waits: (Duration::from_millis(50), Duration::from_millis(200)),
    };
    let patience = Duration::from_millis(50);
    SharedLimits::at(pace, pad.clone(), patience, SharedMetrics::default())
}

fn one_at_once() -> Count {
    Count {
        name: "now-1".into(),
        most: Most::Concurrent(1),
    }
}

async fn until(what: &str, is_true: impl Fn() -> bool) {
    for _ in 0..400 {
        if is_true() {
            return;
        }
        sleep(Duration::from_millis(25)).await;
    }
    panic!("not so: {what}");
}

#[tokio::test]
async fn it_is_known_when_nobody_answers_and_no_call_waits_for_them() {
    let pad = Arc::new(Pad::default());
    let limits = limits(&pad);
    assert_eq!((limits.state(), limits.is_there()), (SharedState::Unknown, false));
    let task = tokio::spawn(limits.clone().run());
    until("it is there", || limits.is_there()).await;
    for (what, reason) in [
        (&pad.is_away, "away"),
        (&pad.hangs, "no answer within 50ms (limits.redis.timeout_ms)"),
    ] {
        what.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        let count = one_at_once();
        assert!(limits.take(&[(&"k".into(), &count)]).await.is_none());
        assert!(begun.elapsed() < Duration::from_secs(1));
        assert_eq!(limits.state(), SharedState::Away(reason.to_owned()));
        assert!(!limits.is_there(), "the next call does not ask");
        sleep(Duration::from_millis(700)).await;
        assert!(!limits.is_there());
        what.store(false, Ordering::SeqCst);
        until("it is back", || limits.is_there()).await;
        assert_eq!(limits.state(), SharedState::There);
    }
    // Nobody calls, and it is noticed all the same.
    pad.is_away.store(true, Ordering::SeqCst);
    until("it is missed", || !limits.is_there()).await;
    pad.is_away.store(false, Ordering::SeqCst);
    until("it is back", || limits.is_there()).await;
    pad.babbles.store(true, Ordering::SeqCst);
    let rate = Count {
        name: "day-1".into(),
        most: Most::PerDay(1),
    };
    assert!(limits.take(&[(&"k".into(), &rate)]).await.is_none());
    assert!(matches!(limits.state(), SharedState::Away(reason) if reason.contains("means nothing")));
    task.abort();
}

#[tokio::test]
async fn places_are_kept_while_calls_are_under_way_and_given_back_whatever_becomes_of_them() {
    let pad = Arc::new(Pad::default());
    let limits = limits(&pad);
    let task = tokio::spawn(limits.clone().run());
    until("it is there", || limits.is_there()).await;
    let (count, holder): (_, Arc<str>) = (one_at_once(), "k".into());
    let counts = [(&holder, &count)];
    let lease = |taken: Option<Together>| taken.unwrap().unwrap().1.unwrap();
    let first = lease(limits.take(&counts).await);
    assert!(limits.take(&counts).await.unwrap().is_err());
    until("it is kept", || pad.kept.lock().unwrap().len() == 1).await;
    // The next call of the same holder says itself that the one before is over: it is not refused for being quick.
    drop(first);
    let second = lease(limits.take(&counts).await);
    drop(second);
    until("nobody calls, and it is given back", || pad.taken() == 0).await;

    // Nobody waits for the answer any more: what may have been taken is given back.
    pad.hangs.store(true, Ordering::SeqCst);
    let given_up = timeout(Duration::from_millis(5), limits.take(&counts)).await;
    assert!(given_up.is_err());
    pad.hangs.store(false, Ordering::SeqCst);
    until("nothing is left", || limits.places.open().is_empty()).await;

    // What ends while nobody answers is given back later.
    let third = lease(limits.take(&counts).await);
    pad.is_away.store(true, Ordering::SeqCst);
    assert!(limits.take(&counts).await.is_none());
    drop(third);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(pad.taken(), 1);
    pad.is_away.store(false, Ordering::SeqCst);
    until("it is given back", || pad.taken() == 0).await;
    task.abort();
}

#[tokio::test]
async fn replicas_do_not_call_their_calls_alike() {
    let pad = Arc::new(Pad::default());
    let count = Count {
        name: "day-1".into(),
        most: Most::PerDay(9),
    };
    for limits in [limits(&pad), limits(&pad)] {
        for _ in 0..2 {
            assert!(limits.take(&[(&"k".into(), &count)]).await.is_some());
        }
    }
    let calls = pad.taken.lock().unwrap();
    let different: std::collections::HashSet<_> = calls.iter().collect();
    assert_eq!(different.len(), 4);
}
