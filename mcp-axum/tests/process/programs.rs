//! Programs that are servers leave nothing behind: neither themselves nor what they started, neither descriptors of the gateway,
//! however they and the gateway end.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A server that writes down its own number and that of a child, which outlives it where nobody ends it.
fn script(pids: &Path, before: &str) -> String {
    format!(
        r#"{before}
echo $$ >> {pids}; sleep 1000 & echo $! >> {pids}
answer() {{ printf '{{"jsonrpc":"2.0","id":%s,%s}}\n' "$id" "$1"; }}
while IFS= read -r line; do
  id=${{line#*\"id\":}}; id=${{id%%,*}}
  case "$line" in
    *'"method":"server/discover"'*) answer '"error":{{"code":-32601,"message":"Method not found"}}' ;;
    *'"method":"initialize"'*) answer '"result":{{"protocolVersion":"2025-11-25","capabilities":{{"tools":{{}}}},"serverInfo":{{"name":"sh","version":"1"}}}}' ;;
    *'"method":"tools/list"'*) answer '"result":{{"tools":[]}}' ;;
  esac
done"#,
        pids = pids.display()
    )
}

struct Started {
    sandbox: Sandbox,
    gateway: Gateway,
    pids: PathBuf,
}

impl Started {
    fn new(before: &str, after: &str) -> Self {
        let sandbox = Sandbox::new();
        let config =
            format!("[app]\napi_key = \"{KEY}\"\ndata_source = \"memory\"\n[stdio]\nallow = [\"sh\"]\n");
        let gateway = Gateway::start(&sandbox, &config);
        let pids = sandbox.path().join("pids");
        let script = format!("{}\n{after}", script(&pids, before));
        gateway.put("uds/sh", &json!({"command": "sh", "args": ["-c", script]}));
        let started = Self {
            sandbox,
            gateway,
            pids,
        };
        started.until_ready();
        started
    }

    fn until_ready(&self) {
        self.gateway
            .wait("the program", |_| self.state()["state"] == "ready");
    }

    fn state(&self) -> Value {
        let url = format!("{}/admin/upstreams", self.gateway.origin);
        let (_, body) = request(reqwest::Client::new().get(url).bearer_auth(KEY)).unwrap();
        serde_json::from_str::<Value>(&body).unwrap()["data"][0].take()
    }

    fn restart(&self) {
        let url = format!("{}/admin/uds/sh/restart", self.gateway.origin);
        let (status, body) = request(reqwest::Client::new().post(url).bearer_auth(KEY)).unwrap();
        assert_eq!(status, 200, "{body}");
    }

    /// Two for each start, in their order.
    fn numbers(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.pids).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Those that are there and do something. Numbers of processes come again, so that the directory has to be the right one, too.
    fn alive(&self) -> BTreeSet<String> {
        let own = self.sandbox.path().canonicalize().unwrap();
        let is_alive = |pid: &String| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let is_there = status.contains("State:") && !status.contains("State:\tZ");
            is_there && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == own)
        };
        self.numbers().into_iter().filter(is_alive).collect()
    }

    fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.gateway.pid()))
            .unwrap()
            .count()
    }
}

/// How often; a number of one's own takes longer.
fn cycles(name: &str, usual: usize) -> usize {
    env::var(name).map_or(usual, |often| often.parse().unwrap())
}

#[test]
fn many_starts_and_deaths_leave_nothing_behind() {
    let started = Started::new("", "");
    let before = started.descriptors();
    for _ in 0..cycles("DYNMCP_TEST_RESTARTS", 20) {
        started.restart();
    }
    assert_eq!(started.alive().len(), 2, "the program and its child");
    for _ in 0..cycles("DYNMCP_TEST_KILLS", 5) {
        let numbers = started.numbers();
        let leader = &numbers[numbers.len() - 2];
        assert!(
            Command::new("kill")
                .args(["-KILL", leader])
                .status()
                .unwrap()
                .success()
        );
        started
            .gateway
            .wait("the next start", |_| started.numbers().len() > numbers.len());
        started.until_ready();
    }
    assert_eq!(started.alive().len(), 2, "the program and its child");
    started.gateway.wait("as many descriptors as before", |_| {
        started.descriptors() <= before
    });
    // The process beside it is the one that was started with the first program.
    let children =
        fs::read_to_string(format!("/proc/{0}/task/{0}/children", started.gateway.pid())).unwrap_or_default();
    assert!(children.split_whitespace().count() <= 2, "{children}");
}

#[test]
fn a_gateway_that_is_killed_leaves_no_program_behind() {
    // Neither the end of their input nor being asked to makes these end.
    let mut started = Started::new("trap '' TERM HUP", "sleep 1000");
    assert_eq!(started.alive().len(), 2);
    started.gateway.signal("KILL");
    started.gateway.exit_code();
    started
        .gateway
        .wait("the end of the programs", |_| started.alive().is_empty());
}

#[test]
fn a_gateway_that_ends_properly_leaves_nothing_behind_either() {
    let mut started = Started::new("trap '' TERM HUP", "sleep 1000");
    started.gateway.signal("TERM");
    assert_eq!(started.gateway.exit_code(), Some(0));
    started
        .gateway
        .wait("the end of the programs", |_| started.alive().is_empty());
}
