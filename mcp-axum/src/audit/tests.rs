//! The files, from the first record to whoever looks whether they are as they were written.

mod signed;

use super::{
    Checked,
    buffer::{Buffer, Event, Item},
    entry::{Entry, What},
    folder,
    redaction::Redaction,
    verify,
    writer::{Place, Writer},
};
use crate::telemetry::metrics::AuditMetrics;
use http::HeaderValue;
use mcp_core::spec::Method;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};
use tempfile::TempDir;

fn entry(tool: &str) -> Box<Entry> {
    Box::new(Entry {
        at: SystemTime::now(),
        request_id: HeaderValue::from_static("r"),
        address: None,
        trace_id: None,
        principal: Some("ann".into()),
        key: None,
        what: What::Mcp {
            instance: "desk".into(),
            method: Method::ToolsCall,
            target: Some(tool.into()),
        },
        is_allowed: true,
        outcome: "ok",
        reason: None,
        error: None,
        status: Some(200),
        upstream: None,
        took: None,
        bytes: None,
        revision: None,
        external: None,
        arguments: None,
    })
}

fn open(folder: &TempDir, max_file_bytes: u64, max_files: usize) -> Writer {
    Writer::open(Place {
        folder: folder.path().to_owned(),
        max_file_bytes,
        max_files,
        redaction: Redaction::default(),
    })
    .unwrap()
}

fn write(writer: &mut Writer, tools: std::ops::Range<usize>) {
    for number in tools {
        writer.take_in(vec![Item::Entry(entry(&format!("tool-{number}")))]);
        while !writer.is_done() {
            writer.write().unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    folder::files(folder)
        .unwrap()
        .into_iter()
        .map(|file| file.path)
        .collect()
}

/// A folder with one file of a start and five records; its lines.
fn five() -> (TempDir, PathBuf, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    write(&mut open(&folder, u64::MAX, 0), 0..5);
    let file = files(folder.path()).remove(0);
    let text = fs::read_to_string(&file).unwrap();
    (folder, file, text.lines().map(str::to_owned).collect())
}

#[test]
fn one_chain_goes_through_files_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    write(&mut open(&folder, 2_000, 0), 0..20);
    write(&mut open(&folder, 2_000, 0), 20..40);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!((found.first, found.records, found.torn), (Some(1), 42, 0));
    assert!(found.files > 4, "{}", found.files);
    assert_eq!(found.head.unwrap().seq, 42);
}

#[test]
fn what_is_changed_missing_or_moved_is_found() {
    let (folder, file, lines) = five();
    let wrong = |lines: &[&str], expected: &str| {
        fs::write(&file, lines.join("\n") + "\n").unwrap();
        let found = verify(folder.path(), &Checked::default()).unwrap();
        let problems = found.problems.join("\n");
        assert!(problems.contains(expected), "{expected}: {problems}");
    };
    let all: Vec<&str> = lines.iter().map(String::as_str).collect();
    let [start, a, b, c, d, e] = all[..] else {
        panic!("{all:?}")
    };
    let changed = c.replace("ann", "bob");
    wrong(
        &[start, a, b, &changed, d, e],
        "jsonl:4: this line is no record: its hash is not that of its text",
    );
    wrong(&[start, a, b, d, e], "jsonl:4: record 4 is missing");
    wrong(&[start, a, e], "jsonl:3: records 3 to 5 are missing");
    wrong(
        &[start, a, c, b, d, e],
        "record 3 stands after 4: it was moved or repeated",
    );
    wrong(&[start, a, b, b, c, d, e], "record 3 stands after 3");
    wrong(
        &[a, b, c, d, e],
        "the file is called after record 1, and begins with 2",
    );
    wrong(
        &[a, b, c, d, e],
        "records 1 to 1 are missing, and no record says that their files were removed",
    );
    wrong(
        &[start, a, b, "", c, d, e],
        "jsonl:4: this line is no record: it is too short",
    );
    // Whoever makes a record anew has to make all later ones, too.
    let mut forged = super::chain::Head::default();
    let mut line = Vec::new();
    for _ in 0..3 {
        line.clear();
        forged
            .seal(&serde_json::json!({"principal": "bob"}), &mut line)
            .unwrap();
    }
    let forged = String::from_utf8(line).unwrap();
    wrong(
        &[start, a, forged.trim_end(), c, d, e],
        "record 4 does not follow the record 3 that is there",
    );
    // Only who knows what the last one was can tell.
    fs::write(&file, [start, a, b].join("\n") + "\n").unwrap();
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(found.problems.is_empty() && found.head.unwrap().seq == 3);
}

#[test]
fn a_line_that_was_not_finished_is_told_of_by_the_next_process() {
    let (_, _, lines) = five();
    let last = lines.last().unwrap();
    let whole = lines[..lines.len() - 1].join("\n") + "\n";
    for cut in 1..=last.len() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder::LogFile::new(folder.path(), 1).path;
        fs::write(&file, format!("{whole}{}", &last[..cut])).unwrap();
        let found = verify(folder.path(), &Checked::default()).unwrap();
        assert!(found.problems.is_empty(), "{cut}: {:?}", found.problems);
        assert_eq!(found.is_open, cut < last.len(), "{cut}");
        write(&mut open(&folder, u64::MAX, 0), 0..1);
        let found = verify(folder.path(), &Checked::default()).unwrap();
        assert!(found.problems.is_empty(), "{cut}: {:?}", found.problems);
        let torn = u64::from(cut < last.len());
        assert_eq!((found.torn, found.records), (torn, 8 - torn), "{cut}");
    }
}

