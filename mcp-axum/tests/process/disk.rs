//! A disk that is full or cannot be written: it is said, nothing is lost, serving goes on, and when there is room again
//! everything works without a restart.

use super::{
    Gateway, Sandbox,
    gateway::{KEY, request},
    small_disk::{LARGE, SmallDisk, files},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

fn tool(name: &str, description: &str) -> Value {
    json!({
        "name": name, "description": description, "input_schema": {"type": "object"},
        "tds_ext_info": {"domain": "http://127.0.0.1:9", "method": "GET", "path": "/"},
    })
}

fn large(name: &str) -> Value {
    tool(name, &"x".repeat(LARGE))
}

/// A gateway with one instance and the tools `small` and `large`, which is not large yet.
fn with_tools(disk: SmallDisk, sandbox: &Sandbox, config: &str) -> Gateway {
    let config = format!("[app]\napi_key = \"process-test-key\"\n{config}");
    let gateway = disk.gateway(sandbox, &config);
    gateway.put("tds/small", &tool("small", "Small."));
    gateway.put("tds/large", &tool("large", "Not large yet."));
    gateway.put("ids/i", &json!({"name": "i", "tool_ids": ["small", "large"]}));
    gateway
}

/// The description of the second tool, as a client sees it.
fn served(gateway: &Gateway) -> String {
    let list = reqwest::Client::new()
        .post(format!("{}/mcp/i", gateway.origin))
        .bearer_auth(KEY)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let (status, body) = request(list).unwrap();
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let description = &body["result"]["tools"][1]["description"];
    description
        .as_str()
        .unwrap_or_else(|| panic!("{body}"))
        .to_owned()
}

/// As before, and in step with its source.
fn serves_on(gateway: &Gateway) {
    assert_eq!(served(gateway), "Not large yet.");
    for path in ["/readyz", "/readyz?strict"] {
        let (status, body) = gateway.get(path).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
    }
}

/// What an operator has to find: all in one line of the log.
fn is_said(gateway: &Gateway, words: &[&str]) {
    gateway.wait(&format!("a line with {words:?}"), |gateway| {
        let output = gateway.output();
        let mut lines = output.lines();
        lines.any(|line| words.iter().all(|word| line.contains(word)))
    });
}

fn refuses(gateway: &Gateway, status: u16, words: &[&str]) {
    let (answered, body) = gateway.try_put("tds/large", &large("large"));
    assert_eq!(answered, status, "{body}");
    for word in words {
        assert!(body.contains(word), "{word}: {body}");
    }
}

#[test]
fn sqlite_on_a_full_disk() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let gateway = with_tools(disk, &sandbox, "[data_source.sqlite]\npath = \"disk/x.db\"\n");
        let past = Past(disk, &sandbox, &gateway);
        disk.fill(&sandbox, &gateway);
        match disk {
            SmallDisk::FileSystem(_) => {
                let words = ["no space left", "did not store it", "free some"];
                refuses(&gateway, 507, &words);
                is_said(
                    &gateway,
                    &["the disk of `disk/x.db` is full; free some space there", "507"],
                );
            }
            // SQLite calls a bound that is no full disk an I/O error.
            SmallDisk::Bounds => {
                refuses(&gateway, 503, &["cannot be reached now"]);
                is_said(
                    &gateway,
                    &["`disk/x.db`: disk I/O error; look at its disk (full,", "503"],
                );
            }
        }
        serves_on(&gateway);
        assert_eq!(past.description(), "Not large yet.");

        disk.free(&sandbox, &gateway);
        gateway.put("tds/large", &large("large"));
        assert_eq!(served(&gateway).len(), LARGE);
        assert_eq!(past.description().len(), LARGE);
        assert_eq!(past.sql("PRAGMA integrity_check"), "ok");
        // The refused write is in no history either.
        let versions = past.sql("SELECT count(*) FROM dynmcp_changes WHERE key = 'large'");
        assert_eq!(versions, "2");
    }
}

