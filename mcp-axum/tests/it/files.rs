//! A gateway on a folder of files.

use crate::test_app::{TestApp, eventually};
use serde_json::json;
use tempfile::TempDir;

const TOOL: &str = "id: weather\nname: weather\ndescription: The weather.\ninput_schema: {}\n\
    tds_ext_info: {domain: api.example.com, method: GET, path: /weather}\n";

async fn on(folder: &TempDir, writable: &str) -> TestApp {
    TestApp::with(&[
        ("app.data_source", "file"),
        ("data_source.file.path", folder.path().to_str().unwrap()),
        ("data_source.file.writable", writable),
    ])
    .await
}

#[tokio::test]
async fn edits_are_live_and_a_broken_file_is_in_the_quarantine() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("weather.yaml");
    std::fs::write(&file, TOOL).unwrap();
    let app = on(&folder, "false").await;
    let shown = app.admin().get("/admin/tds/weather").await.ok().json();
    assert_eq!(shown["data"]["name"], "weather");

    std::fs::write(&file, format!("{TOOL}---\nname: i\nid: i\ntool_ids: [weather]\n")).unwrap();
    eventually("the instance is live", || {
        app.app().catalog.snapshot().instances.contains_key("i")
    })
    .await;
    assert_eq!(app.mcp("i").tool_names().await, ["weather"]);

    std::fs::write(&file, format!("{TOOL}tags: [\n")).unwrap();
    eventually("the fault is seen", || {
        !app.app().catalog.snapshot().quarantine.is_empty()
    })
    .await;
    let quarantine = app.admin().get("/admin/quarantine").await.data();
    let place = quarantine[0]["id"].as_str().unwrap();
    assert!(
        place.ends_with("weather.yaml:7") || place.ends_with("weather.yaml:6"),
        "{quarantine}"
    );
    assert_eq!(
        app.mcp("i").tool_names().await,
        ["weather"],
        "what was good is served"
    );
    std::fs::write(&file, TOOL).unwrap();
    eventually("the repair is seen", || {
        app.app().catalog.snapshot().quarantine.is_empty()
    })
    .await;
}

#[tokio::test]
async fn the_admin_api_writes_only_where_it_may() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("weather.yaml"), TOOL).unwrap();
    let instance = json!({"name": "i", "tool_ids": ["weather"]});
    let app = on(&folder, "false").await;
    let refused = app.admin().put("/admin/ids/i", &instance).await;
    assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    assert!(refused.error(405).contains("data_source.file.writable"));
    drop(app);

    let mut app = on(&folder, "true").await;
    app.admin().put("/admin/ids/i", &instance).await.ok();
    let refused = app.admin().delete("/admin/tds/weather").await.error(405);
    assert!(
        refused.contains("weather.yaml:1, which the gateway does not write"),
        "{refused}"
    );
    app.restart().await;
    assert_eq!(app.mcp("i").tool_names().await, ["weather"]);
    app.admin().delete("/admin/ids/i").await.ok();
    assert!(!folder.path().join("admin/ids/i.json").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn links_bring_nothing_from_elsewhere() {
    use std::os::unix::fs::symlink;
    let elsewhere = TempDir::new().unwrap();
    std::fs::write(elsewhere.path().join("credentials"), "s3cr3t: [\n").unwrap();
    std::fs::write(
        elsewhere.path().join("taken.yaml"),
        TOOL.replace("weather", "taken"),
    )
    .unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("weather.yaml"), TOOL).unwrap();
    symlink(elsewhere.path().join("credentials"), folder.path().join("a.yaml")).unwrap();
    symlink(elsewhere.path(), folder.path().join("team")).unwrap();
    symlink("/dev/zero", folder.path().join("zero.json")).unwrap();
    // Inside, as a ConfigMap has them.
    std::fs::create_dir(folder.path().join("..1")).unwrap();
    std::fs::write(folder.path().join("..1/sun.yaml"), TOOL.replace("weather", "sun")).unwrap();
    symlink("..1", folder.path().join("..data")).unwrap();
    symlink("..data/sun.yaml", folder.path().join("sun.yaml")).unwrap();
    let app = on(&folder, "false").await;
    let snapshot = app.app().catalog.snapshot();
    let tools: Vec<&str> = snapshot.tools.keys().map(|id| &**id).collect();
    assert_eq!(tools, ["sun", "weather"]);
    let quarantine = app.admin().get("/admin/quarantine").await.data();
    let text = quarantine.to_string();
    assert!(!text.contains("s3cr3t"), "{text}");
    for place in ["a.yaml", "team"] {
        let place = folder.path().join(place).display().to_string();
        assert!(
            text.contains(&place) && text.contains("a link leads out of the folder"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_reason_repeats_little_of_the_document() {
    let folder = TempDir::new().unwrap();
    let long = "x".repeat(100_000);
    let broken = [
        ("kind.json", format!("{{\"kind\": \"{long}\"}}")),
        ("id.json", format!("{{\"kind\": \"tds\", \"id\": [\"{long}\"]}}")),
        (
            "member.json",
            format!("{{\"kind\": \"tds\", \"tds_ext_info\": \"{long}\"}}"),
        ),
        ("tag.yaml", format!("kind: tds\nx: !{long} y\n")),
        (
            "number.toml",
            format!("kind = \"tds\"\nx = 1{}\n", "0".repeat(100_000)),
        ),
    ];
    for (name, text) in &broken {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let app = on(&folder, "false").await;
    let quarantine = app.admin().get("/admin/quarantine").await.data();
    assert!(
        quarantine.as_array().unwrap().len() >= 4,
        "{}",
        quarantine.to_string().len()
    );
    for entry in quarantine.as_array().unwrap() {
        assert!(entry.to_string().len() < 6_000, "{:.200}", entry.to_string());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_through_a_link_that_leads_out() {
    let elsewhere = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("weather.yaml"), TOOL).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("admin")).unwrap();
    let app = on(&folder, "true").await;
    let instance = json!({"name": "i", "tool_ids": ["weather"]});
    let refused = app.admin().put("/admin/ids/i", &instance).await.error(405);
    assert!(refused.contains("leads out of the folder"), "{refused}");
    assert!(std::fs::read_dir(elsewhere.path()).unwrap().next().is_none());
}
