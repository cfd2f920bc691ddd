//! `dynmcp test`: of a folder, of the configured data source, and of a running gateway.

use super::{Gateway, KEY, Sandbox};
use serde_json::{Value, json};
use std::process::Output;

const CONFIG: &str = "[app]\napi_key = \"process-test-key\"\nport = 0\n";
const ORDERS: &str = "\
- id: orders.get
  name: get_order
  description: Reads one order.
  input_schema: {type: object, properties: {id: {type: integer}}}
  tds_ext_info: {domain: ORIGIN, method: GET, path: '/healthz', auth: {type: bearer, credential: '${env:NO_SUCH_TOKEN_HERE}'}}
  examples:
  - {description: 'Order #7', arguments: {id: 7}, mock: {body: {id: 7}}, expect: {status: 200, jq: .id == 7}}
  - {arguments: {id: 8}}
";

fn text(output: &Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), utf8(&output.stdout), utf8(&output.stderr))
}

#[test]
fn examples_of_a_folder_are_tests() {
    let sandbox = Sandbox::new();
    sandbox.write("defs/orders.yaml", ORDERS);
    let (code, stdout, stderr) = text(&sandbox.run(&["test", "defs"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let expected = "TAP version 14\n1..2\nok 1 - orders.get examples[0] Order \\#7\nok 2 - orders.get examples[1] # SKIP has \
                    no `mock`\n# 1 passed, 0 failed, 1 skipped\n";
    assert_eq!(stdout, expected);
    assert_eq!(sandbox.files(), ["defs"], "no store is opened");

    sandbox.write("defs/orders.yaml", &ORDERS.replace(".id == 7", ".id == 8"));
    sandbox.write(
        "defs/bad.yaml",
        "- {id: bad, name: a b, description: d, tds_ext_info: {domain: a, method: GET, path: /}}\n- {x: 1}\n",
    );
    let (code, stdout, _) = text(&sandbox.run(&["test", "defs", "--mock"]));
    assert_eq!(code, Some(1));
    for expected in [
        "  # defs/orders.yaml:1\n  # jq: `.id == 8` gives false, not true\n  # the result was: {\"id\":7}",
        "not ok 1 - defs/bad.yaml:2 definition\n  # cannot tell whether",
        "not ok 2 - bad definition\n  # defs/bad.yaml:1\n  # name: has the character ' '",
        "# 0 passed, 3 failed, 1 skipped\n",
    ] {
        assert!(stdout.contains(expected), "{expected}\n{stdout}");
    }
    let (code, stdout, _) = text(&sandbox.run(&["test", "defs", "--tool", "orders.get", "--format", "json"]));
    let results: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, &results["failed"]), (Some(1), &json!(2)));
    let (code, _, stderr) = text(&sandbox.run(&["test", "defs/orders.yaml", "--tool", "none"]));
    assert!(
        code == Some(1) && stderr.starts_with("dynmcp: there is no tool `none` with examples"),
        "{stderr}"
    );
    let (code, ..) = text(&sandbox.run(&["test", "defs", "--any-method"]));
    assert_eq!(code, Some(2));
}

#[test]
fn live_examples_keep_the_rules_of_calls() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, CONFIG);
    let orders = ORDERS.replace("ORIGIN", &gateway.origin);
    let folder = ["test", "defs", "--live"];
    // Without its secret a call is not made.
    sandbox.write("defs/orders.yaml", &orders);
    let (code, stdout, _) = text(&sandbox.run(&folder));
    assert!(
        code == Some(1) && stdout.contains("NO_SUCH_TOKEN_HERE"),
        "{stdout}"
    );
    let open = orders.replace(
        ", auth: {type: bearer, credential: '${env:NO_SUCH_TOKEN_HERE}'}",
        "",
    );
    sandbox.write(
        "defs/orders.yaml",
        &open.replace("jq: .id == 7", "jq: '. != null'"),
    );
    let (code, stdout, stderr) = text(&sandbox.run(&folder));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.ends_with("# 2 passed, 0 failed, 0 skipped\n"), "{stdout}");
    let mut refused = sandbox.command(&folder);
    refused.env("APP__EGRESS__ALLOW_LOOPBACK", "false");
    let (code, stdout, _) = text(&refused.output().unwrap());
    assert!(
        code == Some(1) && stdout.contains("is_error: expected a success"),
        "{stdout}"
    );

    // The same through that gateway.
    let target = ["--server", &gateway.origin, "--key", KEY];
    let (code, _, stderr) = text(&sandbox.run(&[&["apply", "defs"], &target[..]].concat()));
    assert_eq!(code, Some(0), "{stderr}");
    let (code, stdout, stderr) = text(&sandbox.run(&[&["test", "--live"], &target[..]].concat()));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    assert!(stdout.ends_with("# 2 passed, 0 failed, 0 skipped\n"), "{stdout}");
    let (code, stdout, _) = text(&sandbox.run(&[&["test"], &target[..]].concat()));
    assert!(
        code == Some(0) && stdout.contains("# SKIP has no `mock`"),
        "{stdout}"
    );
    let (code, _, stderr) = text(&sandbox.run(&[&["test", "defs"], &target[..]].concat()));
    assert!(
        code == Some(2) && stderr.contains("cannot be used with"),
        "{stderr}"
    );
}

