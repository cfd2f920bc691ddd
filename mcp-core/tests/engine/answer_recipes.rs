//! The recipes of `docs/DEFINITIONS.md` for answers and credentials: each is loaded and called with its own example,
//! against a server that answers what its `mock` says.

use crate::{
    calling::{call_text, compile, content, text},
    upstream::Server,
};
use http::Response;
use mcp_core::engine::{CallResult, Engine, EngineSettings, SecretSettings, Secrets};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn read(file: &str) -> Value {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/definitions");
    serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

async fn mocked(definition: &Value) -> Server {
    let mock = definition["examples"][0]["mock"].clone();
    let status = u16::try_from(mock["status"].as_u64().unwrap()).unwrap();
    let kind = mock["headers"]["Content-Type"]
        .as_str()
        .unwrap_or("application/json")
        .to_owned();
    let body = match &mock["body"] {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    Server::answering(move |seen| {
        if seen.path() == "/token" {
            let token = json!({"access_token": "t1", "token_type": "bearer", "expires_in": 60});
            return Response::new(token.to_string().into());
        }
        let response = Response::builder().status(status).header("content-type", &kind);
        response.body(body.clone().into()).unwrap()
    })
    .await
}

async fn called(definition: &mut Value, engine: &Engine) -> (CallResult, Server) {
    let server = mocked(definition).await;
    definition["tds_ext_info"]["domain"] = json!(server.origin);
    let tool = compile(definition).unwrap().0;
    let arguments = definition["examples"][0]["arguments"].to_string();
    (call_text(engine, &tool, &arguments).await, server)
}

#[tokio::test]
async fn recipes_answer_what_their_page_says() {
    let engine = Engine::new(EngineSettings::default());
    let table = [
        (
            "shape-answer.json",
            false,
            "2 invoices of c7:\n- i1: 12.50, due 2026-12-01\n- i2: 7.00",
        ),
        (
            "errors-for-models.json",
            true,
            "There is no order A-1. Order numbers look like A-1234; search_orders finds them.\nTrying again will not help.",
        ),
        (
            "web-page.json",
            false,
            "Notice of the day:\nClosed\nuntil Monday & Tuesday",
        ),
    ];
    for (file, is_error, expected) in table {
        let (result, _) = called(&mut read(file), &engine).await;
        assert_eq!(
            (result.is_error, text(&result).as_str()),
            (is_error, expected),
            "{file}"
        );
    }
    let (result, _) = called(&mut read("long-lists.json"), &engine).await;
    let blocks = content(&result);
    assert_eq!(blocks[0]["text"], r#"{"cities":["Aarau","Basel","Bern"]}"#);
    let note = blocks[1]["text"].as_str().unwrap();
    assert!(
        note.starts_with("4 of 7 items of `cities` are left out"),
        "{note}"
    );
}

#[tokio::test]
async fn recipes_with_credentials_send_them() {
    let dir = std::env::temp_dir().join(format!("dynmcp-recipes-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("secret"), "pw").unwrap();
    let secrets = SecretSettings {
        file_dirs: vec![dir.clone()],
        ..SecretSettings::default()
    };
    let engine = Engine::new(EngineSettings {
        secrets: Secrets::new(secrets),
        ..EngineSettings::default()
    });
    let reference = json!(format!("${{file:{}}}", dir.join("secret").display()));

    let mut bearer = read("bearer-and-retry.json");
    bearer["tds_ext_info"]["auth"]["credential"] = reference.clone();
    let (result, server) = called(&mut bearer, &engine).await;
    assert!(!result.is_error, "{}", text(&result));
    assert_eq!(server.take().header("authorization"), Some("Bearer pw"));

    let mut oauth = read("oauth2.json");
    let endpoint = mocked(&oauth).await;
    oauth["tds_ext_info"]["auth"]["client_secret"] = reference;
    oauth["tds_ext_info"]["auth"]["token_url"] = json!(format!("{}/token", endpoint.origin));
    let (result, server) = called(&mut oauth, &engine).await;
    assert!(!result.is_error, "{}", text(&result));
    let seen = server.take();
    assert_eq!(seen.header("authorization"), Some("Bearer t1"));
    assert!(seen.header("idempotency-key").is_some());
    assert_eq!(
        endpoint.take().text(),
        "grant_type=client_credentials&scope=tickets%2Ewrite".replace("%2E", ".")
    );
    fs::remove_dir_all(&dir).unwrap();
}
