//! The audit log of a real process: what is read of it by the commands, and what is there after the process was killed or its
//! disk was full.

use super::{Gateway, KEY, Sandbox, gateway::request, small_disk::SmallDisk};
use serde_json::{Value, json};
use std::{fs, path::Path, thread, time::Duration};

const CONFIG: &str = "[app]\napi_key = 'process-test-key'\n[audit]\nenabled = true\n";

fn put_desk(gateway: &Gateway) {
    let tool = json!({
        "name": "refund", "description": "Pays it back.",
        "input_schema": {"type": "object"}, "static": {"content": [{"type": "text", "text": "done"}]},
    });
    gateway.put("tds/refund", &tool);
    gateway.put("ids/desk", &json!({"name": "Desk", "tool_ids": ["refund"]}));
}

fn call(gateway: &Gateway) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "refund", "arguments": {}}});
    let client = reqwest::Client::new().post(format!("{}/mcp/desk", gateway.origin));
    let (status, answer) = request(client.bearer_auth(KEY).json(&body)).unwrap();
    assert!(status == 200 && answer.contains("done"), "{status} {answer}");
}

fn lines(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    let text: String = files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..600 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come");
}

#[test]
fn the_commands_say_who_did_what_and_whether_it_is_as_it_was_written() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, CONFIG);
    put_desk(&gateway);
    call(&gateway);
    let folder = sandbox.path().join("data/audit");
    until("the call's record", || {
        lines(&folder).iter().any(|line| line["tool"] == "refund")
    });
    let run = |arguments: &[&str]| {
        let output = sandbox.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let remote = ["--server", gateway.origin.as_str(), "--key", KEY];
    let local = ["--config", "test.toml"];
    for place in [&remote[..], &local[..]] {
        let ask = |arguments: &[&str]| {
            let (code, out, said) = run(&[&["audit"], place, arguments].concat());
            assert_eq!(code, Some(0), "{said}");
            out
        };
        let table = ask(&["--tool", "refund", "--since", "1h"]);
        assert!(
            table.contains("tools/call") && table.contains("allow") && table.lines().count() == 2,
            "{table}"
        );
        let json = ask(&["--action", "admin/*", "--format", "json", "--limit", "1"]);
        let record: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(record["target"], "/ids/desk");
        assert_eq!(ask(&["--principal", "nobody"]), "no such records\n");
        let (code, _, said) = run(&[&["audit"], place, &["--since", "yesterday"]].concat());
        assert!(
            code != Some(0) && said.contains("`yesterday` is no time"),
            "{said}"
        );
    }
    let verify = || run(&["audit", "verify", "--config", "test.toml"]);
    let (code, out, said) = verify();
    assert_eq!(code, Some(0), "{out}{said}");
    let head = lines(&folder).last().unwrap()["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(out.contains(&head), "{out}");
    drop(gateway);
    let file = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = file
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"outcome\":\"ok\"", "\"outcome\":\"no\"")).unwrap();
    let (code, out, said) = verify();
    assert_eq!(code, Some(1), "{out}{said}");
    assert!(
        out.contains("its hash is not that of its text") && said.contains("is not as it was written"),
        "{out}{said}"
    );
    let (code, _, said) = run(&["audit", "verify", "nowhere"]);
    assert!(
        code == Some(1) && said.contains("there is no audit log in `nowhere`"),
        "{said}"
    );
}

