//! Importing again is an update.

use crate::workshop::{Workshop, options};
use mcp_common::key::Key;
use mcp_core::authoring::import::{Format, ImportOptions};
use serde_json::json;

const PETSTORE: &str = include_str!("fixtures/petstore-3.0.yaml");

fn imported() -> Workshop {
    let mut workshop = Workshop::default();
    workshop.import(PETSTORE, &options());
    workshop
}

#[test]
fn the_same_document_again_changes_nothing() {
    let workshop = imported();
    let (plan, report) = workshop.plan(Format::OpenApi, PETSTORE, &options()).unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    assert!(report.created.is_empty() && report.changed.is_empty() && report.conflicts.is_empty());
    assert_eq!(report.unchanged.len(), 9, "{report}");
}

#[test]
fn a_source_is_stored_without_its_credentials_and_known_again_when_they_change() {
    let from = |source: &str| ImportOptions {
        source: Some(source.to_owned()),
        ..options()
    };
    let mut workshop = Workshop::default();
    workshop.import(
        PETSTORE,
        &from("https://ann:hunter2@h.example/pets.yaml?v=2&token=hunter2"),
    );
    let stored = workshop.shown().to_string();
    assert!(!stored.contains("hunter2"), "{stored}");
    let id = "pets.get_pets_pet-id";
    assert_eq!(
        workshop.tool(id)["source"]["url"],
        "https://h.example/pets.yaml?v=2"
    );
    let report = workshop.import(
        PETSTORE,
        &from("https://bob:other@h.example/pets.yaml?v=2&token=other"),
    );
    assert_eq!(
        (report.unchanged.len(), report.conflicts.len()),
        (9, 0),
        "{report}"
    );

    // Stored before this was so.
    workshop.edit(id, |tool| {
        tool["source"]["url"] = json!("https://ann:hunter2@h.example/pets.yaml?v=2&token=hunter2");
    });
    let report = workshop.import(PETSTORE, &from("https://h.example/pets.yaml?v=2"));
    assert_eq!(
        (&report.changed[..], report.unchanged.len()),
        (&[id.to_owned()][..], 8),
        "{report}"
    );
    assert_eq!(
        workshop.tool(id)["source"]["url"],
        "https://h.example/pets.yaml?v=2"
    );
}

#[test]
fn tools_that_lose_their_credential_are_told_of() {
    const OPEN: &str = r#"{"openapi":"3.1.0","info":{"title":"t","version":"1"},"servers":[{"url":"https://a.example"}],
        "paths":{"/a":{"get":{"operationId":"a"}},"/b":{"get":{"operationId":"b"}}}}"#;
    let with = |auth: &str| ImportOptions {
        auth: Some(auth.parse().unwrap()),
        ..options()
    };
    let mut workshop = Workshop::default();
    let mut told = |options: &ImportOptions| {
        let report = workshop.import(OPEN, options);
        let mut notes = report.notes.iter();
        notes.any(|note| note.starts_with("2 tools lose their credential"))
    };
    let bearer = with("bearer:${env:DYNMCP_SECRET_PETS}");
    let steps = [
        (&bearer, false),
        (&options(), true),
        (&options(), false),
        (&bearer, false),
        // Somebody who says so knows.
        (&with("none"), false),
    ];
    for (step, (options, expected)) in steps.into_iter().enumerate() {
        assert_eq!(told(options), expected, "step {step}");
    }
}

#[test]
fn only_what_changed_changes() {
    let mut workshop = imported();
    let before = workshop.shown();
    let report = workshop.import(&PETSTORE.replace("Looks up one pet", "Finds one pet"), &options());
    assert_eq!(report.changed, ["pets.get_pets_pet-id"]);
    assert_eq!(report.unchanged.len(), 8);
    let after = workshop.shown();
    for (key, document) in before.as_object().unwrap() {
        let is_it = key.contains("get_pets_pet-id");
        assert_eq!(after[key] != *document, is_it, "{key}");
    }
    assert_eq!(
        workshop.tool("pets.get_pets_pet-id")["description"],
        "Finds one pet"
    );
}

#[test]
fn edits_by_hand_are_kept_beside_changes_of_the_document() {
    let mut workshop = imported();
    workshop.edit("pets.get_pets_pet-id", |tool| {
        tool["description"] = json!("Mine.");
        tool["enabled"] = json!(false);
        tool["tds_ext_info"]["timeout_ms"] = json!(100);
    });
    let kept = workshop.import(PETSTORE, &options());
    assert!(kept.changed.is_empty() && kept.conflicts.is_empty(), "{kept}");
    let moved = PETSTORE.replace(
        "{pet-id}:\n",
        "{pet-id}:\n    servers: [{url: 'https://new.example.com'}]\n",
    );
    let report = workshop.import(&moved, &options());
    assert!(
        report.changed.contains(&"pets.get_pets_pet-id".to_owned()) && report.conflicts.is_empty(),
        "{report}"
    );
    let tool = workshop.tool("pets.get_pets_pet-id");
    assert_eq!(
        (&tool["description"], &tool["enabled"]),
        (&json!("Mine."), &json!(false))
    );
    assert_eq!(tool["tds_ext_info"]["timeout_ms"], 100);
    assert_eq!(tool["tds_ext_info"]["base_url"], "https://new.example.com");
}

