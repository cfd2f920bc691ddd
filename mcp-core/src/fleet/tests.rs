use super::*;
use futures_util::FutureExt;
use mcp_common::{document::Document, probe::Finding};
use proptest::prelude::*;
use serde_json::{Value, json};

fn definition(document: &Value) -> UpstreamDefinition {
    let document = Document::parse(document.to_string().as_bytes()).unwrap();
    UpstreamDefinition::read("u", &document).unwrap().definition
}

/// Of endpoints `a`, `b`, … with these members beside their addresses.
fn document(balance: &Value, endpoints: &[Value]) -> Value {
    let endpoint = |(place, own): (usize, &Value)| {
        let mut endpoint = own.clone();
        endpoint["url"] = format!(
            "http://{}.example",
            char::from(b'a' + u8::try_from(place).unwrap())
        )
        .into();
        endpoint
    };
    let endpoints: Vec<_> = endpoints.iter().enumerate().map(endpoint).collect();
    json!({"protocol": "http", "balance": balance, "endpoints": endpoints})
}

fn fleet(balance: &Value, endpoints: &[Value]) -> Fleet {
    Fleets::default().fleet(&definition(&document(balance, endpoints)))
}

fn of(algorithm: &str, count: usize) -> Fleet {
    fleet(&json!({"algorithm": algorithm}), &vec![json!({}); count])
}

/// A request that is answered at once, and where it went.
fn ask(fleet: &Fleet, keys: Keys) -> usize {
    let lease = fleet.pick(keys, Mask::default()).unwrap();
    let place = lease.place;
    lease.judge(Verdict::Good);
    place
}

fn by_name(fleet: &Fleet, name: &str) -> Keys {
    fleet.keys(Who {
        principal: Some(name),
        ..Who::default()
    })
}

/// How many of so many requests went to each.
fn spread(fleet: &Fleet, requests: usize) -> Vec<usize> {
    let mut counts = vec![0; fleet.endpoints.len()];
    (0..requests).for_each(|_| counts[ask(fleet, Keys::default())] += 1);
    counts
}

fn fail(fleet: &Fleet, place: usize, times: usize) {
    for _ in 0..times {
        fleet.enter_any(place).judge(Verdict::Bad("gone".to_owned()));
    }
}

#[test]
fn one_after_the_other_is_even() {
    assert_eq!(spread(&of("round_robin", 3), 3_000), [1_000; 3]);
}

#[test]
fn chance_is_even_and_follows_weights_where_it_is_to() {
    for count in spread(&of("random", 3), 30_000) {
        assert!((9_500..=10_500).contains(&count), "{count}");
    }
    let weights = [json!({"weight": 100}), json!({"weight": 50})];
    let counts = spread(&fleet(&json!({"algorithm": "weighted_random"}), &weights), 30_000);
    let ratio = counts[0] as f64 / counts[1] as f64;
    assert!((1.9..=2.1).contains(&ratio), "{counts:?}");
}

#[test]
fn the_same_key_goes_to_the_same_endpoint_and_few_move() {
    let three = of("consistent_hash", 3);
    let names: Vec<String> = (0..10_000).map(|number| format!("caller-{number}")).collect();
    let places = |fleet: &Fleet| -> Vec<usize> {
        names
            .iter()
            .map(|name| ask(fleet, by_name(fleet, name)))
            .collect()
    };
    let before = places(&three);
    assert_eq!(before, places(&three), "the same every time");
    let again = of("consistent_hash", 3);
    assert_eq!(before, places(&again), "and in every gateway");
    for place in 0..3 {
        let share = before.iter().filter(|other| **other == place).count();
        assert!((2_300..=4_400).contains(&share), "{share} of 10000");
    }
    fail(&three, 2, 5);
    let after = places(&three);
    let moved: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .collect();
    assert!(moved.len() <= 4_000, "{} of 10000", moved.len());
    assert!(
        moved.iter().all(|(before, _)| **before == 2),
        "only those of the one that is gone"
    );
}

