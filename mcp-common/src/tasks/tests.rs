use super::*;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

const LONG: Duration = Duration::from_secs(30);

fn only(tasks: &Tasks) -> TaskReport {
    let report = tasks.report();
    assert_eq!(report.len(), 1, "{report:?}");
    report[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_panics_is_made_anew_until_it_ends() {
    let tasks = Tasks::default();
    let made = Arc::new(AtomicU32::new(0));
    let counted = made.clone();
    let run = tasks.supervise("restless", Ends::ByItself, move || {
        let times = counted.fetch_add(1, Ordering::SeqCst);
        async move { assert!(times >= 2, "not yet") }
    });
    assert_eq!(only(&tasks).running, 1, "from the call on");
    run.await;
    assert_eq!(made.load(Ordering::SeqCst), 3);
    let report = only(&tasks);
    assert_eq!((report.running, report.restarts), (0, 2), "{report:?}");
    assert_eq!(tasks.in_trouble(), Some("restless"));
    assert!(tasks.wait(Ends::ByItself, Duration::ZERO).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_tells_some_and_waits_for_all() {
    let tasks = Tasks::default();
    let may_end = Arc::new(Notify::new());
    tasks.spawn("endless", Ends::WhenTold, std::future::pending);
    let finishing = may_end.clone();
    tasks.spawn("careful", Ends::ByItself, move || {
        let may_end = finishing.clone();
        async move { may_end.notified().await }
    });
    tasks.stop();
    let waiting = tasks.clone();
    let wait = move || {
        let told = waiting.wait(Ends::WhenTold, LONG);
        let left = waiting.wait(Ends::ByItself, Duration::ZERO);
        may_end.notify_one();
        (told, left, waiting.wait(Ends::ByItself, LONG))
    };
    let (told, left, later) = tokio::task::spawn_blocking(wait).await.unwrap();
    assert_eq!((told, left, later), (vec![], vec!["careful"], vec![]));
}

#[tokio::test]
async fn what_is_done_once_is_counted_and_started_again_by_its_owner() {
    let tasks = Tasks::default();
    let failed = tasks.once("opening", async { panic!("no such driver") });
    assert!(failed.await.unwrap_err().is_panic());
    let report = only(&tasks);
    assert_eq!((report.running, report.restarts, report.in_trouble), (0, 0, true));
    assert_eq!(tasks.once("opening", async { 7 }).await.unwrap(), 7);
    assert_eq!((only(&tasks).running, only(&tasks).restarts), (0, 1));
    assert!(tasks.wait(Ends::WhenTold, Duration::ZERO).is_empty());
}

#[test]
fn a_loop_of_steps_goes_on_after_one_that_panics() {
    let tasks = Tasks::default();
    let counted = tasks.count("loop", Ends::ByItself);
    let mut done = 0;
    for step in 0..3 {
        tasks.step("loop", || {
            assert!(step != 1, "the second");
            done += 1;
        });
    }
    assert_eq!(done, 2);
    let report = only(&tasks);
    assert_eq!((report.running, report.restarts), (1, 1), "{report:?}");
    assert_eq!(tasks.wait(Ends::ByItself, Duration::ZERO), ["loop"]);
    drop(counted);
    assert!(tasks.wait(Ends::ByItself, Duration::ZERO).is_empty());
}
