use super::*;
use crate::policy::Hold;
use mcp_common::{authenticator::LimitScope, definition::upstream::Pattern};
use std::{num::NonZeroU32, sync::atomic::Ordering, time::UNIX_EPOCH};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn limits(
    place: &str,
    tools: Option<&str>,
    (rate, burst): (Option<&str>, Option<u32>),
    concurrent: Option<u32>,
    per_day: Option<u32>,
) -> PlacedLimits {
    PlacedLimits {
        scope: LimitScope::Key,
        place: place.into(),
        tools: tools.map(|tools| Pattern(tools.to_owned())),
        limits: CallLimits {
            rate: rate.map(|rate| rate.parse().unwrap()),
            burst: burst.and_then(NonZeroU32::new),
            concurrent: concurrent.and_then(NonZeroU32::new),
            per_day: per_day.and_then(NonZeroU32::new),
        },
    }
}

fn counted(
    rate: Option<&str>,
    burst: Option<u32>,
    concurrent: Option<u32>,
    per_day: Option<u32>,
) -> Arc<Holder> {
    let one = limits("the key", None, (rate, burst), concurrent, per_day);
    Holder::new("key:k".into(), [one].into(), None)
}

impl Holder {
    /// Counts a call that has these limits alone.
    fn take(self: &Arc<Self>, tool: Option<&str>, now: SystemTime) -> Result<Option<Hold>, Refused> {
        let holders = vec![self.clone()];
        OneCall { holders, tool }.take(now)
    }
}

fn at(second: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(second)
}

/// How long the caller is told to wait, and which limit it is.
fn refused(taken: Result<Option<Hold>, Refused>) -> (Duration, String) {
    match taken.map_err(|refused| refused.refusal) {
        Err(Refusal::Limited {
            reason, retry_after, ..
        }) => (retry_after, reason),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("let in"),
    }
}

#[test]
fn a_burst_is_let_in_and_then_no_more_than_the_rate() {
    // The largest that a definition may have.
    assert!(
        counted(Some("1/d"), Some(366), None, None)
            .take(None, at(0))
            .is_ok()
    );
    let most = u32::MAX.to_string() + "/s";
    assert!(
        counted(Some(&most), Some(u32::MAX), None, None)
            .take(None, at(0))
            .is_ok()
    );
    for (rate, burst, at_once, between) in [
        ("5/h", None, 5, 12 * 60),
        ("60/d", Some(2), 2, 24 * 60),
        ("1/min", None, 1, 60),
    ] {
        let key = counted(Some(rate), burst, None, None);
        for _ in 0..at_once {
            assert!(key.take(None, at(0)).is_ok(), "{rate}");
        }
        let (wait, reason) = refused(key.take(None, at(0)));
        assert!(
            reason.contains(rate) && reason.contains("limits.rate"),
            "{reason}"
        );
        let expected = Duration::from_secs(between);
        assert!(wait <= expected && wait > expected * 9 / 10, "{rate}: {wait:?}");
    }
}

#[test]
fn places_are_given_back_when_calls_are_over_and_when_they_are_refused() {
    let key = counted(Some("3/h"), None, Some(2), None);
    let held: Vec<_> = (0..2).map(|_| key.take(None, at(0)).ok().unwrap()).collect();
    assert!(refused(key.take(None, at(0))).1.contains("limits.concurrent"));
    drop(held);
    assert!(key.take(None, at(0)).is_ok(), "what was refused did not count");
    assert!(refused(key.take(None, at(0))).1.contains("limits.rate"));
    assert_eq!(key.counted[0].under_way.load(Ordering::Relaxed), 0);
}

#[test]
fn a_day_ends_at_midnight() {
    let key = counted(None, None, None, Some(2));
    let evening = 3 * DAY.as_secs() - 90;
    assert!(key.take(None, at(evening)).is_ok() && key.take(None, at(evening)).is_ok());
    let (wait, reason) = refused(key.take(None, at(evening)));
    assert_eq!(wait, Duration::from_secs(90));
    assert!(reason.contains("2 calls a day"), "{reason}");
    assert!(key.take(None, at(evening + 90)).is_ok());
}

#[test]
fn the_day_counts_what_was_let_in() {
    let key = counted(Some("1/h"), None, None, Some(2));
    assert!(key.take(None, at(0)).is_ok());
    assert!(refused(key.take(None, at(0))).1.contains("limits.rate"));
    assert_eq!(key.counted[0].calls_today(), 1);
}