#[test]
fn arguments_and_sessions_are_keys_too() {
    let by_arguments = fleet(
        &json!({"algorithm": "consistent_hash", "hash_on": "arguments"}),
        &vec![json!({}); 3],
    );
    let place = |arguments: &str| {
        let who = Who {
            arguments: Some(arguments),
            ..Who::default()
        };
        ask(&by_arguments, by_arguments.keys(who))
    };
    let all: Vec<_> = (0..50)
        .map(|number| place(&format!("{{\"id\":{number}}}")))
        .collect();
    assert!((0..3).all(|wanted| all.contains(&wanted)), "{all:?}");
    assert!((0..50).all(|number| place(&format!("{{\"id\":{number}}}")) == all[number]));
    let nobody = of("consistent_hash", 3);
    assert_eq!(
        nobody.keys(Who::default()),
        Keys::default(),
        "nobody in particular has no key"
    );
}

#[test]
fn fewest_connections_avoid_one_that_hangs() {
    let fleet = of("least_connections", 3);
    let hanging = fleet.pick(Keys::default(), Mask::default()).unwrap();
    let counts = spread(&fleet, 1_000);
    assert_eq!(counts[hanging.place], 0, "{counts:?}");
    let others = counts.iter().filter(|count| **count > 0);
    assert_eq!(others.copied().collect::<Vec<_>>(), [500, 500]);
}

#[test]
fn two_choices_avoid_one_that_hangs_or_is_slow() {
    let fleet = of("p2c", 3);
    let hanging: Vec<_> = (0..4).map(|_| fleet.enter_any(1)).collect();
    assert_eq!(spread(&fleet, 1_000)[1], 0);
    drop(hanging);
    fleet.endpoints[0].state.answered(Duration::from_secs(1));
    let counts = spread(&fleet, 1_000);
    assert_eq!(counts[0], 0, "{counts:?}");
}

#[test]
fn tiers_fail_over_and_regions_go_first() {
    let fleet = fleet(
        &json!({"algorithm": "round_robin", "prefer_region": "eu"}),
        &[
            json!({"priority": 1, "region": "eu"}),
            json!({"region": "us"}),
            json!({"region": "eu"}),
        ],
    );
    for expected in [2, 1, 0] {
        assert!(
            (0..10).all(|_| ask(&fleet, Keys::default()) == expected),
            "{expected}"
        );
        fail(&fleet, expected, 5);
    }
    let refused = fleet.pick(Keys::default(), Mask::default()).unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("all 3 of its endpoints are let alone after failures"),
        "{refused}"
    );
}

#[test]
fn a_session_stays_where_it_is_until_its_endpoint_is_gone() {
    let fleet = fleet(
        &json!({"algorithm": "random", "sticky": "session"}),
        &vec![json!({}); 4],
    );
    let keys = fleet.keys(Who {
        session: Some("s"),
        ..Who::default()
    });
    let home = ask(&fleet, keys);
    assert!((0..100).all(|_| ask(&fleet, keys) == home));
    fail(&fleet, home, 5);
    let next = ask(&fleet, keys);
    assert_ne!(next, home);
    assert!(
        (0..100).all(|_| ask(&fleet, keys) == next),
        "and then at the next one"
    );
}

#[test]
fn one_request_decides_after_the_cool_down() {
    let mut fleet = of("round_robin", 1);
    fleet.breaker = BreakerRule::of(&mcp_common::definition::upstream::Breaker {
        cool_down_seconds: 10,
        ..Default::default()
    });
    fail(&fleet, 0, 5);
    let pick = |after: u64| {
        let at = Instant::now() + Duration::from_secs(after);
        fleet.pick_at(Keys::default(), Mask::default(), at)
    };
    assert!(matches!(pick(9), Err(Unavailable::Open { of: 1, .. })));
    let deciding = pick(11).unwrap();
    assert!(pick(11).is_err(), "only one");
    drop(deciding);
    let deciding = pick(12).unwrap();
    deciding.judge(Verdict::Good);
    assert!((0..10).all(|_| pick(12).is_ok()));
}

