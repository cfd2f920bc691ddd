//! Other processes write the same file. They are played by the `sqlite3` command, which has a SQLite of its own.

use super::file::{File, contents, put};
use mcp_common::{datasource::DataSource, key::Key, testsuite::Follower};
use mcp_plugin::datasource::sqlite::Sqlite;
use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

const INSERT: &str = "INSERT INTO dynmcp_xds (key, xds_type, xds_json) VALUES";

/// A running `sqlite3` that takes SQL line by line.
struct Shell {
    process: Child,
    answers: BufReader<ChildStdout>,
}

impl Shell {
    fn start(file: &File) -> Self {
        let mut command = Command::new("sqlite3");
        command
            .arg("-bail")
            .arg(file.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command
            .spawn()
            .expect("this test needs the command `sqlite3` (package sqlite3)");
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, answers }
    }

    /// Returns when the SQL has run.
    fn run(&mut self, sql: &str) {
        let input = self.process.stdin.as_mut().unwrap();
        writeln!(input, "{sql}\n.print done").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "done", "{sql}");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_writes_are_seen_within_500_ms() {
    let file = File::new();
    let source = file.open().await;
    let mut follower = Follower::start(&source).await;
    let mut shell = Shell::start(&file);
    for number in 0..5 {
        let key = Key::tool(format!("t{number}"));
        shell.run(&format!("{INSERT} ('t{number}', 'TDS', '{{}}');"));
        let written = Instant::now();
        follower
            .until_that(|f| f.state.contains_key(&key), "the other process' insert")
            .await;
        assert!(
            written.elapsed() < Duration::from_millis(500),
            "seen after {:?}",
            written.elapsed()
        );
    }
    shell.run("DELETE FROM dynmcp_xds;");
    let written = Instant::now();
    follower
        .until_that(|f| f.state.is_empty(), "the other process' delete")
        .await;
    assert!(
        written.elapsed() < Duration::from_millis(500),
        "seen after {:?}",
        written.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_writes_do_not_wait_for_the_poll() {
    let file = File::new();
    let mut settings = file.settings();
    settings.poll = Duration::from_secs(600);
    let source = Sqlite::open(settings).await.unwrap();
    let mut follower = Follower::start(&source).await;
    for revision in 1..=5 {
        let write = async {
            // Lets the follower fall asleep; its patience ends long before its poll would wake it.
            tokio::time::sleep(Duration::from_millis(20)).await;
            put(&source, &Key::tool("a"), "{}").await
        };
        let (written, ()) = tokio::join!(write, follower.until(revision));
        assert_eq!(written, revision);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_survives_a_killed_writer_and_the_rest_never_was() {
    let file = File::new();
    let source = file.open().await;
    let mut follower = Follower::start(&source).await;
    let mut shell = Shell::start(&file);
    shell.run(&format!("{INSERT} ('committed', 'TDS', '{{}}');"));
    shell.run(&format!(
        "BEGIN IMMEDIATE; {INSERT} ('open', 'TDS', '{{}}'); UPDATE dynmcp_xds SET xds_json = '[]';"
    ));
    shell.process.kill().unwrap();
    shell.process.wait().unwrap();

    let last = put(&source, &Key::tool("after"), "{}").await;
    follower.until(last).await;
    assert_eq!(contents(&source).await, ["TDS after={}", "TDS committed={}"]);
    assert_eq!(follower.state.len(), 2);
    assert_eq!(follower.seen, [1, 2]);
}

#[tokio::test]
async fn an_answered_write_is_in_the_file_before_anything_is_closed() {
    let file = File::new();
    let source = file.open().await;
    for number in 0..20 {
        put(&source, &Key::tool(format!("t{number:02}")), "{}").await;
    }
    // What a power cut would leave: the files as they are now.
    let copy = File::new();
    std::fs::create_dir_all(copy.path().parent().unwrap()).unwrap();
    for suffix in ["", "-wal"] {
        let name = |file: &File| format!("{}{suffix}", file.path().display());
        std::fs::copy(name(&file), name(&copy)).unwrap();
    }
    let before = contents(&source).await;
    assert_eq!(before.len(), 20);
    let copy = copy.open().await;
    assert_eq!(contents(&copy).await, before);
    assert_eq!(copy.load().await.unwrap().revision, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_gateways_may_make_the_same_file_at_once() {
    let file = File::new();
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        opening.spawn(Sqlite::open(file.settings()));
    }
    let opened: Vec<_> = opening.join_all().await.into_iter().map(Result::unwrap).collect();
    put(&opened[0], &Key::tool("a"), "{}").await;
    for source in &opened {
        assert_eq!(contents(source).await, ["TDS a={}"]);
    }
}