#[test]
fn the_recipes_do_what_their_examples_say() {
    let sandbox = Sandbox::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/definitions");
    let (code, stdout, stderr) = text(&sandbox.run(&["test", folder, "--format", "json"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let results: Value = serde_json::from_str(&stdout).unwrap();
    assert!(results["passed"].as_u64().unwrap() > 50, "{stdout}");
    assert_eq!(
        (&results["failed"], &results["skipped"]),
        (&json!(0), &json!(0)),
        "{stdout}"
    );
}

#[test]
fn examples_of_upstreams_tools_are_tests_without_any_server() {
    let sandbox = Sandbox::new();
    let weather = "id: weather\nurl: http://127.0.0.1:9/mcp\ntools:\n  overrides:\n    days:\n      output: {jq: '{first: .days[0]}'}\n      examples:\n\
                   \x20     - {mock: {structured: {days: [7]}}, expect: {jq: .first == 7}}\n      - {arguments: {n: 1}}\n";
    sandbox.write("defs/weather.yaml", weather);
    let (code, stdout, stderr) = text(&sandbox.run(&["test", "defs"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let expected = "TAP version 14\n1..2\nok 1 - weather/days examples[0]\nok 2 - weather/days examples[1] # SKIP has no `mock`\n# 1 passed, 0 \
                    failed, 1 skipped\n";
    assert_eq!(stdout, expected);
    let (code, stdout, _) = text(&sandbox.run(&["test", "defs", "--live"]));
    assert!(
        code == Some(0) && stdout.contains("no running gateway"),
        "{stdout}"
    );
    sandbox.write(
        "defs/weather.yaml",
        &weather.replace(".first == 7", ".first == 8"),
    );
    let (code, stdout, _) = text(&sandbox.run(&["test", "defs", "--tool", "weather/days"]));
    assert!(
        code == Some(1)
            && stdout.contains("  # defs/weather.yaml:1\n  # jq: `.first == 8` gives false, not true\n  # the result was: {\"first\":7}"),
        "{stdout}"
    );
    sandbox.write(
        "defs/weather.yaml",
        &weather.replace("jq: '{first", "jq: '{{first"),
    );
    let (code, stdout, _) = text(&sandbox.run(&["test", "defs", "--tool", "weather/days"]));
    assert!(
        code == Some(1) && stdout.contains("tools.overrides.days.output.jq: is not jq"),
        "{stdout}"
    );
    let (code, _, stderr) = text(&sandbox.run(&["test", "defs", "--tool", "other/days"]));
    assert!(
        code == Some(1) && stderr.contains("there is no tool `other/days`"),
        "{stderr}"
    );
}