/// Nobody may call it for days: that its cool-down is over says nothing.
#[test]
fn a_fleet_is_not_used_again_before_a_request_or_a_probe_says_so() {
    let mut fleet = of("round_robin", 2);
    fail(&fleet, 0, 5);
    assert!(fleet.outage().is_none(), "the other one is used");
    fail(&fleet, 1, 5);
    assert!(fleet.outage().unwrap().retry_in.is_some());
    // As if an hour had gone by.
    fleet.clock = Clock(fleet.clock.0 - Duration::from_secs(3_600));
    assert_eq!(fleet.status()[0].breaker, BreakerState::HalfOpen);
    let outage = fleet.outage().unwrap();
    assert_eq!((&*outage.error, outage.retry_in), ("gone", None));
    fleet.health.is_probed = true;
    assert!(fleet.outage().is_none(), "probes are good");
    fleet.health.is_probed = false;
    ask(&fleet, Keys::default());
    assert!(fleet.outage().is_none(), "one of them answers");
}

#[tokio::test]
async fn who_waits_hears_of_an_endpoint_that_can_be_called_again() {
    let mut fleet = of("round_robin", 2);
    let probe = |fleet: &Fleet, found: fn() -> Finding| {
        for _ in 0..5 {
            fleet.probed(0, found());
            fleet.probed(1, found());
        }
    };
    fail(&fleet, 0, 5);
    fail(&fleet, 1, 5);
    assert!(fleet.returned().now_or_never().is_none(), "nobody probes");
    fleet.health.is_probed = true;
    probe(&fleet, || Finding::Bad("ill".to_owned()));
    let mut waiting = std::pin::pin!(fleet.returned());
    let mut is_over = || waiting.as_mut().now_or_never().is_some();
    assert!(!is_over());
    probe(&fleet, || Finding::Good);
    assert!(!is_over(), "it is let alone still");
    fleet.enter_any(1).judge(Verdict::Good);
    assert!(!is_over(), "a request from before says nothing of a breaker");
    fleet
        .pick_again(Keys::default(), Mask::from_iter([0]))
        .unwrap()
        .judge(Verdict::Good);
    assert!(is_over());
    assert!(
        fleet.returned().now_or_never().is_none(),
        "what could be called all the time does not return"
    );
}

#[test]
fn who_has_not_answered_in_time_has_failed() {
    let fleet = of("round_robin", 1);
    for _ in 0..5 {
        drop(fleet.pick(Keys::default(), Mask::default()).unwrap());
    }
    for _ in 0..5 {
        drop(
            fleet
                .pick(Keys::default(), Mask::default())
                .unwrap()
                .until(Instant::now()),
        );
    }
    assert!(fleet.pick(Keys::default(), Mask::default()).is_err());
    let status = &fleet.status()[0];
    assert_eq!((status.failures, status.under_way), (5, 0));
}

#[test]
fn what_failed_everywhere_else_tries_those_that_are_let_alone() {
    let fleet = of("round_robin", 3);
    fail(&fleet, 0, 5);
    fail(&fleet, 1, 5);
    let mut tried = Mask::default();
    let first = fleet.pick_again(Keys::default(), tried).unwrap();
    tried.add(first.place);
    first.judge(Verdict::Bad("gone".to_owned()));
    assert_eq!(tried, Mask::from_iter([2]));
    let last = fleet.pick_again(Keys::default(), tried).unwrap();
    let back = last.place;
    last.judge(Verdict::Good);
    assert_eq!(fleet.status()[back].breaker, BreakerState::Closed, "it answers");
    fail(&fleet, back, 5);
    fail(&fleet, 2, 5);
    assert!(
        fleet.pick_again(Keys::default(), Mask::default()).is_err(),
        "nothing was tried"
    );
}