#[test]
fn other_limits_begin_anew_and_keys_that_are_gone_are_forgotten() {
    let keys = CountedCalls::default();
    let hourly = |rate| limits("the key", None, (Some(rate), None), None, None);
    let (key, once): (Arc<str>, Arc<[_]>) = ("k".into(), [hourly("1/h")].into());
    assert!(keys.of_key(&key, &once).take(None, at(0)).is_ok());
    assert!(keys.of_key(&key, &once).take(None, at(0)).is_err());
    let more: Arc<[_]> = [hourly("2/h")].into();
    assert!(keys.of_key(&key, &more).take(None, at(0)).is_ok());
    keys.keep(|_| false, |_| true);
    let key = || keys.of_key(&"k".into(), &more).take(None, at(0));
    assert!(key().is_ok() && key().is_ok());
}

#[test]
fn every_limit_holds_and_each_says_where_it_stands() {
    let all = [
        limits("the role `a`", Some("refund_*"), (Some("1/h"), None), None, None),
        limits("the role `b`", None, (None, None), None, Some(4)),
        limits("the key", None, (Some("3/h"), None), None, None),
    ];
    let holder = Holder::new("key:k".into(), all.into(), None);
    assert!(holder.take(Some("refund_order"), at(0)).is_ok());
    let (_, reason) = refused(holder.take(Some("refund_all"), at(0)));
    assert_eq!(
        reason,
        "you may make 1/h calls of `refund_*` (`limits.per_tool` of the role `a`)"
    );
    assert!(holder.take(Some("get"), at(0)).is_ok() && holder.take(None, at(0)).is_ok());
    assert!(
        refused(holder.take(None, at(0)))
            .1
            .ends_with("(`limits.rate` of the key)")
    );
    // What was refused is not among the calls of the day.
    assert_eq!(holder.counted[1].calls_today(), 3);
}

#[test]
fn what_stays_goes_on_where_another_limit_changes_and_holders_are_counted_apart() {
    let keys = CountedCalls::default();
    let daily = limits("the role `a`", None, (None, None), None, Some(1));
    let rate = |rate| limits("the role `b`", None, (Some(rate), None), None, None);
    let before: Arc<[_]> = [daily.clone(), rate("5/h")].into();
    let after: Arc<[_]> = [rate("6/h"), daily].into();
    let (ada, bob): (Arc<str>, Arc<str>) = ("acme:ada".into(), "acme:bob".into());
    assert!(keys.of_other(&ada, &before).take(None, at(0)).is_ok());
    let (_, reason) = refused(keys.of_other(&ada, &after).take(None, at(0)));
    assert!(reason.contains("1 calls a day"), "{reason}");
    assert!(keys.of_other(&bob, &after).take(None, at(0)).is_ok());
    assert!(keys.of_other(&bob, &after).take(None, at(0)).is_err());
}

#[test]
fn who_called_last_is_not_forgotten_for_those_who_call_often() {
    let keys = CountedCalls::remembering(10);
    let daily: Arc<[_]> = [limits("the role `a`", None, (None, None), None, Some(1))].into();
    let of = |number: u32| keys.of_other(&format!("acme:{number}").into(), &daily);
    for number in (0..10).cycle().take(200) {
        of(number);
        keys.others.run_pending_tasks();
    }
    for number in 10..30 {
        assert!(of(number).take(None, at(0)).is_ok());
        keys.others.run_pending_tasks();
        assert!(of(number).take(None, at(0)).is_err(), "{number}");
    }
    assert!(keys.others.entry_count() <= 10);
}

#[test]
fn a_refusal_names_its_limit_and_whose_it_is() {
    let all = [
        limits("the role `a`", Some("refund_*"), (Some("1/h"), None), None, None),
        limits("the key", None, (Some("9/h"), None), Some(1), Some(3)),
    ];
    let holder = Holder::new("key:k".into(), all.into(), None);
    let named = |taken: Result<Option<Hold>, Refused>| {
        let refused = taken.err().unwrap();
        (refused.limit, refused.place.to_string())
    };
    let held = holder.take(Some("refund_all"), at(0)).ok().unwrap();
    let concurrent = named(holder.take(Some("get"), at(0)));
    assert_eq!(concurrent, ("concurrent", "the key".to_owned()));
    drop(held);
    let per_tool = named(holder.take(Some("refund_all"), at(0)));
    assert_eq!(per_tool, ("per_tool", "the role `a`".to_owned()));
    for _ in 0..2 {
        assert!(holder.take(None, at(0)).is_ok());
    }
    let per_day = named(holder.take(None, at(0)));
    assert_eq!(per_day, ("per_day", "the key".to_owned()));
}
