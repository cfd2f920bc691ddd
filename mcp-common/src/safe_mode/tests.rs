use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Deadly(AtomicUsize);

impl Trial for Deadly {
    fn run(&self, key: &Key, _body: &[u8]) -> Verdict {
        self.0.fetch_add(1, Ordering::Relaxed);
        match &*key.id {
            "killer" => Verdict::Died("signal 6".to_owned()),
            _ => Verdict::Survived,
        }
    }
}

fn subject(id: &str) -> Subject {
    Subject::new(Key::tool(id), &[id.as_bytes()])
}

/// A process that dies while it compiles these.
fn die(directory: &Path, ids: &[&str]) {
    let safe_mode = SafeMode::open(directory, None).unwrap();
    let subjects: Vec<_> = ids.iter().map(|id| subject(id)).collect();
    std::mem::forget(safe_mode.mark(&subjects));
    // What it leaves.
    let left = std::fs::read(&safe_mode.journal.path).unwrap();
    let dead = directory.join("compiling-0.journal");
    std::fs::remove_file(&safe_mode.journal.path).unwrap();
    drop(safe_mode);
    std::fs::write(dead, left).unwrap();
}

fn is_compiled(safe_mode: &SafeMode, id: &str) -> bool {
    safe_mode.guard(&subject(id), Some(b"{}"), || ()).is_ok()
}

#[test]
fn a_killer_is_found_among_the_suspects_and_the_innocent_are_compiled() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), &["a", "killer", "b"]);
    let trial = Arc::new(Deadly(AtomicUsize::new(0)));
    let safe_mode = SafeMode::open(directory.path(), Some(trial.clone())).unwrap();
    assert!(safe_mode.is_unknown(&subject("c")) && !safe_mode.is_unknown(&subject("a")));
    assert!(is_compiled(&safe_mode, "a") && is_compiled(&safe_mode, "b"));
    assert!(!is_compiled(&safe_mode, "killer"));
    assert_eq!((safe_mode.killers(), trial.0.load(Ordering::Relaxed)), (1, 3));
    // A changed document is another subject; the killer needs no more trials, nor do the innocent.
    assert!(safe_mode.is_unknown(&Subject::new(Key::tool("killer"), &[b"mended"])));
    assert!(is_compiled(&safe_mode, "a") && !is_compiled(&safe_mode, "killer"));
    assert_eq!(trial.0.load(Ordering::Relaxed), 3);
    drop(safe_mode);
    let again = SafeMode::open(directory.path(), None).unwrap();
    let refusal = again.guard(&subject("killer"), None, || ()).unwrap_err();
    assert!(
        refusal
            .reason
            .contains("the gateway died while it compiled this version"),
        "{refusal}"
    );
}

#[test]
fn without_a_trial_the_second_death_alone_convicts() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), &["a", "killer"]);
    die(directory.path(), &["killer"]);
    let safe_mode = SafeMode::open(directory.path(), None).unwrap();
    assert!(!is_compiled(&safe_mode, "killer") && is_compiled(&safe_mode, "a"));
}

#[test]
fn one_that_was_cleared_and_kills_all_the_same_is_a_killer() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), &["sly"]);
    let trial: Arc<dyn Trial> = Arc::new(Deadly(AtomicUsize::new(0)));
    let safe_mode = SafeMode::open(directory.path(), Some(trial.clone())).unwrap();
    assert!(is_compiled(&safe_mode, "sly"));
    drop(safe_mode);
    die(directory.path(), &["sly"]);
    let safe_mode = SafeMode::open(directory.path(), Some(trial)).unwrap();
    assert!(!is_compiled(&safe_mode, "sly"));
}

#[test]
fn who_dies_while_nothing_is_compiled_suspects_nobody() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        die(directory.path(), &[]);
    }
    let safe_mode = SafeMode::open(directory.path(), None).unwrap();
    drop(safe_mode.mark(&[subject("a")]));
    assert!(safe_mode.is_empty());
    let journal = std::fs::read(&safe_mode.journal.path).unwrap();
    assert!(
        journal.starts_with(b"\n"),
        "what was compiled is not being compiled any more"
    );
    drop(safe_mode);
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "nothing is left"
    );
}

#[test]
fn who_is_told_to_end_suspects_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let safe_mode = SafeMode::open(directory.path(), None).unwrap();
    std::mem::forget(safe_mode.mark(&[subject("a")]));
    safe_mode.end();
    assert!(safe_mode.mark(&[subject("b")]).is_none());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_journal_of_a_process_that_lives_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let other = directory.path().join("compiling-1.journal");
    let alive = std::fs::File::create(&other).unwrap();
    alive.lock().unwrap();
    drop(SafeMode::open(directory.path(), None).unwrap());
    assert!(other.exists());
}
