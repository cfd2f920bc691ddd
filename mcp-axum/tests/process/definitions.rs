//! `dynmcp export`, `plan` and `apply`: on the configured data source, on etcd, and through a running gateway.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::process::Output;

const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\nport = 0\n";
const ORDERS: &str = "\
tds:
- id: orders.get
  name: get_order
  description: Reads one order.
  tags: [orders]
  quota: 123456789012345678901234567890
  input_schema: {type: object, properties: {id: {type: integer}}, required: [id]}
  tds_ext_info: {domain: api.example.com, method: GET, path: '/orders/{id}'}
- id: orders.search
  name: search_orders
  description: Sucht Aufträge.
  tags: [orders]
  input_schema: {type: object, properties: {state: {enum: [open, closed]}}}
  tds_ext_info: {domain: api.example.com, method: GET, path: /orders}
";
const SUPPORT: &str = "name = 'Support'\n[include]\ntags = ['orders']\n";

fn text(output: &Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), utf8(&output.stdout), utf8(&output.stderr))
}

/// Runs with `--format json` and expects the exit code.
fn report(sandbox: &Sandbox, arguments: &[&str], target: &[&str], code: i32) -> Value {
    let arguments = [arguments, target, &["--format", "json"]].concat();
    let (actual, stdout, stderr) = text(&sandbox.run(&arguments));
    assert_eq!(actual, Some(code), "{arguments:?}: {stderr}{stdout}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

/// From an empty store to a changed one, by a folder.
fn walk(sandbox: &Sandbox, target: &[&str]) {
    sandbox.write("defs/orders.yaml", ORDERS);
    sandbox.write("defs/ids/support.toml", SUPPORT);
    let detailed = ["plan", "defs", "--owner", "team", "--detailed-exitcode"];
    let all = json!(["tds/orders.get", "tds/orders.search", "ids/support"]);
    let plan = report(sandbox, &detailed, target, 3);
    assert_eq!((&plan["created"], &plan["breaking"]), (&all, &json!(false)));
    let dry = report(
        sandbox,
        &["apply", "defs", "--owner", "team", "--dry-run"],
        target,
        0,
    );
    assert_eq!((&dry["created"], &dry["revision"]), (&all, &Value::Null));
    let applied = report(sandbox, &["apply", "defs", "--owner", "team"], target, 0);
    assert_eq!(applied["created"], all);
    assert!(applied["revision"].as_u64().unwrap() > 0);
    let again = report(sandbox, &detailed, target, 0);
    assert_eq!(
        (&again["created"], again["unchanged"].as_array().unwrap().len()),
        (&json!([]), 3)
    );

    let (code, stdout, stderr) = text(&sandbox.run(&[&["export", "out"], target].concat()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.starts_with("out: 3 files written"), "{stdout}");
    let file = std::fs::read_to_string(sandbox.path().join("out/tds/orders.get.json")).unwrap();
    assert!(
        file.contains("\n  \"quota\": 123456789012345678901234567890\n"),
        "{file}"
    );
    // The files say themselves who maintains them.
    let exported = report(sandbox, &["plan", "out", "--detailed-exitcode"], target, 0);
    assert_eq!(exported["unchanged"].as_array().unwrap().len(), 3);
    let (_, stdout, _) = text(&sandbox.run(&[&["export", "out"], target].concat()));
    assert_eq!(stdout, "out: 0 files written, 3 unchanged\n");

    sandbox.write(
        "defs/orders.yaml",
        &ORDERS
            .replace("[open, closed]", "[open]")
            .replace("required: [id]", "required: []"),
    );
    let broken = report(sandbox, &detailed, target, 4);
    let notice = &broken["clients"][0]["changed"];
    assert_eq!(notice[0]["changes"][0]["text"], "argument `id`: optional now");
    assert_eq!(
        notice[1]["changes"][0],
        json!({"text": "argument `state`: no longer \"closed\"", "breaking": true})
    );
    let diff = report(sandbox, &["plan", "defs", "--owner", "team", "--diff"], target, 0);
    assert_eq!(
        diff["changes"][1]["values"],
        json!([{"place": "input_schema.properties.state.enum[1]", "old": "\"closed\""}])
    );
    let shown = sandbox.run(&[&["plan", "defs", "--owner", "team", "--diff"], target].concat());
    let (_, stdout, _) = text(&shown);
    let lines = "      input_schema.properties.state.enum[1]\n        - \"closed\"\n";
    assert!(stdout.contains(lines), "{stdout}");
    // What another owner would export is the same text.
    let (code, stdout, _) = text(&sandbox.run(&[&["export", "--owner", "team"], target].concat()));
    assert!(
        code == Some(0) && stdout.contains("\"orders.get\"") && !stdout.contains("managed_by"),
        "{stdout}"
    );
    let without_search = ORDERS.split("- id: orders.search").next().unwrap();
    sandbox.write("defs/orders.yaml", without_search);
    let kept = report(sandbox, &["plan", "defs", "--owner", "team"], target, 0);
    assert_eq!(
        (&kept["removed"], &kept["skipped"][0]["operation"]),
        (&json!([]), &json!("tds/orders.search"))
    );
    let pruned = report(
        sandbox,
        &["apply", "defs", "--owner", "team", "--prune"],
        target,
        0,
    );
    assert_eq!(
        (&pruned["removed"], &pruned["breaking"]),
        (&json!(["tds/orders.search"]), &json!(true))
    );
    report(sandbox, &[&detailed[..], &["--prune"]].concat(), target, 0);
}

#[test]
fn a_folder_and_the_configured_data_source() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", CONFIG);
    walk(&sandbox, &["--config", "x.toml"]);
}

#[cfg(feature = "etcd")]
#[test]
fn a_folder_and_etcd() {
    let server = super::servers::etcd::EtcdServer::start(&[]);
    let sandbox = Sandbox::new();
    let etcd = format!(
        "[app]\napi_key = \"process-test-key\"\ndata_source = \"etcd\"\n[data_source.etcd]\nendpoints = [\"{}\"]\n",
        server.url()
    );
    sandbox.write("x.toml", &etcd);
    walk(&sandbox, &["--config", "x.toml"]);
}

/// etcd counts the writes of everybody, of which those of definitions are the only ones that a gateway hears of.
#[cfg(feature = "etcd")]
#[test]
fn a_gateway_on_an_etcd_in_which_more_than_definitions_is_written() {
    let server = super::servers::etcd::EtcdServer::start(&[]);
    let sandbox = Sandbox::new();
    let config = format!(
        "[app]\napi_key = \"process-test-key\"\nport = 0\ndata_source = \"etcd\"\n[data_source.etcd]\nendpoints = [\"{}\"]\n\
         [[discovery]]\ntype = \"registration\"\n",
        server.url()
    );
    let gateway = Gateway::start(&sandbox, &config);
    let said = json!({"name": "weather", "url": "http://127.0.0.1:9/mcp"});
    let registered = super::gateway::request(
        reqwest::Client::new()
            .post(format!("{}/api/register", gateway.origin))
            .bearer_auth(KEY)
            .json(&said),
    );
    assert_eq!(registered.unwrap().0, 201);
    let prefix = ["get", "--prefix", "/dynmcp-leases/", "--keys-only"];
    gateway.wait("the registration in the store", |_| {
        !server.etcdctl(&prefix).trim().is_empty()
    });
    server.etcdctl(&["put", "/of-somebody-else", "1"]);
    let target = ["--server", &*gateway.origin, "--key", KEY];
    walk(&sandbox, &target);
    server.etcdctl(&["del", "/of-somebody-else"]);
    sandbox.write("openapi.json", r#"{"openapi": "3.0.0", "info": {"title": "Rain", "version": "1"},
        "servers": [{"url": "http://api.example.com"}], "paths": {"/rain": {"get": {"operationId": "rain", "responses": {}}}}}"#);
    let import = ["import", "openapi", "openapi.json", "--instance", "rain"];
    let (code, stdout, stderr) = text(&sandbox.run(&[&import[..], &target].concat()));
    assert_eq!(code, Some(0), "{stderr}{stdout}");
}

#[test]
fn a_folder_and_a_running_gateway() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, CONFIG);
    walk(&sandbox, &["--server", &gateway.origin, "--key", KEY]);
    let (status, tools) = super::gateway::request(
        reqwest::Client::new()
            .get(format!("{}/admin/tds", gateway.origin))
            .bearer_auth(KEY),
    )
    .unwrap();
    assert!(
        status == 200 && tools.contains("orders.get") && !tools.contains("orders.search"),
        "{tools}"
    );
    let (code, _, stderr) =
        text(&sandbox.run(&["plan", "defs", "--server", &gateway.origin, "--key", "wrong"]));
    assert!(code == Some(1) && stderr.lines().count() == 1, "{stderr}");
}

