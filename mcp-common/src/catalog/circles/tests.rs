use super::*;
use crate::{definition::Read, document::Document, key::Kind};
use serde_json::json;

/// Roles by id, and what each inherits.
fn found(roles: &[(&str, &[&str])]) -> Vec<(String, String)> {
    let read = |(id, inherits): &(&str, &[&str])| {
        let document = json!({"inherits": inherits, "allow": [{"actions": ["tools/call"]}]});
        let document = Document::parse(document.to_string().as_bytes()).unwrap();
        let Read { definition, .. } = (Kind::ROLE.row().read)(id, &document).unwrap();
        definition.downcast::<RoleDefinition>().unwrap()
    };
    let definitions: Vec<_> = roles.iter().map(read).collect();
    let circles = find(definitions.iter().map(|role| (&**role, 7)));
    let told = |circle: &Circle| {
        let (_, rest) = circle.reason.split_once("circle: ").unwrap();
        let (way, _) = rest.split_once(';').unwrap();
        (circle.role.id.to_string(), way.to_owned())
    };
    circles.iter().map(told).collect()
}

fn ways(ways: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = ways.iter().map(|(id, way)| ((*id).to_owned(), (*way).to_owned()));
    owned.collect()
}

#[test]
fn roles_without_circles_have_none() {
    assert!(found(&[]).is_empty());
    // Two ways to one role are no circle, nor is one to a role that nobody wrote.
    let diamond: &[(&str, &[&str])] = &[
        ("a", &["b", "c"]),
        ("b", &["d", "gone"]),
        ("c", &["d", "viewer"]),
        ("d", &[]),
    ];
    assert!(found(diamond).is_empty());
}

#[test]
fn each_role_of_a_circle_is_told_its_shortest_way_and_no_other_role_is() {
    let roles: &[(&str, &[&str])] = &[
        // Leads into a circle.
        ("above", &["a"]),
        ("a", &["b", "below"]),
        ("b", &["c", "a", "between"]),
        ("c", &["a"]),
        // From one circle to the other, and in neither.
        ("between", &["x"]),
        ("x", &["y"]),
        ("y", &["x"]),
        ("below", &[]),
    ];
    let expected = ways(&[
        ("a", "a → b → a"),
        ("b", "b → a → b"),
        ("c", "c → a → b → c"),
        ("x", "x → y → x"),
        ("y", "y → x → y"),
    ]);
    assert_eq!(found(roles), expected);
}

#[test]
fn a_long_circle_is_not_written_out() {
    let ids: Vec<String> = (0..600).map(|number| format!("r{number}")).collect();
    let next: Vec<[&str; 1]> = (0..600).map(|number| [&*ids[(number + 1) % 600]]).collect();
    let roles: Vec<(&str, &[&str])> = ids
        .iter()
        .zip(&next)
        .map(|(id, next)| (&**id, &next[..]))
        .collect();
    let circles = found(&roles);
    assert_eq!(circles.len(), 600);
    let (_, way) = &circles[0];
    assert!(
        way.starts_with("r0 → r1 → r2") && way.ends_with("r15 → … (584 more) → r0"),
        "{way}"
    );
}
