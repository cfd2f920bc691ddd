//! Credentials that stand in a definition as they are: whoever may read definitions reads them, exports and histories keep them.

use crate::credential_name::is_credential;
use mcp_common::definition::tool::{HttpBinding, Param};
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
    let say = |place: String| {
        format!(
            "tds_ext_info.{place}: a credential stands here for everybody who may read definitions; put it into an environment \
             variable or a file of the gateway, and refer to it with `auth`"
        )
    };
    places.into_iter().map(say).collect()
}

fn of_param((index, param): (usize, &Param)) -> Option<String> {
    let name = param.wire_name.as_deref().unwrap_or(&param.name);
    let constant = param.constant.as_ref()?;
    let value = serde_json::from_str(constant.get()).ok()?;
    is_one(name, &value).then(|| format!("params[{index}].const"))
}

fn is_one(name: &str, value: &Value) -> bool {
    let Value::String(text) = value else {
        return false;
    };
    // What is filled in at the call is no credential yet.
    if text.contains('{') {
        return false;
    }
    if name.eq_ignore_ascii_case("cookie") {
        let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
        return pairs
            .into_iter()
            .any(|(name, value)| is_credential(name) && !value.is_empty());
    }
    // A scheme alone says nothing.
    is_credential(name) && !matches!(text.trim(), "" | "Bearer" | "Basic" | "Token")
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
            ],
        }));
        let expected = [
            "tds_ext_info.headers.Authorization",
            "tds_ext_info.headers.Cookie",
            "tds_ext_info.query.api_key",
            "tds_ext_info.params[0].const",
            "tds_ext_info.path (`access_token`)",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_filled_in_or_says_nothing_is_none() {
        let found = places(&json!({
            "path": "/x?token={token}&sort=name",
            "headers": {"Authorization": "Bearer {{ arguments.token }}", "X-Session": "", "Cookie": "lang=de"},
            "query": {"page_token": "abc", "limit": 3},
        }));
        assert_eq!(found, Vec::<String>::new());
    }
}
