use super::*;
use serde_json::json;

fn read(members: serde_json::Value) -> Result<Read<RoleDefinition>, Problems> {
    let document = Document::parse(members.to_string().as_bytes()).unwrap();
    RoleDefinition::read("r1", &document)
}

fn rule(members: serde_json::Value) -> Rule {
    let role = read(json!({"allow": [members]})).unwrap().definition;
    role.allow.into_iter().next().unwrap()
}

#[test]
fn a_rule_speaks_of_what_it_names_and_of_everything_where_it_names_nothing() {
    let tags = ["safe".into()];
    let tool = |name| Thing::Tool(name, &[]);
    let all = rule(json!({"actions": ["*"]}));
    assert!(all.covers_all_of("i") && all.covers("i", tool("t")) && all.covers("i", Thing::Prompt("p")));
    let some = rule(json!({"actions": ["*"], "instances": ["shop-*"], "tools": ["get_*", "tag:safe"]}));
    assert!(some.covers("shop-a", tool("get_x")) && some.covers("shop-a", Thing::Tool("x", &tags)));
    assert!(!some.covers("shop-a", tool("x")) && !some.covers("shop", tool("get_x")));
    // It names tools, so that it says nothing about other things.
    assert!(!some.covers("shop-a", Thing::Prompt("get_x")) && !some.covers_all_of("shop-a"));
    assert!(some.covers_some_of("shop-a") && !some.covers_some_of("other"));
    let calls = rule(json!({"actions": ["tools/*"]}));
    assert!(calls.covers("i", tool("t")) && !calls.covers("i", Thing::Resource("a://b")));
    assert!(!calls.covers_all_of("i"));
    let conditional = rule(json!({"actions": ["*"], "when": "args.n < 3"}));
    assert!(conditional.covers("i", tool("t")) && !conditional.covers("i", Thing::Prompt("p")));
    assert!(!conditional.covers_all_of("i"));
}

#[test]
fn only_a_rule_that_says_so_speaks_of_the_admin_api() {
    for actions in [json!(["*"]), json!(["*/read"])] {
        let everything = rule(json!({"actions": actions}));
        assert!(!everything.is_of_admin() && !everything.covers_admin("admin/tds/read"));
    }
    let tools = rule(json!({"actions": ["admin/tds/*", "admin/*/read"]}));
    assert!(tools.covers_admin("admin/tds/delete") && tools.covers_admin("admin/keys/read"));
    assert!(!tools.covers_admin("admin/keys/write"));
    assert!(!tools.covers_some_of("i"), "it opens no instance");
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let table = [
        (json!({"allow": [{"actions": []}]}), "allow[0].actions: is empty"),
        (json!({"allow": [{}]}), "allow[0]: missing field `actions`"),
        (
            json!({"deny": [{"actions": ["tools/delete"]}]}),
            "deny[0].actions[0]: `tools/delete` is nothing that is done",
        ),
        (
            json!({"deny": [{"actions": ["admin/tsd/read"]}]}),
            "`admin/tsd/read` is nothing that is done",
        ),
        (
            json!({"allow": [{"actions": ["admin/*"], "instances": ["a"]}]}),
            "allow[0].instances: says nothing about `admin/…`",
        ),
        (
            json!({"allow": [{"actions": ["admin/*"], "when": "true"}]}),
            "allow[0].when: says nothing about `admin/…`",
        ),
        (
            json!({"allow": [{"actions": ["*"], "prompts": ["p"], "when": "true"}]}),
            "allow[0].when: is about calls of tools",
        ),
        (
            json!({"allow": [{"actions": ["*"], "tools": [""]}]}),
            "allow[0].tools[0]: must be what is meant",
        ),
        (
            json!({"allow": [{"actions": ["*"], "tool": ["a"]}]}),
            "allow[0].tool: unknown field",
        ),
        (
            json!({"allow": [{"actions": ["*"], "when": "x".repeat(5000)}]}),
            "allow[0].when: has 5000 bytes",
        ),
        // What is there and says nothing was meant to say something.
        (
            json!({"allow": [{"actions": ["*"], "when": null}]}),
            "allow[0].when: is null",
        ),
        (
            json!({"allow": [{"actions": ["*"], "tools": null}]}),
            "allow[0].tools: is null",
        ),
        (
            json!({"allow": [{"actions": ["*"], "instances": null}]}),
            "allow[0].instances: is null",
        ),
        (
            json!({"deny": [{"actions": ["*"], "tools": []}]}),
            "deny[0].tools: is empty, so that the rule refuses nothing",
        ),
        (
            json!({"inherits": ["r1"]}),
            "inherits[0]: a role cannot inherit itself",
        ),
        (
            json!({"inherits": ["a b"]}),
            "inherits[0]: must be the id of a role",
        ),
        (json!({"permit": []}), "unknown field `permit`"),
        (
            json!({"deny": [{"actions": ["resources/read"], "when": "args.a"}]}),
            "deny[0].actions: do not have `tools/call`",
        ),
        (
            json!({"deny": [{"actions": ["tools/*"], "prompts": ["p"]}]}),
            "deny[0].actions: do not have `prompts/get`",
        ),
    ];
    for (members, expected) in table {
        let problems = read(members.clone()).unwrap_err().to_string();
        assert!(problems.contains(expected), "{members}: {problems}");
    }
    let document = Document::parse(b"{\"allow\": []}").unwrap();
    for (id, expected) in [("viewer", "is always there"), ("a b", "must have 1 to 64 of")] {
        let problems = RoleDefinition::read(id, &document).unwrap_err().to_string();
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn conditions_are_found_with_their_fields() {
    let role = read(json!({
        "allow": [{"actions": ["*"]}, {"actions": ["*"], "when": "a"}],
        "deny": [{"actions": ["*"], "when": "b"}],
    }));
    let role = role.unwrap().definition;
    let found: Vec<_> = role.conditions().collect();
    assert_eq!(
        found,
        [
            ("allow[1].when".to_owned(), "a"),
            ("deny[0].when".to_owned(), "b")
        ]
    );
}