/// Looks into the database past the gateway.
struct Past<'a>(SmallDisk, &'a Sandbox, &'a Gateway);

impl Past<'_> {
    fn sql(&self, sql: &str) -> String {
        let mut command = self.0.command(self.1, self.2, "sqlite3");
        let output = command.args(["disk/x.db", sql]).output();
        let output = output.expect("`sqlite3` is not installed; `cargo xtask test` installs it");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn description(&self) -> String {
        self.sql("SELECT json_extract(xds_json, '$.description') FROM dynmcp_xds WHERE key = 'large'")
    }
}

const FILES: &str =
    "data_source = \"file\"\n[data_source.file]\npath = \"disk/definitions\"\nwritable = true\n";

#[test]
fn files_on_a_full_disk() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let gateway = with_tools(disk, &sandbox, FILES);
        let folder = disk.path(&sandbox, &gateway).join("definitions");
        let before = fs::read(folder.join("admin/tds/large.json")).unwrap();
        disk.fill(&sandbox, &gateway);
        refuses(&gateway, 507, &["no space left", "did not store it", "free some"]);
        is_said(
            &gateway,
            &["disk/definitions/admin/tds/large.json` cannot be written", "507"],
        );
        serves_on(&gateway);
        assert_eq!(fs::read(folder.join("admin/tds/large.json")).unwrap(), before);
        let expected = [
            ".dynmcp.lock",
            "admin/ids/i.json",
            "admin/tds/large.json",
            "admin/tds/small.json",
        ];
        assert_eq!(files(&folder), expected, "nothing half-written is left");

        disk.free(&sandbox, &gateway);
        gateway.put("tds/large", &large("large"));
        assert_eq!(served(&gateway).len(), LARGE);
        assert!(fs::read(folder.join("admin/tds/large.json")).unwrap().len() > LARGE);
    }
}

#[test]
fn files_on_a_disk_that_cannot_be_written() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let gateway = with_tools(disk, &sandbox, FILES.replace("/definitions", "").as_str());
        let folder = disk.path(&sandbox, &gateway);
        // Rights are looked at where a file is made.
        if disk == SmallDisk::Bounds {
            set_mode(&folder.join("admin/tds"), 0o555);
        }
        let before = fs::read(folder.join("admin/tds/large.json")).unwrap();
        disk.allow_writes(&sandbox, &gateway, false);
        let words = [
            "disk/admin/tds/large.json` cannot be written",
            "give this user the right to, or set data_source.file.writable",
        ];
        let words = match disk {
            SmallDisk::Bounds => words,
            // It is not even possible to take turns with other gateways.
            SmallDisk::FileSystem(_) => ["disk/.dynmcp.lock` cannot be written", words[1]],
        };
        refuses(&gateway, 405, &words);
        serves_on(&gateway);
        assert_eq!(fs::read(folder.join("admin/tds/large.json")).unwrap(), before);

        disk.allow_writes(&sandbox, &gateway, true);
        if disk == SmallDisk::Bounds {
            set_mode(&folder.join("admin/tds"), 0o755);
        }
        gateway.put("tds/large", &large("large"));
        assert_eq!(served(&gateway).len(), LARGE);
    }
}

fn set_mode(directory: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
}

/// The definitions are elsewhere; what stands on the small disk is the gateway's own copy of them.
const SNAPSHOT: &str = "data_source = \"file\"\ndata_dir = \"disk\"\n[data_source.file]\npath = \"definitions\"\n\
                        writable = true\n";

struct Copied {
    gateway: Gateway,
    file: PathBuf,
    /// What the copy holds before something is in its way.
    before: Vec<u8>,
}

impl Copied {
    fn start(disk: SmallDisk, sandbox: &Sandbox) -> Self {
        let gateway = with_tools(disk, sandbox, SNAPSHOT);
        let file = disk.path(sandbox, &gateway).join("definitions.snapshot");
        gateway.wait("the snapshot", |_| holds(&file, "i"));
        let before = fs::read(&file).unwrap();
        Self {
            gateway,
            file,
            before,
        }
    }

