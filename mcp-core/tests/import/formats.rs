//! Every version of OpenAPI, whole.

use crate::workshop::{Workshop, options};
use serde_json::{Value, json};

fn imported(text: &str) -> (Workshop, Value) {
    let mut workshop = Workshop::default();
    let report = workshop.import(text, &options());
    let whole = json!({"report": report, "stored": workshop.shown()});
    (workshop, whole)
}

#[test]
fn swagger_2_0() {
    let (_, whole) = imported(include_str!("fixtures/petstore-2.0.json"));
    insta::assert_json_snapshot!(whole);
}

#[test]
fn openapi_3_0() {
    let (_, whole) = imported(include_str!("fixtures/petstore-3.0.yaml"));
    insta::assert_json_snapshot!(whole);
}

#[test]
fn openapi_3_1() {
    let (_, whole) = imported(include_str!("fixtures/petstore-3.1.yaml"));
    insta::assert_json_snapshot!(whole);
}

#[test]
fn what_cannot_be_mapped_is_skipped_with_its_reason_and_the_rest_is_imported() {
    let mut workshop = Workshop::default();
    let report = workshop.import(include_str!("fixtures/unmappable.yaml"), &options());
    assert_eq!(report.created, ["pets.pattern", "pets.good"]);
    insta::assert_json_snapshot!(report.skipped);
}

#[test]
fn a_schema_that_contains_itself_ends() {
    let (workshop, _) = imported(include_str!("fixtures/petstore-3.0.yaml"));
    let tree = workshop.tool("pets.plantTree");
    let items = &tree["input_schema"]["properties"]["children"]["items"];
    assert_eq!(items, &json!({"$ref": "#/$defs/Node"}), "{tree}");
    assert_eq!(
        tree["input_schema"]["$defs"]["Node"]["properties"]["children"]["items"],
        *items
    );
}

#[test]
fn json_and_yaml_come_to_the_same() {
    let yaml = include_str!("fixtures/petstore-2.0.json");
    let value: Value = serde_json::from_str(yaml).unwrap();
    // A tab or two, and it is YAML that is no JSON.
    let as_yaml = format!(
        "# a comment\nswagger: '2.0'\ninfo: {}\nhost: {}\nbasePath: /v2\nschemes: [http, https]\npaths: {}\ndefinitions: {}\nparameters: {}\nsecurityDefinitions: {}\nsecurity: {}\n",
        value["info"],
        value["host"],
        value["paths"],
        value["definitions"],
        value["parameters"],
        value["securityDefinitions"],
        value["security"]
    );
    assert_eq!(imported(&as_yaml).1, imported(yaml).1);
}
