use super::*;

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
    let accounts = Accounts::kept_in(Some(folder.path().to_owned()));
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
