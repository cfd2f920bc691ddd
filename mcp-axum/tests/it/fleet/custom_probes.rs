//! Endpoints are asked by programs.

use super::{endpoints, status, tool};
use crate::test_app::{TestApp, Upstream, eventually};
use mcp_core::fleet::EndpointStatus;
use serde_json::{Value, json};
use std::{fs, path::Path};
use tempfile::TempDir;

fn endpoint(app: &TestApp, place: usize) -> EndpointStatus {
    app.app().services.bases.status("billing").unwrap().remove(place)
}

/// A service with two endpoints, which a script is asked about.
async fn probed(app: &TestApp, script: &Path) -> (Vec<Upstream>, Value) {
    let upstreams = vec![Upstream::start().await, Upstream::start().await];
    let health = json!({"enabled": true, "interval_seconds": 1, "timeout_seconds": 1, "unhealthy_threshold": 1, "healthy_threshold": 1,
        "slow_start_seconds": 0, "probe": "exec", "settings": {"command": ["sh", script]}});
    let document = json!({"protocol": "http", "endpoints": endpoints(&upstreams), "health": health});
    app.admin().put("/admin/uds/billing", &document).await.ok();
    app.admin()
        .put("/admin/tds/t", &tool("GET", "/orders"))
        .await
        .ok();
    app.put_instance("i", &["t"]).await;
    (upstreams, document)
}

#[tokio::test]
async fn a_program_says_which_endpoint_is_well() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("probe.sh");
    fs::write(&script, "exit 0").unwrap();
    let app = TestApp::with(&[("stdio.allow", "sh")]).await;
    let (upstreams, _) = probed(&app, &script).await;
    // The one whose address the file has is ill.
    let ill = folder.path().join("ill");
    fs::write(&ill, upstreams[0].origin()).unwrap();
    let says = format!(
        "if [ \"$DYNMCP_ENDPOINT\" = \"$(cat {})\" ]; then echo \"$DYNMCP_UPSTREAM is ill\" >&2; exit 3; fi",
        ill.display()
    );
    fs::write(&script, says).unwrap();
    eventually("the program takes it out", || {
        endpoint(&app, 0).is_healthy == Some(false)
    })
    .await;
    assert_eq!(endpoint(&app, 1).is_healthy, Some(true));
    let (_, error) = endpoint(&app, 0).last_error.unwrap();
    assert_eq!(error, "`sh` ended with exit status: 3: billing is ill");
    for _ in 0..5 {
        assert_eq!(app.mcp("i").call("t", json!({})).await["isError"], false);
    }
    assert_eq!(upstreams[0].requests().len(), 0, "nothing else asks");
    // It is well, and a program that does not end says the contrary.
    fs::write(&ill, "nobody").unwrap();
    eventually("it is back", || endpoint(&app, 0).is_healthy == Some(true)).await;
    fs::write(&script, "sleep 600 & sleep 600").unwrap();
    eventually("a program that does not end is none", || {
        endpoint(&app, 1).is_healthy == Some(false)
    })
    .await;
    let (_, error) = endpoint(&app, 1).last_error.unwrap();
    assert_eq!(error, "no answer to a probe within 1s");
}

#[tokio::test]
async fn what_may_not_be_started_takes_nothing_out() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("probe.sh");
    fs::write(&script, "exit 1").unwrap();
    let app = TestApp::start().await;
    let (_upstreams, _) = probed(&app, &script).await;
    let problem = || endpoint(&app, 0).probe_problem;
    eventually("it is said why", || problem().is_some()).await;
    let told =
        "the program `sh` is not started: `stdio.allow` of the gateway's configuration does not name it";
    assert_eq!(problem().as_deref(), Some(told));
    let state = status(&app, "billing").await;
    assert_eq!(state["endpoints"][0]["healthy"], true);
    assert_eq!(state["endpoints"][0]["probe_problem"], told);
}

#[tokio::test]
async fn what_cannot_be_meant_is_named_with_its_place() {
    let app = TestApp::start().await;
    let with = |health: Value| json!({"protocol": "http", "url": "http://a.example", "health": health});
    for (health, expected) in [
        (
            json!({"probe": "exce", "settings": {"command": ["true"]}}),
            "health.probe: no health probe is called `exce`; there are: exec",
        ),
        (
            json!({"probe": "Exec"}),
            "health.probe: must be `mcp`, `http`, `exec`",
        ),
        (json!({"probe": "exec"}), "health.settings.command: is missing"),
        (
            json!({"probe": "exec", "settings": {"command": ["./here"]}}),
            "health.settings.command: must begin with a name that PATH leads to",
        ),
        (
            json!({"probe": "exec", "settings": {"command": ["true"], "comand": 1}}),
            "health.settings.comand: no such setting; there are: command",
        ),
        (
            json!({"probe": "exec", "path": "/health", "settings": {"command": ["true"]}}),
            "health.path: is what `http` asks for",
        ),
        (
            json!({"probe": "http", "settings": {"command": ["true"]}}),
            "health.settings: are for probes such as `exec`",
        ),
    ] {
        let refused = app
            .admin()
            .put("/admin/uds/u", &with(health.clone()))
            .await
            .error(400);
        assert!(refused.contains(expected), "{health}: {refused}");
    }
}
