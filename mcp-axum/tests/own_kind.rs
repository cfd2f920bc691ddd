//! A kind of definitions that this test brings, through everything that the gateway does with definitions. Adding a kind is
//! a row, its definition and its entry; nothing of the gateway names it. (Data sources: the contract suite's
//! `every_kind_is_kept`.)
#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

#[path = "it"]
mod it {
    #[allow(
        dead_code,
        unused_imports,
        unreachable_pub,
        reason = "the tools of all tests, of which this one needs some"
    )]
    pub(crate) mod test_app;
}

use it::test_app::{Answer, Client, TestApp};
use mcp_common::{
    inventory,
    key::{Key, Kind, KindEntry},
    testsuite::{NOTES, Note},
};
use reqwest::Method;
use serde_json::{Value, json};

inventory::submit! { KindEntry(&NOTES) }

fn key(id: &str) -> Key {
    Key {
        kind: Kind::of(&NOTES),
        id: id.into(),
    }
}

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    client.send(client.request(Method::POST, path).json(body)).await
}

#[tokio::test]
async fn the_admin_api_serves_it_like_any_other() {
    let mut app = TestApp::sqlite().await;
    let admin = app.admin();
    let first = admin
        .put("/admin/nds/a%20b", &json!({"note_text": "one", "more": 1.50}))
        .await
        .ok();
    assert_eq!(
        first.json()["warnings"],
        json!(["more: unknown member, kept but not used"])
    );
    assert_eq!(admin.get("/admin/nds/a%20b").await.data()["note_text"], "one");
    assert_eq!(
        app.app().catalog.snapshot().documents(Kind::of(&NOTES)).unwrap()["a b"]
            .definition::<Note>()
            .unwrap()
            .note_text,
        "one"
    );

    let refused = admin.put("/admin/nds/a%20b", &json!({"note_text": ""})).await;
    let refusal = refused.error(400);
    assert!(refusal.contains("note_text: must say something"), "{refusal}");
    let strict = admin
        .put("/admin/nds/x?strict=true", &json!({"note_text": "x", "more": 1}))
        .await;
    let refusal = strict.error(400);
    assert!(refusal.contains("more: unknown member"), "{refusal}");
    let dry = admin
        .put("/admin/nds/x?dry_run=true", &json!({"note_text": "x"}))
        .await
        .ok();
    assert_eq!(dry.data()["note_text"], "x");
    let stale = admin
        .put_if(
            "/admin/nds/a%20b",
            &json!({"note_text": "x"}),
            first.revision() + 7,
        )
        .await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    let verified = admin
        .put("/admin/nds/x?verify=mock", &json!({"note_text": "x"}))
        .await;
    let refusal = verified.error(400);
    assert!(refusal.contains("only tools have examples"), "{refusal}");

    admin
        .put("/admin/nds/a%20b", &json!({"note_text": "two"}))
        .await
        .ok();
    admin
        .put("/admin/nds/z", &json!({"note_text": "last", "name": "Findable"}))
        .await
        .ok();
    let page = admin.get("/admin/nds?limit=1").await.ok().json();
    assert_eq!(page["data"][0]["id"], "a b");
    let rest = admin
        .get(&format!(
            "/admin/nds?cursor={}",
            page["next_cursor"].as_str().unwrap()
        ))
        .await;
    assert_eq!(rest.data()[0]["id"], "z");
    assert_eq!(admin.get("/admin/nds?q=findABLE").await.data()[0]["id"], "z");

    let history = admin.get("/admin/nds/a%20b/history").await.data();
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    let diff = admin
        .get(&format!("/admin/nds/a%20b/history/{}/diff", first.revision()))
        .await
        .ok();
    assert!(diff.text.contains("note_text"), "{}", diff.text);
    post(
        &admin,
        "/admin/nds/a%20b/rollback",
        &json!({"revision": first.revision()}),
    )
    .await
    .ok();
    assert_eq!(admin.get("/admin/nds/a%20b").await.data()["note_text"], "one");

    app.restart().await;
    let admin = app.admin();
    assert_eq!(admin.get("/admin/nds/a%20b").await.data()["more"], json!(1.50));
    let deleted = admin.delete("/admin/nds/a%20b").await.ok();
    assert_eq!(deleted.data(), "NDS `a b` delete result: true");
    assert_eq!(admin.get("/admin/nds/a%20b").await.status, 404);
    assert_eq!(
        admin.get("/admin/tds").await.data(),
        json!([]),
        "it is nobody else's"
    );
}