#[test]
fn what_was_written_before_a_kill_is_one_chain_with_what_comes_after() {
    let sandbox = Sandbox::new();
    for round in 0..3 {
        let gateway = Gateway::start(&sandbox, CONFIG);
        if round == 0 {
            put_desk(&gateway);
        }
        call(&gateway);
        let starts = |event: &str| {
            let lines = lines(&sandbox.path().join("data/audit"));
            lines.iter().filter(|line| line["event"] == *event).count()
        };
        assert_eq!((starts("start"), starts("stop")), (round + 1, 0));
        // By force.
        drop(gateway);
    }
    // And a line that a process did not finish.
    let folder = sandbox.path().join("data/audit");
    let file = folder.join("audit-00000000000000000001.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, &text[..text.len() - 9]).unwrap();
    drop(Gateway::start(&sandbox, CONFIG));
    let output = sandbox.run(&["audit", "verify", "--config", "test.toml"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains("1 line unfinished"),
        "{said}"
    );
}

#[test]
fn a_full_disk_holds_records_up_and_loses_none_that_there_is_memory_for() {
    for kind in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let config = "[app]\napi_key = 'process-test-key'\n[data_source.sqlite]\npath = 'definitions.db'\n\
                      [audit]\nenabled = true\ndir = 'disk/audit'\n";
        let gateway = kind.gateway(&sandbox, config);
        put_desk(&gateway);
        call(&gateway);
        let folder = kind.path(&sandbox, &gateway).join("audit");
        let calls = || {
            lines(&folder)
                .iter()
                .filter(|line| line["tool"] == "refund")
                .count()
        };
        until("the first record", || calls() == 1);
        kind.fill(&sandbox, &gateway);
        // Enough to come to the bound of either kind.
        let mut made = 1;
        until("trouble", || {
            for _ in 0..20 {
                call(&gateway);
                made += 1;
            }
            gateway.output().contains("the audit log cannot be written")
        });
        kind.free(&sandbox, &gateway);
        until("all records", || calls() == made);
        let output = sandbox
            .command(&["audit", "verify"])
            .arg(&folder)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn a_log_that_cannot_be_had_is_no_start() {
    let sandbox = Sandbox::new();
    sandbox.write("data/audit", "");
    sandbox.write("test.toml", CONFIG);
    let refused = |arguments: &[&str], expected: &str| {
        let output = sandbox
            .command(arguments)
            .env("APP__APP__PORT", "0")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{said}");
    };
    refused(
        &["serve", "--config", "test.toml"],
        "audit.dir: `data/audit` cannot be used",
    );
    refused(
        &["config", "check", "--config", "test.toml"],
        "audit.dir: `data/audit` cannot be used",
    );
    fs::remove_file(sandbox.path().join("data/audit")).unwrap();
    let _gateway = Gateway::start(&sandbox, CONFIG);
    let other = "[app]\napi_key = 'process-test-key'\ndata_source = 'memory'\n[audit]\nenabled = true\n";
    sandbox.write("other.toml", other);
    refused(
        &["serve", "--config", "other.toml"],
        "another gateway writes there",
    );
    for (text, expected) in [
        (
            "redact_paths = ['card']",
            "audit.redact_paths: `card` is no JSON Pointer",
        ),
        (
            "redact_patterns = ['(']",
            "audit.redact_patterns: `(` is no regular expression",
        ),
        (
            "arguments = ['refund']",
            "audit.arguments: `refund` must be an instance and a tool",
        ),
        ("buffer = 10", "audit.buffer"),
        ("on_full = 'wait'", "audit.on_full"),
    ] {
        sandbox.write("wrong.toml", &format!("[audit]\n{text}\n"));
        refused(&["config", "check", "--config", "wrong.toml"], expected);
    }
}

#[test]
fn checkpoints_show_that_the_end_was_cut_off() {
    let sandbox = Sandbox::new();
    // Made by `openssl genpkey -algorithm ed25519`.
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n";
    sandbox.write("keys/signing.pem", key);
    let config = format!(
        "{CONFIG}checkpoint_key_file = 'keys/signing.pem'\ncheckpoint_dir = 'elsewhere'\ncheckpoint_seconds = 1\n"
    );
    let gateway = Gateway::start(&sandbox, &config);
    put_desk(&gateway);
    call(&gateway);
    let folder = sandbox.path().join("data/audit");
    until("the call's record", || {
        lines(&folder).iter().any(|line| line["tool"] == "refund")
    });
    let last = lines(&folder).last().unwrap()["seq"].as_u64().unwrap();
    until("the checkpoint", || {
        let signed = sandbox.path().join("elsewhere");
        signed.exists()
            && lines(&signed)
                .iter()
                .any(|line| line["seq"].as_u64() >= Some(last))
    });
    drop(gateway);
    let verify = |more: &[&str]| {
        let output = sandbox.run(&[&["audit", "verify", "--config", "test.toml"], more].concat());
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let (code, said) = verify(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("signed by the key; the last one is of record"),
        "{said}"
    );
    // Whoever looks need not be able to sign.
    fs::remove_file(sandbox.path().join("keys/signing.pem")).unwrap();
    let (code, said) = verify(&[]);
    assert!(
        code == Some(0) && said.contains("name the key (--public-key)"),
        "{said}"
    );
    sandbox.write("public.pem", public);
    assert_eq!(verify(&["--public-key", "public.pem"]).0, Some(0));

    let file = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(&file, format!("{first}\n")).unwrap();
    let (code, said) = verify(&["--public-key", "public.pem"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the log ends with record 1, but record"), "{said}");
    sandbox.write("keys/signing.pem", "no key");
    let refused = sandbox.run(&["config", "check", "--config", "test.toml"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{told}");
    assert!(
        told.contains("audit.checkpoint_key_file: `keys/signing.pem` has no private key"),
        "{told}"
    );
}

#[test]
fn records_are_lines_of_standard_output_where_that_is_wanted() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("{CONFIG}[audit.sinks]\nstdout = true\n"));
    put_desk(&gateway);
    call(&gateway);
    let records = || -> Vec<Value> {
        let output = sandbox.read("output");
        let lines = output.lines().filter(|line| line.starts_with("{\"seq\":"));
        // The last one may not be finished.
        lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    until("the call's record", || {
        records().iter().any(|line| line["tool"] == "refund")
    });
    assert_eq!(records()[0]["event"], "start");
    // Those of this process alone: nothing of the one before comes once more.
    drop(gateway);
    let gateway = Gateway::start(&sandbox, &format!("{CONFIG}[audit.sinks]\nstdout = true\n"));
    call(&gateway);
    until("the next call's record", || {
        records().iter().any(|line| line["tool"] == "refund")
    });
    assert_eq!(
        records().iter().filter(|line| line["event"] == "start").count(),
        1
    );
    for (wrong, said) in [
        (
            "[audit.sinks]\nsyslog = 'log:514'\n",
            "audit.sinks.syslog: must be udp://HOST:PORT",
        ),
        (
            "[audit.sinks.webhook]\nurl = 'ftp://a/b'\n",
            "audit.sinks.webhook.url: is no URL of a receiver",
        ),
    ] {
        sandbox.write("wrong.toml", &format!("{CONFIG}{wrong}"));
        let refused = sandbox.run(&["config", "check", "--config", "wrong.toml"]);
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && told.contains(said), "{told}");
    }
    sandbox.write("off.toml", "[audit.sinks]\nstdout = true\n");
    let refused = sandbox.run(&["config", "check", "--config", "off.toml"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(
        told.contains("audit.sinks.stdout: means nothing without audit.enabled"),
        "{told}"
    );
}
