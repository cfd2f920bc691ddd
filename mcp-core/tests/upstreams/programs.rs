//! Programs that are servers: small scripts of the shell.

use crate::{
    behaviour::{RESULT, TOOLS},
    setup::{call, hub, hub_with, names, ready, settings, trouble, until},
};
use mcp_core::upstream::{Hub, ProgramCounts, State, UpstreamError};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc};

/// A server of 2025-11-25. `CALL` is what it does when it is called; `$id` is the id of the request.
pub(crate) fn script(before: &str, on_call: &str) -> String {
    format!(
        r#"{before}
answer() {{ printf '{{"jsonrpc":"2.0","id":%s,%s}}\n' "$id" "$1"; }}
while IFS= read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%,*}}
  case "$line" in
    *'"method":"server/discover"'*) answer '"error":{{"code":-32601,"message":"Method not found"}}' ;;
    *'"method":"initialize"'*) answer '"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{"listChanged":true}}}},"serverInfo":{{"name":"sh","version":"1"}}}}' ;;
    *'"method":"tools/list"'*) answer '"result":{{"tools":{TOOLS}}}' ;;
    *'"method":"tools/call"'*) {on_call} ;;
  esac
done"#
    )
}

pub(crate) fn document(script: &str) -> Value {
    json!({"command": "sh", "args": ["-c", script], "env": {"GIVEN": "given"}})
}

/// Answers calls with [`RESULT`].
pub(crate) fn honest() -> String {
    let result = RESULT.replace('\'', "'\\''");
    format!("answer '\"result\":{result}}}'")
}

async fn started(before: &str, on_call: &str) -> Arc<Hub> {
    let hub = hub(&document(&script(before, on_call)));
    ready(&hub).await;
    hub
}

fn log(hub: &Hub) -> Vec<String> {
    let lines = hub.logs("u").unwrap().into_iter();
    lines
        .map(|line| format!("{}: {}", line.from, line.text))
        .collect()
}

#[tokio::test]
async fn a_program_is_spoken_to_on_its_input_and_output() {
    // What is no message does no harm, wherever it is written.
    let hub = started("echo 'a banner'; echo complaint >&2; echo '[]'", &honest()).await;
    let inventory = hub.offer("u").unwrap().inventory.unwrap();
    assert_eq!(
        (inventory.protocol, names(&inventory)),
        ("2025-11-25", vec!["get"])
    );
    assert_eq!(
        call(&hub, "get", "{}").await.unwrap(),
        format!("{RESULT}}}"),
        "every byte of it"
    );
    until(&hub, "the lines", || log(&hub).len() >= 3).await;
    let log = log(&hub);
    for line in ["stdout: a banner", "stderr: complaint", "stdout: []"] {
        assert!(log.contains(&line.to_owned()), "{log:?}");
    }
    hub.close().await;
}

#[tokio::test]
async fn a_program_gets_the_variables_that_it_is_given_and_few_others() {
    let hub = started("env | sed 's/=.*//' | sort >&2; echo end >&2", &honest()).await;
    until(&hub, "all variables", || {
        log(&hub).contains(&"stderr: end".to_owned())
    })
    .await;
    let log = log(&hub);
    assert!(log.contains(&"stderr: GIVEN".to_owned()), "{log:?}");
    // Those of the shell's own are among them; those of cargo, which this test has, are not.
    assert!(!log.iter().any(|line| line.contains("CARGO")), "{log:?}");
    hub.close().await;
}

#[tokio::test]
async fn many_calls_are_under_way_on_one_program() {
    // Answers in the other order.
    let on_call = format!(
        "if [ -z \"$first\" ]; then first=$id; else second=$id; {}; id=$first; {}; fi",
        honest(),
        honest()
    );
    let hub = started("", &on_call).await;
    let (one, other) = tokio::join!(call(&hub, "get", "{}"), call(&hub, "get", "{}"));
    assert_eq!(
        (one.unwrap(), other.unwrap()),
        (format!("{RESULT}}}"), format!("{RESULT}}}"))
    );
    hub.close().await;
}

#[tokio::test]
async fn a_program_that_dies_in_a_call_fails_that_call_with_its_last_words_and_is_started_anew() {
    let on_call = format!(
        "if [ -e \"$GIVEN_FLAG\" ]; then {}; else : > \"$GIVEN_FLAG\"; echo 'no more' >&2; exit 7; fi",
        honest()
    );
    let directory = tempfile::tempdir().unwrap();
    let mut document = document(&script("", &on_call));
    document["env"] = json!({"GIVEN_FLAG": directory.path().join("flag")});
    let hub = hub(&document);
    ready(&hub).await;
    let error = call(&hub, "get", "{}").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, UpstreamError::Ended(_)), "{text}");
    assert!(
        text.contains("exit status: 7") && text.contains("it last said: no more"),
        "{text}"
    );
    until(&hub, "another start", || {
        hub.status("u").unwrap().state != State::Ready
    })
    .await;
    ready(&hub).await;
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    let (running, restarts) = (1, 1);
    until(&hub, "one restart", || {
        hub.programs("u") == Some(ProgramCounts { running, restarts })
    })
    .await;
    hub.close().await;
}

