mod not_repeated;

use super::{unknown::paths, *};
use mcp_common::byte_size::ByteSize;
use std::{collections::HashMap, fs};

fn environment(variables: &[(&str, &str)]) -> Layers {
    let environment: HashMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Layers {
        environment,
        directory: "does-not-exist".into(),
        ..Layers::default()
    }
}

fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dynmcp.toml");
    fs::write(&file, text).unwrap();
    Settings::load(&Layers {
        file: Some(file),
        ..environment(variables)
    })
}

fn refusal(text: &str) -> String {
    with_file(text, &[]).unwrap_err().to_string()
}

#[test]
fn the_reference_is_complete_and_right() {
    let settings = Settings::load(&environment(&[])).unwrap();
    assert_eq!(
        (settings.app.host.as_str(), settings.app.port),
        ("127.0.0.1", 8080)
    );
    assert_eq!(settings.app.max_body_bytes, ByteSize(4 << 20));
    assert!(settings.app.bound_to_loopback());
    // Every key of the reference is read, and nothing is read that the reference leaves out.
    let shown: toml::Table = settings.to_redacted_toml().parse().unwrap();
    let own = |table: &toml::Table| {
        paths(table)
            .into_iter()
            .filter(|path| !path.starts_with("data_source.") && path != "authenticator")
            .collect::<Vec<_>>()
    };
    assert_eq!(own(&shown), own(&DEFAULT_TOML.parse().unwrap()));
}

#[test]
fn a_value_of_another_type_is_refused_and_not_changed() {
    for (file, said) in [
        (
            "[app]\nport = 8080.7",
            "app.port: found `8080.7`, expected a whole number from 0 to 65535",
        ),
        (
            "[app]\nport = true",
            "app.port: found `true`, expected a whole number from 0 to 65535",
        ),
        ("[app]\nhost = 1", "app.host: found `1`, expected a text"),
        (
            "[app]\npublic_url = false",
            "app.public_url: found `false`, expected a text",
        ),
        (
            "[app]\nmax_connections = 1.9",
            "app.max_connections: found `1.9`, expected a whole number",
        ),
    ] {
        let refusal = refusal(file);
        assert!(refusal.starts_with(said), "{refusal}");
        assert_eq!(refusal.matches("expected").count(), 1, "{refusal}");
    }
    // Sizes are numbers, too, and a text that is a number is one.
    let settings = with_file(
        "[app]\nport = \"9001\"\nmax_body_bytes = 4096",
        &[("APP__APP__HOST", "1")],
    )
    .unwrap();
    assert_eq!(
        (
            settings.app.port,
            settings.app.host.as_str(),
            settings.app.max_body_bytes
        ),
        (9001, "1", ByteSize(4096))
    );
}

#[test]
fn environment_over_file_over_reference() {
    let file = "[app]\nport = 9001\nhost = \"0.0.0.0\"\nallowed_hosts = [\"a\"]";
    let variables = [
        ("APP__APP__PORT", "9002"),
        ("APP__APP__ALLOWED_HOSTS", "x.example, y.example"),
        ("APP__LOG__REQUESTS", "false"),
        ("APP__DATA_SOURCE__ETCD__ENDPOINTS", "http://a:2379,http://b:2379"),
        ("APP__EGRESS__ALLOW_LOOPBACK", "true"),
        ("APP__UPSTREAM__MAX_REQUEST_BYTES", "2MiB"),
        ("UNRELATED", "x"),
    ];
    let settings = with_file(file, &variables).unwrap();
    assert_eq!((settings.app.host.as_str(), settings.app.port), ("0.0.0.0", 9002));
    assert_eq!(*settings.app.allowed_hosts, ["x.example", "y.example"]);
    assert!(!settings.log.requests);
    assert_eq!(
        settings.data_source["etcd"]["endpoints"],
        serde_json::json!(["http://a:2379", "http://b:2379"])
    );
    assert_eq!(settings.egress.allow_loopback, AutoSwitch::On);
    assert_eq!(settings.upstream.max_request_bytes, ByteSize(2 << 20));
}

#[test]
fn a_key_of_digits_stays_the_text_it_is() {
    use mcp_common::secret::ExposeSecret;
    let settings = Settings::load(&environment(&[("APP__APP__API_KEY", "0070070070070070")])).unwrap();
    assert_eq!(settings.app.api_key.unwrap().expose_secret(), "0070070070070070");
}

