//! Include, exclude, rename; names.

use crate::workshop::{Workshop, options};
use mcp_common::key::Key;
use mcp_core::authoring::import::ImportOptions;
use serde_json::json;

const PETSTORE: &str = include_str!("fixtures/petstore-3.0.yaml");

fn created(change: impl FnOnce(&mut ImportOptions)) -> Vec<String> {
    let mut options = options();
    change(&mut options);
    Workshop::default().import(PETSTORE, &options).created
}

#[test]
fn operations_are_selected_by_tag_path_and_id() {
    let only = created(|options| options.include = vec!["tag:pets".parse().unwrap()]);
    assert_eq!(only, ["pets.listPets", "pets.addPet", "pets.get_pets_pet-id"]);
    let not = created(|options| {
        options.include = vec!["path:/pets*".parse().unwrap()];
        options.exclude = vec!["operation:*Pet".parse().unwrap(), "PUT /pets/*".parse().unwrap()];
    });
    assert_eq!(not, ["pets.listPets", "pets.get_pets_pet-id"]);
}

#[test]
fn tools_are_renamed_by_the_same_patterns() {
    let renamed = created(|options| {
        options.include = vec!["tag:pets".parse().unwrap()];
        options.rename = vec![
            "listPets=all_pets".parse().unwrap(),
            "tag:pets=pets_{name}".parse().unwrap(),
        ];
    });
    assert_eq!(
        renamed,
        ["pets.all_pets", "pets.pets_addPet", "pets.pets_get_pets_pet-id"]
    );
    let mut options = options();
    options.rename = vec!["listPets=not a name".parse().unwrap()];
    let report = Workshop::default().import(PETSTORE, &options);
    assert!(
        report
            .skipped
            .iter()
            .any(|skipped| skipped.reason.contains("character ' '")),
        "{:?}",
        report.skipped
    );
}

#[test]
fn a_name_that_another_tool_of_the_instance_has_is_not_taken() {
    let mut workshop = Workshop::default();
    let binding = json!({"domain": "a", "method": "GET", "path": "/"});
    workshop.put(
        Key::tool("other"),
        &json!({"name": "listPets", "description": "d", "tds_ext_info": binding}),
    );
    workshop.put(
        Key::instance("pets"),
        &json!({"name": "p", "tool_ids": ["other"]}),
    );
    let report = workshop.import(PETSTORE, &options());
    let name = report.created[0].strip_prefix("pets.").unwrap().to_owned();
    assert!(
        name.starts_with("listPets_") && name.len() == "listPets_".len() + 6,
        "{name}"
    );
    let tools = workshop.get(&Key::instance("pets"))["tool_ids"].clone();
    assert_eq!(tools[0], "other");
    assert_eq!(tools[1], json!(report.created[0]));
}

#[test]
fn names_stay_when_the_order_changes() {
    let text = |first: &str, second: &str| {
        format!(
            "openapi: 3.0.0\ninfo: {{title: t}}\nservers: [{{url: 'http://a'}}]\npaths:\n  {first}: {{get: {{operationId: same}}}}\n  {second}: {{get: {{operationId: same}}}}\n"
        )
    };
    let mut workshop = Workshop::default();
    let first = workshop.import(&text("/a", "/b"), &options());
    assert_eq!(first.created.len(), 2);
    let again = workshop.import(&text("/b", "/a"), &options());
    assert_eq!((again.unchanged.len(), again.changed.len()), (2, 0), "{again}");
    assert_eq!(workshop.tool("pets.same")["tds_ext_info"]["path"], "/a");
}

#[test]
fn a_server_without_a_host_is_where_the_document_is() {
    let text = "openapi: 3.0.0\ninfo: {title: t}\nservers: [{url: /api/v1}]\npaths: {/x: {get: {}}}";
    let mut options = options();
    let report = Workshop::default().import(text, &options);
    assert!(report.skipped[0].reason.contains("--base-url"), "{report}");
    options.source = Some("https://x.example.com/docs/openapi.yaml".to_owned());
    let mut workshop = Workshop::default();
    workshop.import(text, &options);
    assert_eq!(
        workshop.tool("pets.get_x")["tds_ext_info"]["base_url"],
        "https://x.example.com/api/v1"
    );
    options.base_url = Some("http://127.0.0.1:1/".to_owned());
    workshop.import(text, &options);
    assert_eq!(
        workshop.tool("pets.get_x")["tds_ext_info"]["base_url"],
        "http://127.0.0.1:1"
    );
}
