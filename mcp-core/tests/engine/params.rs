//! Declared parameters: renames, constants, defaults, hidden values, what is left out, places in the body.

use crate::{
    calling::{call, call_text, compile, definition, engine, text, with},
    upstream::{Seen, Server},
};
use mcp_core::{engine::Outcome, spec::Era, tool::CompiledTool};
use serde_json::{Value, json};

fn properties(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

async fn sent(server: &Server, tool: &CompiledTool, arguments: &str) -> Seen {
    let result = call_text(&engine(), tool, arguments).await;
    assert!(!result.is_error, "{}", text(&result));
    server.take()
}

async fn refused(server: &Server, tool: &CompiledTool, arguments: &str) -> String {
    let result = call_text(&engine(), tool, arguments).await;
    assert_eq!(result.outcome, Outcome::InvalidArguments, "{}", text(&result));
    assert!(server.seen().is_empty());
    text(&result)
}

fn listed(tool: &CompiledTool) -> Value {
    serde_json::from_str(&tool.listing("t", None, Era::Modern)).unwrap()
}

#[tokio::test]
async fn each_argument_goes_to_its_place_under_its_name_there() {
    let server = Server::start().await;
    let more = json!({"params": [
        {"name": "user", "in": "path", "as": "id"},
        {"name": "tags", "in": "query", "as": "tag", "explode": false},
        {"name": "trace", "in": "header", "as": "X-Trace"},
        {"name": "session", "in": "cookie", "as": "sid"},
        {"name": "note", "in": "body", "as": "/comment/text"},
        {"name": "lang", "in": "body", "as": "/comment/meta/0/lang~1code"},
        {"name": "size", "in": "body", "as": "length"}
    ]});
    let names = ["user", "tags", "trace", "session", "note", "lang", "size", "more"];
    let flat = with(&server.origin, "POST", "/u/{id}", &properties(&names), &more);
    let arguments = r#"{"user":"a/b","tags":["x","y"],"trace":"t","session":"s;","note":null,"lang":"de","size":1.10,"more":[1e3]}"#;
    let grouped_schema = json!({"type": "object", "properties": {
        "path": properties(&["user"]), "query": properties(&["tags"]), "header": properties(&["trace"]),
        "cookie": properties(&["session"]), "body": properties(&["note", "lang", "size", "more"])
    }});
    let grouped = with(&server.origin, "POST", "/u/{id}", &grouped_schema, &more);
    let in_groups = r#"{"path":{"user":"a/b"},"query":{"tags":["x","y"]},"header":{"trace":"t"},"cookie":{"session":"s;"},"body":{"note":null,"lang":"de","size":1.10,"more":[1e3]}}"#;
    let open = with(&server.origin, "POST", "/u/{id}", &json!({}), &more);
    for (tool, arguments) in [
        (&flat, arguments),
        (&grouped, in_groups),
        (&open, arguments),
        (&open, in_groups),
    ] {
        let seen = sent(&server, tool, arguments).await;
        assert_eq!(seen.target, "/u/a%2Fb?tag=x,y");
        assert_eq!(
            (seen.header("x-trace"), seen.header("cookie")),
            (Some("t"), Some("sid=s%3B"))
        );
        let body = r#"{"comment":{"text":null,"meta":[{"lang/code":"de"}]},"length":1.10,"more":[1e3]}"#;
        assert_eq!(seen.text(), body);
    }
    // Objects on the way exist for what is in them.
    assert_eq!(
        sent(&server, &flat, r#"{"user":1,"lang":"de"}"#).await.text(),
        r#"{"comment":{"meta":[{"lang/code":"de"}]}}"#
    );
    assert_eq!(sent(&server, &flat, r#"{"user":1}"#).await.text(), "{}");
    let wrong = refused(&server, &flat, r#"{"user":1,"trace":"a\nb"}"#).await;
    assert!(wrong.contains("/trace: has a line break"), "{wrong}");
    let wrong = refused(&server, &open, r#"{"path":{"user":1},"body":[1]}"#).await;
    assert!(wrong.contains("/body: must be an object"), "{wrong}");
    let wrong = refused(&server, &grouped, r#"{"path":{"user":1},"body":[1]}"#).await;
    assert!(wrong.contains("/body: "), "{wrong}");
}

#[tokio::test]
async fn constants_and_hidden_values_are_sent_and_neither_listed_nor_accepted() {
    let server = Server::start().await;
    let more = json!({"params": [
        {"name": "version", "in": "query", "as": "api-version", "const": 1.10},
        {"name": "scope", "in": "query", "const": {"tenant": "mine", "tags": ["a", "b"]}, "style": "deepObject"},
        {"name": "who", "in": "header", "as": "X-Who", "hidden": true, "default": "{{ principal.sub }}@{{ instance }}"},
        {"name": "kind", "in": "body", "as": "/meta/kind", "const": [null, 123456789012345678901234567890i128 as f64]},
        {"name": "from", "in": "body", "as": "/meta/from", "const": {"name": "{{ instance }}", "gone": null}},
        {"name": "ns", "in": "path", "const": "a b"}
    ]});
    let mut schema = properties(&["version", "who", "note", "kind"]);
    schema["required"] = json!(["version", "note"]);
    let tool = with(&server.origin, "POST", "/{ns}/x", &schema, &more);
    assert_eq!(
        listed(&tool)["inputSchema"],
        json!({"type": "object", "properties": {"note": {}}, "additionalProperties": false, "required": ["note"]})
    );
    let seen = sent(&server, &tool, r#"{"note":"n"}"#).await;
    assert_eq!(seen.path(), "/a%20b/x");
    let query = [
        ("api-version", "1.1"),
        ("scope[tenant]", "mine"),
        ("scope[tags][0]", "a"),
        ("scope[tags][1]", "b"),
    ];
    assert_eq!(
        seen.query(),
        query.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(seen.header("x-who"), Some("alice@support"));
    let body: Value = serde_json::from_str(seen.text()).unwrap();
    assert_eq!(body["meta"]["from"], json!({"name": "support", "gone": null}));
    assert_eq!(body["note"], "n");
    let wrong = refused(&server, &tool, r#"{"note":"n","who":"root"}"#).await;
    assert!(wrong.contains("'who' was unexpected"), "{wrong}");

    // Where the schema is open, they are refused by name, also in the forms that servers read as the same.
    let open = with(
        &server.origin,
        "GET",
        "/{ns}/x",
        &json!({}),
        &json!({"params": more["params"].as_array().unwrap().iter().filter(|p| p["in"] != "body").collect::<Vec<_>>()}),
    );
    for (arguments, pointer) in [
        (r#"{"version":2}"#, "/version"),
        (r#"{"ns":"other"}"#, "/ns"),
        (r#"{"api-version":2}"#, "/api-version"),
        (r#"{"scope[tenant]":"other"}"#, "/scope[tenant]"),
        (r#"{"api-version[]":"other"}"#, "/api-version[]"),
        (r#"{"query":{"scope":{"tenant":"other"}}}"#, "/query/scope"),
        (r#"{"header":{"x-who":"root"}}"#, "/header/x-who"),
        (r#"{"filter":{"api-version":"other"}}"#, "/filter"),
    ] {
        let wrong = refused(&server, &open, arguments).await;
        assert!(
            wrong.contains(&format!("{pointer}: ")) && wrong.contains("given by the definition"),
            "{arguments}: {wrong}"
        );
    }
}

#[tokio::test]
async fn numbers_of_the_definition_keep_their_text() {
    let server = Server::start().await;
    let text = r#"{"name":"t","description":"d","input_schema":{},"tds_ext_info":{"domain":"ORIGIN","method":"POST","path":"/","params":[
        {"name":"a","in":"query","const":1.10},{"name":"b","in":"body","const":{"big": 123456789012345678901234567890, "d":[1.0,1E+2]}},
        {"name":"c","in":"body","default":-0.0}]}}"#;
    let (tool, _) = crate::calling::compile_text(&text.replace("ORIGIN", &server.origin)).unwrap();
    let seen = sent(&server, &tool, "{}").await;
    assert_eq!(seen.target, "/?a=1.10");
    assert_eq!(
        seen.text(),
        r#"{"b":{"big":123456789012345678901234567890,"d":[1.0,1E+2]},"c":-0.0}"#
    );
}

#[tokio::test]
async fn defaults_fill_what_is_not_there_and_omit_if_leaves_out() {
    let server = Server::start().await;
    let more = json!({"params": [
        {"name": "region", "in": "path", "default": "eu"},
        {"name": "limit", "in": "query", "default": 20},
        {"name": "page", "in": "query", "default": 1, "omit_if": "default"},
        {"name": "q", "in": "query", "omit_if": "empty"},
        {"name": "note", "in": "body", "omit_if": "null"},
        {"name": "list", "in": "body", "omit_if": "empty"},
        {"name": "keep", "in": "body"},
        {"name": "sort", "in": "header", "as": "X-Sort", "default": ["a", "b"], "omit_if": "default"}
    ]});
    let schema = properties(&["region", "limit", "page", "q", "note", "list", "keep", "sort"]);
    let tool = with(&server.origin, "POST", "/{region}", &schema, &more);
    for (arguments, target, sort, body) in [
        ("{}", "/eu?limit=20", None, "{}"),
        (
            r#"{"region":"us","limit":5,"page":2,"q":"x","note":"n","list":[0],"keep":1,"sort":["b"]}"#,
            "/us?limit=5&page=2&q=x",
            Some("b"),
            r#"{"note":"n","list":[0],"keep":1}"#,
        ),
        (
            r#"{"limit":null,"page":1,"q":"","note":null,"list":[ ],"keep":null,"sort":["a", "b"]}"#,
            "/eu",
            None,
            r#"{"keep":null}"#,
        ),
        (r#"{"q":{},"list":"","page":null}"#, "/eu?limit=20", None, "{}"),
    ] {
        let seen = sent(&server, &tool, arguments).await;
        assert_eq!(seen.target, target, "{arguments}");
        assert_eq!((seen.header("x-sort"), seen.text()), (sort, body), "{arguments}");
    }
    let wrong = refused(&server, &tool, r#"{"region":null}"#).await;
    assert!(wrong.contains("/region: "), "{wrong}");
}

#[tokio::test]
async fn values_with_a_default_satisfy_required_params() {
    let server = Server::start().await;
    let more = json!({"required_params": {"a": "string", "b": "string"}, "params": [
        {"name": "a", "in": "query", "const": 1}, {"name": "b", "in": "query", "default": 2}
    ]});
    let tool = with(&server.origin, "GET", "/", &json!({}), &more);
    assert_eq!(sent(&server, &tool, "{}").await.target, "/?a=1&b=2");
}

#[tokio::test]
async fn cookies_stand_beside_those_of_the_definition_and_displace_none() {
    let server = Server::start().await;
    let cookies = json!({"other": {}, "fixed": {}, "sid": {}, "t": {}});
    let schema = json!({"properties": {"cookie": {"type": "object", "properties": cookies, "additionalProperties": true}}});
    let more = json!({"headers": {"Cookie": "fixed=1"}, "params": [
        {"name": "sid", "in": "cookie", "const": "s"}, {"name": "theme", "in": "cookie", "as": "t"}
    ]});
    let tool = with(&server.origin, "GET", "/", &schema, &more);
    let seen = sent(&server, &tool, r#"{"cookie":{"other":"o","theme":"dark"}}"#).await;
    assert_eq!(seen.header("cookie"), Some("fixed=1; sid=s; t=dark; other=o"));
    for name in ["fixed", "sid", "t"] {
        let wrong = refused(&server, &tool, &json!({"cookie": {name: "x"}}).to_string()).await;
        assert!(
            wrong.contains(&format!("/cookie/{name}: ")) && wrong.contains("is given by the definition"),
            "{wrong}"
        );
    }
    let wrong = refused(&server, &tool, r#"{"cookie":{"session":"x"}}"#).await;
    assert!(
        wrong.contains("/cookie/session: is not a cookie of this tool"),
        "{wrong}"
    );
}

#[test]
fn what_cannot_be_meant_is_refused_when_it_is_written() {
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {"type": "string"}}, "additionalProperties": false});
    let grouped = json!({"type": "object", "properties": {"query": {"type": "object", "properties": {"a": {}}, "additionalProperties": false}}});
    let p = |params: Value| json!({"params": params});
    let field = "tds_ext_info.params[0].";
    let table = [
        (
            &schema,
            p(json!([{"name": "a", "in": "path", "style": "form"}])),
            format!(
                "{field}style: `form` is not a style for the path; there are simple, label, matrix, json"
            ),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "style": "matrix"}])),
            format!("{field}style: `matrix` is not a style for the query"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "header", "style": "form"}])),
            format!("{field}style: "),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "cookie", "style": "deepObject"}])),
            format!("{field}style: "),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "body", "style": "form"}])),
            format!("{field}style: says nothing in the body"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "style": "pipeDelimited", "explode": true}])),
            format!("{field}explode: `pipeDelimited` has no exploded form"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "style": "deepObject", "explode": false}])),
            format!("{field}explode: "),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "style": "tabDelimited", "explode": true}])),
            format!("{field}explode: `tabDelimited` has no exploded form"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "header", "allow_reserved": true}])),
            format!("{field}allow_reserved: is for the query, not for the header"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "style": "json", "allow_reserved": true}])),
            format!("{field}allow_reserved: JSON is one text"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "path"}])),
            format!("{field}in: the path has no placeholder `a`"),
        ),
        (
            &schema,
            json!({"path": "/{a}", "params": [{"name": "a", "in": "query"}]}),
            format!("{field}in: puts `a` into the query, but `a` is a placeholder"),
        ),
        (
            &schema,
            p(json!([{"name": "x", "in": "query"}])),
            format!("{field}name: input_schema has no property `x`"),
        ),
        (
            &grouped,
            p(json!([{"name": "a", "in": "header"}])),
            format!("{field}name: input_schema has no property `header`"),
        ),
        (
            &grouped,
            p(json!([{"name": "b", "in": "query"}])),
            format!("{field}name: input_schema has no property `query.b`"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "hidden": true}])),
            format!("{field}hidden: needs a value"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "const": 1, "default": 2}])),
            format!("{field}default: is given together with `const`"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query", "omit_if": "default"}])),
            format!("{field}omit_if: there is no `default`"),
        ),
        (
            &schema,
            json!({"path": "/{a}", "params": [{"name": "a", "in": "path", "omit_if": "empty"}]}),
            format!("{field}omit_if: "),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "header", "as": "Host"}])),
            format!("{field}as: `Host` cannot be set"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "cookie", "as": "a b"}])),
            format!("{field}as: `a b` cannot be a cookie's name"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "header", "const": "x\ny"}])),
            format!("{field}const or default: has a line break"),
        ),
        (
            &schema,
            json!({"path": "/{z}", "params": [{"name": "z", "in": "path", "const": "../x"}]}),
            format!("{field}const or default: has a `.` or `..` segment"),
        ),
        (
            &schema,
            p(json!([{"name": "z", "in": "query", "const": "${env:TOKEN}"}])),
            format!("{field}const: `${{env:…}}` is read in `auth` only"),
        ),
        (
            &schema,
            p(json!([{"name": "z", "in": "query", "const": "{{ args.nope }}"}])),
            format!("{field}const: names `args.nope`"),
        ),
        (
            &schema,
            p(json!([{"name": "z", "in": "query", "const": ["{{ nope }}"]}])),
            format!("{field}const[0]: names `nope`"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query"}, {"name": "a", "in": "query"}])),
            "tds_ext_info.params[1].name: `a` is declared before".to_owned(),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "query"}, {"name": "b", "in": "query", "as": "a"}])),
            "tds_ext_info.params[1].as: `a` is filled by another parameter".to_owned(),
        ),
        (
            &schema,
            json!({"query": {"a": 1}, "params": [{"name": "a", "in": "query"}]}),
            "tds_ext_info.params[0]: `a` is also given by".to_owned(),
        ),
        (
            &schema,
            json!({"headers": {"X-A": 1}, "params": [{"name": "a", "in": "header", "as": "x-a"}]}),
            "tds_ext_info.params[0]: `x-a` is also given by".to_owned(),
        ),
        (
            &schema,
            json!({"headers": {"X-A": "{{ args.a }}"}, "params": [{"name": "a", "in": "query"}]}),
            format!("{field}name: `a` is also named by a template"),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "body", "as": "/x"}, {"name": "b", "in": "body", "as": "/x/y"}])),
            "tds_ext_info.params[1].as: `/x` is already filled".to_owned(),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "body", "as": "/x/0"}, {"name": "b", "in": "body", "as": "/x/y"}])),
            "tds_ext_info.params[1].as: `/x` is already filled".to_owned(),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "body", "as": "/x/1"}])),
            "tds_ext_info.params: the list at `/x` has a gap".to_owned(),
        ),
        (
            &schema,
            p(json!([{"name": "a", "in": "body", "as": "/x~"}])),
            format!("{field}as: `x~` is not a step"),
        ),
        (
            &schema,
            json!({"method": "POST", "params": [{"name": "a", "in": "body", "as": "/b/x"}]}),
            "tds_ext_info.params: the argument `b` goes to `/b` of the body".to_owned(),
        ),
    ];
    for (schema, more, expected) in table {
        let mut binding = json!({"domain": "api.example.com", "method": "GET", "path": "/x"});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let refusal = compile(&definition(schema, &binding)).err();
        assert!(
            refusal.as_ref().is_some_and(|text| text.starts_with(&expected)),
            "{more}: {refusal:?}, expected {expected}"
        );
    }
    let all_of = json!({"type": "object", "properties": {"a": {}}, "allOf": [{"properties": {"a": {}}}]});
    let binding = json!({"domain": "a", "method": "GET", "path": "/", "params": [{"name": "a", "in": "query", "const": 1}]});
    let refusal = compile(&definition(&all_of, &binding)).unwrap_err();
    assert!(
        refusal.starts_with("tds_ext_info.params[0]: cannot be hidden"),
        "{refusal}"
    );
}

