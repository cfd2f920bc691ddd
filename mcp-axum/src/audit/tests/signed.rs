//! What checkpoints show that the chain alone does not.

use super::{Checked, files, open, verify, write};
use crate::audit::{
    chain::Head,
    checkpoint::{FILE, PublicKey, Signer},
};
use std::{fs, path::PathBuf};
use tempfile::TempDir;

/// Made by `openssl genpkey -algorithm ed25519`.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
const OTHER: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";

struct Log {
    folder: TempDir,
    keys: TempDir,
    checkpoints: PathBuf,
}

impl Log {
    /// A start and ten records, the fourth and the last of which are signed.
    fn signed() -> Self {
        let (folder, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(keys.path().join("key"), KEY).unwrap();
        fs::write(keys.path().join("other"), OTHER).unwrap();
        let checkpoints = folder.path().join(FILE);
        let signer = Signer::read(&keys.path().join("key")).unwrap();
        let mut writer = open(&folder, u64::MAX, 0);
        for range in [0..3, 3..10] {
            write(&mut writer, range);
            signer.sign(writer.head(), &checkpoints).unwrap();
        }
        Self {
            folder,
            keys,
            checkpoints,
        }
    }

    fn problems(&self, key: Option<&str>) -> Vec<String> {
        let key = key.map(|name| PublicKey::of_private(&self.keys.path().join(name)).unwrap());
        let checked = Checked {
            file: Some(&self.checkpoints),
            key,
        };
        verify(self.folder.path(), &checked).unwrap().problems
    }

    fn lines(&self) -> (PathBuf, Vec<String>) {
        let file = files(self.folder.path()).remove(0);
        let text = fs::read_to_string(&file).unwrap();
        (file, text.lines().map(str::to_owned).collect())
    }
}

#[test]
fn what_is_as_it_was_signed_is_fine() {
    let log = Log::signed();
    for key in [Some("key"), None] {
        assert_eq!(log.problems(key), [""; 0], "{key:?}");
    }
}

#[test]
fn an_end_that_was_cut_off_is_found() {
    let log = Log::signed();
    let (file, lines) = log.lines();
    // The chain alone is whole.
    fs::write(&file, lines[..6].join("\n") + "\n").unwrap();
    let alone = verify(log.folder.path(), &Checked::default()).unwrap();
    assert!(alone.problems.is_empty(), "{:?}", alone.problems);
    let problems = log.problems(Some("key"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].starts_with("the log ends with record 6, but record 11 was signed at "),
        "{problems:?}"
    );
}

#[test]
fn a_log_that_was_made_anew_is_found() {
    let log = Log::signed();
    let (file, _) = log.lines();
    fs::remove_file(&file).unwrap();
    // As long, and a whole chain, of whoever may write there and has no key.
    write(&mut open(&log.folder, u64::MAX, 0), 100..110);
    let problems = log.problems(Some("key"));
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("record 4 is not the one that was signed at ")),
        "{problems:?}"
    );
    // What is signed by somebody else is no help.
    fs::remove_file(&log.checkpoints).unwrap();
    let forger = Signer::read(&log.keys.path().join("other")).unwrap();
    let (_, lines) = log.lines();
    let head = Head {
        seq: 4,
        hash: lines[3][lines[3].len() - 66..lines[3].len() - 2].to_owned(),
    };
    forger.sign(&head, &log.checkpoints).unwrap();
    let problems = log.problems(Some("key"));
    assert!(
        problems[0].contains("this checkpoint is not signed by the key"),
        "{problems:?}"
    );
    assert!(
        problems[1].contains("there is no checkpoint of the key"),
        "{problems:?}"
    );
    assert_eq!(log.problems(Some("other")), [""; 0]);
}

#[test]
fn checkpoints_that_were_changed_or_taken_away_are_found() {
    let log = Log::signed();
    let text = fs::read_to_string(&log.checkpoints).unwrap();
    fs::write(&log.checkpoints, text.replace("\"seq\":4", "\"seq\":5")).unwrap();
    assert!(log.problems(Some("key"))[0].contains("checkpoints.jsonl:1: this checkpoint is not signed"));
    fs::write(&log.checkpoints, format!("{{}}\n{text}")).unwrap();
    assert!(log.problems(None)[0].contains("checkpoints.jsonl:1: this line is no checkpoint"));
    fs::remove_file(&log.checkpoints).unwrap();
    assert!(log.problems(Some("key"))[0].contains("there is no checkpoint of the key"));
    assert_eq!(
        log.problems(None),
        [""; 0],
        "nobody says that there should be any"
    );
}
