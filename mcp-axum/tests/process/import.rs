//! `dynmcp import`: on the configured data source, and through a running gateway.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::process::Output;

const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\nport = 0\n";
const DOCUMENT: &str = "openapi: 3.0.0\ninfo: {title: Things}\nservers: [{url: 'https://things.example.com'}]\n\
                        paths:\n  /things/{id}: {get: {operationId: getThing}}\n  /odd: {get: {parameters: [{$ref: 'x.yaml'}]}}\n";

fn text(output: &Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), utf8(&output.stdout), utf8(&output.stderr))
}

fn report(output: &Output) -> Value {
    let (code, stdout, stderr) = text(output);
    assert_eq!(code, Some(0), "{stderr}");
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"))
}

#[test]
fn imports_into_the_configured_data_source() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", CONFIG);
    sandbox.write("things.yaml", DOCUMENT);
    let import = [
        "import",
        "openapi",
        "things.yaml",
        "--instance",
        "things",
        "--config",
        "x.toml",
    ];
    let (code, stdout, stderr) = text(&sandbox.run(&[&import[..], &["--dry-run"]].concat()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.starts_with("dry run: nothing was written\ninstance things: 1 created"),
        "{stdout}"
    );
    assert!(
        stdout.contains("skipped GET /odd: GET /odd/parameters/0: `$ref: x.yaml` points to another file"),
        "{stdout}"
    );
    let first = report(&sandbox.run(&[&import[..], &["--format", "json"]].concat()));
    assert_eq!(first["created"], json!(["things.getThing"]));
    let again = report(&sandbox.run(&[&import[..], &["--format", "json"]].concat()));
    assert_eq!(
        (&again["created"], &again["unchanged"]),
        (&json!([]), &json!(["things.getThing"]))
    );
    let gateway = Gateway::start(&sandbox, CONFIG);
    let client = reqwest::Client::new()
        .get(format!("{}/admin/tds/things.getThing", gateway.origin))
        .bearer_auth(KEY);
    let (status, body) = super::gateway::request(client).unwrap();
    assert!(
        status == 200 && body.contains("https://things.example.com"),
        "{status} {body}"
    );
}

#[test]
fn imports_into_a_running_gateway() {
    let sandbox = Sandbox::new();
    sandbox.write("things.yaml", DOCUMENT);
    let gateway = Gateway::start(&sandbox, CONFIG);
    let line = "curl 'http://127.0.0.1:1/orders/12?expand=items'";
    let run = |key: &str| {
        let arguments = [
            "import",
            "curl",
            line,
            "--instance",
            "orders",
            "--server",
            &gateway.origin,
            "--key",
            key,
            "--format",
            "json",
        ];
        sandbox.run(&arguments)
    };
    assert_eq!(
        report(&run(KEY))["created"],
        json!(["orders.get_orders_order_id"])
    );
    let (code, _, stderr) = text(&run("wrong"));
    assert!(
        code == Some(1) && stderr.starts_with("dynmcp: http://127.0.0.1"),
        "{stderr}"
    );

    // The gateway's own description, from its URL.
    let url = format!("{}/admin/openapi.json", gateway.origin);
    let arguments = [
        "import",
        "openapi",
        &url,
        "--instance",
        "own",
        "--server",
        &gateway.origin,
        "--key",
        KEY,
        "--format",
        "json",
        "--dry-run",
    ];
    let own = report(&sandbox.run(&arguments));
    assert!(
        own["created"].as_array().unwrap().len() > 8 && own["skipped"] == json!([]),
        "{own}"
    );
}

#[test]
fn what_is_no_description_is_refused_in_one_line() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", "");
    let mut large = "a".repeat(33 * 1024 * 1024);
    large.insert_str(0, "# ");
    sandbox.write("large.yaml", &large);
    let table: [(&[&str], i32, &str); 6] = [
        (
            &["import", "openapi", "x.toml", "--instance", "a"],
            1,
            "dynmcp: the document cannot be read: it is empty",
        ),
        (
            &["import", "openapi", "none.yaml", "--instance", "a"],
            1,
            "dynmcp: none.yaml: No such file",
        ),
        (
            &["import", "openapi", "large.yaml", "--instance", "a"],
            1,
            "dynmcp: large.yaml: has more than 33554432 bytes",
        ),
        (
            &["import", "openapi", "http://127.0.0.1:9/x", "--instance", "a"],
            1,
            "dynmcp: http://127.0.0.1:9/x: ",
        ),
        (
            &["import", "curl", "wget x", "--instance", "a"],
            1,
            "dynmcp: this is not a curl line",
        ),
        (
            &[
                "import",
                "curl",
                "curl http://a",
                "--instance",
                "a",
                "--include",
                "tag:",
            ],
            2,
            "dynmcp: `tag:` selects nothing",
        ),
    ];
    for (arguments, code, expected) in table {
        let (actual, stdout, stderr) = text(&sandbox.run(arguments));
        assert_eq!((actual, stdout.as_str()), (Some(code), ""), "{stderr}");
        assert!(
            stderr.starts_with(expected) && stderr.lines().count() == 1,
            "{arguments:?}: {stderr}"
        );
    }
}

