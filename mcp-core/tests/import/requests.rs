//! Requests that somebody made: curl lines, Postman collections, HTTP archives.

use crate::workshop::{Workshop, options};
use mcp_core::authoring::import::{Format, ImportOptions};
use serde_json::{Value, json};

fn imported(format: Format, text: &str, options: &ImportOptions) -> Value {
    let mut workshop = Workshop::default();
    let report = workshop.import_as(format, text, options);
    let whole = json!({"report": report, "stored": workshop.shown()});
    assert!(
        !whole.to_string().contains("hunter2"),
        "a credential is kept: {whole}"
    );
    whole
}

#[test]
fn a_postman_collection() {
    insta::assert_json_snapshot!(imported(
        Format::Postman,
        include_str!("fixtures/collection.json"),
        &options()
    ));
}

#[test]
fn an_http_archive() {
    insta::assert_json_snapshot!(imported(
        Format::Har,
        include_str!("fixtures/session.har"),
        &options()
    ));
}

#[test]
fn a_curl_line() {
    let line = "curl -sS -XPOST 'https://api.example.com/v1/orders/12/items?notify=true' \\\n  -H 'Authorization: Bearer hunter2' \
                -H 'X-Tenant: t1' -H 'content-type: application/json' --data-raw $'{\"sku\":\"it\\'s\",\"count\":2}' --compressed";
    insta::assert_json_snapshot!(imported(Format::Curl, line, &options()));
}

#[test]
fn curl_says_what_kind_of_body_it_is() {
    let body = |line: &str| {
        let whole = imported(Format::Curl, line, &options());
        let stored = whole["stored"].as_object().unwrap();
        let tool = stored
            .iter()
            .find(|(key, _)| key.starts_with("TDS"))
            .unwrap_or_else(|| panic!("{whole}"))
            .1;
        let names: Vec<&String> = tool["input_schema"]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        json!([
            tool["tds_ext_info"]["method"],
            names,
            tool["tds_ext_info"]["body"]
        ])
    };
    let table = [
        ("curl http://h/a?x=1", json!(["GET", ["x"], null])),
        // Letters together, and options that say nothing about the request.
        (
            "curl -sSLo out -b 'sid=hunter2' --resolve h:80:127.0.0.1 http://h/a?x=1",
            json!(["GET", ["x"], null]),
        ),
        ("curl -sX PUT http://h/a?x=1", json!(["PUT", ["x"], null])),
        ("curl -sGd x=1 http://h/a", json!(["GET", ["x"], null])),
        (
            "curl -G http://h/a -d x=1 -d y=2",
            json!(["GET", ["x", "y"], null]),
        ),
        (
            "curl http://h/a -d x=1 -d y=2",
            json!(["POST", ["x", "y"], {"mode": "form"}]),
        ),
        ("curl http://h/a --json '{\"x\":1}'", json!(["POST", ["x"], null])),
        (
            "curl http://h/a -X PUT -d '[1]'",
            json!(["PUT", ["items"], {"mode": "json", "root": "/items"}]),
        ),
        (
            "curl http://h/a -H 'Content-Type: text/csv' -d 'a,b'",
            json!(["POST", ["text"], {"mode": "raw", "root": "/text", "content_type": "text/csv"}]),
        ),
        (
            "curl http://h/a -F f=@x.pdf -F t=1",
            json!(["POST", ["f", "t"], {"mode": "multipart", "parts": [{"name": "f", "from": "/f", "source": "base64", "filename": "f"}]}]),
        ),
        ("curl -u user:hunter2 http://h/a -I", json!(["HEAD", [], null])),
        ("curl -sX POST http://h/a", json!(["POST", [], null])),
        (
            "curl -sXPOST http://h/a -sSfLd x=1",
            json!(["POST", ["x"], {"mode": "form"}]),
        ),
        (
            "curl -U p:hunter2 -x http://p:1 -r 0-9 -D - --resolve h:80:127.0.0.1 --aws-sigv4 aws:amz --max-redirs 3 --limit-rate 1k \
             --proxy-user u:hunter2 --connect-to a:1:b:2 --retry-delay 1 -z now -y 1 -Y 2 http://h/a",
            json!(["GET", [], null]),
        ),
        ("curl -kIsS http://h/a", json!(["HEAD", [], null])),
        (
            "curl 'http://h/a?x=1' --url-query y=2 --url-query +z=%203",
            json!(["GET", ["x", "y", "z"], null]),
        ),
    ];
    for (line, expected) in table {
        assert_eq!(body(line), expected, "{line}");
    }
}