#[test]
fn both_sides_changed_is_a_conflict_until_somebody_decides() {
    let mut workshop = imported();
    workshop.edit("pets.get_pets_pet-id", |tool| tool["title"] = json!("Mine"));
    let changed = PETSTORE.replace("Looks up one pet", "Finds one pet");
    for _ in 0..2 {
        let report = workshop.import(&changed, &options());
        assert_eq!(report.conflicts.len(), 1, "{report}");
        assert_eq!(report.conflicts[0].operation, "GET /pets/{pet-id}");
        assert!(report.conflicts[0].reason.contains("`title`"), "{report}");
        let tool = workshop.tool("pets.get_pets_pet-id");
        assert_eq!(
            (&tool["title"], &tool["description"]),
            (&json!("Mine"), &json!("Finds one pet"))
        );
    }
    workshop.edit("pets.get_pets_pet-id", |tool| {
        tool["title"] = json!("Finds one pet")
    });
    assert!(workshop.import(&changed, &options()).conflicts.is_empty());
    assert_eq!(workshop.import(&changed, &options()).unchanged.len(), 9);
}

#[test]
fn what_disappeared_is_reported_and_pruned_on_request() {
    let mut workshop = imported();
    let less = PETSTORE
        .replace("/note:", "/x-note:")
        .replace("operationId: setNote", "operationId: setRemark");
    let report = workshop.import(&less, &options());
    assert_eq!(
        (report.disappeared.as_slice(), report.created.as_slice()),
        (
            &["pets.setNote".to_owned()][..],
            &["pets.setRemark".to_owned()][..]
        )
    );
    assert!(report.removed.is_empty());
    workshop.tool("pets.setNote");
    let report = workshop.import(
        &less,
        &ImportOptions {
            prune: true,
            ..options()
        },
    );
    assert_eq!(report.removed, ["pets.setNote"]);
    assert!(
        !workshop.shown().to_string().contains("setNote"),
        "also out of the instance"
    );
}

#[test]
fn what_is_left_out_this_time_is_not_gone() {
    let mut workshop = imported();
    let some = ImportOptions {
        include: vec!["listPets".parse().unwrap()],
        prune: true,
        ..options()
    };
    let report = workshop.import(PETSTORE, &some);
    assert_eq!(
        (
            report.removed.len(),
            report.disappeared.len(),
            report.unchanged.len()
        ),
        (0, 0, 1),
        "{report}"
    );
}

#[test]
fn other_sources_and_instances_are_left_alone() {
    let mut workshop = imported();
    let other = ImportOptions {
        instance: "other".to_owned(),
        prune: true,
        ..options()
    };
    assert_eq!(workshop.import(PETSTORE, &other).created.len(), 9);
    let elsewhere = ImportOptions {
        source: Some("else.yaml".to_owned()),
        prune: true,
        ..options()
    };
    let report = workshop.import(
        "openapi: 3.0.0\nservers: [{url: 'http://a'}]\npaths: {/x: {get: {}}}",
        &elsewhere,
    );
    assert_eq!((report.created.len(), report.removed.len()), (1, 0));
    assert_eq!(workshop.import(PETSTORE, &options()).unchanged.len(), 9);
}

#[test]
fn a_definition_with_the_id_that_is_not_an_import_is_not_touched() {
    let mut workshop = Workshop::default();
    let mine = json!({"name": "mine", "description": "d", "tds_ext_info": {"domain": "a", "method": "GET", "path": "/"}});
    workshop.put(Key::tool("pets.listPets"), &mine);
    let report = workshop.import(PETSTORE, &options());
    assert_eq!(report.conflicts[0].id, "pets.listPets");
    assert_eq!(workshop.tool("pets.listPets"), mine);
}

#[test]
fn an_instance_keeps_what_its_owner_made_of_it() {
    let mut workshop = imported();
    let mut instance = workshop.get(&Key::instance("pets"));
    instance["name"] = json!("Mine");
    instance["tool_ids"] = json!([{"id": "pets.addPet", "name": "add"}, "other"]);
    workshop.put(Key::instance("pets"), &instance);
    workshop.import(
        &PETSTORE.replace("paths:\n", "paths:\n  /new: {get: {operationId: new}}\n"),
        &options(),
    );
    let instance = workshop.get(&Key::instance("pets"));
    assert_eq!(instance["name"], "Mine");
    assert_eq!(
        instance["tool_ids"],
        json!([{"id": "pets.addPet", "name": "add"}, "other", "pets.new"])
    );
}

#[test]
fn arguments_keep_the_names_of_the_last_import() {
    let description = |names: &[&str]| {
        let parameters: Vec<_> = names
            .iter()
            .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
            .collect();
        json!({
            "openapi": "3.0.3",
            "info": {"title": "T", "version": "1"},
            "servers": [{"url": "https://api.example.com"}],
            "paths": {"/calls": {"get": {"operationId": "calls", "parameters": parameters, "responses": {}}}},
        })
        .to_string()
    };
    let mut workshop = Workshop::default();
    let sent = |workshop: &Workshop| -> std::collections::BTreeMap<String, String> {
        let tool = workshop.tool("pets.calls");
        let names = tool["input_schema"]["properties"].as_object().unwrap().keys();
        let params = tool["tds_ext_info"]["params"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let wire = |name: &String| {
            let param = params.iter().find(|param| param["name"] == *name);
            let wire = param.and_then(|param| param["as"].as_str());
            (wire.unwrap_or(name).to_owned(), name.clone())
        };
        names.map(wire).collect()
    };
    workshop.import(&description(&["StartTime>", "Page"]), &options());
    let before = sent(&workshop);
    assert_eq!(before["StartTime>"], "StartTime");
    workshop.import(
        &description(&["StartTime<", "StartTime>", "StartTime", "Page"]),
        &options(),
    );
    let after = sent(&workshop);
    assert_eq!(after["StartTime>"], "StartTime");
    assert_eq!(after["Page"], "Page");
    assert_eq!(after.len(), 4);
    workshop.import(
        &description(&["StartTime", "StartTime>", "StartTime<", "Page"]),
        &options(),
    );
    assert_eq!(sent(&workshop), after);
}
