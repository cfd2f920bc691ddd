//! Files of the gateway that are not what they were: it is said which and what to do, and they are not thrown away.

use super::{Gateway, Sandbox};
use serde_json::json;
use std::{fs, process::Command};

const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\n";

fn tool(description: &str) -> serde_json::Value {
    json!({
        "name": "t", "description": description, "input_schema": {},
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/"},
    })
}

#[test]
fn a_damaged_snapshot_is_said_and_kept() {
    let sandbox = Sandbox::new();
    let mut gateway = Gateway::start(&sandbox, CONFIG);
    gateway.put("tds/t", &tool("Whole."));
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
    let file = sandbox.path().join("data/definitions.snapshot");
    let aside = sandbox.path().join("data/definitions.snapshot.unused");
    let whole = fs::read(&file).unwrap();

    for (spoilt, reason) in [
        (
            whole[..whole.len() / 2].to_vec(),
            "it is cut off, or its checksum is wrong",
        ),
        ([b"x", &*whole].concat(), "it does not begin like one"),
        (Vec::new(), "it does not begin like one"),
    ] {
        fs::write(&file, &spoilt).unwrap();
        let gateway = Gateway::start(&sandbox, CONFIG);
        let said = format!(
            "the snapshot `data/definitions.snapshot` is damaged ({reason}); going on without it, the first load writes \
             a new one and keeps this as `definitions.snapshot.unused`"
        );
        gateway.wait("the message", |gateway| gateway.output().contains(&said));
        gateway.wait("a new snapshot", |_| {
            fs::read(&file).is_ok_and(|text| text.starts_with(b"dynmcp-snapshot 1\n") && text != spoilt)
        });
        assert_eq!(fs::read(&aside).unwrap(), spoilt);
    }
    // One that can be used is not put aside.
    let last = fs::read(&aside).unwrap();
    let gateway = Gateway::start(&sandbox, CONFIG);
    gateway.put("tds/t", &tool("Another."));
    gateway.wait("a new snapshot", |_| {
        fs::read_to_string(&file).is_ok_and(|text| text.contains("Another."))
    });
    assert!(!gateway.output().contains("snapshot"), "{}", gateway.output());
    assert_eq!(fs::read(&aside).unwrap(), last);
}

#[test]
fn a_damaged_database_ends_the_start_and_is_left_alone() {
    let sandbox = Sandbox::new();
    let mut gateway = Gateway::start(&sandbox, CONFIG);
    for number in 0..100 {
        gateway.put(
            &format!("tds/t{number}"),
            &tool(&format!("{number} {}", "x".repeat(1_000))),
        );
    }
    gateway.signal("TERM");
    assert_eq!(gateway.exit_code(), Some(0), "{}", gateway.output());
    let file = sandbox.path().join("data/dynmcp.db");
    // All of it into one file.
    let mut command = Command::new("sqlite3");
    let status = command.arg(&file).arg("PRAGMA wal_checkpoint(TRUNCATE)").status();
    assert!(status.expect("`cargo xtask test` installs sqlite3").success());
    for beside in ["data/dynmcp.db-wal", "data/dynmcp.db-shm"] {
        let _ = fs::remove_file(sandbox.path().join(beside));
    }
    let whole = fs::read(&file).unwrap();

    let third = whole.len() / 3;
    let middle = [&whole[..third], &vec![0xa5; third], &whole[2 * third..]].concat();
    let cut_off = whole[..third].to_vec();
    let text = b"port = 8080\n".repeat(1_000);
    for (spoilt, words) in [
        (
            middle,
            ["is damaged (", "put a backup in its place, or save what is left"],
        ),
        (
            cut_off,
            ["is damaged (", "put a backup in its place, or save what is left"],
        ),
        (
            text,
            ["is not a SQLite database", "move it away, or set another path"],
        ),
    ] {
        fs::write(&file, &spoilt).unwrap();
        let config = sandbox.write("test.toml", CONFIG);
        let output = sandbox.run(&["serve", "--config", config.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("data_source.sqlite.path: `data/dynmcp.db`"),
            "{said}"
        );
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(fs::read(&file).unwrap() == spoilt, "the file was changed");
    }
    // The advice helps.
    fs::write(&file, &whole).unwrap();
    let gateway = Gateway::start(&sandbox, CONFIG);
    let (status, body) = gateway.try_put("tds/t7", &tool("Back."));
    assert_eq!(status, 200, "{body}");
}
