//! Holds the crate graph of `docs/ARCHITECTURE.md`, invariant 9: who may know whom, and which libraries stay out of
//! where.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Normal and build dependencies of every package of the workspace, by package name.
fn graph() -> BTreeMap<String, BTreeSet<String>> {
    dependencies(|dependency| dependency["kind"] != "dev")
}

/// What a package is not built without.
fn needed(package: &str) -> BTreeSet<String> {
    dependencies(|dependency| dependency["kind"] != "dev" && dependency["optional"] == false)
        .remove(package)
        .unwrap()
}

fn dependencies(counts: impl Fn(&Value) -> bool) -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
            "--manifest-path",
            manifest,
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let dependencies = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().clone();
        all.into_iter()
            .filter(&counts)
            .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
            .collect()
    };
    packages
        .iter()
        .map(|package| {
            (
                package["name"].as_str().unwrap().to_owned(),
                dependencies(package),
            )
        })
        .collect()
}

#[test]
fn crates_know_only_the_layers_below_them() {
    let graph = graph();
    let layers = ["mcp-macro", "mcp-common", "mcp-core", "mcp-plugin", "mcp-axum"];
    let expected = [
        ("mcp-macro", vec![]),
        ("mcp-common", vec!["mcp-macro"]),
        ("mcp-core", vec!["mcp-common"]),
        ("mcp-plugin", vec!["mcp-common"]),
        ("mcp-axum", vec!["mcp-common", "mcp-core", "mcp-plugin"]),
    ];
    for (package, expected) in expected {
        let known: BTreeSet<&str> = graph[package]
            .iter()
            .map(String::as_str)
            .filter(|name| layers.contains(name))
            .collect();
        assert_eq!(
            known,
            expected.into_iter().collect(),
            "{package} depends on other layers than the design says"
        );
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    let graph = graph();
    let databases = ["sqlx", "tonic", "rusqlite"];
    let servers = ["axum", "tower-http"];
    let clients = ["hyper", "hyper-util", "reqwest"];
    let banned = [
        ("mcp-macro", [&databases[..], &servers, &clients].concat()),
        ("mcp-common", [&databases[..], &servers, &clients].concat()),
        ("mcp-core", [&databases[..], &servers].concat()),
        ("mcp-plugin", [&servers[..], &["mcp-core"]].concat()),
        ("mcp-axum", databases.to_vec()),
    ];
    for (package, banned) in banned {
        for name in banned {
            assert!(
                !graph[package].contains(name),
                "{package} must not depend on {name}"
            );
        }
    }
}

/// It is a workspace of its own, which nothing else builds: what is added to a crate is not in its lock, and nobody notices before the targets are built.
#[test]
fn the_lock_of_the_fuzz_targets_has_what_the_crates_use() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.lock")).unwrap();
    for package in ["mcp-macro", "mcp-common", "mcp-core"] {
        let name = format!("name = \"{package}\"\n");
        let entry = lock.split("[[package]]").find(|entry| entry.contains(&name));
        let locked: BTreeSet<&str> = entry.unwrap().split('"').collect();
        for used in needed(package) {
            // Where there are two versions, one stands behind the name.
            let is_there = locked.iter().any(|name| name.split(' ').next() == Some(&used));
            assert!(
                is_there,
                "fuzz/Cargo.lock does not know that {package} uses {used}: `cargo metadata --manifest-path fuzz/Cargo.toml` mends it"
            );
        }
    }
}