#[test]
fn keys_of_the_first_version_are_valid() {
    let file = r#"
        [app]
        host = "0.0.0.0"
        port = 8080
        data_source = "mysql"
        api_key = "your-secret-api-key"
        [log]
        log_level = "info"
        log_dir = "logs"
        log_name = "app"
        [data_source.mysql]
        url = "mysql://root:hunter2@localhost:3306/dynmcp"
        [data_source.etcd]
        endpoints = ["http://localhost:2379"]
        username = "u"
        password = "hunter2"
    "#;
    let settings = with_file(file, &[]).unwrap();
    assert_eq!(settings.log.log_dir.as_deref(), Some("logs"));
    assert_eq!(settings.data_source["etcd"]["username"], "u");
}

#[test]
fn nothing_that_shows_settings_shows_a_secret() {
    let variables = [
        ("APP__APP__API_KEY", "hunter2-hunter2-hunter2"),
        ("APP__MCP__SESSION_SECRET", "hunter2-hunter2-hunter2"),
        ("APP__DATA_SOURCE__MYSQL__URL", "mysql://root:hunter2@db/x"),
        ("APP__DATA_SOURCE__ETCD__PASSWORD", "hunter2"),
        ("APP__AUTHENTICATOR__API_KEY__KEYS", "hunter2"),
    ];
    let settings = Settings::load(&environment(&variables)).unwrap();
    for text in [settings.to_redacted_toml(), format!("{settings:?}")] {
        assert!(!text.contains("hunter2"), "{text}");
        assert!(
            text.contains("api_key = \"***\"") && text.contains("mysql://***@db/x"),
            "{text}"
        );
    }
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    assert_eq!(
        refusal("[app]\nprot = 1"),
        "app.prot: there is no such key; did you mean `app.port`?"
    );
    assert_eq!(
        refusal("port = 1"),
        "port: there is no such key; did you mean `app.port`?"
    );
    assert!(
        refusal("[log]\nlevel = \"info\"").contains("did you mean `log.log_level`"),
        "{}",
        refusal("[log]\nlevel = \"info\"")
    );
    assert_eq!(
        refusal("[app]\nx = 1"),
        "app.x: there is no such key; `dynmcp config default` prints all there are"
    );
    assert!(refusal("[zzz]\na = 1\nb = 2").starts_with("zzz: there is no such key; `dynmcp config default`"));
    let error = Settings::load(&environment(&[("APP__UPSTREAM__TIMEOUT", "x")]))
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "upstream.timeout: there is no such key; did you mean `upstream.timeout_ms`?"
    );
}

#[test]
fn a_wrong_value_is_refused_by_key_with_what_would_be_right() {
    let cases = [
        (
            "[app]\nport = \"abc\"",
            "app.port: found string \"abc\", expected a whole number",
        ),
        (
            "[app]\nport = 70000",
            "app.port: found the number `70000`, expected a whole number from 0 to 65535",
        ),
        ("[app]\nport = -1", "app.port: "),
        ("[app]\nhost = \"\"", "app.host: must not be empty"),
        (
            "[app]\nauthenticators = []",
            "app.authenticators: must name at least one",
        ),
        (
            "[app]\nmax_body_bytes = \"4 parsecs\"",
            "app.max_body_bytes: invalid value: string \"4 parsecs\", expected a size",
        ),
        (
            "[app]\npublic_paths = [\"/admin\"]",
            "app.public_paths: `/admin` cannot be public; choose from /healthz",
        ),
        (
            "[app]\nallowed_origins = [\"example.com\"]",
            "app.allowed_origins: `example.com` is not an origin",
        ),
        (
            "[app]\nconfig_revision_header = \"a b\"",
            "app.config_revision_header: `a b` is not a header name",
        ),
        (
            "[app]\ndefault_instance = \"a/b\"",
            "app.default_instance: has the character '/', which cannot stand in a path",
        ),
        ("[app]\nallowed_hosts = [[]]", "app.allowed_hosts[0]: "),
        (
            "[log]\nrequests = \"sometimes\"",
            "log.requests: found string \"sometimes\", expected true or false",
        ),
        (
            "[log]\nlog_level = \"loud\"",
            "log.log_level: `loud` is not a level",
        ),
        (
            "[log]\nformat = \"xml\"",
            "log.format: found \"xml\", expected \"pretty\" or \"json\"",
        ),
        (
            "[egress]\nallow_loopback = \"maybe\"",
            "egress.allow_loopback: invalid value: string \"maybe\", expected true, false or \"auto\"",
        ),
        (
            "[egress]\ndeny = [\"10.0.0.0/99\"]",
            "egress.deny: `10.0.0.0/99` is no rule; write a host name",
        ),
        (
            "[egress]\nproxies = [\"http://a:1\", \"http://ada:s3cr3t@b:1\"]",
            "egress.proxies: number 2 is no proxy; write \"http://host:port\", without credentials",
        ),
        (
            "[secrets]\nfile_dir = [\"/run/secrets/dynmcp\", \"/var/run/secrets/kubernetes.io/serviceaccount\"]",
            "secrets.file_dir: `/var/run/secrets/kubernetes.io/serviceaccount` says who the machine is",
        ),
        (
            "[secrets]\nfile_dir = [\"secrets\"]",
            "secrets.file_dir: `secrets` is not absolute",
        ),
        (
            "[templates]\nrequest_headers = [\"X-Tenant\", \"Cookie\"]",
            "templates.request_headers: `cookie` is between the client and the gateway and never passed on",
        ),
        (
            "[templates]\nrequest_headers = [\"X Tenant\"]",
            "templates.request_headers: `X Tenant` is not the name of a header",
        ),
        (
            "[mcp]\nsession_seconds = 9000000000000000000",
            "mcp.session_seconds: must be 1 to 31536000",
        ),
        (
            "[mcp]\nsession_idle_seconds = 40000000",
            "mcp.session_idle_seconds: must be 0 to 31536000",
        ),
        (
            "[app]\ndrain_seconds = 40000000",
            "app.drain_seconds: at most 31536000",
        ),
        ("[mcp]\npage_size = 0", "mcp.page_size: must be at least 1"),
        (
            "[metrics]\nmax_series = 0",
            "metrics.max_series: must be 1 to 1000000",
        ),
        (
            "[upstream]\ntimeout_ms = 0",
            "upstream.timeout_ms: must be 1 to 3600000",
        ),
        ("app = 1", "app: "),
    ];
    for (file, expected) in cases {
        let text = with_file(file, &[])
            .err()
            .map_or_else(|| "accepted".to_owned(), |error| error.to_string());
        assert!(
            text.starts_with(expected) && !text.contains('\n'),
            "{file:?} gave {text:?}, expected {expected:?}"
        );
    }
}

