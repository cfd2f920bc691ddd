//! The compose file, as Docker Compose itself reads it, and the unit, as systemd does.

use super::Sandbox;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
/// `cargo xtask tools` installs it.
const COMPOSE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/compose/bin/compose");
const VARIANTS: [&str; 4] = ["sqlite", "postgres", "mysql", "etcd"];

fn compose(key: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(COMPOSE);
    command
        .args(["--file", &format!("{DEPLOY}/docker/compose.yaml")])
        .args(arguments)
        .env_remove("DYNMCP_ADMIN_KEY")
        .envs(key.map(|key| ("DYNMCP_ADMIN_KEY", key)));
    let output = command.output();
    output.expect("Docker Compose is there: `cargo xtask tools` installs it")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&*output.stdout, &*output.stderr].concat()).into_owned()
}

/// `config check` in an empty folder with the variables of the service.
fn check(service: &Value) {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["config", "check"]);
    for (name, value) in service["environment"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn docker_compose_takes_each_variant_and_the_gateway_what_it_is_given() {
    for variant in VARIANTS {
        let key = Some("a-key-of-an-administrator");
        let output = compose(key, &["--profile", variant, "config", "--format", "json"]);
        assert!(output.status.success(), "{variant}: {}", said(&output));
        assert!(output.stderr.is_empty(), "{variant}: {}", said(&output));
        let project: Value = serde_json::from_slice(&output.stdout).unwrap();
        let services = project["services"].as_object().unwrap();
        let gateways: Vec<_> = services
            .values()
            .filter(|service| service["image"] == "dynmcp")
            .collect();
        let [gateway] = gateways.as_slice() else {
            panic!("{variant}: {project}")
        };
        check(gateway);
        // What it is built from is there, and what it writes to are volumes that the file makes.
        let context = Path::new(gateway["build"]["context"].as_str().unwrap());
        let dockerfile = context.join(gateway["build"]["dockerfile"].as_str().unwrap());
        assert!(dockerfile.is_file(), "{}", dockerfile.display());
        for (name, service) in services {
            let mounts = service["volumes"].as_array().unwrap();
            assert!(!mounts.is_empty(), "{name} keeps what it has");
            for mount in mounts {
                let source = mount["source"].as_str().unwrap();
                let is_there = match mount["type"].as_str() {
                    Some("volume") => project["volumes"].get(source).is_some(),
                    _ => Path::new(source).exists(),
                };
                assert!(is_there, "{name} mounts {source}");
            }
        }
        let image = fs::read_to_string(&dockerfile).unwrap();
        let kept = gateway["volumes"][0]["target"].as_str().unwrap();
        assert!(image.contains(&format!("VOLUME {kept}\n")), "{kept}");
        // Nobody else reaches it, it writes nowhere else, and it may do nothing that it does not need.
        assert_eq!(gateway["ports"][0]["host_ip"], "127.0.0.1");
        assert_eq!(gateway["read_only"], true);
        assert_eq!(gateway["cap_drop"][0], "ALL");
    }
    let output = compose(None, &["--profile", "sqlite", "config"]);
    assert!(!output.status.success());
    assert!(said(&output).contains("a key of 16 characters or more"));
}

#[test]
fn systemd_takes_the_unit_and_finds_it_hardened() {
    let sandbox = Sandbox::new();
    let unit = fs::read_to_string(format!("{DEPLOY}/systemd/dynmcp.service")).unwrap();
    // As if the package were installed.
    let unit = unit.replace("/usr/bin/dynmcp", env!("CARGO_BIN_EXE_dynmcp"));
    let file = sandbox.write("dynmcp.service", &unit);
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze")
            .args(arguments)
            .arg(&file)
            .output();
        output.expect("systemd-analyze is there: `cargo xtask tools` installs it")
    };
    let output = analyze(&["verify", "--man=no"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "");
    // 10 is a unit that protects nothing; what is below 2 counts as well protected.
    let output = analyze(&["security", "--no-pager", "--offline=true", "--threshold=20"]);
    assert!(output.status.success(), "{}", said(&output));
}
