use super::*;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

fn source(name: &str) -> SourceSettings {
    SourceSettings {
        kind: "test".to_owned(),
        name: name.into(),
        interval: Duration::from_secs(1),
        tags: vec!["found".into()],
        tools_prefix: Some("pre".to_owned()),
        tools_group: None,
        trust: false,
        allow_empty: false,
        max_servers: 3,
        max_bytes: 1_000,
    }
}

fn set(entries: &[(&str, Value)]) -> Set {
    let announced = entries.iter().map(|(id, document)| Announced {
        id: (*id).to_owned(),
        document: Ok(document.clone()),
    });
    Set {
        upstreams: announced.collect(),
        notes: Vec::new(),
    }
}

fn board(names: &[&str]) -> Board {
    Board::new(
        names.iter().map(|name| source(name)).collect(),
        Arc::new(|_| Ok(())),
    )
}

fn url(at: &str) -> Value {
    json!({"url": format!("http://{at}.example/mcp")})
}

fn served(board: &Board) -> Vec<String> {
    let joined = board.join(Vec::new(), |_| false);
    joined.iter().map(|one| one.id.to_string()).collect()
}

#[test]
fn a_set_replaces_the_one_before_and_only_a_change_is_told() {
    let board = board(&["one"]);
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    board.subscribe(Arc::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    board.take(0, set(&[("a", url("a")), ("b", url("b"))]));
    assert_eq!(served(&board), ["a", "b"]);
    let first = board.join(Vec::new(), |_| false)[0].clone();
    assert_eq!(first.origin.as_deref(), Some("one"));
    assert_eq!(
        (&*first.tags, first.tools.prefix.as_deref()),
        (&["found".into()][..], Some("pre"))
    );
    board.take(0, set(&[("a", url("a")), ("b", url("b"))]));
    assert_eq!(told.load(Ordering::Relaxed), 1, "nothing is another one");
    board.take(0, set(&[("a", url("a")), ("c", url("c"))]));
    assert_eq!(
        (served(&board), told.load(Ordering::Relaxed)),
        (vec!["a".to_owned(), "c".to_owned()], 2)
    );
    assert!(
        Arc::ptr_eq(&first, &board.join(Vec::new(), |_| false)[0]),
        "what did not change is the same one"
    );
}

#[test]
fn what_is_stored_wins_and_then_who_comes_first() {
    let board = board(&["one", "two"]);
    board.take(1, set(&[("a", url("two")), ("b", url("two"))]));
    board.take(0, set(&[("a", url("one"))]));
    let joined = board.join(Vec::new(), |_| false);
    let urls: Vec<_> = joined.iter().map(|one| one.url.as_deref().unwrap()).collect();
    assert_eq!(urls, ["http://one.example/mcp", "http://two.example/mcp"]);
    let reports = board.reports();
    assert_eq!(
        reports[1].upstreams[0].hidden_by.as_deref(),
        Some("the discovery `one`")
    );
    assert_eq!(board.join(Vec::new(), |id| id == "a").len(), 1);
    let hidden = board
        .reports()
        .into_iter()
        .map(|source| source.upstreams[0].hidden_by.clone().unwrap());
    assert_eq!(
        hidden.collect::<Vec<_>>(),
        ["a stored document", "a stored document"]
    );
}

#[test]
fn what_was_good_stays_while_what_comes_is_not() {
    let board = board(&["one"]);
    board.take(0, set(&[("a", url("a")), ("b", url("b"))]));
    board.failed(0, &NotSeen::Broken("is no JSON".to_owned()));
    assert_eq!(
        (served(&board).len(), board.reports()[0].problem.as_deref()),
        (2, Some("is no JSON"))
    );
    board.same(0);
    assert_eq!(board.reports()[0].problem, None);
    // One entry is bad: the last good version of it stays, others change.
    board.take(
        0,
        set(&[
            ("a", json!({"url": "nowhere"})),
            ("b", url("other")),
            ("UP", url("x")),
        ]),
    );
    let joined = board.join(Vec::new(), |_| false);
    let urls: Vec<_> = joined.iter().map(|one| one.url.as_deref().unwrap()).collect();
    assert_eq!(urls, ["http://a.example/mcp", "http://other.example/mcp"]);
    let skipped = &board.reports()[0].skipped;
    assert!(
        skipped[0].0 == "a" && skipped[0].1.starts_with("url: "),
        "{skipped:?}"
    );
    assert!(
        skipped[1].0 == "UP" && skipped[1].1.starts_with("id: "),
        "{skipped:?}"
    );
}

#[test]
fn an_empty_set_and_one_that_is_too_large_are_refused() {
    let board = board(&["one"]);
    board.take(0, set(&[]));
    assert_eq!(board.reports()[0].problem, None, "nothing was there before");
    board.take(0, set(&[("a", url("a"))]));
    board.take(0, set(&[]));
    let problem = board.reports()[0].problem.clone().unwrap();
    assert!(
        problem.contains("allow_empty") && served(&board) == ["a"],
        "{problem}"
    );
    board.same(0);
    assert_eq!(
        board.reports()[0].problem.as_ref(),
        Some(&problem),
        "it is refused still"
    );
    // The place is away for a while, and then what is there is what was there.
    board.failed(0, &NotSeen::Away("nobody answers".to_owned()));
    assert_eq!(board.reports()[0].problem.as_deref(), Some("nobody answers"));
    board.same(0);
    assert_eq!(
        board.reports()[0].problem,
        Some(problem),
        "it is refused after an outage, too"
    );
    assert_eq!(served(&board), ["a"]);
    let many: Vec<_> = ["a", "b", "c", "d"].map(|id| (id, url(id))).into();
    board.take(0, set(&many));
    assert!(
        board.reports()[0]
            .problem
            .as_deref()
            .unwrap()
            .contains("max_servers")
    );
    assert_eq!(served(&board), ["a"]);
    board.take(0, set(&[("a", url("a"))]));
    board.same(0);
    assert_eq!(board.reports()[0].problem, None, "another set is there");
    let mut allowing = source("two");
    allowing.allow_empty = true;
    let board = Board::new(vec![allowing], Arc::new(|_| Ok(())));
    board.take(0, set(&[("a", url("a"))]));
    board.take(0, set(&[]));
    assert_eq!(served(&board), Vec::<String>::new());
}

#[test]
fn who_is_not_trusted_stands_in_for_nobody_unless_the_configuration_says_so() {
    let own = json!({"url": "http://a.example/mcp", "tools": {"group": "weather"}});
    let board = board(&["one"]);
    board.take(0, set(&[("a", own.clone()), ("b", url("b"))]));
    assert_eq!(served(&board), ["b"]);
    let mut grouping = source("two");
    grouping.tools_group = Some("lab".to_owned());
    let board = Board::new(vec![grouping], Arc::new(|_| Ok(())));
    board.take(0, set(&[("a", own), ("b", url("b"))]));
    let joined = board.join(Vec::new(), |_| false);
    let groups: Vec<_> = joined.iter().map(|one| one.tools.group.as_deref()).collect();
    assert_eq!(groups, [Some("lab")], "only those that claim none");
}

#[test]
fn who_is_not_trusted_starts_nothing_and_names_no_secret() {
    let entries = [
        ("program", json!({"command": "sh"})),
        (
            "secret",
            json!({"url": "http://a.example/mcp", "auth": {"type": "bearer", "credential": "${env:DYNMCP_SECRET_A}"}}),
        ),
        (
            "watched",
            json!({"endpoints": [{"url": "http://a.example/mcp"}], "health": {"probe": "exec", "settings": {"command": ["sh"]}}}),
        ),
    ];
    let board = board(&["one"]);
    board.take(0, set(&entries));
    assert_eq!(served(&board), Vec::<String>::new());
    let reasons: Vec<_> = board.reports()[0]
        .skipped
        .iter()
        .map(|(_, reason)| reason.clone())
        .collect();
    assert!(
        reasons[0].contains("start a program")
            && reasons[1].contains("refer to secrets")
            && reasons[2].contains("asked by a program"),
        "{reasons:?}"
    );
    let mut trusted = source("two");
    trusted.trust = true;
    let board = Board::new(vec![trusted], Arc::new(|_| Ok(())));
    board.take(0, set(&entries));
    assert_eq!(served(&board), ["program", "secret", "watched"]);
    let stored = json!({"url": "http://a.example/mcp", "headers": {"X-Key": "${secret:billing}"}});
    board.take(0, set(&[("stored", stored)]));
    let reason = &board.reports()[0].skipped[0].1;
    assert!(reason.contains("which only stored definitions may"), "{reason}");
}

#[test]
fn what_is_found_shows_a_secret_to_nobody_whom_it_names_itself() {
    let secret = "${env:DYNMCP_SECRET_A}";
    let found = |auth: Value| json!({"url": "http://a.example/mcp", "auth": auth});
    let client = json!({"type": "oauth2_client_credentials", "client_id": "me", "client_secret": secret});
    let with = |member: &str| {
        let mut auth = client.clone();
        auth[member] = json!("https://login.example");
        found(auth)
    };
    let login = json!({"type": "oauth2_authorization_code", "client_id": "me", "client_secret": secret});
    let entries = [
        ("client", found(client.clone())),
        ("login", found(login)),
        ("issuer", with("issuer")),
        ("place", with("token_url")),
        ("nothing", found(json!({"type": "oauth2_authorization_code"}))),
    ];
    let mut trusted = source("one");
    (trusted.trust, trusted.max_servers) = (true, entries.len());
    let board = Board::new(vec![trusted], Arc::new(|_| Ok(())));
    board.take(0, set(&entries));
    assert_eq!(served(&board), ["issuer", "nothing", "place"]);
    for (id, reason) in &board.reports()[0].skipped {
        assert!(reason.starts_with("auth.issuer: is missing"), "{id}: {reason}");
    }
}

#[test]
fn who_is_not_trusted_comes_after_what_is_stored() {
    let placed = |priority: Value| json!({"url": "http://a.example/mcp", "priority": priority});
    let entries = [
        ("first", placed(json!(0))),
        ("last", placed(json!(u32::MAX))),
        ("silent", url("a")),
    ];
    let places = |board: &Board| -> Vec<u32> {
        let joined = board.join(Vec::new(), |_| false);
        joined.iter().map(|one| one.priority).collect()
    };
    let board = board(&["one"]);
    board.take(0, set(&entries));
    assert_eq!(places(&board), [101, u32::MAX, 201]);
    board.take(0, set(&[("first", placed(json!("0")))]));
    let skipped = &board.reports()[0].skipped;
    assert!(skipped[0].1.starts_with("priority: "), "{skipped:?}");
    board.examine(0, "first", placed(json!(0))).unwrap();
    let mut trusted = source("two");
    trusted.trust = true;
    let board = Board::new(vec![trusted], Arc::new(|_| Ok(())));
    board.take(0, set(&entries));
    assert_eq!(places(&board), [0, u32::MAX, 100]);
}

#[test]
fn sources_that_are_arranged_anew_keep_what_they_found_until_they_look_again() {
    let board = board(&["one", "two"]);
    board.take(0, set(&[("a", url("one"))]));
    board.take(1, set(&[("a", url("two")), ("b", url("two"))]));
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let heard = told.clone();
    board.subscribe(Arc::new(move |changed| lock(&heard).extend(changed.clone())));
    let first = |board: &Board| board.join(Vec::new(), |_| false)[0].url.clone();
    // Another order is another one who comes first.
    board.arrange(vec![(1, source("two")), (0, source("one"))]);
    assert_eq!(first(&board).as_deref(), Some("http://two.example/mcp"));
    assert_eq!(lock(&told).len(), 2);
    // One is gone, the other one has other settings: what it found is read anew, whatever it says.
    let trusting = SourceSettings {
        tags: vec!["other".into()],
        ..source("two")
    };
    board.arrange(vec![(2, trusting)]);
    board.take(0, set(&[("c", url("c"))]));
    board.take(1, set(&[("c", url("c"))]));
    assert_eq!(
        served(&board),
        ["a", "b"],
        "who is not there any more is not heard"
    );
    board.take(2, set(&[("a", url("two")), ("b", json!({"url": "nowhere"}))]));
    let joined = board.join(Vec::new(), |_| false);
    assert_eq!((joined.len(), &*joined[0].tags), (1, &["other".into()][..]));
}

#[test]
fn another_place_that_is_empty_keeps_nothing_of_what_was_elsewhere() {
    let board = board(&["one"]);
    board.take(0, set(&[("a", url("a"))]));
    board.arrange(vec![(1, source("one"))]);
    assert_eq!(served(&board), ["a"], "until it has looked");
    board.take(1, set(&[]));
    assert_eq!(
        (served(&board), board.reports()[0].problem.clone()),
        (Vec::new(), None)
    );
    board.take(1, set(&[("b", url("b"))]));
    board.take(1, set(&[]));
    assert_eq!(served(&board), ["b"], "what was here stays");
}

#[test]
fn what_strangers_may_not_have_goes_when_a_source_is_trusted_no_more() {
    let trusted = SourceSettings {
        trust: true,
        ..source("one")
    };
    let board = Board::new(vec![trusted], Arc::new(|_| Ok(())));
    board.take(0, set(&[("a", json!({"command": "sh"}))]));
    assert_eq!(served(&board), ["a"]);
    board.arrange(vec![(1, source("one"))]);
    assert_eq!(served(&board), Vec::<String>::new());
}