#[test]
fn a_file_that_is_not_toml_is_refused_by_line() {
    let text = refusal("[app]\nhost = \"x\"\nport = = 1\n");
    assert!(text.contains("dynmcp.toml:3: ") && !text.contains('\n'), "{text}");
}

#[test]
fn numbers_that_nobody_can_hold_are_named_by_key_line_and_range_beside_all_else() {
    let text = refusal(
        "[app]\nworkers = 18446744073709551615\nport = 18446744073709551616\n\n[upstream]\ntimeout_ms = -9_223_372_036_854_775_809\n\
         max_request_bytes = 0xFFFF_FFFF_FFFF_FFFF\n[mcp]\npage_size = 0\n[data_source.sqlite]\npoll_ms = 99999999999999999999\n\
         [app2]\nlist = [1, 99999999999999999999]\n",
    );
    for expected in [
        "app.workers: at most 1024",
        "dynmcp.toml:2)",
        "app.port: found the number `18446744073709551616`, expected a whole number from 0 to 65535",
        "dynmcp.toml:3)",
        "upstream.timeout_ms: found the number `-9_223_372_036_854_775_809`, expected a whole number, 0 or more",
        "dynmcp.toml:6)",
        "upstream.max_request_bytes: ",
        "dynmcp.toml:7)",
        "mcp.page_size: must be at least 1",
        "data_source.sqlite.poll_ms: found the number `99999999999999999999`, expected one from -9223372036854775808 to \
         9223372036854775807",
        "dynmcp.toml:11)",
        "app2: there is no such key",
        "app2.list[1]: found the number `99999999999999999999`",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    for unread in ["u64 value", "i128", "9223372036854775807`"] {
        assert!(!text.contains(unread), "{unread}: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_large_number_in_a_list_of_tables_hides_nothing_else() {
    // A webhook has no default that could stand in its place.
    let text = refusal(
        "[app]\nprot = 1\n[[webhooks]]\nurl = 'https://hooks.example.com'\ntimeout_ms = 'soon'\nattempts = 18446744073709551616\n",
    );
    for expected in [
        "app.prot: there is no such key",
        "webhooks[0].attempts: found the number `18446744073709551616`",
        "dynmcp.toml:6)",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_missing_file_is_an_error_only_if_it_was_asked_for() {
    let asked = Layers {
        file: Some("nowhere.toml".into()),
        ..environment(&[])
    };
    let text = Settings::load(&asked).unwrap_err().to_string();
    assert_eq!(text, "there is no configuration file nowhere.toml");
    let text = Settings::load(&environment(&[("RUN_MODE", "prod")]))
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("RUN_MODE is `prod`, but there is no file does-not-exist/prod.toml"),
        "{text}"
    );
}

#[test]
fn lists_and_tables_of_plugins_come_from_the_environment_as_json() {
    let keys = r#"[{"name": "ci", "key": "0123456789abcdef", "roles": ["deploy"]}]"#;
    let settings = Settings::load(&environment(&[
        ("APP__AUTHENTICATOR__API_KEY__KEYS", keys),
        ("APP__DATA_SOURCE__ETCD__ENDPOINTS", r#"["http://a:2379"]"#),
        ("APP__DATA_SOURCE__SQLITE__PATH", "[not json"),
    ]))
    .unwrap();
    let expected: serde_json::Value = keys.parse().unwrap();
    assert_eq!(settings.authenticator["api_key"]["keys"], expected);
    assert!(!settings.to_redacted_toml().contains("0123456789abcdef"));
    assert_eq!(
        settings.data_source["etcd"]["endpoints"],
        serde_json::json!(["http://a:2379"])
    );
    assert_eq!(settings.data_source["sqlite"]["path"], "[not json");
}

#[test]
fn rust_log_is_the_level_unless_the_own_variable_is_set() {
    let level = |variables: &[(&str, &str)]| {
        with_file("[log]\nlog_level = \"error\"", variables).map(|settings| settings.log.log_level)
    };
    assert_eq!(level(&[]).unwrap(), "error");
    assert_eq!(
        level(&[("RUST_LOG", "mcp_core=debug")]).unwrap(),
        "mcp_core=debug"
    );
    assert_eq!(level(&[("RUST_LOG", " ")]).unwrap(), "error");
    let own = ("APP__LOG__LOG_LEVEL", "warn");
    assert_eq!(level(&[("RUST_LOG", "debug"), own]).unwrap(), "warn");
    let refusal = level(&[("RUST_LOG", "loud")]).unwrap_err().to_string();
    assert!(refusal.contains("`loud` is not a level"), "{refusal}");
}

#[test]
fn discoveries_come_as_tables_or_as_json_and_show_no_credential() {
    let file = "[[discovery]]\ntype = \"http_polling\"\nurl = \"https://registry.example/list\"\ntoken = \"s3cr3t\"\n\
                headers = { Authorization = \"s3cr3t\" }\n[[discovery]]\ntype = \"file_watch\"\nfile_path = \"x\"\n";
    let settings = with_file(file, &[]).unwrap();
    assert_eq!(settings.discovery.0.len(), 2);
    let shown = settings.to_redacted_toml();
    assert!(
        shown.contains("registry.example") && !shown.contains("s3cr3t"),
        "{shown}"
    );
    let shown: toml::Table = shown.parse().unwrap();
    assert_eq!(shown["discovery"][1]["file_path"].as_str(), Some("x"));
    let agents =
        "[[agents.known]]\nname = \"a\"\nurl = \"http://x/mcp\"\nauth_token = \"${DYNMCP_SECRET_A}\"\n";
    let settings = with_file(agents, &[]).unwrap();
    assert_eq!(settings.agents.known.0[0]["name"], "a");
    let shown: toml::Table = settings.to_redacted_toml().parse().unwrap();
    assert_eq!(shown["agents"]["known"][0]["auth_token"].as_str(), Some("***"));
    let json = r#"[{"type": "file_watch", "file_path": "y"}]"#;
    let settings = with_file(file, &[("APP__DISCOVERY", json)]).unwrap();
    assert_eq!(
        settings.discovery.0,
        [serde_json::json!({"type": "file_watch", "file_path": "y"})]
    );
    let refused = with_file("", &[("APP__DISCOVERY", "soon")])
        .unwrap_err()
        .to_string();
    assert!(refused.contains("discovery: expected tables"), "{refused}");
}

#[test]
fn no_more_of_a_webhook_is_shown_than_its_origin_and_all_is_compared() {
    let with = |token: &str| {
        with_file(
            &format!("[[webhooks]]\nurl = \"https://ops.example/{token}?token={token}\"\n"),
            &[],
        )
        .unwrap()
    };
    let (one, other) = (with("hunter1"), with("hunter2"));
    let shown = one.to_redacted_toml();
    assert!(
        shown.contains("url = \"https://ops.example/***\"") && !shown.contains("hunter"),
        "{shown}"
    );
    assert_eq!(one.differences(&other), ["webhooks"]);
    assert!(one.differences(&with("hunter1")).is_empty());
    assert_ne!(one.webhooks, other.webhooks);
}
