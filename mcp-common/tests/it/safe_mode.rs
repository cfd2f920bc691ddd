//! Processes that die while they compile. They are this test's own binary: a compiler that kills is nowhere else.

use super::fixture::{instance, tool};
use mcp_common::{
    catalog::{Catalog, Compile, Compiled, ToolEntry},
    datasource::{Load, Record},
    definition::{InstanceDefinition, ToolDefinition, instance::ToolOverrides},
    key::Key,
    problem::Problems,
    safe_mode::{SafeMode, Trial, Verdict},
};
use serde_json::{Value, json};
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

/// Where a process that is to die has its journal.
const DIRECTORY: &str = "DYNMCP_TEST_SAFE_MODE";
/// How it tries suspects: `process` or not at all.
const TRIAL: &str = "DYNMCP_TEST_TRIAL";
const TOOLS: usize = 20_000;

struct Deadly(Option<SafeMode>);

impl Compile for Deadly {
    type Tool = ();

    fn compile(&self, definition: &ToolDefinition) -> Result<Compiled<()>, Problems> {
        if definition.description == "kills" {
            std::process::abort();
        }
        let warnings = Vec::new();
        Ok(Compiled { tool: (), warnings })
    }

    fn with_overrides(&self, _: &ToolEntry<()>, overrides: &Arc<ToolOverrides>) -> Result<(), Problems> {
        if overrides.hide.contains(&"kills".to_owned()) {
            std::process::abort();
        }
        Ok(())
    }

    fn check_needs(&self, _: &ToolEntry<()>, _: &InstanceDefinition) -> Result<(), Problems> {
        Ok(())
    }

    fn safe_mode(&self) -> Option<&SafeMode> {
        self.0.as_ref()
    }
}

struct OwnProcess;

impl Trial for OwnProcess {
    fn run(&self, _key: &Key, body: &[u8]) -> Verdict {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let tried = child("compiles_one")
            .env("DYNMCP_TEST_BODY", body)
            .output()
            .unwrap();
        match tried.status.code() {
            Some(_) => Verdict::Survived,
            None => Verdict::Died(tried.status.to_string()),
        }
    }
}

fn record(key: Key, body: &Value) -> Record {
    Record {
        key,
        revision: 1,
        updated_at: None,
        body: body.to_string().into(),
    }
}

fn load(tools: usize, of: impl Fn(usize) -> Value, others: Vec<Record>) -> Load {
    let tool = |number: usize| record(Key::tool(format!("t{number}")), &of(number));
    Load {
        revision: 1,
        records: (0..tools).map(tool).chain(others).collect(),
        unreadable: Vec::new(),
    }
}

fn child(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &format!("safe_mode::{name}"), "--nocapture"]);
    command
}

fn run(name: &str, directory: &Path, trial: &str) -> Output {
    child(name)
        .env(DIRECTORY, directory)
        .env(TRIAL, trial)
        .output()
        .unwrap()
}

/// `None` in the ordinary course of the tests.
fn safe_mode() -> Option<SafeMode> {
    let directory = PathBuf::from(env::var_os(DIRECTORY)?);
    let trial: Option<Arc<dyn Trial>> = match env::var(TRIAL).unwrap() == "process" {
        true => Some(Arc::new(OwnProcess)),
        false => None,
    };
    Some(SafeMode::open(&directory, trial).unwrap())
}

#[test]
fn compiles_one() {
    if let Some(body) = env::var_os("DYNMCP_TEST_BODY") {
        let body: Value = serde_json::from_str(&body.into_string().unwrap()).unwrap();
        Catalog::new(Deadly(None)).replace(load(1, |_| body.clone(), Vec::new()));
    }
}

#[test]
fn loads_very_many() {
    let Some(safe_mode) = safe_mode() else { return };
    let catalog = Catalog::new(Deadly(Some(safe_mode)));
    catalog.replace(load(
        TOOLS,
        |number| {
            tool(
                &format!("t{number}"),
                if number == 17_777 { "kills" } else { "Fine." },
                &[],
            )
        },
        Vec::new(),
    ));
    let snapshot = catalog.snapshot();
    assert_eq!(snapshot.tools.len(), TOOLS - 1);
    let bad = snapshot.quarantined(&Key::tool("t17777")).unwrap();
    assert!(
        bad.reason.contains("while it compiled this version"),
        "{}",
        bad.reason
    );
    assert!(bad.document.is_some());
}

#[test]
fn loads_an_instance() {
    let Some(safe_mode) = safe_mode() else { return };
    let catalog = Catalog::new(Deadly(Some(safe_mode)));
    let mut killing = instance(&[], &[]);
    killing["tool_ids"] = json!([{"id": "t0", "hide": ["kills"]}, "t1"]);
    let others = vec![
        record(Key::instance("killing"), &killing),
        record(Key::instance("fine"), &instance(&["t0"], &[])),
    ];
    catalog.replace(load(
        2,
        |number| tool(&format!("t{number}"), "Fine.", &[]),
        others,
    ));
    let snapshot = catalog.snapshot();
    assert_eq!(snapshot.instances["fine"].selection.tools.len(), 1);
    assert_eq!(snapshot.instances["killing"].selection.tools.len(), 1);
    assert!(snapshot.quarantined(&Key::instance("killing")).is_some());
}

#[test]
fn a_catalog_of_very_many_with_one_killer_starts_after_one_death() {
    let directory = tempfile::tempdir().unwrap();
    let killed = run("loads_very_many", directory.path(), "process");
    assert_eq!(killed.status.code(), None, "{killed:?}");
    let started = run("loads_very_many", directory.path(), "process");
    assert!(started.status.success(), "{started:?}");
    // It is known now.
    let again = run("loads_very_many", directory.path(), "none");
    assert!(again.status.success(), "{again:?}");
}

#[test]
fn where_nothing_can_be_tried_elsewhere_two_deaths_tell() {
    for name in ["loads_very_many", "loads_an_instance"] {
        let directory = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let killed = run(name, directory.path(), "none");
            assert_eq!(killed.status.code(), None, "{name}: {killed:?}");
        }
        let started = run(name, directory.path(), "none");
        assert!(started.status.success(), "{name}: {started:?}");
    }
}
