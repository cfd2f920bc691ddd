use super::*;
use crate::{
    authenticator::{KeyRing, StoredRole},
    definition::{ApiKeyDefinition, RoleDefinition},
    document::Document,
    key::Revision,
};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};

#[derive(Default)]
struct Ring(HashMap<&'static str, StoredRole>);

impl KeyRing for Ring {
    fn key(&self, _: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        None
    }

    fn role(&self, id: &str) -> StoredRole {
        self.0.get(id).cloned().unwrap_or(StoredRole::Unknown)
    }
}

impl Ring {
    fn with(mut self, id: &'static str, members: Value) -> Self {
        let document = Document::parse(members.to_string().as_bytes()).unwrap();
        let role = RoleDefinition::read(id, &document).unwrap().definition;
        self.0.insert(id, StoredRole::Known(Arc::new(role), 1));
        self
    }

    fn of(&self, mut key: Value) -> Gathered {
        key["secrets"] =
            json!([{"sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}]);
        let document = Document::parse(key.to_string().as_bytes()).unwrap();
        Gathered::of(&ApiKeyDefinition::read("k", &document).unwrap().definition, self)
    }
}

fn tool(name: &str) -> Thing<'_> {
    Thing::Tool(name, &[])
}

#[test]
fn what_roles_allow_is_added_up_and_what_one_refuses_is_refused() {
    let ring = Ring::default()
        .with("reader", json!({"allow": [{"actions": ["*"], "tools": ["get_*"]}]}))
        .with("writer", json!({"inherits": ["reader"], "allow": [{"actions": ["*"], "instances": ["shop"], "tools": ["put_*"]}]}))
        .with("careful", json!({"deny": [{"actions": ["*"], "tools": ["*_all"]}]}));
    let rights = ring.of(json!({"roles": ["writer", "careful", "a-word"]})).rights;
    assert!(rights.broken().is_none() && rights.opens("shop") && rights.opens("any"));
    for (instance, name, is_shown) in [
        ("shop", "get_x", true),
        ("shop", "put_x", true),
        ("any", "put_x", false),
        ("any", "get_x", true),
        ("shop", "get_all", false),
        ("shop", "other", false),
    ] {
        assert_eq!(rights.shows(instance, tool(name)), is_shown, "{instance}/{name}");
    }
    let Decision::Denied(by) = rights.decide("shop", tool("put_all"), |_| Ok(true)) else {
        panic!("allowed");
    };
    assert_eq!(&*by.place, "role `careful`, deny[0]");
    assert!(rights.narrows("shop") && !rights.opens_admin());
}

#[test]
fn a_key_opens_its_instances_whole_and_its_lists_hold_whatever_a_role_allows() {
    let ring = Ring::default();
    let rights = ring.of(json!({"instances": ["shop"]})).rights;
    assert!(rights.opens("shop") && !rights.opens("other"));
    assert!(!rights.narrows("shop") && rights.shows("shop", Thing::Prompt("p")));
    let capped = ring.of(json!({"roles": ["agent"], "tools": ["get_*"]})).rights;
    assert!(capped.shows("any", tool("get_x")) && !capped.shows("any", tool("x")));
    assert_eq!(capped.decide("any", tool("x"), |_| Ok(true)), Decision::Unknown);
    let same = ring.of(json!({"roles": ["agent"], "tools": ["get_*"]})).rights;
    assert_eq!(capped, same);
    assert_ne!(capped, rights);
}

#[test]
fn a_condition_that_does_not_hold_or_cannot_be_computed_allows_nothing_and_refuses() {
    let ring = Ring::default().with(
        "r",
        json!({
            "allow": [{"actions": ["*"], "tools": ["pay"], "when": "small"}],
            "deny": [{"actions": ["*"], "tools": ["pay"], "when": "blocked"}],
        }),
    );
    let rights = ring.of(json!({"roles": ["r"]})).rights;
    assert!(rights.has_conditions() && rights.shows("i", tool("pay")));
    let decide = |small: Result<bool, String>, blocked: Result<bool, String>| {
        let holds = |condition: &str| {
            if condition == "small" {
                small.clone()
            } else {
                blocked.clone()
            }
        };
        match rights.decide("i", tool("pay"), holds) {
            Decision::Allowed(_) => "allowed",
            Decision::Denied(_) => "denied",
            Decision::Conditional(rules) => {
                assert_eq!(&*rules[0].place, "role `r`, allow[0]");
                "conditional"
            }
            Decision::Unknown => "unknown",
        }
    };
    let broken = || Err("broken".to_owned());
    assert_eq!(decide(Ok(true), Ok(false)), "allowed");
    assert_eq!(decide(Ok(false), Ok(false)), "conditional");
    assert_eq!(decide(broken(), Ok(false)), "conditional");
    assert_eq!(decide(Ok(true), Ok(true)), "denied");
    assert_eq!(decide(Ok(true), broken()), "denied");
}

#[test]
fn a_role_that_cannot_be_read_opens_nothing_whatever_else_does() {
    let mut ring = Ring::default()
        .with("a", json!({"inherits": ["b"], "allow": [{"actions": ["*"]}]}))
        .with("b", json!({"inherits": ["a"]}))
        .with("c", json!({"inherits": ["nowhere"]}));
    ring.0.insert("q", StoredRole::Unreadable);
    for (role, expected) in [
        ("a", "a → b → a"),
        ("c", "the role `c` inherits `nowhere`, which is not there"),
        ("q", "`q` is in quarantine"),
    ] {
        let gathered = ring.of(json!({"instances": ["*"], "roles": ["admin", role]}));
        let rights = &gathered.rights;
        assert!(
            rights.broken().unwrap().contains(expected),
            "{:?}",
            rights.broken()
        );
        assert!(
            !gathered.is_admin && !rights.opens("i") && !rights.opens_admin(),
            "{role}"
        );
        assert!(
            rights.admin("admin/tds/read").is_none() && !rights.shows("i", tool("t")),
            "{role}"
        );
    }
}

#[test]
fn roles_that_are_always_there_do_what_their_names_say() {
    let ring = Ring::default();
    let of = |role: &str| ring.of(json!({"roles": [role]}));
    let table = [
        ("admin", true, true, true, true),
        ("editor", true, true, true, false),
        ("viewer", false, true, false, false),
        ("agent", true, false, false, false),
    ];
    for (role, opens, reads, writes, writes_keys) in table {
        let gathered = of(role);
        let may = |action: &str| gathered.rights.admin(action).is_some();
        assert_eq!(gathered.rights.opens("i"), opens, "{role}");
        assert_eq!(may("admin/status/read"), reads, "{role}");
        assert_eq!(may("admin/tds/write"), writes, "{role}");
        assert_eq!(may("admin/keys/write"), writes_keys, "{role}");
        assert_eq!(may("admin/roles/delete"), writes_keys, "{role}");
        assert_eq!(gathered.is_admin, role == "admin");
        assert!(!gathered.depends_on_roles());
    }
}

#[test]
fn what_a_role_refuses_is_refused_to_administrators_too() {
    let ring = Ring::default().with("no-keys", json!({"deny": [{"actions": ["admin/keys/*"]}]}));
    let gathered = ring.of(json!({"roles": ["admin", "no-keys"]}));
    assert!(!gathered.is_admin && gathered.rights.opens("i"));
    assert!(gathered.rights.admin("admin/tds/write").is_some());
    assert!(gathered.rights.admin("admin/keys/read").is_none());
}

#[test]
fn what_was_gathered_is_known_to_be_old() {
    let ring = Ring::default().with("r", json!({"allow": [{"actions": ["*"]}]}));
    let gathered = ring.of(json!({"roles": ["r", "word"]}));
    assert!(gathered.depends_on_roles() && gathered.is_of(&ring));
    let mut changed = Ring::default();
    assert!(!gathered.is_of(&changed), "the role is gone");
    changed.0.insert("r", ring.role("r"));
    assert!(gathered.is_of(&changed));
    let changed = changed.with("word", json!({"deny": [{"actions": ["*"]}]}));
    assert!(!gathered.is_of(&changed), "what was a word is a role now");
    let mut unread = ring;
    unread.0.insert("word", StoredRole::Unreadable);
    assert!(!gathered.is_of(&unread), "or one that cannot be read");
}