#[test]
fn an_endpoint_has_as_many_at_once_as_it_may() {
    let mut document = document(&json!({}), &[json!({}), json!({})]);
    document["limits"] = json!({"endpoint_concurrency": 2});
    let fleet = Fleets::default().fleet(&definition(&document));
    let pick = || fleet.pick(Keys::default(), Mask::default());
    let mut taken: Vec<_> = (0..4).map(|_| pick().unwrap()).collect();
    assert_eq!(pick().unwrap_err(), Unavailable::Busy { most: 2 });
    taken.pop();
    assert!(pick().is_ok());
}

#[test]
fn what_requests_found_out_outlives_a_new_version_of_the_document() {
    let fleets = Fleets::default();
    let two = [json!({}), json!({})];
    let before = fleets.fleet(&definition(&document(&json!({"algorithm": "round_robin"}), &two)));
    fail(&before, 1, 5);
    let three = [json!({}), json!({}), json!({})];
    let after = fleets.fleet(&definition(&document(&json!({"algorithm": "random"}), &three)));
    drop(before);
    assert_eq!(spread(&after, 300)[1], 0);
    drop(after);
    let anew = fleets.fleet(&definition(&document(&json!({"algorithm": "round_robin"}), &two)));
    assert_eq!(spread(&anew, 10), [5, 5], "nobody held it any more");
}

proptest! {
    #[test]
    fn whatever_is_chosen_could_be_and_something_is_while_anything_could(
        algorithm in prop::sample::select(vec!["p2c", "round_robin", "least_connections", "consistent_hash", "random", "weighted_random"]),
        endpoints in prop::collection::vec((1_u32..=1_000, 0_u32..3, prop::option::of("eu|us")), 1..20),
        out in prop::collection::vec(0_usize..20, 0..20),
        broken in prop::collection::vec(0_usize..20, 0..20),
        name in "[a-z]{1,8}",
    ) {
        let mut documents = Vec::new();
        for (weight, priority, region) in &endpoints {
            documents.push(json!({"weight": weight, "priority": priority, "region": region}));
        }
        let fleet = fleet(&json!({"algorithm": algorithm}), &documents);
        let count = endpoints.len();
        let tried: Mask = out.into_iter().filter(|place| *place < count).collect();
        for place in broken.iter().filter(|place| **place < count) {
            fail(&fleet, *place, 5);
        }
        let could = |place: &usize| !tried.has(*place) && !broken.contains(place);
        let best = (0..count).filter(could).map(|place| endpoints[place].1).min();
        match fleet.pick(by_name(&fleet, &name), tried) {
            Ok(lease) => {
                prop_assert!(could(&lease.place));
                prop_assert_eq!(Some(endpoints[lease.place].1), best, "of the first tier that has one");
            }
            Err(_) => prop_assert_eq!(best, None),
        }
    }

    #[test]
    fn a_ring_moves_only_keys_of_what_came_or_went(count in 2_usize..12, gone in 0_usize..12, keys in prop::collection::vec(any::<u64>(), 1..200)) {
        let gone = gone % count;
        let fleet = of("consistent_hash", count);
        let ring = ring::Ring::new(&fleet.endpoints, 40);
        let all: Mask = (0..count).collect();
        let mut less = Mask::default();
        less.add(gone);
        for key in keys {
            let (before, after) = (ring.find(key, all).unwrap(), ring.find(key, all.without(less)).unwrap());
            prop_assert!(before == after || before == gone);
            prop_assert_ne!(after, gone);
        }
    }

    #[test]
    fn masks_are_sets(places in prop::collection::btree_set(0_usize..64, 0..64), other in prop::collection::btree_set(0_usize..64, 0..64)) {
        let mask: Mask = places.iter().copied().collect();
        let without: Mask = other.iter().copied().collect();
        prop_assert_eq!(mask.iter().collect::<Vec<_>>(), places.iter().copied().collect::<Vec<_>>());
        prop_assert_eq!(mask.len(), places.len());
        let left: Vec<_> = places.difference(&other).copied().collect();
        prop_assert_eq!(mask.without(without).iter().collect::<Vec<_>>(), left);
    }
}
