//! Commands that do not stay.

use super::Sandbox;
use std::io::Write;
use std::process::{Output, Stdio};

fn text(output: &Output) -> (Option<i32>, String, String) {
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    (
        output.status.code(),
        stdout,
        String::from_utf8(output.stderr.clone()).unwrap(),
    )
}

#[test]
fn config_check_says_ok_or_the_key() {
    let sandbox = Sandbox::new();
    assert_eq!(text(&sandbox.run(&["config", "check"])).0, Some(0));
    for (file, expected) in [
        (
            "[app]\nprot = 1",
            "dynmcp: configuration: app.prot: there is no such key; did you mean `app.port`?\n",
        ),
        (
            "[app]\ndata_source = \"redis\"",
            "dynmcp: configuration: app.data_source: no data source is called `redis`; there are: etcd, file, memory, mysql, \
             postgres, sqlite\n",
        ),
        (
            "[app]\nauthenticators = [\"ldap\"]",
            "dynmcp: configuration: app.authenticators: no authenticator is called `ldap`; there are: api_key, introspection, jwt, mtls, none\n",
        ),
        (
            "[app]\napi_key = \"a\"",
            "dynmcp: configuration: app.api_key: has 1 characters, a key needs 16 or more; `dynmcp hash-key --generate` makes \
             one\n",
        ),
        (
            "[[authenticator.api_key.keys]]\nname = \"ci\"\nkey = \"fifteen-letters\"",
            "dynmcp: configuration: authenticator.api_key.keys[0].key: has 15 characters, a key needs 16 or more; `dynmcp \
             hash-key --generate` makes one\n",
        ),
    ] {
        sandbox.write("x.toml", file);
        let checked = text(&sandbox.run(&["config", "check", "--config", "x.toml"]));
        assert_eq!(checked, (Some(2), String::new(), expected.to_owned()));
        let served = text(&sandbox.run(&["serve", "--config", "x.toml"]));
        assert_eq!((served.0, served.2.as_str()), (Some(2), expected));
    }
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files());
}

