//! The one command, run for each store: it does what its README says, and leaves nothing behind.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has to fail")]

use serde_json::Value;
use std::{process::Command, time::Duration};

const CALLS: &str = "600";

/// What the command printed, by its paragraphs.
struct Shown(String);

impl Shown {
    async fn of(source: &str) -> Self {
        let mut command = tokio::process::Command::from(Command::new(env!("CARGO_BIN_EXE_replicas")));
        command
            .args(["--source", source, "--calls", CALLS])
            .kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(300), command.output());
        let output = output.await.expect("it does not come to its end").unwrap();
        let (shown, said) = (
            output.stdout,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        let shown = String::from_utf8(shown).unwrap();
        assert!(output.status.success(), "{}\n{shown}\n{said}", output.status);
        Self(shown)
    }

    /// The indented lines below the first line that begins so.
    fn below(&self, heading: &str) -> Vec<&str> {
        let lines = self.0.lines().skip_while(|line| !line.starts_with(heading));
        let below: Vec<_> = lines.skip(1).take_while(|line| line.starts_with("  ")).collect();
        assert!(!below.is_empty(), "nothing stands below `{heading}`:\n{}", self.0);
        below
    }

    fn revision(&self) -> u64 {
        let line = self.0.lines().find(|line| line.starts_with("Written to "));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    }
}

async fn shows_what_it_promises(source: &str) {
    let shown = Shown::of(source).await;
    let revision = shown.revision();

    // 1 and 2: all three serve the write, and say which revision that is.
    let lists = shown.below("Written to ");
    assert_eq!(lists.len(), 3, "{lists:?}");
    for line in lists {
        let (_, told) = line.split_once("X-Config-Revision: ").unwrap();
        let told: u64 = told.parse().unwrap();
        assert!(
            line.contains("lists [\"get_item\"]") && told >= revision,
            "{line}"
        );
    }
    let statuses = shown.below("GET /admin/status");
    assert_eq!(statuses.len(), 3, "{statuses:?}");
    for line in statuses {
        let status: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
        assert!(status["source"] == source && status["stale"] == false, "{status}");
        assert!(
            status["lag_ms"] == 0 && status["revision"].as_u64() >= Some(revision),
            "{status}"
        );
    }

    // 3: a client of each of them hears of a change.
    let heard = shown.below("Changed on ");
    assert_eq!(heard.len(), 3, "{heard:?}");
    for line in heard {
        assert!(
            line.contains("hears \"notifications/tools/list_changed\""),
            "{line}"
        );
    }

    // 4: all were replaced, and no call failed.
    let replaced = shown.below(&format!("{CALLS} calls while all three are replaced"));
    let [first, second, third, sum] = &replaced[..] else {
        panic!("{replaced:?}")
    };
    for (place, line) in [first, second, third].into_iter().enumerate() {
        assert!(
            line.starts_with(&format!("  replica {place} is http://127.0.0.1:")),
            "{line}"
        );
    }
    assert!(
        sum.starts_with(&format!("  {CALLS} answered, all of them right;")),
        "{sum}"
    );
}

macro_rules! on {
    ($($source:ident),*) => {$(
        #[tokio::test]
        async fn $source() {
            shows_what_it_promises(stringify!($source)).await;
        }
    )*};
}

on!(sqlite, etcd, mysql, postgres);

#[test]
fn an_unknown_store_is_refused_with_the_known_ones() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_replicas"));
    let output = command.args(["--source", "redis"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("no store is called `redis`; there are"), "{said}");
}