#[test]
fn an_import_writes_files_for_git_and_keeps_what_was_edited_in_them() {
    let sandbox = Sandbox::new();
    sandbox.write("things.yaml", DOCUMENT);
    let import = [
        "import",
        "openapi",
        "things.yaml",
        "--instance",
        "things",
        "--out",
        "defs",
    ];
    let before = sandbox.files();
    let (code, stdout, stderr) = text(&sandbox.run(&[&import[..], &["--dry-run"]].concat()));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("1 created"), "{stdout}");
    assert_eq!(sandbox.files(), before);
    let json = [&import[..], &["--format", "json"]].concat();
    assert_eq!(report(&sandbox.run(&json))["created"], json!(["things.getThing"]));
    let tool = sandbox.read("defs/tds/things.getThing.json");
    assert!(tool.starts_with("{\n  \"id\": \"things.getThing\""), "{tool}");
    assert!(sandbox.read("defs/ids/things.json").contains("things.getThing"));
    assert!(!sandbox.path().join("data").exists(), "there is a store");

    let edited = tool.replace("\"description\": \"", "\"description\": \"By hand. ");
    assert_ne!(edited, tool);
    sandbox.write("defs/tds/things.getThing.json", &edited);
    sandbox.write(
        "things.yaml",
        &DOCUMENT.replace("operationId: getThing", "operationId: getThing, deprecated: true"),
    );
    let again = report(&sandbox.run(&json));
    assert_eq!(again["changed"], json!(["things.getThing"]));
    let merged = sandbox.read("defs/tds/things.getThing.json");
    assert!(
        merged.contains("By hand. ") && merged.contains("\"deprecated\": true"),
        "{merged}"
    );
    // What the folder has is what a plan reads.
    let (code, stdout, stderr) = text(&sandbox.run(&["apply", "defs"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("2 to create"), "{stdout}");

    // A file that has more than one definition is somebody's own.
    let tool: Value = serde_json::from_str(&merged).unwrap();
    let mut other = tool.clone();
    (other["id"], other["name"]) = (json!("other"), json!("other"));
    let both = json!({"tds": [tool, other]}).to_string();
    sandbox.write("mine/all.json", &both);
    sandbox.write("things.yaml", DOCUMENT);
    let mine = [
        "import",
        "openapi",
        "things.yaml",
        "--instance",
        "things",
        "--out",
        "mine",
    ];
    let (code, _, stderr) = text(&sandbox.run(&mine));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(
        stderr.contains("all.json, which has other definitions too"),
        "{stderr}"
    );
    assert_eq!(sandbox.read("mine/all.json"), both);
}

#[test]
fn an_import_into_a_large_store_looks_only_at_what_it_touches() {
    let sandbox = Sandbox::new();
    sandbox.write("x.toml", CONFIG);
    // Stored are a tool that nobody can compile, one that has the name already, and an instance that includes by tag.
    let tool = |id: &str, name: &str, tags: &str| {
        format!(
            "id: {id}\nname: {name}\ndescription: d\ntags: [{tags}]\ntds_ext_info: {{domain: a.example, method: GET, path: /}}\n"
        )
    };
    sandbox.write("defs/tds/far.yaml", &tool("far", "far", ""));
    sandbox.write("defs/tds/near.yaml", &tool("near", "getThing", "things"));
    sandbox.write(
        "defs/ids/all.yaml",
        "id: all\nname: All\ninclude: {tags: [things]}\n",
    );
    let (code, _, stderr) = text(&sandbox.run(&["apply", "defs", "--config", "x.toml"]));
    assert_eq!(code, Some(0), "{stderr}");
    let tagged = DOCUMENT.replace("operationId: getThing", "operationId: getThing, tags: [things]");
    sandbox.write("things.yaml", &tagged);
    let import = [
        "import",
        "openapi",
        "things.yaml",
        "--instance",
        "things",
        "--config",
        "x.toml",
    ];
    let (code, _, stderr) = text(&sandbox.run(&import));
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("in the instance `all`"), "{stderr}");
    sandbox.write("things.yaml", DOCUMENT);
    assert_eq!(text(&sandbox.run(&import)).0, Some(0));
}
