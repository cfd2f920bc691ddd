//! The documents in `docs/UPSTREAMS.md` and `examples/aggregate` are taken as they stand.

use crate::test_app::TestApp;
use mcp_plugin::datasource::file;
use serde_json::Value;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All documents of the blocks of this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = text.split(&*begin).skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

async fn is_taken(app: &TestApp, name: &Path, text: &[u8]) -> usize {
    let said = || String::from_utf8_lossy(text);
    let read = file::read_text(name, text).unwrap_or_else(|problem| panic!("{problem}:\n{}", said()));
    for (key, body) in &read {
        let document: Value = serde_json::from_slice(body).unwrap();
        let path = format!("/admin/{}/{}?dry_run=true", key.kind.path_segment(), key.id);
        app.admin().put(&path, &document).await.ok();
    }
    read.len()
}

#[tokio::test]
async fn every_document_of_the_page_is_one() {
    let app = TestApp::start().await;
    let page = std::fs::read_to_string(root().join("docs/UPSTREAMS.md")).unwrap();
    let mut seen = 0;
    for block in blocks(&page, "yaml") {
        seen += is_taken(&app, Path::new("page.yaml"), block.as_bytes()).await;
    }
    assert!(seen >= 8, "the page has documents: {seen}");
}

#[tokio::test]
async fn every_document_of_the_example_is_one() {
    let app = TestApp::start().await;
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("examples/aggregate")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            seen += is_taken(&app, &path, &std::fs::read(&path).unwrap()).await;
        }
    }
    assert_eq!(seen, 3);
}