#[test]
fn what_people_read() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", CONFIG);
    sandbox.write("defs/orders.yaml", ORDERS);
    sandbox.write("defs/ids/support.toml", SUPPORT);
    let (code, stdout, _) = text(&sandbox.run(&["plan", "defs", "--config", "x.toml"]));
    assert_eq!(code, Some(0));
    let expected = "  + tds/orders.get\n  + tds/orders.search\n  + ids/support\n  warning: defs/orders.yaml:2: \
                    tds/orders.get: quota: unknown member, kept but not used\nwhat clients will notice:\n  support (new): \
                    tools/list 0 tools, 2 bytes, about 1 token → 2 tools, ";
    assert!(stdout.starts_with(expected), "{stdout}");
    assert!(
        stdout.ends_with("3 to create, 0 to change, 0 to delete, 0 unchanged\n"),
        "{stdout}"
    );
    // Pinned to a plan that somebody looked at.
    let (_, json, _) = text(&sandbox.run(&["plan", "defs", "--config", "x.toml", "--format", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let fingerprint = json["fingerprint"].as_str().unwrap();
    let (code, _, stderr) = text(&sandbox.run(&["apply", "defs", "--config", "x.toml", "--plan", "another"]));
    assert!(code == Some(1) && stderr.contains("plan again"), "{stderr}");
    let (code, stdout, _) =
        text(&sandbox.run(&["apply", "defs", "--config", "x.toml", "--plan", fingerprint]));
    assert!(
        code == Some(0) && stdout.ends_with("\nwritten, revision 3\n"),
        "{stdout}"
    );
    let (_, bundle, _) = text(&sandbox.run(&["export", "--instance", "support", "--config", "x.toml"]));
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    assert_eq!(
        (bundle["tds"].as_array().unwrap().len(), &bundle["ids"][0]["id"]),
        (2, &json!("support"))
    );
}

#[test]
fn what_cannot_be_done_is_said_with_its_place_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", CONFIG);
    sandbox.write("empty/readme.md", "x");
    sandbox.write("defs/bad.yaml", "- {id: a, name: a b, description: d, tds_ext_info: {domain: a, method: GET, path: /}}\n- {name: x, tds_ext_info: {}}\n");
    sandbox.write("defs/good.yaml", ORDERS);
    sandbox.write("clash/tds.yaml", &ORDERS.replace("search_orders", "get_order"));
    sandbox.write("clash/ids/support.toml", SUPPORT);
    let table: [(&[&str], i32, &str); 9] = [
        (&["apply", "defs"], 1, "  problem: defs/bad.yaml:2: has no `id`"),
        (
            &["apply", "defs"],
            1,
            "  problem: defs/bad.yaml:1: tds/a: name: has the character ' '",
        ),
        (
            &["plan", "clash"],
            1,
            "  problem: clash/ids/support.toml:1: ids/support: in the instance `support` the name `get_order`",
        ),
        (&["plan", "none"], 1, "dynmcp: none: No such file"),
        (&["apply", "empty"], 1, "dynmcp: empty: holds no definitions"),
        (
            &["plan", "empty/readme.md"],
            1,
            "dynmcp: empty/readme.md: is no file of definitions",
        ),
        (
            &["plan", "defs", "--prune"],
            2,
            "error: the following required arguments were not provided:",
        ),
        (
            &["plan", "defs", "--owner", "a\u{7}"],
            2,
            "dynmcp: --owner: must be a name",
        ),
        (
            &["export", "--instance", "none"],
            1,
            "dynmcp: there is no instance `none`",
        ),
    ];
    for (arguments, code, expected) in table {
        let arguments = [arguments, &["--config", "x.toml"]].concat();
        let (actual, stdout, stderr) = text(&sandbox.run(&arguments));
        assert_eq!(actual, Some(code), "{arguments:?}: {stderr}");
        let found = stdout
            .lines()
            .chain(stderr.lines())
            .any(|line| line.starts_with(expected));
        assert!(found, "{arguments:?}: {stdout}{stderr}");
    }
    let (_, bundle, _) = text(&sandbox.run(&["export", "--config", "x.toml"]));
    assert_eq!(
        bundle,
        "{\n  \"secrets\": [],\n  \"uds\": [],\n  \"tds\": [],\n  \"ids\": [],\n  \"roles\": [],\n  \"keys\": []\n}\n"
    );

    // An export never makes a second file of what stands in one already.
    sandbox.write("one/all.yaml", ORDERS);
    text(&sandbox.run(&["apply", "one", "--config", "x.toml"]));
    let (code, _, stderr) = text(&sandbox.run(&["export", "one", "--config", "x.toml"]));
    assert!(
        code == Some(1) && stderr.starts_with("dynmcp: one/all.yaml:2: TDS `orders.get` stands here already"),
        "{stderr}"
    );
    assert!(!sandbox.path().join("one/tds").exists());
}

#[test]
fn a_store_that_ends_with_the_command_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "[app]\ndata_source = \"memory\"\n");
    sandbox.write("defs/a.yaml", "kind: ids\nid: a\nname: a\ntool_ids: []\n");
    let commands: [&[&str]; 4] = [
        &["apply", "defs"],
        &["plan", "defs"],
        &["export", "out"],
        &["import", "curl", "curl http://127.0.0.1:1/", "--instance", "a"],
    ];
    for command in commands {
        let (code, stdout, stderr) = text(&sandbox.run(&[command, &["--config", "x.toml"]].concat()));
        assert!(
            code == Some(2)
                && stderr.contains("app.data_source is `memory`")
                && stderr.contains("--server URL"),
            "{command:?}: {code:?}\n{stdout}{stderr}"
        );
    }
}