#[tokio::test]
async fn what_cannot_be_started_is_said() {
    let nothing_allowed = hub_with(
        mcp_core::upstream::HubSettings {
            stdio_allow: Vec::new(),
            ..settings()
        },
        &document("exit 0"),
    );
    let error = trouble(&nothing_allowed).await;
    assert_eq!(
        error,
        "the program `sh` is not started: `stdio.allow` of the gateway's configuration does not name it"
    );

    let mut allowed = settings();
    allowed.stdio_allow.push("no-such-program".to_owned());
    let missing = hub_with(allowed, &json!({"command": "no-such-program"}));
    let error = trouble(&missing).await;
    assert!(error.contains("`no-such-program` is not there: PATH"), "{error}");

    let ends = hub(&document("echo 'wrong option' >&2; exit 3"));
    let error = trouble(&ends).await;
    assert!(
        error.contains("exit status: 3") && error.contains("wrong option"),
        "{error}"
    );

    let elsewhere = hub(&json!({"command": "sh", "cwd": "/no/such/directory"}));
    let error = trouble(&elsewhere).await;
    assert!(
        error.contains("/no/such/directory is not there (`cwd`)"),
        "{error}"
    );
    for hub in [nothing_allowed, missing, ends, elsewhere] {
        hub.close().await;
    }
}

#[tokio::test]
async fn there_are_no_more_programs_than_the_operator_allows() {
    let mut few = settings();
    few.most_programs = 1;
    let hub = hub_with(few, &document(&script("", &honest())));
    ready(&hub).await;
    let error = hub.check("u").await.unwrap().unwrap_err().to_string();
    assert_eq!(
        error,
        "1 programs run already, and no more are started (`stdio.max_programs` of the gateway's configuration)"
    );
    // The place of one that ended is free.
    hub.restart("u").await.unwrap().unwrap();
    hub.close().await;
}

#[tokio::test]
async fn long_lines_are_passed_over() {
    let long = "head -c 100000 /dev/zero | tr '\\0' x; echo";
    let mut document = document(&script(long, &honest()));
    document["limits"] = json!({"max_response_bytes": 10_000});
    let hub = hub(&document);
    ready(&hub).await;
    assert_eq!(call(&hub, "get", "{}").await.unwrap(), format!("{RESULT}}}"));
    assert!(
        log(&hub)
            .iter()
            .any(|line| line.contains("limits.max_response_bytes")),
        "{:?}",
        log(&hub)
    );
    hub.close().await;
}

/// The processes that a script wrote down, of those that are still there.
#[cfg(target_os = "linux")]
fn alive(pids: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(pids).unwrap_or_default();
    let is_alive = |pid: &&str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        // One that nobody waited for yet does nothing any more.
        status.contains("State:") && !status.contains("State:\tZ")
    };
    text.split_whitespace()
        .filter(is_alive)
        .map(str::to_owned)
        .collect()
}

/// A program with a child and a grandchild, none of which wants to end.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_ends_with_all_that_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let before = format!(
        "trap '' TERM HUP; echo $$ >> {0}; (trap '' TERM HUP; sh -c 'echo $$ >> {0}; exec sleep 1000' & sleep 1000) & echo $! >> {0}",
        pids.display()
    );
    let mut document = document(&script(&before, &honest()));
    document["tools"] = json!({});
    let hub = hub(&document);
    ready(&hub).await;
    until(&hub, "three processes", || alive(&pids).len() == 3).await;
    hub.restart("u").await.unwrap().unwrap();
    until(&hub, "three other processes", || alive(&pids).len() == 3).await;
    let text = std::fs::read_to_string(&pids).unwrap();
    assert_eq!(text.split_whitespace().count(), 6, "{text}");
    hub.close().await;
    // The signal was sent when it is closed; the system may take a moment for those whose parent is gone.
    until(&hub, "none is left", || alive(&pids).is_empty()).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn starting_and_ending_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let pids = directory.path().join("pids");
    let hub = started(&format!("echo $$ >> {}", pids.display()), &honest()).await;
    for _ in 0..20 {
        hub.restart("u").await.unwrap().unwrap();
    }
    assert_eq!(alive(&pids).len(), 1);
    hub.close().await;
    until(&hub, "none is left", || alive(&pids).is_empty()).await;
}
