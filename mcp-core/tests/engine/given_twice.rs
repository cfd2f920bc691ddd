//! What the definition gives, an argument cannot give a second time: another value could win over the definition's own.

use crate::{
    calling::{call_text, compile, definition, text, with},
    credentials::SecretDir,
    upstream::Server,
};
use mcp_common::definition::instance::ToolOverrides;
use mcp_core::engine::Outcome;
use serde_json::{Value, json};

/// Each row: method, path, binding, arguments, and the name that is given already; none where the call is made.
#[tokio::test]
async fn arguments_cannot_give_a_second_time_what_the_definition_gives() {
    let dir = SecretDir::new("twice");
    let (engine, server) = (dir.engine(), Server::start().await);
    let key = |place: &str, name: &str| json!({"type": "api_key", "credential": dir.reference("token"), "in": place, "name": name});
    let filter = json!([{"name": "filter", "in": "query", "style": "deepObject"}]);
    let address = json!([{"name": "address", "in": "query"}]);
    let version = json!([{"name": "version", "in": "body", "const": "2"}]);
    let exploded = json!({"address": {"style": "form", "explode": true}});
    let files = json!([{"name": "file", "from": "/document", "source": "text"}]);
    let rows = [
        // The credential's own name.
        (
            "GET",
            "/",
            json!({"auth": key("query", "api_key")}),
            json!({"q": 1, "api_key": "evil"}),
            Some("api_key"),
        ),
        (
            "GET",
            "/",
            json!({"auth": key("query", "api_key")}),
            json!({"query": {"api_key": "evil"}}),
            Some("api_key"),
        ),
        (
            "GET",
            "/",
            json!({"auth": key("query", "api_key")}),
            json!({"q": {"api_key": "evil"}}),
            Some("api_key"),
        ),
        (
            "GET",
            "/",
            json!({"auth": key("query", "api_key")}),
            json!({"q": 1}),
            None,
        ),
        (
            "GET",
            "/",
            json!({"auth": key("cookie", "sid")}),
            json!({"cookie": {"sid": "evil"}}),
            Some("sid"),
        ),
        (
            "GET",
            "/",
            json!({"auth": key("cookie", "sid")}),
            json!({"cookie": {"other": {"sid": "evil"}}}),
            Some("sid"),
        ),
        // deepObject leads into other names.
        (
            "GET",
            "/",
            json!({"params": filter, "query": {"filter[tenant]": "eu"}}),
            json!({"filter": {"tenant": "us"}}),
            Some("filter[tenant]"),
        ),
        (
            "GET",
            "/",
            json!({"params": filter, "query": {"filter[tenant]": "eu"}}),
            json!({"filter": {"tenant": {"id": 1}}}),
            Some("filter[tenant][id]"),
        ),
        (
            "GET",
            "/",
            json!({"params": filter, "query": {"filter[tenant]": "eu"}}),
            json!({"filter": "all"}),
            Some("filter"),
        ),
        (
            "GET",
            "/",
            json!({"params": filter, "query": {"filter[tenant]": "eu"}}),
            json!({"filter": {"state": "new"}}),
            None,
        ),
        // As it stands in the path.
        (
            "GET",
            "/?filter%5Btenant%5D=eu",
            json!({"params": filter}),
            json!({"filter": {"tenant": "us"}}),
            Some("filter[tenant]"),
        ),
        (
            "GET",
            "/?filter%5Btenant%5D=eu",
            json!({}),
            json!({"filter[tenant]": "us"}),
            Some("filter[tenant]"),
        ),
        (
            "GET",
            "/?filter%5Btenant%5D=eu",
            json!({}),
            json!({"filter": "us"}),
            Some("filter"),
        ),
        (
            "GET",
            "/?user+id=1",
            json!({}),
            json!({"user id": "2"}),
            Some("user id"),
        ),
        // Members of an object that stand each for themselves.
        (
            "GET",
            "/",
            json!({"params": address, "query": {"version": "2"}}),
            json!({"address": {"version": "9"}}),
            Some("version"),
        ),
        (
            "GET",
            "/",
            json!({"params": [{"name": "c", "in": "cookie", "const": {"sid": "1"}}]}),
            json!({"cookie": {"sid": "2"}}),
            Some("sid"),
        ),
        (
            "POST",
            "/",
            json!({"params": version, "body": {"mode": "form", "encoding": exploded}}),
            json!({"address": {"version": "9"}}),
            Some("version"),
        ),
        (
            "POST",
            "/",
            json!({"params": version, "body": {"mode": "form", "encoding": exploded}}),
            json!({"address": {"city": "x"}}),
            None,
        ),
        (
            "POST",
            "/",
            json!({"params": version, "body": {"mode": "multipart", "encoding": exploded}}),
            json!({"address": {"version": "9"}}),
            Some("version"),
        ),
        (
            "POST",
            "/",
            json!({"params": version, "body": {"mode": "form"}}),
            json!({"version[0]": "9"}),
            Some("version[0]"),
        ),
        (
            "POST",
            "/",
            json!({"body": {"mode": "form", "template": {"version": "2", "address": "{{ args.address }}"}, "encoding": exploded}}),
            json!({"address": {"version": "9"}}),
            Some("version"),
        ),
        (
            "POST",
            "/",
            json!({"body": {"mode": "form", "template": {"version": "2", "address": "{{ args.address }}"}, "encoding": exploded}}),
            json!({"address": {"city": "x"}}),
            None,
        ),
        // Files.
        (
            "POST",
            "/",
            json!({"body": {"parts": files, "encoding": exploded}}),
            json!({"document": "d", "address": {"file": "evil"}}),
            Some("file"),
        ),
        (
            "POST",
            "/",
            json!({"body": {"parts": files, "root": "/data"}}),
            json!({"document": "d", "data": {"file": "evil"}}),
            Some("file"),
        ),
        (
            "POST",
            "/",
            json!({"body": {"parts": files, "root": "/data"}}),
            json!({"document": "d", "data": {"note": "n"}}),
            None,
        ),
    ];
    for (method, path, binding, arguments, twice) in rows {
        let tool = with(&server.origin, method, path, &json!({}), &binding);
        let result = call_text(&engine, &tool, &arguments.to_string()).await;
        let row = format!("{binding} {arguments}: {}", text(&result));
        match twice {
            Some(name) => {
                assert_eq!(result.outcome, Outcome::InvalidArguments, "{row}");
                let expected = format!("`{name}` is given by the definition");
                let plainly = format!("/{name}: is given by the definition");
                assert!(
                    text(&result).contains(&expected) || text(&result).contains(&plainly),
                    "{row}"
                );
                assert!(server.seen().is_empty(), "{row}");
            }
            None => {
                assert!(!result.is_error, "{row}");
                server.take();
            }
        }
    }
}

