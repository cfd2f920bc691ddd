//! A definition that ends the gateway while it is compiled costs that one definition. The gateway's memory is bounded here, as
//! a container's is, and what is compiled takes more.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Map, Value, json};
use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

/// Besides the one that kills.
const TOOLS: usize = 2_000;
/// Patterns of several megabytes each.
const MANY: usize = 100;
/// What a gateway may take beyond what it takes without the killer, in KiB: less than half of what that one takes.
const ROOM: u64 = 192 << 10;
const PATIENCE: Duration = Duration::from_secs(120);

/// Bounds that an operator has raised further than the machine allows.
const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\ndata_source = \"file\"\n\
                      [data_source.file]\npath = \"defs\"\nwritable = true\n\
                      [bounds]\nschema_pattern_memory = \"1GiB\"\n";

fn tool(id: &str, schema: &Value) -> Value {
    json!({"id": id, "name": id, "description": "A tool.", "input_schema": schema,
           "tds_ext_info": {"domain": "127.0.0.1:1", "method": "GET", "path": "/"}})
}

/// A tool whose patterns take memory and time.
fn heavy(id: &str, patterns: usize) -> Value {
    let pattern = |n: usize| {
        let schema = json!({"type": "string", "pattern": format!("(?:[ab]{{500}}){{200}}{n}")});
        (format!("p{n}"), schema)
    };
    let properties: Map<_, _> = (0..patterns).map(pattern).collect();
    tool(id, &json!({"type": "object", "properties": properties}))
}

/// A folder with very many tools, and one more where the gateway would have written it.
fn folder(one: &Value) -> Sandbox {
    let sandbox = Sandbox::new();
    let schema = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 10}}});
    let tools: Vec<_> = (0..TOOLS).map(|n| tool(&format!("t{n:04}"), &schema)).collect();
    sandbox.write("defs/many.json", &json!(tools).to_string());
    let id = one["id"].as_str().unwrap();
    let desk = json!({"id": "desk", "name": "desk", "tool_ids": [id, "t0000", "t1999"]});
    sandbox.write("defs/desk.json", &desk.to_string());
    sandbox.write(&format!("defs/admin/tds/{id}.json"), &one.to_string());
    sandbox
}

fn serve(sandbox: &Sandbox) -> Command {
    let config = sandbox.write("test.toml", CONFIG);
    let mut command = sandbox.command(&["serve", "--config", config.to_str().unwrap()]);
    command.env("APP__APP__PORT", "0");
    command
}

/// The same with so much memory, in KiB.
fn serve_within(sandbox: &Sandbox, room: u64) -> Command {
    let plain = serve(sandbox);
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -d {room}; exec \"$@\""), "sh"])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env("APP__APP__PORT", "0")
        .current_dir(sandbox.path());
    limited
}

/// Waits for a process that ends by itself.
fn ended(gateway: &mut Gateway) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = gateway.try_wait() {
            return status;
        }
        assert!(Instant::now() < deadline, "still running:\n{}", gateway.output());
        thread::sleep(Duration::from_millis(10));
    }
}

fn admin(gateway: &Gateway, path: &str) -> Value {
    let url = format!("{}/admin/{path}", gateway.origin);
    let (status, body) = request(reqwest::Client::new().get(url).bearer_auth(KEY)).unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn listed(gateway: &Gateway) -> Vec<String> {
    let call = reqwest::Client::new()
        .post(format!("{}/mcp/desk", gateway.origin))
        .bearer_auth(KEY)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let (_, body) = request(call).unwrap();
    let answer: Value = serde_json::from_str(&body).unwrap();
    let tools = answer["result"]["tools"].as_array().unwrap().iter();
    tools
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Waits for the line that says how many tools came with the first load.
fn has_loaded(gateway: &Gateway, tools: usize) {
    let line = |gateway: &Gateway| {
        let output = gateway.output();
        let line = output.lines().find(|line| line.contains("first complete load"));
        line.map(str::to_owned)
    };
    gateway.wait("the first load", |gateway| line(gateway).is_some());
    let line = line(gateway).unwrap();
    assert!(line.contains(&format!(" tools={tools} ")), "{line}");
}

/// Whether a process has written down that it is compiling the tool.
fn is_compiling(data: &Path, id: &str) -> bool {
    let Ok(entries) = fs::read_dir(data) else {
        return false;
    };
    let mut journals = entries.filter_map(|entry| fs::read(entry.ok()?.path()).ok());
    journals.any(|text| String::from_utf8_lossy(&text).contains(&format!("\"{id}\"")))
}

#[test]
fn of_very_many_the_one_that_kills_is_quarantined_until_it_is_changed() {
    let sandbox = folder(&heavy("killer", MANY));
    let killer = sandbox.path().join("defs/admin/tds/killer.json");
    let text = fs::read(&killer).unwrap();
    fs::remove_file(&killer).unwrap();
    let mut usual = Gateway::spawn_until_ready(&sandbox, serve(&sandbox));
    has_loaded(&usual, TOOLS);
    let room = usual.data() + ROOM;
    usual.signal("TERM");
    assert_eq!(usual.exit_code(), Some(0), "{}", usual.output());
    fs::write(&killer, text).unwrap();

    let mut killed = Gateway::spawn(&sandbox, serve_within(&sandbox, room));
    let status = ended(&mut killed);
    assert!(status.signal().is_some(), "{status}: {}", killed.output());
    assert!(is_compiling(&sandbox.path().join("data"), "killer"));

    let gateway = Gateway::spawn_until_ready(&sandbox, serve_within(&sandbox, room));
    has_loaded(&gateway, TOOLS);
    assert_eq!(listed(&gateway), ["t0000", "t1999"]);
    let quarantine = admin(&gateway, "quarantine");
    let quarantine = quarantine["data"].as_array().unwrap();
    let [bad] = &quarantine[..] else {
        panic!("{quarantine:?}")
    };
    assert_eq!((&bad["kind"], &bad["id"]), (&json!("TDS"), &json!("killer")));
    let reason = bad["reason"].as_str().unwrap();
    assert!(
        reason.contains("the gateway died while it compiled this version"),
        "{reason}"
    );
    assert_eq!(admin(&gateway, "status")["data"]["held_back"], 1);
    // The same again is refused, unharmed.
    let (status, refusal) = gateway.try_put("tds/killer", &heavy("killer", MANY));
    assert_eq!(status, 400, "{refusal}");

    gateway.put("tds/killer", &heavy("killer", 1));
    assert_eq!(admin(&gateway, "quarantine")["data"], json!([]));
    assert_eq!(listed(&gateway).len(), 3);
}

#[test]
fn whoever_was_only_being_compiled_when_the_process_was_killed_is_served() {
    let sandbox = folder(&heavy("slow", 20));
    let data = sandbox.path().join("data");
    let mut killed = Gateway::spawn(&sandbox, serve(&sandbox));
    killed.wait("the journal", |_| is_compiling(&data, "slow"));
    killed.signal("KILL");
    assert_eq!(ended(&mut killed).signal(), Some(9));
    assert!(is_compiling(&data, "slow"), "it is too fast to be killed");

    let gateway = Gateway::spawn_until_ready(&sandbox, serve(&sandbox));
    assert!(
        gateway
            .output()
            .contains("a process died while it compiled definitions"),
        "{}",
        gateway.output()
    );
    assert_eq!(admin(&gateway, "quarantine")["data"], json!([]));
    has_loaded(&gateway, TOOLS + 1);
    assert_eq!(listed(&gateway).len(), 3);
}
