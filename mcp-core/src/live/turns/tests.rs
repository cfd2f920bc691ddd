use super::*;
use std::{convert::Infallible, sync::atomic::AtomicBool};
use tokio::task::JoinSet;

/// Places that are taken and left by hand.
#[derive(Default)]
struct Room {
    turns: Turns,
    free: AtomicUsize,
    served: Mutex<Vec<String>>,
}

const RULE: QueueRule = QueueRule {
    length: 6,
    wait: Duration::from_secs(5),
};

impl Room {
    fn try_take(&self) -> Option<()> {
        let less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.ok().map(drop)
    }

    fn leave(&self) {
        self.free.fetch_add(1, Ordering::SeqCst);
        self.turns.left();
    }

    async fn call(&self, caller: &str, rule: QueueRule) -> Result<(), NoTurn> {
        let until = Instant::now() + Duration::from_secs(60);
        let attempt = || Ok::<_, Infallible>(self.try_take());
        let has_room = || self.free.load(Ordering::SeqCst) > 0;
        let took = self
            .turns
            .take(rule, (Some(caller), until), attempt, has_room)
            .await;
        let Ok(took) = took;
        if took.is_ok() {
            self.served.lock().unwrap().push(caller.to_owned());
        }
        took
    }

    async fn until_waiting(&self, count: usize) {
        while self.turns.status().waiting != count {
            tokio::task::yield_now().await;
        }
    }
}

/// So many calls of each caller, in this order.
async fn waiting(room: &Arc<Room>, callers: &[&'static str]) -> JoinSet<(&'static str, Result<(), NoTurn>)> {
    let mut calls = JoinSet::new();
    for (before, caller) in callers.iter().copied().enumerate() {
        let own = room.clone();
        calls.spawn(async move { (caller, own.call(caller, RULE).await) });
        room.until_waiting(before + 1).await;
    }
    calls
}

#[tokio::test]
async fn who_calls_takes_turns_however_many_calls_each_has() {
    let room = Arc::new(Room::default());
    let mut calls = waiting(&room, &["a", "a", "a", "a", "b", "c"]).await;
    for served in 1..=6 {
        room.leave();
        calls.join_next().await.unwrap().unwrap().1.unwrap();
        assert_eq!(room.served.lock().unwrap().len(), served);
    }
    assert_eq!(*room.served.lock().unwrap(), ["a", "b", "c", "a", "a", "a"]);
    let status = room.turns.status();
    assert_eq!((status.waiting, status.waited, status.refused), (0, 6, 0));
}

#[tokio::test]
async fn a_full_queue_gives_way_to_who_has_fewer_in_it() {
    let room = Arc::new(Room::default());
    let mut calls = waiting(&room, &["a"; 6]).await;
    assert_eq!(
        room.call("a", RULE).await,
        Err(NoTurn::Full(6)),
        "one more of the same"
    );
    let other = room.clone();
    let other = tokio::spawn(async move { other.call("b", RULE).await });
    let (caller, refused) = calls.join_next().await.unwrap().unwrap();
    assert_eq!(
        (caller, refused),
        ("a", Err(NoTurn::Full(6))),
        "the last of the longest line"
    );
    room.leave();
    room.leave();
    other.await.unwrap().unwrap();
    assert_eq!(*room.served.lock().unwrap(), ["a", "b"]);
    assert_eq!(room.turns.status().refused, 2);
}

#[tokio::test]
async fn nobody_overtakes_and_nobody_waits_for_ever() {
    let room = Arc::new(Room::default());
    let calls = waiting(&room, &["a"]).await;
    // A place that came without anybody leaving one is found, too, and it is who waits that gets it.
    room.free.store(1, Ordering::SeqCst);
    let short = QueueRule {
        wait: Duration::from_millis(50),
        ..RULE
    };
    assert_eq!(
        room.call("b", short).await,
        Err(NoTurn::Late(Duration::from_millis(50)))
    );
    calls.join_all().await;
    assert_eq!(*room.served.lock().unwrap(), ["a"]);
    let none = QueueRule { length: 0, ..RULE };
    assert_eq!(room.call("b", none).await, Err(NoTurn::Full(0)));
}

#[tokio::test]
async fn the_turn_of_who_gives_up_is_the_next_ones() {
    let room = Arc::new(Room::default());
    let mut first = Box::pin(room.call("a", RULE));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(room.call("b", RULE));
    assert!(futures_util::poll!(&mut second).is_pending());
    room.leave();
    // Its turn has come, and it does not know yet.
    drop(first);
    second.await.unwrap();
    assert_eq!(room.turns.status().waiting, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_place_is_used_and_never_more() {
    let room = Arc::new(Room::default());
    room.free.store(3, Ordering::SeqCst);
    let under_way = Arc::new(AtomicUsize::new(0));
    let too_many = Arc::new(AtomicBool::new(false));
    let rule = QueueRule {
        length: 1_000,
        wait: Duration::from_secs(30),
    };
    let mut calls = JoinSet::new();
    for number in 0..400 {
        let (room, under_way, too_many) = (room.clone(), under_way.clone(), too_many.clone());
        calls.spawn(async move {
            let caller = format!("c{}", number % 7);
            room.call(&caller, rule).await.unwrap();
            if under_way.fetch_add(1, Ordering::SeqCst) >= 3 {
                too_many.store(true, Ordering::SeqCst);
            }
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            room.leave();
        });
    }
    let begun = Instant::now();
    calls.join_all().await;
    assert!(!too_many.load(Ordering::SeqCst));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(
        (room.free.load(Ordering::SeqCst), room.turns.status().waiting),
        (3, 0)
    );
}
