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