    /// Definitions that are small files, and together more than there is room for.
    fn write_many(&self) {
        for number in 0..12 {
            let name = format!("t{number}");
            let tool = tool(&name, &"x".repeat(15_000));
            self.gateway.put(&format!("tds/{name}"), &tool);
        }
    }

    fn stays_as_it_was(&self, why: &str) {
        let what = "the snapshot `disk/definitions.snapshot` cannot be written; nothing is lost";
        is_said(
            &self.gateway,
            &[what, "free some space there or give this user the right", why],
        );
        serves_on(&self.gateway);
        assert_eq!(fs::read(&self.file).unwrap(), self.before);
        let folder = self.file.parent().unwrap();
        assert_eq!(
            files(folder),
            ["definitions.snapshot", "gateway.pid"],
            "nothing half-written is left"
        );
    }

    fn is_written_again(&self) {
        self.gateway.put("tds/last", &tool("last", "Last."));
        self.gateway.wait("a new snapshot", |_| {
            holds(&self.file, "last") && holds(&self.file, "t11")
        });
        is_said(
            &self.gateway,
            &["the snapshot of the definitions can be written again"],
        );
    }
}

fn holds(snapshot: &Path, id: &str) -> bool {
    fs::read_to_string(snapshot).is_ok_and(|text| text.contains(&format!("\"id\":\"{id}\"")))
}

#[test]
fn a_snapshot_on_a_full_disk() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let copied = Copied::start(disk, &sandbox);
        disk.fill(&sandbox, &copied.gateway);
        copied.write_many();
        copied.stays_as_it_was("os error");
        disk.free(&sandbox, &copied.gateway);
        copied.is_written_again();
    }
}

#[test]
fn a_snapshot_on_a_disk_that_cannot_be_written() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        let copied = Copied::start(disk, &sandbox);
        disk.allow_writes(&sandbox, &copied.gateway, false);
        copied.write_many();
        copied.stays_as_it_was("os error");
        disk.allow_writes(&sandbox, &copied.gateway, true);
        copied.is_written_again();
    }
}

#[test]
fn log_files_on_a_full_disk() {
    for disk in SmallDisk::kinds() {
        let sandbox = Sandbox::new();
        // A bound is for the size of one file: this day's, or the next one's, is larger already.
        for day in ["today", "tomorrow"] {
            let date = Command::new("date")
                .args(["-u", "+%F", "-d", day])
                .output()
                .unwrap();
            let date = String::from_utf8(date.stdout).unwrap();
            sandbox.write(
                &format!("disk/logs/gateway.{}.log", date.trim()),
                &"\n".repeat(LARGE),
            );
        }
        let config = "data_source = \"memory\"\n[log]\nlog_dir = \"disk/logs\"\nlog_name = \"gateway\"\n";
        let gateway = with_tools(disk, &sandbox, config);
        let folder = disk.path(&sandbox, &gateway).join("logs");
        gateway.wait("lines in the file", |_| logged(&folder).contains("tds/small"));

        disk.fill(&sandbox, &gateway);
        // More than fits into what the file has already.
        for _ in 0..50 {
            serves_on(&gateway);
        }
        is_said(
            &gateway,
            &["the log files in `disk/logs` (log.log_dir) cannot be written, lines are lost there"],
        );
        let before = logged(&folder);
        serves_on(&gateway);

        disk.free(&sandbox, &gateway);
        gateway.wait("lines in the file again", |_| {
            serves_on(&gateway);
            logged(&folder).contains("(log.log_dir) can be written again")
        });
        assert!(logged(&folder).starts_with(&before));
    }
}

/// What stands in the log files.
fn logged(folder: &Path) -> String {
    let texts = files(folder)
        .into_iter()
        .map(|name| fs::read_to_string(folder.join(name)).unwrap());
    texts.collect::<String>().trim().to_owned()
}