#[test]
fn what_is_no_line_of_ours_is_not_taken_for_an_end_of_ours() {
    let (folder, file, lines) = five();
    // Somebody overwrote the end; the chain goes on after the last record that can be read.
    fs::write(&file, lines[..4].join("\n") + "\ngarbage\nmore").unwrap();
    write(&mut open(&folder, u64::MAX, 0), 0..2);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    assert!(
        found.problems[0].contains("jsonl:5: this line is no record"),
        "{:?}",
        found.problems
    );
    // Nothing can be read: what is there stays, and a new chain begins.
    fs::write(&file, "garbage\n").unwrap();
    write(&mut open(&folder, u64::MAX, 0), 0..2);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(
        found.problems[0].contains("jsonl:1: this line is no record"),
        "{:?}",
        found.problems
    );
    assert_eq!(found.records, 3);
}

#[test]
fn the_oldest_files_go_and_a_record_says_so() {
    let folder = tempfile::tempdir().unwrap();
    write(&mut open(&folder, 2_000, 3), 0..60);
    assert_eq!(files(folder.path()).len(), 3);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(
        found.problems.is_empty() && found.first > Some(1),
        "{:?}",
        found.problems
    );
    fs::remove_file(&files(folder.path())[0]).unwrap();
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(
        found.problems[0].contains("no record says that their files were removed"),
        "{:?}",
        found.problems
    );
}

#[test]
fn a_file_that_is_removed_meanwhile_is_missed_and_nothing_else_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(&folder, u64::MAX, 0);
    write(&mut writer, 0..3);
    fs::remove_file(&files(folder.path())[0]).unwrap();
    write(&mut writer, 3..6);
    drop(writer);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert_eq!(found.records, 3);
    assert!(
        found.problems[0].contains("records 1 to 4 are missing"),
        "{:?}",
        found.problems
    );
    // The whole folder, too.
    let mut writer = open(&folder, u64::MAX, 0);
    fs::remove_dir_all(folder.path()).unwrap();
    write(&mut writer, 6..7);
    assert_eq!(verify(folder.path(), &Checked::default()).unwrap().records, 1);
}

#[test]
fn what_somebody_else_wrote_there_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = open(&folder, u64::MAX, 0);
    write(&mut writer, 0..2);
    let file = files(folder.path()).remove(0);
    let ours = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{ours}{{\"principal\":\"nobody")).unwrap();
    write(&mut writer, 2..4);
    let found = verify(folder.path(), &Checked::default()).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(found.records, 5);
}

#[test]
fn a_folder_is_of_one_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let writer = open(&folder, u64::MAX, 0);
    let place = || Place {
        folder: folder.path().to_owned(),
        max_file_bytes: u64::MAX,
        max_files: 0,
        redaction: Redaction::default(),
    };
    let error = Writer::open(place()).err().unwrap().to_string();
    assert!(error.contains("another gateway writes there"), "{error}");
    drop(writer);
    assert!(Writer::open(place()).is_ok());
}

#[test]
fn a_buffer_takes_what_it_has_room_for_and_says_what_it_had_none_for() {
    let metrics = Arc::new(AuditMetrics::default());
    let size = entry("t").size();
    let buffer = Buffer::new(3 * size, metrics.clone());
    let room = buffer.reserve(size).unwrap();
    for _ in 0..5 {
        buffer.push(entry("t"));
    }
    assert!(buffer.reserve(1).is_none());
    room.fill(entry("t"));
    assert_eq!(metrics.lost.get(), 3);
    let taken = buffer.take(false);
    assert_eq!(taken.len(), 4);
    assert!(
        matches!(taken[3], Item::Event(Event::Gap { lost: 3, .. })),
        "{taken:?}"
    );
    // Until they are written they take their room.
    buffer.push(entry("t"));
    assert_eq!(metrics.lost.get(), 4);
    buffer.written(3 * size);
    drop(buffer.reserve(3 * size).unwrap());
    assert!(buffer.reserve(3 * size).is_some());
}
