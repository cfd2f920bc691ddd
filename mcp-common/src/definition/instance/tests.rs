use super::InstanceDefinition;
use crate::{
    definition::{ApiKeyDefinition, RoleDefinition},
    document::Document,
    problem::{Problem, Problems},
};

fn document(text: &str) -> Document {
    Document::parse(text.as_bytes()).unwrap()
}

fn read(text: &str) -> Result<Vec<String>, Vec<Problem>> {
    let read = InstanceDefinition::read("i", &document(text));
    read.map(|read| read.warnings)
        .map_err(|Problems(problems)| problems)
}

fn fields(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.field.as_str()).collect()
}

#[test]
fn all_mistakes_of_an_instance_are_named_at_once() {
    let problems = read(
        r#"{"name":"x","toolIds":["a"],"tool_ids":[{"id":"b","nam":"x","default":{}},{"ids":1},5,{"id":"c","hide":"x"},{"id":"u/","name":"a b"}],
            "metadata":{"proto_type":"x"},"include":{"tag":[]},"auth":"foo","enabled":"yes"}"#,
    )
    .unwrap_err();
    let named = fields(&problems);
    for field in [
        "toolIds",
        "tool_ids[0].nam",
        "tool_ids[0].default",
        "tool_ids[1].ids",
        "tool_ids[1]",
        "tool_ids[2]",
        "tool_ids[3].hide",
        "tool_ids[4]",
        "tool_ids[4].name",
        "metadata.proto_type",
        "include.tag",
        "auth",
        "enabled",
    ] {
        assert!(named.contains(&field), "{field}: {named:?}");
    }
    assert_eq!(named.len(), 13, "{problems:?}");
    let of = |field: &str| problems.iter().find(|problem| problem.field == field).unwrap();
    assert!(
        of("toolIds").reason.contains("did you mean `tool_ids`?"),
        "{problems:?}"
    );
    assert!(
        of("tool_ids[0].nam").reason.contains("did you mean `name`?"),
        "{problems:?}"
    );
    assert_eq!(
        of("tool_ids[2]").reason,
        "invalid type: integer `5`, expected a tool id or an object with `id`"
    );
}

#[test]
fn a_misspelt_member_is_named_beside_whatever_else_is_wrong() {
    let problems = read(r#"{"name":"x","tool_ids":["u/"],"decription":"d","own":1}"#).unwrap_err();
    assert_eq!(fields(&problems), ["tool_ids[0]", "decription"]);
    let warnings = read(r#"{"name":"x","decription":"d"}"#).unwrap();
    assert_eq!(
        warnings,
        ["decription: unknown member, kept but not used; did you mean `description`?"]
    );
}

#[test]
fn limits_that_would_limit_nothing_are_refused() {
    for member in ["limit", "Limits"] {
        let problems = read(&format!(r#"{{"name":"x","{member}":{{"rate":"5/s"}}}}"#)).unwrap_err();
        assert_eq!(fields(&problems)[0], member);
        let reason = &problems[0].reason;
        assert!(
            reason.contains("did you mean `limits`?") && reason.contains("it limits nothing"),
            "{reason}"
        );
    }
    // What somebody keeps for themselves is only told.
    for own in [r#""x-limits":{"rate":"5/s"}"#, r#""limit":3"#] {
        let warnings = read(&format!(r#"{{"name":"x",{own}}}"#)).unwrap();
        assert_eq!(warnings.len(), 1, "{own}: {warnings:?}");
    }
}

#[test]
fn a_word_that_is_no_text_is_told_to_be_one() {
    let problems = read(r#"{"name":"x","auth":5}"#).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "auth: expected a text, one of the words that there are for it"
    );
}

#[test]
fn values_keep_their_digits() {
    let text = r#"{"name":"x","tool_ids":[{"id":"a","defaults":{"n":12345678901234567890123,"m":1.10}}]}"#;
    let definition = InstanceDefinition::read("i", &document(text)).unwrap().definition;
    let defaults = &definition.tool_ids[0].overrides.as_ref().unwrap().defaults;
    assert_eq!(&*defaults["n"], "12345678901234567890123");
    assert_eq!(&*defaults["m"], "1.10");
}

#[test]
fn credentials_are_found_inside_of_values() {
    let warnings = read(
        r#"{"name":"x","vars":{"login":{"password":"hunter2"},"base":"https://a.example"},"tool_ids":[{"id":"a","defaults":{"/q/api_key":"hunter2","token":"<your token>"}}]}"#,
    )
    .unwrap();
    assert!(
        warnings.iter().all(|warning| !warning.contains("hunter2")),
        "{warnings:?}"
    );
    let places: Vec<_> = warnings
        .iter()
        .map(|warning| warning.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(places, ["vars.login.password", "tool_ids[0].defaults./q/api_key"]);
}

#[test]
fn mistakes_in_lists_hide_no_others_in_other_kinds() {
    let role =
        r#"{"allow":[5,{"actions":["tools/call",7],"tols":["a"]}],"deny":[{"actions":"x"}],"owner":1}"#;
    let Problems(problems) = RoleDefinition::read("r", &document(role)).unwrap_err();
    let named = fields(&problems);
    for field in [
        "allow[0]",
        "allow[1].actions[1]",
        "allow[1].tols",
        "deny[0].actions",
        "owner",
    ] {
        assert!(named.contains(&field), "{field}: {named:?}");
    }
    let key = r#"{"instances":["a",5],"secrets":[{"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","expires_at":"soon"},7],"roles":[1],"expire_at":"x"}"#;
    let Problems(problems) = ApiKeyDefinition::read("k", &document(key)).unwrap_err();
    let named = fields(&problems);
    for field in [
        "instances[1]",
        "secrets[0].expires_at",
        "secrets[1]",
        "roles[0]",
        "expire_at",
    ] {
        assert!(named.contains(&field), "{field}: {named:?}");
    }
}
