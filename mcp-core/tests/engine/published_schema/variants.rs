//! Objects whose members depend on one of them: the schema and the gateway agree on each variant.

use super::*;

/// Blocks have members of their own by their `type`.
#[test]
fn answers_of_definitions_are_refused_alike_by_the_schema_and_the_gateway() {
    let base: Value = serde_json::from_str(STATIC).unwrap();
    let validator = validator(Kind::TOOL);
    let strict =
        jsonschema::draft202012::new(&definition::schema(Kind::TOOL, UnknownMembers::Refused)).unwrap();
    accepted(Kind::TOOL, &validator, &base);
    accepted(Kind::TOOL, &strict, &base);
    let schema = definition::schema(Kind::TOOL, UnknownMembers::Kept);
    let members = |part: &str| -> Vec<String> {
        let members = schema["$defs"][part]["properties"].as_object().unwrap();
        members.keys().cloned().collect()
    };
    let blocks = base["static"]["content"].as_array().unwrap();
    let mut places = vec![
        ("/static".to_owned(), members("StaticAnswer")),
        (
            "/static/content/3/resource".to_owned(),
            members("ResourceContents"),
        ),
    ];
    places
        .extend((0..blocks.len()).map(|index| (format!("/static/content/{index}"), members("ContentBlock"))));
    let fields = [
        (0, fields_of::<tool::StaticAnswer>()),
        (1, fields_of::<tool::ResourceContents>()),
        (2, fields_of::<tool::ContentBlock>()),
    ];
    for (place, fields) in fields {
        let described: BTreeSet<&str> = places[place].1.iter().map(String::as_str).collect();
        assert_eq!(fields, described);
    }
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(-1),
        json!("text"),
        json!("image"),
        json!("resource_link"),
        json!("video"),
        json!("aQ=="),
        json!("aR=="),
        json!("aQ"),
        json!([]),
        json!([{"type": "text"}]),
        json!([{"type": "text", "text": "x"}]),
        json!({}),
        json!({"uri": "u", "text": "t"}),
        json!({"uri": "u", "blob": "aQ=="}),
        json!({"uri": "u", "text": "t", "blob": "aQ=="}),
        json!({"uri": "u"}),
    ];
    let mut refused = 0;
    let mut changes: Vec<Value> = Vec::new();
    for (place, members) in &places {
        for name in members.iter().map(String::as_str).chain(["misspelt"]) {
            changes.extend(values.iter().map(|value| put(&base, place, name, value.clone())));
            let mut without = base.clone();
            let object = without.pointer_mut(place).and_then(Value::as_object_mut);
            object.unwrap().remove(name);
            changes.push(without);
        }
    }
    let http: Value = serde_json::from_str(TOOL).unwrap();
    for members in [json!({}), json!({"static": null}), json!({"static": {}})] {
        let mut document = base.clone();
        document.as_object_mut().unwrap().remove("static");
        document
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        changes.push(document.clone());
        document["tds_ext_info"] = http["tds_ext_info"].clone();
        changes.push(document);
    }
    changes.push(put(&base, "", "tds_ext_info", http["tds_ext_info"].clone()));
    changes.push(put(&base, "", "tds_ext_info", json!(null)));
    for changed in &changes {
        let Verdict { read, works } = verdict(Kind::TOOL, changed);
        let (valid, is_strict) = (validator.is_valid(changed), strict.is_valid(changed));
        // Inside of `static` nothing is unknown.
        assert_eq!(valid, is_strict, "{changed}");
        // serde reads objects from lists as well, by the order of their members; nobody writes them so.
        let is_positional = changed["static"]
            .pointer("/content/3/resource")
            .is_some_and(Value::is_array);
        assert!(
            (!valid || read.is_ok()) && (valid || works.is_err() || is_positional),
            "{changed}: schema {valid}, gateway {read:?}"
        );
        refused += usize::from(!valid);
    }
    assert!(
        refused > 500 && refused < changes.len(),
        "{refused} of {}",
        changes.len()
    );
}

/// The kinds of `auth` have members of their own.
#[test]
fn each_kind_of_credential_has_its_own_members() {
    let base: Value = serde_json::from_str(TOOL).unwrap();
    let validator = validator(Kind::TOOL);
    let schema = definition::schema(Kind::TOOL, UnknownMembers::Kept);
    let conditions = schema["$defs"]["AuthBinding"]["allOf"].as_array().unwrap();
    let kinds: Vec<&Value> = conditions.iter().map(|condition| &condition["then"]).collect();
    let whole = json!({
        "none": {},
        "api_key": {"credential": "${env:A}"},
        "basic": {"username": "u", "password": "${env:A}"},
        "bearer": {"credential": "${file:/run/secrets/dynmcp/a}"},
        "oauth2_client_credentials": {"token_url": "https://a.example/t", "client_id": "c", "client_secret": "${env:A}"},
        "passthrough": {"header": "X-Upstream"},
        "aws_sigv4": {"access_key": "A", "secret_key": "${env:A}", "region": "r", "service": "s"},
        "hmac": {"key": "${env:A}", "message": "{method}{body}"},
    });
    let names: BTreeSet<&str> = kinds
        .iter()
        .map(|kind| kind["properties"]["type"]["const"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        whole.as_object().unwrap().keys().map(String::as_str).collect()
    );
    for kind in kinds {
        let members = kind["properties"].as_object().unwrap();
        let name = members["type"]["const"].as_str().unwrap();
        let mut auth = whole[name].clone();
        auth["type"] = name.into();
        let changed = put(&base, "/tds_ext_info", "auth", auth.clone());
        accepted(Kind::TOOL, &validator, &changed);
        for member in members.keys().filter(|member| *member != "type") {
            for value in [
                json!(null),
                json!(1),
                json!("x"),
                json!("${env:B}"),
                json!("body"),
                json!(["x"]),
                json!({}),
            ] {
                let changed = put(
                    &put(&base, "/tds_ext_info", "auth", auth.clone()),
                    "/tds_ext_info/auth",
                    member,
                    value,
                );
                let Verdict { read, works } = verdict(Kind::TOOL, &changed);
                let valid = validator.is_valid(&changed);
                let said = format!(
                    "{}: schema {valid}, gateway {read:?}",
                    changed["tds_ext_info"]["auth"]
                );
                assert!(!said.contains("unknown field"), "{said}");
                assert!((!valid || read.is_ok()) && (valid || works.is_err()), "{said}");
            }
        }
        let mut misspelt = auth;
        misspelt["credentail"] = "x".into();
        let changed = put(&base, "/tds_ext_info", "auth", misspelt);
        assert!(
            !validator.is_valid(&changed) && verdict(Kind::TOOL, &changed).read.is_err(),
            "{name}"
        );
    }
}
