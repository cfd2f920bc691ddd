//! The recipes of `docs/DEFINITIONS.md` (`examples/definitions`): each is loaded and called with its own example.

use crate::{
    calling::{call_text, compile, engine, text},
    parts::parse,
    upstream::{Seen, Server},
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples/definitions")
}

fn read(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

/// The request that the recipe's example makes.
async fn sent(file: &str) -> Seen {
    let server = Server::start().await;
    let text_of = read(file);
    let mut definition: Value = serde_json::from_str(&text_of).unwrap();
    definition["tds_ext_info"]["domain"] = json!(server.origin);
    definition.as_object_mut().unwrap().remove("id");
    let (tool, warnings) = compile(&definition).unwrap();
    assert!(warnings.is_empty(), "{file}: {warnings:?}");
    let arguments = definition["examples"][0]["arguments"].to_string();
    let result = call_text(&engine(), &tool, &arguments).await;
    assert!(!result.is_error, "{file}: {}", text(&result));
    server.take()
}

#[tokio::test]
async fn every_recipe_compiles() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let definition: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            compile(&definition).unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
            count += 1;
        }
    }
    assert!(count >= 8, "{count}");
}

#[tokio::test]
async fn recipes_send_what_their_page_says() {
    let table = [
        (
            "query-arrays.json",
            "GET /products/;ids=7;ids=9?color=blue&color=light%20green&sizes=S,M&labels=new%7Csale&price%5Bgte%5D=9.5&price%5Blte%5D=20&geo=%7B%22type%22%3A%22Point%22%2C%22coordinates%22%3A%5B8.54%2C47.37%5D%7D",
            "",
        ),
        (
            "nested-body.json",
            "POST /v2/customers/c%2F17/tickets",
            r#"{"ticket":{"comments":[{"body":"The kettle \"sings\"."}],"priority":2,"source":{"channel":"assistant","instance":"support"}}}"#,
        ),
        (
            "body-template.json",
            "POST /messages",
            r#"{"recipients":[{"address":"ada@example.com"}],"subject":"Message from alice","content":{"type":"text","value":"\"}, {\"x\": \""},"options":{"priority":"high","urgent":true}}"#,
        ),
        (
            "array-body.json",
            "POST /tables/prices/rows?dry_run=true",
            r#"[{"sku":"tea","price":1.1},{"sku":"pot","price":null}]"#,
        ),
        (
            "form-nested.json",
            "POST /v1/checkout/sessions",
            "mode=payment&customer=Ada%20%26%20Co&line_items%5B0%5D%5Bprice%5D=p_1&line_items%5B0%5D%5Bquantity%5D=2&line_items%5B1%5D%5Bprice%5D=p_2&line_items%5B1%5D%5Bquantity%5D=1&metadata%5Border%20id%5D=6735&payment_methods=card,invoice",
        ),
        ("raw-upload.json", "PUT /objects/logos%2Ftea.png", "hello"),
        (
            "hidden-values.json",
            "GET /shops/tea%20%26%20co/orders?api-version=2024-10&limit=20",
            "",
        ),
    ];
    for (file, line, body) in table {
        let seen = sent(file).await;
        assert_eq!(format!("{} {}", seen.method, seen.target), line, "{file}");
        assert_eq!(seen.text(), body, "{file}");
    }
}

#[tokio::test]
async fn the_recipe_for_hidden_values_shows_none_of_them() {
    let seen = sent("hidden-values.json").await;
    assert_eq!(seen.header("x-asked-by"), Some("alice"));
    assert_eq!(seen.header("cookie"), Some("sid=assistant"));
    let (tool, _) = compile(&serde_json::from_str(&read("hidden-values.json")).unwrap()).unwrap();
    let listed = tool.listing("t", None, false);
    assert!(
        !listed.contains("shop\"") && !listed.contains("2024-10"),
        "{listed}"
    );
}

#[tokio::test]
async fn the_recipe_for_files_sends_parts() {
    let seen = sent("upload-files.json").await;
    let shown: Vec<String> = parse(&seen)
        .await
        .into_iter()
        .map(|(name, file, kind, _, content)| {
            format!("{name} {file:?} {kind:?} {}", String::from_utf8_lossy(&content))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "number None None R-1",
            r#"details None Some("application/json") {"net":9.5}"#,
            r#"file Some("R-1.pdf") Some("application/pdf") %PDF-"#,
            "page Some(\"page-1\") Some(\"image/png\") \u{fffd}PNG",
            "page Some(\"page-2\") Some(\"image/png\") \u{fffd}PNG",
        ]
    );
}