#[tokio::test]
async fn the_same_argument_may_go_to_two_places() {
    let server = Server::start().await;
    let more =
        json!({"params": [{"name": "id", "in": "path"}, {"name": "id", "in": "body", "as": "/ref/id"}]});
    let tool = with(&server.origin, "PUT", "/{id}", &properties(&["id"]), &more);
    call(&tool, &json!({"id": 7})).await;
    let seen = server.take();
    assert_eq!((seen.target.as_str(), seen.text()), ("/7", r#"{"ref":{"id":7}}"#));
}

#[test]
fn a_default_that_is_never_used_is_a_warning() {
    let schema = json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
    let binding = json!({"domain": "a", "method": "GET", "path": "/", "params": [{"name": "a", "in": "query", "default": 1}]});
    let (_, warnings) = compile(&definition(&schema, &binding)).unwrap();
    assert_eq!(
        warnings,
        ["tds_ext_info.params[0].default: is never used, because input_schema requires the argument"]
    );
}

/// One tool whose pattern a client does not compile takes the others of the list with it.
#[tokio::test]
async fn a_pattern_that_clients_do_not_compile_is_held_to_and_not_listed() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {
        "code": {"type": "string", "pattern": "(?i)^abc$"}, "id": {"type": "string", "pattern": "^[0-9]+$"}
    }});
    let binding = json!({"domain": server.origin, "method": "GET", "path": "/x"});
    let (tool, warnings) = compile(&definition(&schema, &binding)).unwrap();
    let expected = json!({"code": {"type": "string"}, "id": {"type": "string", "pattern": "^[0-9]+$"}});
    assert_eq!(listed(&tool)["inputSchema"]["properties"], expected);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].starts_with("input_schema: `(?i)^abc$` is no pattern of ECMA-262")
            && warnings[0].contains("it is not listed"),
        "{warnings:?}"
    );
    let said = refused(&server, &tool, r#"{"code": "abd"}"#).await;
    assert!(said.contains("code"), "{said}");
    assert!(!call_text(&engine(), &tool, r#"{"code": "ABC"}"#).await.is_error);
}