/// It is nobody's secret under which name an argument is sent, and that name is not the definition's.
#[tokio::test]
async fn the_name_that_an_argument_is_sent_as_leads_to_the_argument() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"page_size": {"type": "integer"}}});
    let binding = json!({"body": {"mode": "form"}, "params": [{"name": "page_size", "in": "body", "as": "page[size]"}]});
    let tool = with(&server.origin, "POST", "/", &schema, &binding);
    let result = call_text(&crate::calling::engine(), &tool, r#"{"page[size]":5}"#).await;
    let expected = "/page[size]: is what the argument `page_size` is sent as: give that one";
    assert!(text(&result).contains(expected), "{}", text(&result));
    assert!(server.seen().is_empty());
}

/// Two arguments are two parameters, whatever brackets their names have: `page` and `page[size]`, `ids` and `ids[]`. Where
/// the instance hides one, it is the instance's own, and the other does not lead to its place.
#[tokio::test]
async fn two_arguments_whose_names_lead_to_one_place_are_both_sent() {
    let server = Server::start().await;
    let size = json!({"params": [{"name": "page_size", "in": "query", "as": "page[size]"}]});
    let codes = json!({"params": [{"name": "codes", "in": "query", "as": "code[]"}]});
    let filters = json!({"params": [{"name": "filter", "in": "query", "style": "deepObject"}, {"name": "x", "in": "query", "as": "filter[x]"}]});
    let form = json!({"body": {"mode": "form"}, "params": [{"name": "ids_2", "in": "body", "as": "ids[]"}, {"name": "ids", "in": "body"}]});
    let file = json!({"body": {"parts": [{"name": "track[data]", "from": "/data", "source": "text"}]}, "params": [{"name": "track", "in": "body"}]});
    let rows = [
        (
            "GET",
            &size,
            json!({"page": 2, "page_size": 5}),
            Ok("/?page%5Bsize%5D=5&page=2"),
        ),
        (
            "GET",
            &codes,
            json!({"code": "a", "codes": ["b"]}),
            Ok("/?code%5B%5D=b&code=a"),
        ),
        (
            "GET",
            &filters,
            json!({"filter": {"y": 1}, "x": 2}),
            Ok("/?filter%5By%5D=1&filter%5Bx%5D=2"),
        ),
        (
            "GET",
            &filters,
            json!({"filter": {"x": 1}, "x": 2}),
            Err("`filter[x]` is given by another argument too"),
        ),
        ("POST", &form, json!({"ids": "1", "ids_2": ["2"]}), Ok("/")),
        ("POST", &file, json!({"track": "t", "data": "d"}), Ok("/")),
    ];
    for (method, binding, arguments, expected) in rows {
        let tool = with(&server.origin, method, "/", &json!({}), binding);
        let result = call_text(&crate::calling::engine(), &tool, &arguments.to_string()).await;
        match expected {
            Ok(target) => {
                assert!(!result.is_error, "{arguments}: {}", text(&result));
                assert_eq!(server.take().target, target, "{arguments}");
            }
            Err(reason) => assert!(text(&result).contains(reason), "{arguments}: {}", text(&result)),
        }
    }
    let schema = json!({"type": "object", "properties": {"page": {"type": "object"}, "page_size": {"type": "integer"}}});
    let binding = json!({"params": [{"name": "page_size", "in": "query", "as": "page[size]"}, {"name": "page", "in": "query", "style": "deepObject"}]});
    let tool = std::sync::Arc::new(with(&server.origin, "GET", "/", &schema, &binding));
    let overrides = ToolOverrides {
        defaults: [("page_size".to_owned(), "5".into())].into(),
        hide: vec!["page_size".to_owned()],
    };
    let tool = tool.with_overrides(&overrides).unwrap();
    let result = call_text(&crate::calling::engine(), &tool, r#"{"page":{"size":1000}}"#).await;
    assert!(
        text(&result).contains("`page[size]` is given by the definition"),
        "{}",
        text(&result)
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_parameters_own_default_does_not_stand_in_its_way() {
    let server = Server::start().await;
    let binding = json!({"params": [{"name": "sort", "in": "query", "default": {"by": "name"}}]});
    let schema = json!({"type": "object", "properties": {"sort": {}}});
    let tool = with(&server.origin, "GET", "/", &schema, &binding);
    for (arguments, target) in [
        (json!({}), "/?by=name"),
        (json!({"sort": {"by": "age"}}), "/?by=age"),
    ] {
        let result = call_text(&crate::calling::engine(), &tool, &arguments.to_string()).await;
        assert!(!result.is_error, "{}", text(&result));
        assert_eq!(server.take().target, target);
    }
}

#[test]
fn a_definition_that_gives_something_twice_is_refused_when_it_is_written() {
    let key = |place: &str| json!({"type": "api_key", "credential": "${env:DYNMCP_SECRET_A}", "in": place, "name": "sid"});
    let rows: [(&str, Value, &str); 5] = [
        (
            "/",
            json!({"auth": key("cookie"), "headers": {"Cookie": "a=1; sid=2"}}),
            "tds_ext_info.auth: the cookie `sid` is given elsewhere",
        ),
        (
            "/",
            json!({"auth": key("cookie"), "params": [{"name": "sid", "in": "cookie", "const": "1"}]}),
            "tds_ext_info.auth: the cookie `sid` is given elsewhere",
        ),
        (
            "/?s%69d=1",
            json!({"auth": key("query")}),
            "tds_ext_info.auth: the query parameter `sid` is given elsewhere",
        ),
        (
            "/?s%69d=1",
            json!({"query": {"sid": 2}}),
            "tds_ext_info.query.sid: stands in the path's query already",
        ),
        (
            "/",
            json!({"auth": key("header"), "headers": {"SID": "1"}}),
            "tds_ext_info.auth: the header `sid` is given elsewhere",
        ),
    ];
    for (path, more, expected) in rows {
        let mut binding = json!({"domain": "a", "method": "GET", "path": path});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let reason = compile(&definition(&json!({}), &binding)).unwrap_err();
        assert!(reason.contains(expected), "{binding}: {reason}");
    }
}
