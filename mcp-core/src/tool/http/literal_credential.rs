//! Credentials that stand in a definition as they are: whoever may read definitions reads them, exports and histories keep them.

use mcp_common::{
    credential_name::is_literal_credential,
    definition::tool::{HttpBinding, Param},
};
use serde_json::Value;

/// A warning for each place; never with the credential in it.
pub(crate) fn warnings(binding: &HttpBinding) -> Vec<String> {
    let mut places = Vec::new();
    for (member, fixed) in [("headers", &binding.headers), ("query", &binding.query)] {
        let found = fixed.iter().filter(|(name, value)| is_one(name, value));
        places.extend(found.map(|(name, _)| format!("{member}.{name}")));
    }
    places.extend(binding.params.iter().enumerate().filter_map(of_param));
    let query = binding.path.split_once('?').map_or("", |(_, query)| query);
    let in_path = query.split('&').filter_map(|pair| pair.split_once('='));
    let in_path = in_path.filter(|(name, value)| is_one(name, &Value::from(*value)));
    places.extend(in_path.map(|(name, _)| format!("path (`{name}`)")));
    let template = binding.body.as_ref().and_then(|body| body.template.as_ref());
    let template = template.and_then(|raw| serde_json::from_str(raw.get()).ok());
    if let Some(template) = template {
        in_body(&template, "body.template", &mut places);
    }
    let say = |place: String| {
        format!(
            "tds_ext_info.{place}: a credential stands here for everybody who may read definitions; put it into an environment \
             variable or a file of the gateway, and refer to it with `auth`"
        )
    };
    places.into_iter().map(say).collect()
}

fn of_param((index, param): (usize, &Param)) -> Option<String> {
    let wire = param.wire_name.as_deref().unwrap_or(&param.name);
    // Of a pointer into the body, the member.
    let name = wire.rsplit('/').next().unwrap_or(wire);
    let given = [("const", &param.constant), ("default", &param.default)];
    given.into_iter().find_map(|(member, given)| {
        let place = format!("params[{index}].{member}");
        let value = serde_json::from_str(given.as_ref()?.get()).ok()?;
        let mut places = Vec::new();
        in_body(&value, &place, &mut places);
        match is_one(name, &value) {
            true => Some(place),
            false => places.into_iter().next(),
        }
    })
}

fn is_one(name: &str, value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| is_literal_credential(name, text))
}

/// The members of a body's template, wherever they stand in it.
fn in_body(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = format!("{place}.{name}");
                match is_one(name, value) {
                    true => places.push(place),
                    false => in_body(value, &place, places),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                in_body(item, &format!("{place}[{index}]"), places);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::warnings;
    use mcp_common::definition::tool::HttpBinding;
    use serde_json::{Value, json};

    fn places(members: &Value) -> Vec<String> {
        let mut binding = json!({"domain": "api.example.com", "method": "GET", "path": "/x"});
        binding
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        let binding: HttpBinding = serde_json::from_str(&binding.to_string()).unwrap();
        let warnings = warnings(&binding);
        assert!(
            warnings.iter().all(|warning| !warning.contains("hunter2")),
            "{warnings:?}"
        );
        let place = |warning: &String| warning.split_once(": ").unwrap().0.to_owned();
        warnings.iter().map(place).collect()
    }

    #[test]
    fn credentials_are_found_where_requests_have_them() {
        let found = places(&json!({
            "path": "/x?access_token=hunter2&page=1",
            "headers": {"Authorization": "Bearer hunter2", "X-Tenant": "hunter2", "Cookie": "lang=de; auth_token=hunter2"},
            "query": {"api_key": "hunter2"},
            "params": [
                {"name": "k", "in": "header", "as": "X-Api-Key", "const": "hunter2"},
                {"name": "page", "in": "query", "const": 1},
                {"name": "s", "in": "body", "as": "/login/client_secret", "const": "hunter2"},
                {"name": "filter", "in": "body", "default": {"auth": [{"password": "hunter2"}]}},
            ],
            "body": {"template": {"login": {"user": "a", "password": "hunter2"}, "list": [{"apiKey": "hunter2"}], "text": "Bearer hunter2hunter2"}},
        }));
        let expected = [
            "tds_ext_info.headers.Authorization",
            "tds_ext_info.headers.Cookie",
            "tds_ext_info.query.api_key",
            "tds_ext_info.params[0].const",
            "tds_ext_info.params[2].const",
            "tds_ext_info.params[3].default.auth[0].password",
            "tds_ext_info.path (`access_token`)",
            "tds_ext_info.body.template.login.password",
            "tds_ext_info.body.template.list[0].apiKey",
            "tds_ext_info.body.template.text",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_filled_in_or_says_nothing_is_none() {
        let found = places(&json!({
            "path": "/x?token={token}&sort=name",
            "headers": {"Authorization": "Bearer {{ arguments.token }}", "X-Session": "", "Cookie": "lang=de"},
            "query": {"page_token": "abc", "limit": 3},
            "body": {"template": {"password": "{{ args.password }}", "token": 5, "text": "Bearer of news"}},
        }));
        assert_eq!(found, Vec::<String>::new());
    }
}
