//! The recipes of `docs/DEFINITIONS.md`: `examples/definitions` is the folder of a gateway, and each example of each
//! recipe is called through `/mcp/{instance}`. What left the gateway and what the client got stands beside the recipe, in
//! `NAME.http`; the test writes these files anew where `UPDATE_RECIPES` is set.
//!
//! The recipes are loaded as they are, but for where secrets are, and for a proxy and an authority: all hosts that they
//! name are one server of the test, which answers what the example's `mock` says.

mod drive;
mod folder;
mod kitchen;
mod schema;
mod tls;
mod transcript;
mod world;

use crate::test_app::TestApp;
use drive::Call;
use kitchen::Kitchen;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use transcript::Transcript;

/// The instance of the tools that are in none of their own file.
const ALL: &str = "recipes";
/// What the client's requests carry beside the gateway's key; only `auth-passthrough` may pass it on.
const OF_THE_USER: (&str, &str) = ("x-calendar-authorization", "Bearer of-the-user");

#[tokio::test]
async fn each_recipe_sends_and_gives_what_stands_beside_it() {
    let recipes = folder::recipes();
    let kitchen = Kitchen::open(&recipes).await;
    assert_eq!(
        kitchen.app.admin().get("/admin/quarantine").await.data(),
        json!([])
    );
    let mut wrong = Vec::new();
    for recipe in &recipes {
        let mut transcript = Transcript::default();
        for id in recipe.tools() {
            let tool = kitchen.stored(id).await;
            assert!(!tool.examples.is_empty(), "{}: {id} has no examples", recipe.name);
            for example in &tool.examples {
                let mut instances: Vec<&str> = recipe.instances().collect();
                if instances.is_empty() {
                    instances.push(ALL);
                }
                for instance in instances {
                    let place = format!("{}: {id} in {instance}", recipe.name);
                    let name = recipe.name_in(instance, id).unwrap_or_else(|| tool.name.clone());
                    let call = Call {
                        place,
                        instance,
                        name,
                        example,
                        recipe,
                    };
                    kitchen.drive(call, &mut transcript).await;
                }
            }
        }
        let text = transcript.text();
        assert!(
            text.contains(" https://"),
            "{}: no call was made: {text}",
            recipe.name
        );
        wrong.extend(recipe.compare(&text).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_recipe_can_be_explained_and_each_of_its_arguments_has_a_rule() {
    let recipes = folder::recipes();
    let kitchen = Kitchen::open(&recipes).await;
    let admin = kitchen.app.admin();
    let mut explained = 0;
    for (recipe, id) in recipes
        .iter()
        .flat_map(|recipe| recipe.tools().iter().map(move |id| (recipe, id)))
    {
        // The last one hides nothing.
        let instance = recipe.instances().last().unwrap_or(ALL);
        for example in kitchen.stored(id).await.examples {
            let arguments = example.arguments();
            let body = format!(
                r#"{{"instance": "{instance}", "arguments": {arguments}, "headers": {{"{}": "{}"}}}}"#,
                OF_THE_USER.0, OF_THE_USER.1
            );
            let request = admin.request(Method::POST, &format!("/admin/tds/{id}/explain"));
            let answer = admin.send(request.body(body)).await.data();
            // Where an error is expected the arguments may be what is wrong.
            let is_valid = answer["valid"] == true;
            assert!(is_valid || example.expects_error(), "{id}: {answer}");
            for placement in answer["placements"].as_array().unwrap() {
                assert!(!is_valid || placement["rule"] != "none", "{id}: {placement}");
            }
            explained += 1;
        }
    }
    assert!(explained > 50, "{explained}");
}

/// A file that is named as one of the recipes.
fn mentioned(page: &str) -> BTreeSet<String> {
    let names = page.split("examples/definitions/").skip(1);
    names
        .map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c));
            rest[..end.unwrap_or(rest.len())]
                .trim_end_matches(['.', '/'])
                .to_owned()
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn the_page_names_every_recipe_and_no_other() {
    let page = folder::folder().join("../../docs/DEFINITIONS.md");
    let mentioned = mentioned(&std::fs::read_to_string(page).unwrap());
    let files: BTreeSet<String> = folder::files().into_iter().collect();
    let nowhere: Vec<_> = mentioned.difference(&files).collect();
    assert!(
        nowhere.is_empty(),
        "docs/DEFINITIONS.md names files that are not there: {nowhere:?}"
    );
    for name in files {
        let Some(recipe) = name.strip_suffix(".http") else {
            assert!(name.ends_with(".yaml"), "{name} is no recipe");
            assert!(
                mentioned.contains(&name),
                "docs/DEFINITIONS.md does not name the recipe {name}"
            );
            continue;
        };
        let source = folder::folder().join(format!("{recipe}.yaml"));
        assert!(source.exists(), "{name} stands beside no recipe");
    }
}

/// Every name that the schema has for a member, outside of the schemas of arguments.
fn members(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(inside) => {
            if let Some(Value::Object(properties)) = inside.get("properties") {
                let described = properties
                    .iter()
                    .filter(|(_, member)| member["deprecated"] != true);
                found.extend(described.map(|(name, _)| name.clone()));
            }
            let inner = inside
                .iter()
                .filter(|(name, _)| !["examples", "ArgumentSchema"].contains(&name.as_str()));
            inner.for_each(|(_, inner)| members(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| members(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_pages_explain_every_member() {
    let app = TestApp::start().await;
    let docs = folder::folder().join("../../docs");
    let read = |page: &str| std::fs::read_to_string(docs.join(page)).unwrap();
    let pages = [
        "DEFINITIONS.md",
        "DEFINITIONS_AS_CODE.md",
        "UPSTREAMS.md",
        "FLEETS.md",
        "ACCESS.md",
    ]
    .map(read)
    .concat();
    // What stands between backticks, in words.
    let code = pages.split('`').skip(1).step_by(2);
    let words: BTreeSet<&str> = code
        .flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && !"_$".contains(c)))
        .collect();
    let mut known = BTreeSet::new();
    for kind in ["tds", "ids", "uds", "keys"] {
        members(
            &app.anonymous()
                .get(&format!("/admin/schema/{kind}.json"))
                .await
                .ok()
                .json(),
            &mut known,
        );
    }
    assert!(known.len() > 80, "{known:?}");
    let unexplained: Vec<_> = known
        .iter()
        .filter(|name| !words.contains(name.as_str()))
        .collect();
    assert!(
        unexplained.is_empty(),
        "no page says what these are: {unexplained:?}"
    );
}