#[tokio::test]
async fn a_bad_one_is_quarantined_and_the_last_good_version_stays() {
    let app = TestApp::start().await;
    let admin = app.admin();
    let good = admin
        .put("/admin/nds/n", &json!({"note_text": "good"}))
        .await
        .ok()
        .revision();
    let bad = app.store(key("n"), r#"{"note_text": 5}"#).await;
    let found = admin.get("/admin/quarantine").await.data();
    let finding = &found[0];
    assert_eq!(
        (&finding["kind"], &finding["id"], &finding["revision"]),
        (&json!("NDS"), &json!("n"), &json!(bad)),
        "{found}"
    );
    assert_eq!(finding["serving_revision"], good);
    let shown = admin.get("/admin/nds/n").await.ok().json();
    assert_eq!(shown["data"]["note_text"], "good");
    assert!(
        shown["warnings"][0].as_str().unwrap().contains("is quarantined"),
        "{shown}"
    );

    app.store(key("n"), r#"{"note_text": "mended"}"#).await;
    assert_eq!(admin.get("/admin/quarantine").await.data(), json!([]));
    assert_eq!(admin.get("/admin/nds/n").await.data()["note_text"], "mended");
}

#[tokio::test]
async fn plans_and_exports_have_it_before_what_may_name_it() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let definitions = json!([
        {"kind": "ids", "id": "i", "document": {"name": "I", "tool_ids": ["t"]}},
        {"kind": "tds", "id": "t", "document": {"name": "t", "description": "A tool.",
            "tds_ext_info": {"domain": "127.0.0.1:1", "method": "GET", "path": "/"}}},
        {"kind": "note", "id": "wrong word", "document": {"note_text": "n"}},
    ]);
    let plan = post(&admin, "/admin/plan", &json!({"definitions": definitions}))
        .await
        .data();
    assert!(
        plan["problems"][0]["reason"]
            .as_str()
            .unwrap()
            .contains("write `nds`, `secrets`, `uds`, `tds`, `ids`, `roles` or `keys`"),
        "{plan}"
    );
    let mut wanted = definitions;
    wanted[2] = json!({"kind": "nds", "id": "n", "document": {"readers": ["me"], "note_text": "n"}});
    let mut request = json!({"definitions": wanted, "options": {"owner": "team", "prune": "owned"}});
    let applied = post(&admin, "/admin/apply", &request).await.ok();
    assert_eq!(applied.data()["created"], json!(["nds/n", "tds/t", "ids/i"]));

    let exported = admin.get("/admin/export").await.data();
    let lists: Vec<&String> = exported.as_object().unwrap().keys().collect();
    assert_eq!(
        lists,
        ["nds", "secrets", "uds", "tds", "ids", "roles", "keys", "skipped"]
    );
    assert_eq!(exported["nds"][0]["note_text"], "n");

    // What an author's files hold, once more: nothing to do; without one: it goes, after what may name it.
    let again = post(&admin, "/admin/plan", &request).await.data();
    assert_eq!(again["unchanged"].as_array().unwrap().len(), 3, "{again}");
    request["definitions"] = json!([]);
    let removed = post(&admin, "/admin/apply", &request).await.ok();
    assert_eq!(removed.data()["removed"], json!(["ids/i", "tds/t", "nds/n"]));
}

#[tokio::test]
async fn it_is_described_and_has_a_schema() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    let api = client.get("/admin/openapi.json").await.ok().json();
    let methods = |path: &str| -> Vec<&String> { api["paths"][path].as_object().unwrap().keys().collect() };
    assert_eq!(methods("/admin/nds/{id}"), methods("/admin/ids/{id}"));
    assert_eq!(api["paths"]["/admin/nds/{id}"]["put"]["operationId"], "put_note");
    assert_eq!(
        api["components"]["schemas"]["NoteDocument"]["required"],
        json!(["note_text"])
    );
    assert_eq!(
        api["tags"][0],
        json!({"name": "notes", "description": "Notes, which only tests have"})
    );
    assert!(!api.to_string().contains("KIND"), "words that were not replaced");

    let schema = client.get("/admin/schema/nds.json").await.ok().json();
    assert!(jsonschema::is_valid(&schema, &json!({"note_text": "x"})));
    let file = client
        .get("/admin/schema/file.json?strict=true")
        .await
        .ok()
        .json();
    let fits = |document: Value| jsonschema::is_valid(&file, &document);
    assert!(fits(json!({"note_text": "x", "readers": ["a"]})));
    assert!(
        !fits(json!({"note_text": "x", "readers": 5})),
        "recognised by its telling member"
    );
    assert!(fits(json!({"nds": [{"note_text": "x"}], "tds": []})));
    assert!(!fits(json!({"nds": [{"readers": []}]})));
    let unknown = client.get("/admin/schema/xds.json").await;
    let refusal = unknown.error(404);
    assert!(refusal.contains("/admin/schema/nds.json for notes"), "{refusal}");
}

#[tokio::test]
async fn files_hold_it_too() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::create_dir(path.join("nds")).unwrap();
    std::fs::write(path.join("nds/by-folder.yaml"), "note_text: a").unwrap();
    std::fs::write(path.join("told.yaml"), "note_text: b").unwrap();
    std::fs::write(
        path.join("lists.json"),
        r#"{"nds": [{"id": "listed", "note_text": "c"}], "tds": []}"#,
    )
    .unwrap();
    std::fs::write(
        path.join("stated.toml"),
        "kind = 'note'\nid = 'stated'\nnote_text = 'd'",
    )
    .unwrap();
    std::fs::write(path.join("unclear.yaml"), "text: e").unwrap();
    let app = TestApp::with(&[
        ("app.data_source", "file"),
        ("data_source.file.path", path.to_str().unwrap()),
        ("data_source.file.writable", "true"),
    ])
    .await;
    let admin = app.admin();
    let ids: Vec<String> = admin
        .get("/admin/nds")
        .await
        .data()
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["by-folder", "listed", "stated", "told"]);
    let unclear = admin.get("/admin/quarantine").await.text;
    assert!(
        unclear.contains(
            "cannot tell whether this is a note, a secret, an upstream, a tool, an instance, a role or a key"
        ),
        "{unclear}"
    );
    admin.put("/admin/nds/new", &json!({"note_text": "f"})).await.ok();
    assert!(path.join("admin/nds/new.json").exists());
}
