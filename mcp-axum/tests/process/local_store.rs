//! Commands on a local store: those that only look make nothing, those that write have written for the gateway that runs on it.

use super::{Gateway, KEY, Sandbox};
use std::process::Output;

const TOOL: &str = "\
id: hello
name: hello
description: Says hello.
tds_ext_info: {domain: 'http://127.0.0.1:9', method: GET, path: /, auth: {type: bearer, credential: '${env:DYNMCP_SECRET_NOWHERE}'}}
";

fn text(output: &Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), utf8(&output.stdout), utf8(&output.stderr))
}

#[test]
fn an_import_into_the_store_keeps_to_the_configured_bounds() {
    let sandbox = Sandbox::new();
    sandbox.write("few.toml", "[bounds]\ndescription_operations = 1\n");
    let operation = "{operationId: OF, responses: {'200': {description: ok}}}";
    let document = format!(
        "openapi: 3.0.3\ninfo: {{title: t, version: '1'}}\nservers: [{{url: 'https://a.example'}}]\npaths:\n  /a: {{get: {}}}\n  /b: {{get: {}}}\n",
        operation.replace("OF", "a"),
        operation.replace("OF", "b")
    );
    sandbox.write("api.yaml", &document);
    let import = ["import", "openapi", "api.yaml", "--instance", "i", "--dry-run"];
    let (code, _, stderr) = text(&sandbox.run(&import));
    assert_eq!(code, Some(0), "{stderr}");
    let bounded = [&import[..], &["--config", "few.toml"]].concat();
    let (code, _, stderr) = text(&sandbox.run(&bounded));
    assert!(
        code == Some(1) && stderr.contains("at most 1 are imported"),
        "{code:?} {stderr}"
    );
}

#[test]
fn what_only_looks_makes_no_store() {
    let sandbox = Sandbox::new();
    sandbox.write("defs/hello.yaml", TOOL);
    let before = sandbox.files();
    for (arguments, code) in [
        (&["export"][..], 0),
        (&["plan", "defs"], 0),
        (&["apply", "defs", "--dry-run"], 0),
        (
            &[
                "import",
                "curl",
                "curl https://api.example.com/x",
                "--instance",
                "i",
                "--dry-run",
            ],
            0,
        ),
        (&["explain", "hello"], 1),
        (&["explain", "defs/hello.yaml", "--instance", ""], 0),
        (&["test"], 1),
    ] {
        let (actual, _, stderr) = text(&sandbox.run(arguments));
        assert_eq!(actual, Some(code), "{arguments:?}: {stderr}");
        let looks_at_what_is_stored = ["export", "explain", "test"].contains(&arguments[0]);
        let note = "note: the data source `sqlite` has no store here yet";
        assert_eq!(
            stderr.contains(note),
            looks_at_what_is_stored,
            "{arguments:?}: {stderr}"
        );
        assert_eq!(sandbox.files(), before, "{arguments:?}");
    }
    // One that writes makes it.
    let (code, _, stderr) = text(&sandbox.run(&["apply", "defs"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let (_, exported, stderr) = text(&sandbox.run(&["export"]));
    assert!(
        stderr.is_empty() && exported.contains("\"hello\""),
        "{stderr}{exported}"
    );
}

#[test]
fn nothing_that_was_tested_is_no_success() {
    let sandbox = Sandbox::new();
    sandbox.write("defs/hello.yaml", TOOL);
    let (code, _, stderr) = text(&sandbox.run(&["test", "defs"]));
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("nothing was tested: no tool has `examples`"),
        "{stderr}"
    );
}

#[test]
fn a_command_says_that_it_is_the_one_without_the_secret() {
    let sandbox = Sandbox::new();
    sandbox.write("hello.yaml", TOOL);
    let (_, stdout, stderr) = text(&sandbox.run(&["explain", "hello.yaml"]));
    let said = format!("{stdout}{stderr}");
    assert!(
        said.contains("is not set where this command runs (where the gateway runs it may be)"),
        "{said}"
    );
}

#[test]
fn a_write_has_arrived_in_the_gateway_that_runs_on_the_store() {
    let sandbox = Sandbox::new();
    // Long enough for a call right after the write to miss it.
    let config = format!("[app]\napi_key = '{KEY}'\n[data_source.sqlite]\npoll_ms = 2000\n");
    let gateway = Gateway::start(&sandbox, &config);
    sandbox.write("defs/hello.yaml", TOOL);
    let port = gateway.origin.rsplit_once(':').unwrap().1.to_owned();
    let run = |configured: &str, key: Option<&str>, arguments: &[&str]| {
        sandbox.write("cli.toml", &format!("[app]\nport = {port}\n{configured}\n"));
        let mut command = sandbox.command(arguments);
        command.args(["--config", "cli.toml"]).env_remove("DYNMCP_KEY");
        if let Some(key) = key {
            command.env("DYNMCP_KEY", key);
        }
        text(&command.output().unwrap())
    };
    let is_there = |id: &str| {
        let get = reqwest::Client::new()
            .get(format!("{}/admin/tds/{id}", gateway.origin))
            .bearer_auth(KEY);
        super::gateway::request(get).unwrap().0 == 200
    };
    let own_key = format!("api_key = '{KEY}'");
    let (code, _, stderr) = run(&own_key, None, &["apply", "defs"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(is_there("hello"));
    let import = [
        "import",
        "curl",
        "curl https://api.example.com/x",
        "--instance",
        "i",
    ];
    let (code, _, stderr) = run("", Some(KEY), &import);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let get = reqwest::Client::new()
        .get(format!("{}/admin/ids/i", gateway.origin))
        .bearer_auth(KEY);
    assert_eq!(super::gateway::request(get).unwrap().0, 200);

    sandbox.write(
        "defs/hello.yaml",
        &TOOL.replace("Says hello.", "Says hello to all."),
    );
    let (code, _, stderr) = run("", None, &["apply", "defs"]);
    assert_eq!(code, Some(0));
    assert!(
        stderr.contains("note: a gateway runs at") && stderr.contains("DYNMCP_KEY"),
        "{stderr}"
    );
}
