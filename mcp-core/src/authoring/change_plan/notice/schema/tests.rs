use super::*;
use serde_json::json;

/// `path: text effect` of each difference.
fn differences(old: &Value, new: &Value) -> Vec<String> {
    let found = compare(old, new);
    found
        .iter()
        .map(|difference| format!("{}: {} {:?}", difference.path, difference.text, difference.effect))
        .collect()
}

fn of_property(old: Value, new: Value) -> Vec<String> {
    differences(
        &json!({"properties": {"a": old}}),
        &json!({"properties": {"a": new}}),
    )
}

#[test]
fn members_come_and_go() {
    let old = json!({"type": "object", "properties": {"id": {}, "q": {}, "gone": {}}, "required": ["q"]});
    let new = json!({"type": "object", "properties": {"id": {}, "q": {}, "more": {}, "must": {}}, "required": ["id", "must"]});
    assert_eq!(
        differences(&old, &new),
        [
            "id: required now Narrower",
            "q: optional now Wider",
            "more: new, optional None",
            "must: new, and required Narrower",
            "gone: removed Other",
        ]
    );
    assert!(differences(&new, &new).is_empty());
}

#[test]
fn one_value_at_a_time() {
    let table = [
        (
            json!({"type": "string"}),
            json!({"type": ["string", "null"]}),
            "a: type string → string|null Wider",
        ),
        (
            json!({"type": "number"}),
            json!({"type": "integer"}),
            "a: type number → integer Narrower",
        ),
        (
            json!({"type": "integer"}),
            json!({"type": "number"}),
            "a: type integer → number Wider",
        ),
        (
            json!({"type": "string"}),
            json!({"type": "integer"}),
            "a: type string → integer Other",
        ),
        (
            json!({}),
            json!({"type": "string"}),
            "a: type any → string Narrower",
        ),
        (
            json!({"enum": ["x", "y"]}),
            json!({"enum": ["x"]}),
            "a: no longer \"y\" Narrower",
        ),
        (
            json!({"enum": ["x"]}),
            json!({"enum": ["x", 1]}),
            "a: also 1 Wider",
        ),
        (
            json!({"enum": ["x"]}),
            json!({}),
            "a: any value now, no longer one of a list Wider",
        ),
        (json!({}), json!({"const": 1}), "a: only 1 now Narrower"),
        (
            json!({"minimum": 1}),
            json!({"minimum": 2}),
            "a: minimum 1 → 2 Narrower",
        ),
        (
            json!({"maxLength": 9}),
            json!({"maxLength": 10}),
            "a: maxLength 9 → 10 Wider",
        ),
        (json!({"maximum": 9}), json!({}), "a: maximum 9 → none Wider"),
        (
            json!({"pattern": "a"}),
            json!({"pattern": "b"}),
            "a: `pattern` is another one Other",
        ),
        (
            json!({}),
            json!({"pattern": "b"}),
            "a: `pattern` has to hold now Narrower",
        ),
        (
            json!({"oneOf": [{}]}),
            json!({}),
            "a: `oneOf` no longer has to hold Wider",
        ),
        (
            json!({}),
            json!({"uniqueItems": true}),
            "a: items have to be unique now Narrower",
        ),
        (
            json!({"format": "date"}),
            json!({"format": "time"}),
            "a: format \"date\" → \"time\" None",
        ),
        (json!({}), json!(false), "a: is impossible now Narrower"),
        (
            json!({}),
            json!({"additionalProperties": false}),
            "a.*: bound by `additionalProperties` now Narrower",
        ),
        (
            json!({"additionalProperties": false}),
            json!({}),
            "a.*: no longer bound by `additionalProperties` Wider",
        ),
        (
            json!({"additionalProperties": true}),
            json!({"additionalProperties": {"type": "string"}}),
            "a.*: type any → string Narrower",
        ),
        (
            json!({"items": {"type": "string"}}),
            json!({"items": {"type": "boolean"}}),
            "a[]: type string → boolean Other",
        ),
        (
            json!({"properties": {"b": {"properties": {"c": {}}}}}),
            json!({"properties": {"b": {"properties": {}}}}),
            "a.b.c: removed Other",
        ),
    ];
    for (old, new, expected) in table {
        assert_eq!(of_property(old.clone(), new.clone()), [expected], "{old} → {new}");
    }
    assert!(
        of_property(
            json!({"description": "x"}),
            json!({"description": "y", "title": "t"})
        )
        .is_empty()
    );
    assert!(of_property(json!({"additionalProperties": true}), json!({})).is_empty());
    assert!(of_property(json!({}), json!({"items": true})).is_empty());
}

#[test]
fn references_are_followed_and_circles_end() {
    let schema = |kind: &str| {
        json!({"properties": {"tree": {"$ref": "#/$defs/node"}},
            "$defs": {"node": {"properties": {"value": {"type": kind}, "next": {"$ref": "#/$defs/node"}}}}})
    };
    assert_eq!(
        differences(&schema("number"), &schema("integer")),
        ["tree.value: type number → integer Narrower"]
    );
    let inlined = json!({"properties": {"tree": {"properties": {"value": {"type": "number"}, "next": {"$ref": "#/properties/tree"}}}}});
    assert!(differences(&schema("number"), &inlined).is_empty());
    let circle = json!({"$ref": "#"});
    assert!(differences(&circle, &circle).is_empty());
}

#[test]
fn who_breaks_depends_on_the_side() {
    let [narrower, wider, other, none] = [Effect::Narrower, Effect::Wider, Effect::Other, Effect::None];
    assert!(narrower.breaks_senders() && !narrower.breaks_readers());
    assert!(!wider.breaks_senders() && wider.breaks_readers());
    assert!(other.breaks_senders() && other.breaks_readers());
    assert!(!none.breaks_senders() && !none.breaks_readers());
}
