//! `greeter` and `doorman`.

use super::gateway::{Gateway, command};

/// What the README tells to use.
const CONFIG: &str = include_str!("../../custom-plugin.toml");

#[tokio::test]
async fn its_source_is_served_to_those_its_authenticator_knows() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(directory.path(), CONFIG, &[]).await;
    let list = async |password| gateway.list_tools("greetings", ("x-password", password)).await;
    let (status, answer) = list("sesame").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["result"]["tools"][0]["name"], "greet");
    assert_eq!(
        answer["result"]["tools"][0]["description"],
        "Says \"Good morning\" to somebody."
    );
    assert_eq!(list("abracadabra").await.0, 401);

    let write = gateway.admin(reqwest::Method::DELETE, "tds/greet").send().await;
    assert_eq!(write.unwrap().status(), 405, "the source is read-only");
}

#[tokio::test]
async fn its_discovery_finds_what_its_signs_say() {
    let directory = tempfile::tempdir().unwrap();
    let signs =
        "[[discovery]]\ntype = \"signpost\"\nsigns = [\"weather=http://127.0.0.1:9/mcp\", \"nowhere\"]\n";
    let gateway = Gateway::start(directory.path(), &format!("{CONFIG}\n{signs}"), &[]).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let answer = gateway
            .admin(reqwest::Method::GET, "discovery")
            .send()
            .await
            .unwrap();
        let found = answer.json::<serde_json::Value>().await.unwrap()["data"][0].clone();
        if found["upstreams"][0]["id"] == "weather" {
            assert_eq!(found["skipped"][0]["reason"], "leads nowhere: write `name=URL`");
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{found}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[test]
fn its_settings_are_refused_by_key() {
    let signs = "[[discovery]]\ntype = \"signpost\"\nsigns = \"x\"\n";
    for (wrong, expected) in [
        (
            format!("{CONFIG}\n{signs}"),
            "discovery[0].signs: expected a list of texts",
        ),
        (
            CONFIG.replace("\"Good morning\"", "7"),
            "data_source.greeter.greeting: expected text that is not empty",
        ),
        (
            CONFIG.replace("greeting =", "greting ="),
            "data_source.greeter.greting: no such setting; there are: greeting",
        ),
        (
            CONFIG.replace("password = \"sesame\"", ""),
            "authenticator.doorman.password: must be given",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let output = command(directory.path(), &wrong).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr, format!("dynmcp: configuration: {expected}\n"));
    }
}
