use super::*;
use crate::key::Kind;
use serde_json::json;

fn read(id: &str, document: serde_json::Value) -> Result<Read<SecretDefinition>, String> {
    let document = Document::parse(document.to_string().as_bytes()).unwrap();
    SecretDefinition::read(id, &document).map_err(|problems| problems.to_string())
}

fn sealed(bytes: usize) -> String {
    STANDARD.encode(vec![7; bytes])
}

#[test]
fn what_can_be_seen_to_be_no_ciphertext_is_refused_and_no_value_is_repeated() {
    let good = json!({"sealed": sealed(40), "key_version": "k1", "usable_by": {"tools": ["a"]}});
    assert!(read("billing", good.clone()).unwrap().warnings.is_empty());
    let with = |member: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        changed[member] = value;
        read("billing", changed).unwrap_err()
    };
    for (member, value, expected) in [
        ("value", json!("s3cr3t-value"), "value: is not stored as it is"),
        ("value", json!(4711), "value: is not stored as it is"),
        ("sealed", json!(""), "value: is missing"),
        ("sealed", json!("s3cr3t-value!"), "sealed: is no ciphertext"),
        ("sealed", json!(sealed(27)), "sealed: is no whole ciphertext"),
        (
            "sealed",
            json!(sealed(LARGEST_VALUE + 29)),
            "sealed: is larger than",
        ),
        ("key_version", json!(""), "key_version: does not say"),
        ("usable_by", json!({"tools": [""]}), "usable_by.tools[0]: must be"),
        ("usable_by", json!({"everybody": true}), "everybody"),
        ("vaule", json!("s3cr3t-value"), "vaule"),
    ] {
        let reason = with(member, value);
        assert!(reason.contains(expected), "{member}: {reason}");
        assert!(!reason.contains("s3cr3t") && !reason.contains("4711"), "{reason}");
    }
    assert!(read("a/b", good.clone()).unwrap_err().contains("id: must have"));
    let nobody = json!({"sealed": sealed(40), "key_version": "k1"});
    assert!(read("a", nobody).unwrap().warnings[0].starts_with("usable_by: no definition"));
}

#[test]
fn a_definition_is_allowed_by_its_own_list_or_by_its_owner() {
    let lists: UsableBy = serde_json::from_value(json!({
        "tools": ["billing_*"], "upstreams": ["billing"], "owners": ["team-a"],
    }))
    .unwrap();
    let user = |kind, id, owner| SecretUser { kind, id, owner };
    for (user, expected) in [
        (user(Kind::TOOL, "billing_get", None), true),
        (user(Kind::TOOL, "billing", None), false),
        (user(Kind::UPSTREAM, "billing", None), true),
        (user(Kind::UPSTREAM, "billing_get", None), false),
        (user(Kind::TOOL, "x", Some("team-a")), true),
        (user(Kind::TOOL, "x", Some("team-b")), false),
        (user(Kind::INSTANCE, "billing_get", None), false),
    ] {
        assert_eq!(lists.allows(user), expected, "{user:?}");
        assert!(!UsableBy::default().allows(user));
    }
}