#[test]
fn whoever_reads_no_further_is_no_error() {
    let sandbox = Sandbox::new();
    for command in [["config", "default"], ["config", "show"]] {
        let mut child = sandbox
            .command(&command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(
            (ended.status.code(), ended.stderr.as_slice()),
            (Some(0), &b""[..]),
            "{command:?}"
        );
    }
}

#[test]
fn config_check_refuses_what_serve_would_and_names_everything_at_once() {
    let sandbox = Sandbox::new();
    sandbox.write("in-the-way", "");
    for (file, expected) in [
        ("[app]\ndata_source = 'mysql'", vec!["data_source.mysql.url: "]),
        (
            "[app]\ndata_source = 'mysql'\n[data_source.mysql]\nurl = 'mysql://u@127.0.0.1:1/db?foo=1'",
            vec!["data_source.mysql.url: the URL has an unknown parameter `foo`"],
        ),
        (
            "[app]\ndata_source = 'postgres'\n[data_source.postgres]\nurl = 'postgres://u@127.0.0.1:1/db?target_session_attrs=standby'",
            vec!["data_source.postgres.url: the URL's `target_session_attrs` is `standby`"],
        ),
        (
            "[data_source.sqlite]\npaht = 'x.db'",
            vec!["data_source.sqlite.paht: no such setting"],
        ),
        (
            "[access.external]\nauthorizer = 'ldap'",
            vec!["access.external.authorizer: no authorizer is called `ldap`; there are: http"],
        ),
        (
            "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nkey = '0123456789abcdef'",
            vec!["authorizer.http.url: must be given"],
        ),
        (
            "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nurl = 'http://opa.example.com'",
            vec!["authorizer.http.url: must begin with https://"],
        ),
        (
            "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nurl = 'https://opa.example.com'\nformat = 'xml'",
            vec!["authorizer.http.format: must be \"plain\" or \"opa\""],
        ),
        (
            "[access.external]\nauthorizer = 'http'\n[authorizer.http]\nurl = 'https://opa.example.com'\nkey = '0123456789abcde f'",
            vec!["authorizer.http.key: must be letters"],
        ),
        (
            "[app]\ndata_source = 'file'",
            vec!["data_source.file.path: the folder `data/definitions` cannot be read"],
        ),
        (
            "[data_source.sqlite]\npath = 'in-the-way/x.db'",
            vec!["data_source.sqlite.path: `in-the-way/x.db` cannot be written (`in-the-way` is no folder)"],
        ),
        (
            "[app]\ndata_dir = 'in-the-way/data'",
            vec!["the data directory `in-the-way/data` cannot be used: `in-the-way` is no folder"],
        ),
        (
            "[log]\nlog_dir = 'in-the-way/logs'",
            vec!["log.log_dir: `in-the-way/logs` cannot be used"],
        ),
        (
            "[app]\nport = 'x'\nworkers = 5000\nprot = 1\n[mcp]\npage_size = 0\n[upstream]\ntimeout_ms = 'soon'\n\
             [data_source.sqlite]\npaht = 'x.db'\nhistroy = 5\npoll_ms = 1\n\
             [[authenticator.api_key.keys]]\nkey = '0123456789abcdef'\n\
             [[authenticator.api_key.keys]]\nname = 'ci'\nkey = '0123456789abcdeg'\nrole = ['x']\nclaim = 1\nadmin = 'x'\n\
             [[authenticator.api_key.keys]]\nname = 'ci'\nkey = '0123456789abcdeh'\n\
             [[authenticator.api_key.keys]]\nname = 'ci'\nkey = '0123456789abcdei'",
            vec![
                "app.port: ",
                "app.workers: at most 1024",
                "app.prot: there is no such key",
                "mcp.page_size: must be at least 1",
                "upstream.timeout_ms: ",
                "data_source.sqlite.paht: no such setting",
                "data_source.sqlite.histroy: no such setting",
                "data_source.sqlite.poll_ms: expected a whole number from 10 to 10000",
                "authenticator.api_key.keys[0].name: missing",
                "authenticator.api_key.keys[1].role: no such setting",
                "authenticator.api_key.keys[1].claim: no such setting",
                "authenticator.api_key.keys[1].admin: expected true or false",
                "authenticator.api_key.keys: `ci` and `ci` have the same name",
            ],
        ),
    ] {
        sandbox.write("x.toml", file);
        let before = sandbox.files();
        let checked = text(&sandbox.run(&["config", "check", "--config", "x.toml"]));
        for expected in &expected {
            assert!(checked.2.contains(expected), "{expected}: {}", checked.2);
        }
        assert!(!checked.2.contains("0123456789abcde"), "{}", checked.2);
        let served = text(&sandbox.run(&["serve", "--config", "x.toml"]));
        assert_eq!((served.0, &served.2), (checked.0, &checked.2));
        assert_ne!(checked.0, Some(0));
        assert_eq!(sandbox.files(), before, "nothing was made");
    }
}

#[test]
fn of_plugins_that_are_not_selected_only_misspelt_names_are_told() {
    let sandbox = Sandbox::new();
    sandbox.write("in-the-way", "");
    let file = "[app]\ndata_source = 'memory'\n[data_source.mysql]\nurll = 'mysql://u@127.0.0.1:1/db'\nurl = 'none'\n\
                [data_source.sqlite]\npath = 'in-the-way/x.db'\n[data_source.etcd]\nprefx = '/x'\n\
                [authenticator.jwt]\nbogus = 1\n[[authenticator.jwt.issuers]]\nnam = 'a'\n\
                [authorizer.http]\nulr = 'https://opa.example.com'";
    sandbox.write("x.toml", file);
    for command in ["check", "doctor"] {
        let (code, stdout, stderr) = text(&sandbox.run(&["config", command, "--config", "x.toml"]));
        assert_ne!(code, Some(0), "{stdout}{stderr}");
        let said = format!("{stdout}{stderr}");
        for expected in [
            "data_source.mysql.urll: no such setting; there are: url, ",
            "data_source.etcd.prefx: no such setting",
            "authenticator.jwt.bogus: no such setting",
            "authenticator.jwt.issuers[0].nam: no such setting",
            "authorizer.http.ulr: no such setting",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        for silent in [
            "mysql.url:",
            "in-the-way",
            "etcd.endpoints:",
            "issuers[0].name:",
            "http.url:",
        ] {
            assert!(!said.contains(silent), "{silent}: {said}");
        }
    }
    let (code, _, stderr) = text(&sandbox.run(&["serve", "--config", "x.toml"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("data_source.mysql.urll: no such setting"),
        "{stderr}"
    );
    // What would be wrong if it were selected is no reason not to start.
    sandbox.write(
        "x.toml",
        "[app]\ndata_source = 'memory'\n[data_source.mysql]\nurl = 'none'\n[authorizer.http]\nkey = 'x'",
    );
    let (code, _, stderr) = text(&sandbox.run(&["config", "check", "--config", "x.toml"]));
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn config_show_redacts_and_config_default_is_a_valid_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "x.toml",
        "[app]\napi_key = \"hunter2-hunter2-hunter2\"\n[data_source.mysql]\nurl = \"mysql://root:hunter2@db/x\"\n",
    );
    let (code, stdout, stderr) = text(&sandbox.run(&["config", "show", "--config", "x.toml"]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(
        stdout.contains("api_key = \"***\"") && !stdout.contains("hunter2"),
        "{stdout}"
    );
    let (_, default, _) = text(&sandbox.run(&["config", "default"]));
    sandbox.write("y.toml", &default);
    let checked = text(&sandbox.run(&["config", "check", "--config", "y.toml"]));
    assert_eq!(checked, (Some(0), "ok: y.toml\n".to_owned(), String::new()));
}

#[test]
fn hash_key_hashes_what_it_reads() {
    let sandbox = Sandbox::new();
    let mut child = sandbox
        .command(&["hash-key"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"abc\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let sha256_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    assert_eq!(String::from_utf8(output.stdout).unwrap(), sha256_of_abc);
}

#[test]
fn help_and_version() {
    let sandbox = Sandbox::new();
    let (code, help, _) = text(&sandbox.run(&["--help"]));
    assert_eq!(code, Some(0));
    for word in ["serve", "demo", "config", "hash-key", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "{help}");
    }
    let version = format!("dynmcp {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&sandbox.run(&["--version"])).1, version);
    assert_eq!(text(&sandbox.run(&["serv"])).0, Some(2));
}

#[test]
fn migrate_makes_the_tables_that_a_gateway_with_never_wants() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "x.toml",
        "[app]\napi_key = \"process-test-key\"\n[data_source.sqlite]\nmigrate = \"never\"\n",
    );
    let run = |arguments: &[&str]| text(&sandbox.run(&[arguments, &["--config", "x.toml"]].concat()));
    let (code, stdout, stderr) = run(&["migrate", "--check"]);
    assert_eq!(code, Some(3));
    assert_eq!(
        stdout,
        "`data/dynmcp.db`: no complete tables of DynMCP\n  pending: 0001_definitions_and_changes\n  pending: 0002_fractions_of_status\n\
         nothing was changed; schema 2 is wanted\n"
    );
    assert!(stderr.contains("`dynmcp migrate` without --check"), "{stderr}");
    assert_eq!(sandbox.files(), Vec::<String>::new());
    let (code, _, stderr) = run(&["serve"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("data_source.sqlite.migrate: is `never`") && stderr.contains("run `dynmcp migrate`"),
        "{stderr}"
    );

    let done = "`data/dynmcp.db`: no complete tables of DynMCP\n  done: 0001_definitions_and_changes\n  done: 0002_fractions_of_status\n\
                schema 2, up to date\n";
    assert_eq!(run(&["migrate"]), (Some(0), done.to_owned(), String::new()));
    let again = "`data/dynmcp.db`: schema 2, up to date\n";
    for command in [&["migrate"][..], &["migrate", "--check"]] {
        assert_eq!(run(command), (Some(0), again.to_owned(), String::new()));
    }
    let (code, stdout, _) = run(&["migrate", "--check", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (code, &report["outcome"], &report["found"], &report["steps"]),
        (Some(0), &"up_to_date".into(), &2.into(), &serde_json::json!([]))
    );
}

#[test]
fn migrate_has_nothing_to_do_for_stores_without_tables() {
    let sandbox = Sandbox::new();
    for source in ["memory", "file", "etcd"] {
        sandbox.write("x.toml", &format!("[app]\ndata_source = \"{source}\"\n"));
        let migrated = text(&sandbox.run(&["migrate", "--config", "x.toml"]));
        let expected = format!("the data source `{source}` has no migrations: nothing to do\n");
        assert_eq!(migrated, (Some(0), expected, String::new()));
    }
    sandbox.write("x.toml", "[data_source.sqlite]\nmigrate = \"later\"\n");
    let (code, _, stderr) = text(&sandbox.run(&["migrate", "--config", "x.toml"]));
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("dynmcp: configuration: data_source.sqlite.migrate: expected `start`"),
        "{stderr}"
    );
    assert!(sandbox.files().is_empty(), "{:?}", sandbox.files());
}

#[test]
fn schema_prints_what_the_gateway_serves() {
    let sandbox = Sandbox::new();
    for (kind, member) in [
        ("tds", "tds_ext_info"),
        ("ids", "tool_ids"),
        ("uds", "url"),
        ("keys", "secrets"),
    ] {
        let (code, stdout, stderr) = text(&sandbox.run(&["schema", kind]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(schema["$id"], format!("urn:dynmcp:schema:{kind}"));
        assert!(schema["properties"][member].is_object(), "{stdout}");
    }
    let (code, stdout, _) = text(&sandbox.run(&["schema", "file", "--strict"]));
    assert_eq!(code, Some(0));
    let schema: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(schema["$id"], "urn:dynmcp:schema:file");
    assert_eq!(schema["$defs"]["Tool"]["additionalProperties"], false);
    let (code, _, stderr) = text(&sandbox.run(&["schema", "xds"]));
    assert_eq!(code, Some(2));
    assert!(
        stderr.contains("secrets, uds, tds, ids, roles, keys, file"),
        "{stderr}"
    );
}

#[test]
fn shells_and_man_are_told_of_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, stdout, stderr) = text(&sandbox.run(&["completions", shell]));
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["explain", "upstreams", "detailed-exitcode"] {
            assert!(stdout.contains(word), "{shell}: {word}");
        }
    }
    let mut bash = std::process::Command::new("bash");
    let script = sandbox.run(&["completions", "bash"]).stdout;
    let mut child = bash.args(["-n"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&script).unwrap();
    assert!(child.wait().unwrap().success());

    let (code, page, _) = text(&sandbox.run(&["manual"]));
    assert_eq!(code, Some(0));
    assert!(
        page.contains(".TH dynmcp 1") && page.contains("Exit codes"),
        "{page}"
    );
    std::fs::create_dir(sandbox.path().join("man")).unwrap();
    assert_eq!(text(&sandbox.run(&["manual", "man"])).0, Some(0));
    for page in ["dynmcp.1", "dynmcp-serve.1", "dynmcp-keys-create.1"] {
        assert!(sandbox.path().join("man").join(page).is_file(), "{page}");
    }
    assert_eq!(text(&sandbox.run(&["manual", "nowhere"])).0, Some(1));
}
