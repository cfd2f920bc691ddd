//! What the protocol's schema says of the other members of a listed tool. Clients check the list as a whole: one hint that
//! is no boolean, and they have no tool.

use mcp_common::problem::Problem;
use serde_json::{Map, Value};

const HINTS: [&str; 4] = [
    "readOnlyHint",
    "destructiveHint",
    "idempotentHint",
    "openWorldHint",
];
const THEMES: [&str; 2] = ["light", "dark"];

/// Whether clients stumble over `annotations`, `icons` or `execution` of an entry that another server lists.
pub(crate) fn unreadable_members(name: &str, value: &Value, is_tool: bool) -> bool {
    let mut problems = Vec::new();
    match (name, value) {
        ("icons", value) => drop(icons(value, &mut problems)),
        ("execution", Value::Object(members)) => {
            let is_known = |support: &Value| {
                ["required", "optional", "forbidden"]
                    .iter()
                    .any(|known| support == known)
            };
            return members
                .get("taskSupport")
                .is_some_and(|support| !is_known(support));
        }
        ("annotations", Value::Object(members)) if is_tool => drop(annotations(members, &mut problems)),
        ("annotations", Value::Object(members)) => {
            let is_role = |role: &Value| role == "user" || role == "assistant";
            let are_roles = |all: &Value| all.as_array().is_some_and(|all| all.iter().all(is_role));
            return members.get("audience").is_some_and(|value| !are_roles(value))
                || members.get("priority").is_some_and(|value| !value.is_number())
                || members
                    .get("lastModified")
                    .is_some_and(|value| !value.is_string());
        }
        _ => return true,
    }
    // `null` would be one, too, and only definitions have it taken out.
    let has_null = |members: &Map<String, Value>| members.values().any(Value::is_null);
    !problems.is_empty() || value.as_object().is_some_and(has_null)
}

/// The hints as they are listed: `null` says nothing.
pub(super) fn annotations(stored: &Map<String, Value>, problems: &mut Vec<Problem>) -> Map<String, Value> {
    let mut listed = stored.clone();
    for (name, value) in stored {
        let wanted = match name.as_str() {
            "title" => "a text",
            hint if HINTS.contains(&hint) => "true or false",
            _ => continue,
        };
        let fits = match value {
            Value::Null => {
                listed.shift_remove(name);
                true
            }
            value => value.is_boolean() == (name != "title") && (value.is_boolean() || value.is_string()),
        };
        if !fits {
            problems.push(Problem::at(
                format!("annotations.{name}"),
                format!("must be {wanted}"),
            ));
        }
    }
    listed
}

/// The pictures as they are listed.
pub(super) fn icons(stored: &Value, problems: &mut Vec<Problem>) -> Option<Value> {
    let Value::Array(icons) = stored else {
        problems.push(Problem::at("icons", "must be a JSON array"));
        return None;
    };
    let mut listed = Vec::new();
    for (index, icon) in icons.iter().enumerate() {
        let at = format!("icons[{index}]");
        let Value::Object(icon) = icon else {
            problems.push(Problem::at(at, "must be an object with `src`"));
            continue;
        };
        let mut icon = icon.clone();
        for member in ["mimeType", "sizes", "theme"] {
            if icon.get(member).is_some_and(Value::is_null) {
                icon.shift_remove(member);
            }
        }
        let mut refuse =
            |member: &str, reason: &str| problems.push(Problem::at(format!("{at}.{member}"), reason));
        match icon.get("src") {
            Some(Value::String(_)) => {}
            None => refuse("src", "is missing: the picture's URL, https: or data:"),
            Some(_) => refuse("src", "must be a text: the picture's URL, https: or data:"),
        }
        if icon.get("mimeType").is_some_and(|media| !media.is_string()) {
            refuse("mimeType", "must be a text");
        }
        let is_sizes = |sizes: &Value| {
            sizes
                .as_array()
                .is_some_and(|sizes| sizes.iter().all(Value::is_string))
        };
        if icon.get("sizes").is_some_and(|sizes| !is_sizes(sizes)) {
            refuse("sizes", "must be a list of texts such as \"48x48\", or \"any\"");
        }
        let is_theme = |theme: &Value| theme.as_str().is_some_and(|theme| THEMES.contains(&theme));
        if icon.get("theme").is_some_and(|theme| !is_theme(theme)) {
            refuse("theme", "must be \"light\" or \"dark\"");
        }
        listed.push(Value::Object(icon));
    }
    Some(listed.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn hints_are_booleans_and_null_says_nothing() {
        let mut problems = Vec::new();
        let stored = of(json!({"readOnlyHint": null, "title": "T", "openWorldHint": false, "own": 5}));
        let listed = annotations(&stored, &mut problems);
        assert_eq!(
            Value::from(listed),
            json!({"title": "T", "openWorldHint": false, "own": 5})
        );
        assert!(problems.is_empty(), "{problems:?}");
        annotations(
            &of(json!({"readOnlyHint": "x", "title": 5, "idempotentHint": 1})),
            &mut problems,
        );
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "annotations.readOnlyHint",
            "annotations.title",
            "annotations.idempotentHint",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_other_servers_say_is_held_to_what_clients_read() {
        for (name, value, is_unreadable) in [
            ("execution", json!({"taskSupport": "optional"}), false),
            ("execution", json!({"own": 1}), false),
            ("execution", json!({"taskSupport": "sometimes"}), true),
            ("execution", json!({"taskSupport": null}), true),
            ("annotations", json!({"priority": 1.10}), false),
            ("annotations", json!({"priority": "high"}), true),
        ] {
            assert_eq!(
                unreadable_members(name, &value, false),
                is_unreadable,
                "{name} {value}"
            );
        }
    }

    #[test]
    fn pictures_have_an_address_and_lists_of_sizes() {
        let mut problems = Vec::new();
        let stored = json!([{"src": "https://a/b.png", "sizes": ["48x48"], "theme": null, "own": 1}]);
        let listed = icons(&stored, &mut problems).unwrap();
        assert_eq!(
            listed,
            json!([{"src": "https://a/b.png", "sizes": ["48x48"], "own": 1}])
        );
        assert!(problems.is_empty(), "{problems:?}");
        let wrong = json!([{}, 5, {"src": 5, "sizes": "48x48", "mimeType": 1, "theme": "blue"}]);
        icons(&wrong, &mut problems);
        icons(&json!({}), &mut problems);
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        let expected = [
            "icons[0].src",
            "icons[1]",
            "icons[2].src",
            "icons[2].mimeType",
            "icons[2].sizes",
            "icons[2].theme",
            "icons",
        ];
        assert_eq!(fields, expected);
    }
}
