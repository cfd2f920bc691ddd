//! Credentials that stand in a definition as they are: whoever may read definitions reads them, exports and histories keep them.

use mcp_common::{
    credential_name::{in_json, in_query, is_literal_cookie, is_literal_credential, shows_credential},
    definition::tool::{AuthBinding, HttpBinding, Param, Place},
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
    let in_path = in_query(query);
    if in_path.is_empty() && shows_credential(&binding.path) {
        places.push("path".to_owned());
    }
    places.extend(in_path.into_iter().map(|name| format!("path (`{name}`)")));
    for (member, url) in [("domain", &binding.domain), ("base_url", &binding.base_url)] {
        let shows = url.as_deref().is_some_and(shows_credential);
        places.extend(shows.then(|| member.to_owned()));
    }
    if let Some(AuthBinding::ClientCredentials(client)) = &binding.auth {
        places.extend(of_url("auth.token_url", &client.token_url));
    }
    let template = binding.body.as_ref().and_then(|body| body.template.as_ref());
    let template = template.and_then(|raw| serde_json::from_str(raw.get()).ok());
    if let Some(template) = template {
        places.extend(in_json("", &template, "body.template"));
    }
    let say = |place: String| {
        format!(
            "tds_ext_info.{place}: a credential stands here for everybody who may read definitions; put it into an environment \
             variable or a file of the gateway, and refer to it with `auth`"
        )
    };
    places.into_iter().map(say).collect()
}

/// The places in a URL.
fn of_url(place: &str, url: &str) -> Vec<String> {
    let named = in_query(url);
    if named.is_empty() && shows_credential(url) {
        return vec![place.to_owned()];
    }
    named
        .into_iter()
        .map(|name| format!("{place} (`{name}`)"))
        .collect()
}

fn of_param((index, param): (usize, &Param)) -> Option<String> {
    let wire = param.wire_name.as_deref().unwrap_or(&param.name);
    // Of a pointer into the body, the member.
    let name = wire.rsplit('/').next().unwrap_or(wire);
    let is_cookie = param.place == Place::Cookie;
    let given = [("const", &param.constant), ("default", &param.default)];
    given.into_iter().find_map(|(member, given)| {
        let place = format!("params[{index}].{member}");
        let value: Value = serde_json::from_str(given.as_ref()?.get()).ok()?;
        let of_login = is_cookie && value.as_str().is_some_and(|text| is_literal_cookie(name, text));
        of_login
            .then(|| place.clone())
            .or_else(|| in_json(name, &value, &place).into_iter().next())
    })
}

fn is_one(name: &str, value: &Value) -> bool {
    let is_one = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| is_literal_credential(name, text))
    };
    is_one(value) || value.as_array().is_some_and(|all| all.iter().any(is_one))
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
                {"name": "c", "in": "cookie", "as": "sid", "const": "hunter2"},
                {"name": "filter", "in": "body", "default": {"auth": [{"password": "hunter2"}]}},
            ],
            "auth": {"type": "oauth2_client_credentials", "token_url": "https://a.example/t?client_secret=hunter2", "client_id": "x", "client_secret": "${env:DYNMCP_SECRET_X}"},
            "body": {"template": {"login": {"user": "a", "password": "hunter2"}, "list": [{"apiKey": "hunter2"}], "text": "Bearer hunter2hunter2"}},
        }));
        let expected = [
            "tds_ext_info.headers.Authorization",
            "tds_ext_info.headers.Cookie",
            "tds_ext_info.query.api_key",
            "tds_ext_info.params[0].const",
            "tds_ext_info.params[2].const",
            "tds_ext_info.params[3].const",
            "tds_ext_info.params[4].default.auth[0].password",
            "tds_ext_info.path (`access_token`)",
            "tds_ext_info.auth.token_url (`client_secret`)",
            "tds_ext_info.body.template.login.password",
            "tds_ext_info.body.template.list[0].apiKey",
            "tds_ext_info.body.template.text",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_body_that_is_one_text_is_read_and_a_token_shows_itself_anywhere() {
        let found = places(
            &json!({"body": {"template": "{\"user\": \"{{ args.user }}\", \"password\": \"hunter2\"}"}}),
        );
        assert_eq!(found, ["tds_ext_info.body.template"]);
        let token = ["ghp", "_", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"].concat();
        let found = places(&json!({
            "path": format!("/x/{token}"),
            "headers": {"X-Tenant": token},
            "query": {"list": ["a", token]},
        }));
        assert_eq!(
            found,
            [
                "tds_ext_info.headers.X-Tenant",
                "tds_ext_info.query.list",
                "tds_ext_info.path"
            ]
        );
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
