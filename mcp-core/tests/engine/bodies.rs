//! Bodies that definitions describe: modes, root, template, forms.

mod refusals;

use crate::{
    calling::{call_text, engine, text, with},
    upstream::{Seen, Server},
};
use mcp_core::{engine::Outcome, tool::CompiledTool};
use serde_json::{Value, json};

fn properties(names: &[&str]) -> Value {
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    json!({"type": "object", "properties": properties})
}

fn body_tool(server: &Server, method: &str, schema: &Value, body: &Value) -> CompiledTool {
    with(&server.origin, method, "/x", schema, &json!({"body": body}))
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

#[tokio::test]
async fn a_root_is_the_body_whatever_it_is() {
    let server = Server::start().await;
    let tool = body_tool(
        &server,
        "POST",
        &properties(&["items"]),
        &json!({"root": "/items"}),
    );
    for value in [
        r#"[1.10,null,{"a":[]},123456789012345678901234567890]"#,
        r#""text""#,
        "null",
        "1E+2",
        "true",
        "[]",
        "{}",
    ] {
        let seen = sent(&server, &tool, &format!(r#"{{"items":{value}}}"#)).await;
        assert_eq!(
            (seen.text(), seen.header("content-type")),
            (value, Some("application/json"))
        );
    }
    let seen = sent(&server, &tool, "{}").await;
    assert_eq!((seen.text(), seen.header("content-length")), ("", Some("0")));
    let wrong = refused(&server, &tool, r#"{"items":1,"more":2}"#).await;
    assert!(wrong.contains("/more: has no place"), "{wrong}");
    let deep = json!({"properties": {"body": {"properties": {"items": {"type": "array"}}}, "query": {"type": "object"}}});
    let deep = with(
        &server.origin,
        "PATCH",
        "/x",
        &deep,
        &json!({"body": {"root": "/body/items", "content_type": "application/merge-patch+json"}}),
    );
    let seen = sent(&server, &deep, r#"{"body":{"items":[0]},"query":{"q":1}}"#).await;
    assert_eq!((seen.target.as_str(), seen.text()), ("/x?q=1", "[0]"));
    assert_eq!(seen.header("content-type"), Some("application/merge-patch+json"));
}

#[tokio::test]
async fn a_template_is_exactly_the_body_and_its_leaves_keep_their_types() {
    let server = Server::start().await;
    let schema = properties(&["id", "vip", "note", "items", "name"]);
    let template = json!({
        "customer": {"id": "{{ args.id }}", "vip": "{{ args.vip }}", "fixed": [1, "a", null]},
        "items": ["{{ args.items }}", {"note": "{{ args.note }}"}],
        "text": "Order {{ args.id }} of {{ args.name | upper }}",
        "sum": "{{ args.id + 1 }}", "who": "{{ principal.sub }}", "a.b": "x{{ args.name }}", "a": {"b": "y{{ args.name }}"}
    });
    let tool = body_tool(&server, "POST", &schema, &json!({"template": template}));
    let arguments = r#"{"id":7,"vip":true,"note":null,"items":[1.10,{"x":123456789012345678901234567890}],"name":"a\"},{\""}"#;
    let expected = r#"{"customer":{"id":7,"vip":true,"fixed":[1,"a",null]},"items":[[1.10,{"x":123456789012345678901234567890}],{"note":null}],"text":"Order 7 of A\"},{\"","sum":8,"who":"alice","a.b":"xa\"},{\"","a":{"b":"ya\"},{\""}}"#;
    assert_eq!(sent(&server, &tool, arguments).await.text(), expected);
    let long = r#"{"id":123456789012345678901234567890,"name":"n"}"#;
    let body = sent(&server, &tool, long).await;
    assert!(
        body.text().contains(
            r#""text":"Order 123456789012345678901234567890 of N","sum":123456789012345678901234567891"#
        ),
        "{}",
        body.text()
    );
    // What is not there leaves its member out, and nothing else.
    let expected = r#"{"customer":{"id":7,"fixed":[1,"a",null]},"items":[{}],"text":"Order 7 of N","sum":8,"who":"alice","a.b":"xn","a":{"b":"yn"}}"#;
    assert_eq!(
        sent(&server, &tool, r#"{"id":7,"name":"n"}"#).await.text(),
        expected
    );
    let wrong = refused(&server, &tool, r#"{"id":7,"name":"n","other":1}"#).await;
    assert!(wrong.contains("/other: has no place"), "{wrong}");
    let wrong = refused(&server, &tool, r#"{"name":"n"}"#).await;
    assert!(
        wrong.contains("tds_ext_info.body.template.text") && wrong.contains("undefined"),
        "{wrong}"
    );
}

#[tokio::test]
async fn a_template_that_grows_without_end_is_ended() {
    let server = Server::start().await;
    let body = json!({"template": {"x": "{% for i in range(1000) %}{{ args.a }}{% endfor %}"}});
    let tool = with(
        &server.origin,
        "POST",
        "/x",
        &properties(&["a"]),
        &json!({"body": body, "limits": {"max_request_bytes": "64KiB"}}),
    );
    let wrong = refused(&server, &tool, &json!({"a": "y".repeat(30_000)}).to_string()).await;
    assert!(
        wrong.contains("/a: the value of `tds_ext_info.body.template.x` is longer than 65536 bytes"),
        "{wrong}"
    );
    assert_eq!(sent(&server, &tool, r#"{"a":"y"}"#).await.text().len(), 1_008);
}

#[tokio::test]
async fn forms_are_written_as_openapi_has_them() {
    let server = Server::start().await;
    let schema = properties(&[
        "a",
        "list",
        "object",
        "comma",
        "deep",
        "flat",
        "json",
        "space",
        "tab",
        "bare",
        "bare_comma",
    ]);
    let body = json!({"mode": "form", "encoding": {
        "comma": {"style": "form", "explode": false}, "deep": {"style": "deepObject", "explode": true},
        "flat": {"style": "form"}, "json": {"contentType": "application/json"}, "space": {"style": "spaceDelimited"},
        "tab": {"style": "tabDelimited"}, "bare": {"allowReserved": true}, "bare_comma": {"allow_reserved": true, "explode": false}
    }});
    let tool = body_tool(&server, "POST", &schema, &body);
    for (arguments, expected) in [
        (r#"{"a":"x y&z=ü+"}"#, "a=x%20y%26z%3D%C3%BC%2B"),
        (r#"{"a":""}"#, "a="),
        (
            r#"{"a":1.10,"b":null,"list":[1,"b c",null,{"x":1}]}"#,
            "a=1.10&list=1&list=b%20c&list=%7B%22x%22%3A1%7D",
        ),
        (
            r#"{"object":{"street":"s","n":[1]}}"#,
            "object=%7B%22street%22%3A%22s%22%2C%22n%22%3A%5B1%5D%7D",
        ),
        (r#"{"comma":["a,b","c"]}"#, "comma=a%2Cb,c"),
        (
            r#"{"deep":{"street":{"name":"s&t"},"items":[{"sku":"x","n":2},3]}}"#,
            "deep%5Bstreet%5D%5Bname%5D=s%26t&deep%5Bitems%5D%5B0%5D%5Bsku%5D=x&deep%5Bitems%5D%5B0%5D%5Bn%5D=2&deep%5Bitems%5D%5B1%5D=3",
        ),
        (r#"{"deep":["x","y"]}"#, "deep%5B0%5D=x&deep%5B1%5D=y"),
        (r#"{"flat":{"x":1,"y":"z"}}"#, "x=1&y=z"),
        (r#"{"json":[1]}"#, "json=%5B1%5D"),
        (r#"{"space":["a","b"]}"#, "space=a%20b"),
        (r#"{"tab":["a","b\tc"]}"#, "tab=a%09b%09c"),
        // With a style of its own an object is no JSON text any more.
        (r#"{"bare":{"x":"a/b&c=d+e#%2F"}}"#, "x=a/b%26c%3Dd%2Be%23%2F"),
        (r#"{"bare_comma":["a/b","c,d"]}"#, "bare_comma=a/b,c%2Cd"),
        ("{}", ""),
    ] {
        let seen = sent(&server, &tool, arguments).await;
        assert_eq!(seen.text(), expected, "{arguments}");
        assert_eq!(
            seen.header("content-type"),
            Some("application/x-www-form-urlencoded")
        );
    }
    // Places in the body, grouped arguments, template and root make fields too.
    let more = json!({"body": {"mode": "form", "encoding": {"address": {"style": "deepObject"}}}, "params": [
        {"name": "city", "in": "body", "as": "/address/city"}, {"name": "v", "in": "body", "const": 2}
    ]});
    let placed = with(
        &server.origin,
        "POST",
        "/x",
        &json!({"properties": {"body": properties(&["city", "q"])}}),
        &more,
    );
    let seen = sent(&server, &placed, r#"{"body":{"q":"1","city":"Ulm"}}"#).await;
    assert_eq!(seen.text(), "address%5Bcity%5D=Ulm&v=2&q=1");
    let body = json!({"content_type": "application/x-www-form-urlencoded", "template": {"grant": "{{ args.a }}", "n": [1, 2]}});
    let template = body_tool(&server, "POST", &properties(&["a"]), &body);
    assert_eq!(
        sent(&server, &template, r#"{"a":"x&y"}"#).await.text(),
        "grant=x%26y&n=1&n=2"
    );
    let root = body_tool(
        &server,
        "POST",
        &properties(&["a"]),
        &json!({"mode": "form", "root": "/a"}),
    );
    assert_eq!(sent(&server, &root, r#"{"a":{"b":"c"}}"#).await.text(), "b=c");
    let wrong = refused(&server, &root, r#"{"a":[1]}"#).await;
    assert!(wrong.contains("/a: must be an object"), "{wrong}");
}

#[tokio::test]
async fn no_value_ends_the_element_it_stands_in() {
    let server = Server::start().await;
    let schema = properties(&["v"]);
    let with_template = |kind: &str, template: &str| {
        body_tool(
            &server,
            "POST",
            &schema,
            &json!({"content_type": kind, "template": template}),
        )
    };
    let breaking_out = r#"{"v":"</v><x a=\"'&"}"#;
    let escaped = "<v>&lt;&#x2f;v&gt;&lt;x a=&quot;&#x27;&amp;</v>";
    for kind in [
        "text/xml; charset=utf-8",
        "application/soap+xml",
        "Application/XML",
    ] {
        for template in ["<v>{{ args.v }}</v>", "<v>{{ args.v | e }}</v>"] {
            let seen = sent(&server, &with_template(kind, template), breaking_out).await;
            assert_eq!(seen.text(), escaped, "{kind} {template}");
        }
    }
    let tool = with_template("text/xml", "<v>{{ args.v }}</v>");
    for (value, written) in [
        (
            r#"["<",{"a":"&"}]"#,
            "[&quot;&lt;&quot;,{&quot;a&quot;:&quot;&amp;&quot;}]",
        ),
        ("true", "true"),
        ("1.5", "1.5"),
    ] {
        let seen = sent(&server, &tool, &format!(r#"{{"v":{value}}}"#)).await;
        assert_eq!(seen.text(), format!("<v>{written}</v>"));
    }
    for value in [r#""a\u0000""#, r#"{"a":["\u001f\uffff"]}"#] {
        let arguments = format!(r#"{{"v":{value}}}"#);
        let result = crate::calling::call_text(&crate::calling::engine(), &tool, &arguments).await;
        let refusal = crate::calling::text(&result);
        assert!(refusal.contains("which no XML document can have"), "{refusal}");
        assert!(server.seen().is_empty());
    }
    for (kind, template) in [
        ("text/xml", "<v>{{ args.v | safe }}</v>"),
        ("text/plain", "<v>{{ args.v }}</v>"),
    ] {
        let seen = sent(&server, &with_template(kind, template), r#"{"v":"<b/>"}"#).await;
        assert_eq!(seen.text(), "<v><b/></v>", "{kind}");
    }
}

#[tokio::test]
async fn raw_bodies_are_the_text_or_the_bytes() {
    let server = Server::start().await;
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}, "file": {"type": "string", "contentEncoding": "base64"}}});
    let schema_of = |name: &str| json!({"type": "object", "properties": {name: schema["properties"][name]}});
    let xml = body_tool(
        &server,
        "POST",
        &schema_of("text"),
        &json!({"content_type": "application/xml", "root": "/text"}),
    );
    let seen = sent(&server, &xml, r#"{"text":"<a>\n\u00fc</a>"}"#).await;
    assert_eq!(
        (seen.text(), seen.header("content-type")),
        ("<a>\nü</a>", Some("application/xml"))
    );
    let template = body_tool(
        &server,
        "PUT",
        &schema_of("text"),
        &json!({"mode": "raw", "template": "hello {{ args.text }}"}),
    );
    let seen = sent(&server, &template, r#"{"text":"x"}"#).await;
    assert_eq!(
        (seen.text(), seen.header("content-type")),
        ("hello x", Some("text/plain; charset=utf-8"))
    );
    let bytes = body_tool(
        &server,
        "PUT",
        &schema_of("file"),
        &json!({"mode": "raw", "root": "/file", "content_type": "application/pdf"}),
    );
    assert_eq!(
        &sent(&server, &bytes, r#"{"file":"AP8N"}"#).await.body[..],
        [0, 255, 13]
    );
    let wrong = refused(&server, &bytes, r#"{"file":"a?"}"#).await;
    assert!(wrong.contains("/file: is not base64"), "{wrong}");
}

#[tokio::test]
async fn without_a_body_everything_goes_to_the_query_and_a_named_mode_has_one_for_every_method() {
    let server = Server::start().await;
    let none = body_tool(&server, "POST", &properties(&["a"]), &json!({"mode": "none"}));
    let seen = sent(&server, &none, r#"{"a":1}"#).await;
    assert_eq!((seen.target.as_str(), seen.text()), ("/x?a=1", ""));
    let delete = body_tool(&server, "DELETE", &properties(&["a"]), &json!({"mode": "json"}));
    let seen = sent(&server, &delete, r#"{"a":1}"#).await;
    assert_eq!((seen.target.as_str(), seen.text()), ("/x", r#"{"a":1}"#));
    let get = with(
        &server.origin,
        "GET",
        "/x",
        &properties(&["a", "q"]),
        &json!({"params": [{"name": "q", "in": "body", "as": "/query/match"}]}),
    );
    let seen = sent(&server, &get, r#"{"a":1,"q":"z"}"#).await;
    assert_eq!(
        (seen.target.as_str(), seen.text()),
        ("/x?a=1", r#"{"query":{"match":"z"}}"#)
    );
    let open = with(
        &server.origin,
        "POST",
        "/x",
        &json!({}),
        &json!({"body": {"mode": "none"}}),
    );
    let wrong = refused(&server, &open, r#"{"body":{"a":1}}"#).await;
    assert!(wrong.contains("/body: has no place"), "{wrong}");
}

/// Of an optional body of which nothing is given there is nothing to send: `{}` is a body too, and not one that every API
/// takes.
#[tokio::test]
async fn an_optional_body_is_sent_only_where_something_of_it_is_given() {
    let server = Server::start().await;
    for mode in ["json", "form", "multipart"] {
        for method in ["POST", "DELETE"] {
            let tool = |optional: bool| {
                let body = json!({"mode": mode, "optional": optional});
                body_tool(&server, method, &properties(&["a"]), &body)
            };
            let seen = sent(&server, &tool(true), "{}").await;
            assert!(
                seen.body.is_empty() && seen.header("content-type").is_none(),
                "{mode} {method}"
            );
            let seen = sent(&server, &tool(true), r#"{"a":"b"}"#).await;
            assert!(!seen.body.is_empty(), "{mode} {method}");
            // A form of no fields is empty, a multipart body of no parts is none.
            let seen = sent(&server, &tool(false), "{}").await;
            let has_type = seen.header("content-type").is_some();
            assert_eq!(has_type, mode != "multipart", "{mode} {method}");
            if (mode, method) != ("multipart", "DELETE") {
                let length = seen.body.len().to_string();
                assert_eq!(seen.header("content-length"), Some(&*length), "{mode} {method}");
            }
        }
    }
}