#[test]
fn what_may_be_a_credential_is_not_stored_wherever_it_stands() {
    let headers = [
        "Ocp-Apim-Subscription-Key",
        "X-Auth-Key",
        "X-Auth",
        "X-Access-Key",
        "x-functions-key",
        "X-Api-Token",
    ];
    for header in headers {
        let whole = imported(
            Format::Curl,
            &format!("curl http://h/a -H '{header}: hunter2' -H 'X-Tenant: t1'"),
            &options(),
        );
        let notes = whole["report"]["notes"].to_string();
        assert!(notes.contains(header), "{header}: {notes}");
        let kept = whole["stored"].to_string();
        assert!(kept.contains("X-Tenant") && !kept.contains(header), "{kept}");
    }
    for name in [
        "key",
        "access_key",
        "subscription-key",
        "sig",
        "code",
        "X-Amz-Credential",
        "auth",
        "pwd",
        "jwt",
    ] {
        let in_query = format!("curl 'http://h/a?{name}=hunter2&page=7'");
        let in_form = format!("curl http://h/a -d '{name}=hunter2' -d page=7");
        let in_json = format!("curl http://h/a --json '{{\"{name}\": \"hunter2\", \"page\": 7}}'");
        let inside =
            format!("curl http://h/a --json '{{\"{name}\": {{\"value\": \"hunter2\"}}, \"page\": 7}}'");
        let in_part = format!("curl http://h/a -F '{name}=hunter2' -F page=7");
        for line in [in_query, in_form, in_json, inside, in_part] {
            let whole = imported(Format::Curl, &line, &options());
            let kept = whole["stored"].to_string();
            assert!(
                kept.contains(r#""examples":[7]"#) && kept.contains(name),
                "{line}: {kept}"
            );
        }
    }
    // What nobody can take apart.
    imported(
        Format::Curl,
        "curl http://h/a -H 'Content-Type: text/plain' -d 'password: hunter2'",
        &options(),
    );
}

#[test]
fn requests_of_postman_keep_their_shape_where_variables_have_no_value() {
    let collection = |request: Value| {
        let collection = json!({
            "info": {"name": "C", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
            "item": [{"name": "it", "request": request}]
        });
        let whole = imported(Format::Postman, &collection.to_string(), &options());
        let tool = whole["stored"]["TDS `pets.it`"].clone();
        assert!(tool.is_object(), "{whole}");
        (tool, whole["report"]["notes"].clone())
    };
    let post =
        |body: Value| collection(json!({"method": "POST", "url": "https://a.example/x", "body": body})).0;

    let json_body = json!({"mode": "raw", "raw": "{\"sku\": \"{{sku}}\", \"n\": {{n}}, \"o\": {\"p\": 1}}"});
    let tool = post(json_body);
    let expected = json!({"sku": {"type": "string"}, "n": {}, "o": {"type": "object", "properties": {"p": {"type": "integer", "examples": [1]}}}});
    assert_eq!(tool["input_schema"]["properties"], expected);

    let tool = post(json!({"mode": "graphql", "graphql": {"query": "{ a }", "variables": "{\"x\": {{x}}}"}}));
    let variables = &tool["input_schema"]["properties"]["variables"];
    assert_eq!(variables, &json!({"type": "object", "properties": {"x": {}}}));

    let tool = post(json!({"mode": "file", "file": {"src": "/x.bin"}}));
    assert_eq!(
        tool["input_schema"]["properties"]["content"]["contentEncoding"],
        "base64"
    );
    let expected = json!({"mode": "raw", "root": "/content", "content_type": "application/octet-stream"});
    assert_eq!(tool["tds_ext_info"]["body"], expected);

    let headers = json!([{"key": "X-Id", "value": "{{$guid}}"}, {"key": "X-Tenant", "value": "t1"}]);
    let (tool, notes) = collection(json!({"method": "GET", "url": "https://a.example/x", "header": headers}));
    assert_eq!(tool["tds_ext_info"]["headers"], json!({"X-Tenant": "t1"}));
    assert!(
        notes
            .to_string()
            .contains("the header X-Id has a variable without a value"),
        "{notes}"
    );
}
