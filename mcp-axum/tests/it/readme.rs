//! What the READMEs tell people to paste is run as it stands; only address and key are put in.

use crate::test_app::TestApp;
use serde_json::Value;
use std::process::Command;

/// The shell blocks of a page that talk to a running gateway.
fn curl_blocks(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("../{page}")).unwrap();
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
    blocks
        .filter(|block| block.starts_with("curl "))
        .map(str::to_owned)
        .collect()
}

/// Runs a block line by line (a quoted body may span lines) and returns what each command printed.
async fn run(app: &TestApp, block: &str) -> Vec<Value> {
    let here = |text: &str| text.replace("localhost:8080", &app.address().to_string());
    let directory = app.directory().to_owned();
    // A document that a command sends from a file names the gateway's address too.
    for file in block
        .split('@')
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
    {
        let text = std::fs::read_to_string(format!("../{file}")).unwrap();
        std::fs::create_dir_all(directory.join(file).parent().unwrap()).unwrap();
        std::fs::write(directory.join(file), here(&text)).unwrap();
    }
    let block = here(block).replace("your-secret-api-key", app.admin_key());
    let block = block.replace("curl ", "curl --silent --show-error --fail-with-body ");
    let script = block.replace("\ncurl ", "\necho\ncurl ");
    let shell = move || {
        Command::new("sh")
            .args(["-e", "-c", &script])
            .current_dir(&directory)
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(shell).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{block}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn a_page_leads_to_a_first_call(page: &str) {
    let app = TestApp::start().await;
    let mut answers = Vec::new();
    for block in curl_blocks(page) {
        answers.extend(run(&app, &block).await);
    }
    assert_eq!(answers.len(), 3, "{page}: {answers:?}");
    assert_eq!(
        (&answers[0]["code"], &answers[1]["code"]),
        (&Value::from(200), &Value::from(200)),
        "{answers:?}"
    );
    let result = &answers[2]["result"];
    assert_eq!(result["structuredContent"]["data"], "OK", "{page}: {result}");
    assert_eq!(result["isError"], false);
}

#[tokio::test]
async fn the_five_minutes_of_the_readme_work() {
    a_page_leads_to_a_first_call("README.md").await;
}

#[tokio::test]
async fn the_five_minutes_of_the_chinese_readme_work() {
    a_page_leads_to_a_first_call("README-CN.md").await;
}

#[tokio::test]
async fn the_first_tool_example_works() {
    a_page_leads_to_a_first_call("examples/first-tool/README.md").await;
}

#[test]
fn both_readmes_show_the_same_commands() {
    assert_eq!(curl_blocks("README.md"), curl_blocks("README-CN.md"));
}
