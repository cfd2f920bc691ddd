use super::*;
use crate::oauth::binding::{Grant, Purpose};

const A: &str = "https://a.example/mcp";
const B: &str = "https://b.example/mcp";

fn present<'a>(id: &'a str, url: &str, is_found: bool) -> Present<'a> {
    Present {
        id,
        url: url.to_owned(),
        is_found,
    }
}

/// Accounts with what is kept of these servers, as after a start.
fn kept(servers: &[(&str, &str)]) -> (tempfile::TempDir, Accounts) {
    let folder = tempfile::tempdir().unwrap();
    for (id, url) in servers {
        fs::write(folder.path().join(name(id, url)), "{}").unwrap();
    }
    let kept = (folder.path().to_owned(), Seal::of_secret(b"a secret"));
    let accounts = Accounts::kept_in(Some(kept));
    (folder, accounts)
}

fn is_kept(folder: &tempfile::TempDir, id: &str, url: &str) -> bool {
    folder.path().join(name(id, url)).exists()
}

#[test]
fn what_is_of_a_document_goes_with_it_and_with_its_url() {
    let (folder, accounts) = kept(&[("u", A), ("u", B), ("v", A)]);
    let stored = [present("u", A, false), present("v", A, false)];
    accounts.keep_only(&stored, &|_| true);
    assert!(is_kept(&folder, "u", A) && is_kept(&folder, "v", A));
    assert!(!is_kept(&folder, "u", B), "the document names another URL");
    // A document that cannot be used is there nevertheless.
    accounts.keep_only(&stored[1..], &|id| id == "u");
    assert!(is_kept(&folder, "u", A));
    accounts.keep_only(&stored[1..], &|_| false);
    assert!(!is_kept(&folder, "u", A) && is_kept(&folder, "v", A));
}

#[test]
fn what_is_found_may_be_away_for_a_while_and_late_after_a_start() {
    let (folder, accounts) = kept(&[("u", A), ("v", A)]);
    let start = Instant::now();
    let later = |hours: u64| start + Duration::from_secs(hours * 3600);
    let nothing = |_: &str| false;
    accounts.keep_only_at(&[], &nothing, start);
    assert!(
        is_kept(&folder, "u", A) && is_kept(&folder, "v", A),
        "nothing is found yet"
    );
    let found = [present("u", A, true)];
    accounts.keep_only_at(&found, &nothing, later(1));
    accounts.keep_only_at(&[], &nothing, later(20));
    accounts.keep_only_at(&found, &nothing, later(23));
    accounts.keep_only_at(&[], &nothing, later(25));
    assert!(
        is_kept(&folder, "u", A) && !is_kept(&folder, "v", A),
        "a day of its own for each"
    );
    accounts.keep_only_at(&[present("u", B, true)], &nothing, later(26));
    assert!(is_kept(&folder, "u", A), "found elsewhere, perhaps for a moment");
    accounts.keep_only_at(&[], &nothing, later(50));
    assert!(!is_kept(&folder, "u", A));
}

#[test]
fn what_is_of_a_caller_stays_and_goes_with_its_server() {
    let (folder, accounts) = kept(&[]);
    let owned = |url: &str| folder.path().join(name_of_owned("u", url, "anna"));
    let account = |url: &str| {
        let owner = Owner {
            id: "anna".into(),
            name: "Anna".into(),
            upstream: "u".into(),
            url: url.to_owned(),
            // Whatever a file says.
            since: u64::MAX,
        };
        let purpose = Purpose {
            identity: url.to_owned(),
            terms: String::new(),
        };
        let shelf = accounts.shelf(|_| owned(url));
        let account = Account::of_caller(accounts.number(), purpose, owner, shelf, Default::default());
        accounts.0.grants.add(&account);
        account
    };
    let (before, now) = (account(B), account(A));
    for account in [&before, &now] {
        account.shelf.put(account);
    }
    assert!(owned(A).exists() && owned(B).exists());
    let stored = [present("u", A, false)];
    accounts.keep_only(&stored, &|_| true);
    assert!(owned(A).exists() && !owned(B).exists(), "the document names A");
    // In quarantine, and after a start.
    accounts.keep_only(&[], &|_| true);
    let again = Accounts::kept_in(accounts.0.kept.clone());
    assert_eq!(again.grants().len(), 1, "with a time that there can be");
    again.keep_only(&[], &|id| id == "u");
    assert!(owned(A).exists() && again.grants().len() == 1);

    accounts.keep_only(&[], &|_| false);
    assert!(!owned(A).exists() && accounts.grants().is_empty());
    now.shelf.put(&now);
    assert!(!owned(A).exists(), "nothing is written any more");
}

#[test]
fn what_was_given_back_is_kept_again_with_the_next_login_and_does_not_come_back_by_itself() {
    let (folder, accounts) = kept(&[]);
    let shelf = |name: &str| accounts.shelf(|_| folder.path().join(name));
    let account = |shelf: &Shelf| {
        let purpose = Purpose {
            identity: String::new(),
            terms: String::new(),
        };
        let kind = (Whose::Gateway, Grant::AuthorizationCode);
        Account::new(accounts.number(), purpose, kind, shelf.clone(), None)
    };
    let (one, same, other) = (shelf("a.login"), shelf("a.login"), shelf("b.login"));
    let account = account(&one);
    let is_there = || folder.path().join("a.login").exists();
    one.put(&account);
    one.clear();
    one.put(&account);
    assert!(!is_there());
    one.take_up();
    one.put(&account);
    assert!(is_there());
    one.give_way_to(&same);
    assert!(is_there(), "it is the other one's");
    one.take_up();
    one.give_way_to(&other);
    assert!(!is_there());
    one.give_up();
    one.take_up();
    one.put(&account);
    assert!(!is_there() && !one.is_current());
}
