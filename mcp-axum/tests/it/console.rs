//! The console's files, and the page at `/`. What people do with the console is tested in a browser (`tests/clients`).

use crate::test_app::TestApp;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

const CONSOLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../console");
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/console");
/// As in `console/scripts/stamp.mjs`.
const SOURCES: [&str; 7] = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "scripts",
    "public",
    "src",
];

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        return found.push(path.to_owned());
    }
    for entry in fs::read_dir(path).unwrap() {
        files(&entry.unwrap().path(), found);
    }
}

/// Of names and contents, in the order of names as bytes.
fn digest(root: &str, paths: &[PathBuf]) -> String {
    let mut named: Vec<(String, &PathBuf)> = paths
        .iter()
        .map(|path| {
            (
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/"),
                path,
            )
        })
        .collect();
    named.sort_unstable();
    let mut hash = Sha256::new();
    for (name, path) in named {
        let content = fs::read(path).unwrap();
        hash.update(format!("{name}\n{}\n", content.len()));
        hash.update(content);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn what_is_embedded_was_built_from_the_sources_that_are_there() {
    let mut sources = Vec::new();
    for name in SOURCES {
        files(&Path::new(CONSOLE).join(name), &mut sources);
    }
    let mut built = Vec::new();
    files(Path::new(BUILT), &mut built);
    built.retain(|path| !path.ends_with("stamp.txt"));
    let found = format!(
        "sources {}\nbuilt {}\n",
        digest(CONSOLE, &sources),
        digest(BUILT, &built)
    );
    let stamp = fs::read_to_string(Path::new(BUILT).join("stamp.txt")).unwrap();
    assert_eq!(
        stamp, found,
        "build the console again: cd console && npm ci && npm run build"
    );
}

#[tokio::test]
async fn every_built_file_is_served_under_a_policy_that_lets_nothing_in() {
    let app = TestApp::start().await;
    let mut built = Vec::new();
    files(Path::new(BUILT), &mut built);
    let names = built
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap());
    let served = names
        .filter(|name| *name != "stamp.txt")
        .map(|name| format!("/console/{name}"));
    for path in served.chain(["/console".to_owned()]) {
        let answer = app.anonymous().get(&path).await.ok();
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let tag = answer.header("etag").unwrap().to_owned();
        let client = app.anonymous();
        let again = client
            .request(reqwest::Method::GET, &path)
            .header("if-none-match", tag);
        assert_eq!(client.send(again).await.status, 304, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json_and_a_slash_too_many_leads_to_the_page() {
    let app = TestApp::start().await;
    for path in [
        "/console/nothing.js",
        "/console/..%2fdocs.js",
        "/console/stamp.txt",
    ] {
        let answer = app.anonymous().get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.json()["error"].as_str().unwrap().contains("/console"),
            "{path}"
        );
    }
    let answer = app.anonymous().get("/console/").await;
    assert!(answer.text.contains("<title>DynMCP console</title>"));
}

#[tokio::test]
async fn the_front_says_what_this_is_to_people_and_to_programs() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let page = client
        .request(reqwest::Method::GET, "/")
        .header("accept", "text/html,*/*;q=0.8");
    let page = client.send(page).await.ok();
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for link in ["console", "admin/docs", "admin/openapi.json", "readyz"] {
        assert!(page.text.contains(&format!("href=\"{link}\"")), "{link}");
        assert_eq!(client.get(&format!("/{link}")).await.status, 200, "{link}");
    }
    let said = client.get("/").await.ok().json();
    assert_eq!(said["data"]["console"], "/console");
    assert_eq!(client.get("/front.css").await.status, 200);
}

#[tokio::test]
async fn lists_can_be_narrowed_to_a_tag_and_clients_are_told_of_an_instance() {
    let app = TestApp::start().await;
    app.with_item_tools("i").await;
    let admin = app.admin();
    let first = admin.get("/admin/tds").await.ok().json()["data"][0].clone();
    let id = first["id"].as_str().unwrap();
    let mut tagged = first.clone();
    tagged["tags"] = json!(["only here"]);
    admin.put(&format!("/admin/tds/{id}"), &tagged).await.ok();
    let found = admin.get("/admin/tds?tag=only+here").await.ok().json();
    assert_eq!(found["data"].as_array().unwrap().len(), 1);
    assert_eq!(found["data"][0]["id"], id);
    assert_eq!(
        admin.get("/admin/tds?tag=only").await.ok().json()["data"],
        json!([])
    );

    let status = admin.get("/admin/status").await.ok().json();
    let all = admin.get("/admin/tds").await.ok().json()["data"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(status["data"]["definitions"]["tds"], all);

    let told = admin
        .get("/admin/ids/i/clients?url=https://gw.example.com/base/")
        .await
        .ok()
        .json();
    let told = told["data"].as_array().unwrap();
    assert!(told.len() > 5);
    for client in told {
        let text = client["text"].as_str().unwrap();
        assert!(
            text.contains("https://gw.example.com/base/mcp/i") && text.contains("Bearer KEY"),
            "{text}"
        );
    }
    assert_eq!(admin.get("/admin/ids/i/clients?url=gw").await.status, 400);
    assert_eq!(admin.get("/admin/ids/i/clients").await.status, 400);
    assert_eq!(
        admin.get("/admin/ids/none/clients?url=http://h").await.status,
        404
    );
}
