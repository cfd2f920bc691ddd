//! What `response` of a definition makes of answers.

use crate::{
    calling::{call, compile, content, definition, structured, text, with},
    upstream::Server,
};
use http::Response;
use mcp_core::engine::{CallResult, Outcome};
use serde_json::{Value, json};

const JSON: &str = "application/json";
const ORDERS: &str = r#"{"code":0,"data":[{"id":1,"total":1.10,"x":null},{"id":2,"total":20,"x":null}]}"#;

async fn shaped(
    response: Value,
    status: u16,
    kind: &'static str,
    body: impl Into<bytes::Bytes>,
) -> CallResult {
    let server = Server::fixed(status, kind, body).await;
    let schema = json!({"properties": {"id": {}}});
    let tool = with(
        &server.origin,
        "GET",
        "/x",
        &schema,
        &json!({"response": response}),
    );
    call(&tool, &json!({"id": "A-1"})).await
}

#[tokio::test]
async fn jq_shapes_text_and_structure() {
    let response = json!({"jq": "{orders: [.data[] | {id, total}]}"});
    let result = shaped(response, 200, JSON, ORDERS).await;
    let expected = r#"{"orders":[{"id":1,"total":1.10},{"id":2,"total":20}]}"#;
    assert_eq!((text(&result).as_str(), result.is_error), (expected, false));
    assert_eq!(result.structured.unwrap(), expected.as_bytes());
    let list = shaped(json!({"jq": ".data[].id"}), 200, JSON, ORDERS).await;
    assert_eq!((text(&list).as_str(), list.structured.is_none()), ("[1,2]", true));
}

#[tokio::test]
async fn a_program_that_fails_says_so_and_gives_no_empty_answer() {
    for (jq, expected) in [
        (".data.id", "`response.jq` cannot shape the answer: it failed"),
        ("empty", "it gave no value"),
        ("def f: f; f", "takes"),
        ("[range(1e9)]", "takes"),
    ] {
        let result = shaped(json!({"jq": jq}), 200, JSON, ORDERS).await;
        assert!(result.is_error && result.outcome == Outcome::BadAnswer, "{jq}");
        assert!(text(&result).contains(expected), "{}", text(&result));
    }
    let result = shaped(json!({"jq": "."}), 200, "text/html", "<p>down</p>").await;
    assert!(result.is_error && text(&result).contains("text/html") && text(&result).contains("down"));
}

#[tokio::test]
async fn success_and_errors_are_what_the_definition_says() {
    let response = json!({"success": "status < 400 and body.code == 0", "errors": [
        {"when": "status == 404", "message": "No such order {{ args.id }}.", "retryable": false},
        {"when": "body.code == 7", "message": "Busy: {{ body.why }}", "retryable": true},
    ]});
    let table = [
        (200, ORDERS, false, Outcome::Ok, ""),
        (
            404,
            "{}",
            true,
            Outcome::Upstream4xx,
            "No such order A-1.\nTrying again will not help.",
        ),
        (
            200,
            r#"{"code":7,"why":"night"}"#,
            true,
            Outcome::Upstream4xx,
            "Busy: night\nTrying again may help.",
        ),
        (
            200,
            r#"{"code":8}"#,
            true,
            Outcome::Upstream4xx,
            "HTTP 200 OK\n{\"code\":8}",
        ),
        (200, r#"{}"#, true, Outcome::Upstream4xx, "HTTP 200 OK\n{}"),
        (
            503,
            "{}",
            true,
            Outcome::Upstream5xx,
            "HTTP 503 Service Unavailable\n{}",
        ),
        (
            200,
            r#"{"code":7}"#,
            true,
            Outcome::BadAnswer,
            "cannot be worked out",
        ),
    ];
    for (status, body, is_error, outcome, expected) in table {
        let result = shaped(response.clone(), status, JSON, body).await;
        assert_eq!(
            (result.is_error, result.outcome),
            (is_error, outcome),
            "{status} {body}"
        );
        assert!(text(&result).contains(expected), "{}", text(&result));
    }
    let rules = json!({"errors": [{"when": "headers['x-fail'] == 'yes' or 'error' in body", "message": "{{ body.error }}"}]});
    let result = shaped(rules, 200, JSON, r#"{"error":"quota"}"#).await;
    assert_eq!((text(&result).as_str(), result.is_error), ("quota", true));
}

#[tokio::test]
async fn the_text_is_a_template_and_the_structure_stays_the_data() {
    let response = json!({"jq": "{n: (.data | length), ids: [.data[].id]}",
        "template": "{{ data.n }} orders of {{ args.id }}: {{ data.ids | join(', ') }} ({{ status }}, {{ principal.sub }})",
        "prepend": "[", "append": "] {{ body.code }}"});
    let result = shaped(response, 200, JSON, ORDERS).await;
    assert_eq!(text(&result), "[2 orders of A-1: 1, 2 (200, alice)] 0");
    assert_eq!(structured(&result).unwrap(), json!({"n": 2, "ids": [1, 2]}));
    let wrong = shaped(json!({"template": "{{ data.nothing }}"}), 200, JSON, "{}").await;
    assert!(wrong.is_error && text(&wrong).contains("`response.template` does not fit"));
    let endless =
        json!({"template": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"});
    let endless = shaped(endless, 200, JSON, "{}").await;
    assert!(endless.is_error && endless.outcome == Outcome::BadAnswer);
}

#[tokio::test]
async fn what_is_too_long_loses_items_and_stays_json() {
    let body =
        json!({"total": 100, "items": (0..100).map(|n| json!({"id": n})).collect::<Vec<_>>()}).to_string();
    let cut = shaped(json!({"max_bytes": 200}), 200, JSON, body.clone()).await;
    let kept = structured(&cut).unwrap();
    let kept_items = kept["items"].as_array().unwrap().len();
    assert!(kept["total"] == 100 && (5..100).contains(&kept_items));
    let blocks = content(&cut);
    let shown: Value = serde_json::from_str(blocks[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(shown, kept);
    let note = blocks[1]["text"].as_str().unwrap();
    assert!(
        note.starts_with(&format!(
            "{} of 100 items of `items` are left out",
            100 - kept_items
        )),
        "{note}"
    );
    for response in [
        json!({"max_bytes": 200, "overflow": "error"}),
        json!({"max_bytes": 5}),
    ] {
        let result = shaped(response, 200, JSON, body.clone()).await;
        assert!(
            result.is_error
                && result.outcome == Outcome::TooLarge
                && text(&result).contains("response.max_bytes")
        );
    }
    let long = shaped(json!({"max_bytes": 11}), 200, "text/plain", "ü".repeat(50)).await;
    assert_eq!(content(&long)[0]["text"], "ü".repeat(5));
    assert!(
        content(&long)[1]["text"]
            .as_str()
            .unwrap()
            .contains("first 10 of 100 bytes")
    );
}

#[tokio::test]
async fn leaving_items_out_never_breaks_the_promise() {
    let server = Server::fixed(200, JSON, json!([1, 2, 3, 4, 5, 6]).to_string()).await;
    let mut document = definition(
        &json!({}),
        &json!({"domain": server.origin, "method": "GET", "path": "/", "response": {"max_bytes": 8}}),
    );
    document["output_schema"] = json!({"type": "array", "minItems": 5});
    let result = call(&compile(&document).unwrap().0, &json!({})).await;
    assert!(result.is_error && text(&result).starts_with("After leaving items out the answer is not"));
    document["output_schema"] = json!({"type": "array"});
    let result = call(&compile(&document).unwrap().0, &json!({})).await;
    assert_eq!(structured(&result).unwrap(), json!([1, 2, 3]));
    document["tds_ext_info"]["response"] = json!({"jq": "{n: length}"});
    let result = call(&compile(&document).unwrap().0, &json!({})).await;
    assert!(
        result.is_error && text(&result).starts_with("The shaped answer is not what output_schema promises")
    );
    // Whoever reads it must not take the call for undone.
    assert!(text(&result).contains("\nThe call itself succeeded (status 200). It changed nothing."));
    document["tds_ext_info"]["method"] = json!("POST");
    let result = call(&compile(&document).unwrap().0, &json!({})).await;
    let expected =
        "\nThe call itself succeeded (status 200). What it changes is changed; do not call again to be sure.";
    assert!(text(&result).contains(expected), "{}", text(&result));
}

#[tokio::test]
async fn formats_and_parts() {
    let html = "<html><head><title>t</title><style>p{}</style></head><body><h1>Down</h1><p>for&nbsp;a &lt;while&gt;<script>x()</script></p></body></html>";
    let seen = shaped(json!({"format": "text"}), 200, "text/html", html).await;
    assert_eq!(text(&seen), "Down\nfor a <while>");
    let json_as_text = shaped(json!({"format": "text"}), 200, JSON, "{ \"a\" : 1 }").await;
    assert_eq!(
        (text(&json_as_text).as_str(), json_as_text.structured),
        ("{ \"a\" : 1 }", None)
    );
    let mislabelled = shaped(json!({"format": "json"}), 200, "text/plain", "{\"a\":1}").await;
    assert_eq!(structured(&mislabelled).unwrap(), json!({"a": 1}));
    let broken = shaped(json!({"format": "json"}), 200, "text/plain", "{\"a\"").await;
    assert!(broken.is_error && text(&broken).contains("The answer is not JSON"));
    let binary = shaped(json!({"format": "binary"}), 200, "text/plain", "abc").await;
    assert_eq!(content(&binary)[0]["resource"]["blob"], "YWJj");
    let only_text = shaped(json!({"content": ["text"]}), 200, JSON, "{}").await;
    assert!(only_text.structured.is_none());
    let only_structure = shaped(json!({"content": ["structured"]}), 200, JSON, "{}").await;
    assert_eq!(
        (content(&only_structure), structured(&only_structure)),
        (json!([]), Some(json!({})))
    );
    let list = shaped(json!({"content": ["structured"]}), 200, JSON, "[1]").await;
    assert_eq!(text(&list), "[1]");
    let nothing = shaped(json!({"jq": ".a"}), 204, "", "").await;
    assert_eq!(text(&nothing), "HTTP 204, no content");
}

#[tokio::test]
async fn json_in_lines_with_a_mark_and_in_other_charsets() {
    let lines = shaped(
        json!({"jq": "map(.a)"}),
        200,
        "application/x-ndjson",
        "{\"a\":1}\n\n{\"a\":2}\n",
    )
    .await;
    assert_eq!(text(&lines), "[1,2]");
    let broken = shaped(json!({"jq": "."}), 200, "application/jsonl", "{\"a\":1}\n{").await;
    assert!(broken.is_error && text(&broken).contains("line 2"));
    // Without `response` too.
    let plain = |kind, body: Vec<u8>| async move {
        let server = Server::fixed(200, kind, body).await;
        call(
            &with(&server.origin, "GET", "/", &json!({}), &json!({})),
            &json!({}),
        )
        .await
    };
    let marked = plain(JSON, b"\xef\xbb\xbf{\"a\":\"\xc3\xbc\"}".to_vec()).await;
    assert_eq!(structured(&marked).unwrap(), json!({"a": "ü"}));
    let latin = plain(
        "application/json; charset=iso-8859-1",
        b"{\"a\":\"\xfc\"}".to_vec(),
    )
    .await;
    assert_eq!(structured(&latin).unwrap(), json!({"a": "ü"}));
    let utf16: Vec<u8> = "{\"a\":\"ü\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let utf16 = plain("application/json; charset=utf-16le", utf16).await;
    assert_eq!(structured(&utf16).unwrap(), json!({"a": "ü"}));
    let japanese = plain("text/plain; charset=shift_jis", b"\x93\xfa\x96\x7b".to_vec()).await;
    assert_eq!(text(&japanese), "日本");
    let problem = plain("application/problem+json", b"{\"title\":\"x\"}".to_vec()).await;
    assert!(problem.structured.is_some());
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_written() {
    let table = [
        (json!({"jq": ".a |"}), "tds_ext_info.response.jq: is not jq"),
        (
            json!({"jq": "fooo"}),
            "tds_ext_info.response.jq: uses the filter `fooo`",
        ),
        (
            json!({"success": "statuss < 400"}),
            "tds_ext_info.response.success: names `statuss`, which is unknown; known are status",
        ),
        (
            json!({"success": "{{ status }}"}),
            "tds_ext_info.response.success: is an expression and stands without braces",
        ),
        (
            json!({"success": "status <"}),
            "tds_ext_info.response.success: is not an expression",
        ),
        (
            json!({"success": "data.a"}),
            "tds_ext_info.response.success: names `data",
        ),
        (
            json!({"template": "{{ dat }}"}),
            "tds_ext_info.response.template: names `dat`",
        ),
        (
            json!({"template": "{{ data | fooo }}"}),
            "tds_ext_info.response.template: uses the filter `fooo`",
        ),
        (
            json!({"template": "{{ args.nope }}"}),
            "tds_ext_info.response.template: names `args.nope`",
        ),
        (
            json!({"errors": [{"when": "x", "message": "m"}]}),
            "tds_ext_info.response.errors[0].when: names `x`",
        ),
        (
            json!({"format": "text", "jq": "."}),
            "tds_ext_info.response.format: must be auto or json",
        ),
        (
            json!({"content": []}),
            "tds_ext_info.response.content: must not be empty",
        ),
        (json!({"jqq": "."}), "tds_ext_info.response.jqq: unknown field"),
        (
            json!({"overflow": "cut"}),
            "tds_ext_info.response.overflow: unknown variant",
        ),
        (
            json!({"max_bytes": 0}),
            "tds_ext_info.response.max_bytes: must be at least 1",
        ),
    ];
    for (response, expected) in table {
        let binding = json!({"domain": "a", "method": "GET", "path": "/", "response": response});
        let reason = compile(&definition(&json!({"properties": {"id": {}}}), &binding)).unwrap_err();
        assert!(reason.contains(expected), "{response}: {reason}");
    }
}

#[tokio::test]
async fn compressed_answers_are_read_and_bombs_end_at_the_bound() {
    use std::io::Write as _;
    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    }
    let data = br#"{"a":"aaaaaaaaaaaaaaaaaaaaaaaa"}"#;
    let zlib = {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    };
    let bare = {
        let mut out = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(data).unwrap();
        out.finish().unwrap()
    };
    let zstd = ruzstd::encoding::compress_to_vec(&data[..], ruzstd::encoding::CompressionLevel::Fastest);
    // `brotli -c` of the same data, stored: one meta-block without compression.
    let mut brotli = vec![0x8f, 0x0f, 0x80];
    brotli.truncate(0);
    brotli.extend(stored_brotli(data));
    let answering = |coding: &'static str, body: Vec<u8>| {
        Server::answering(move |_| {
            let response = Response::builder()
                .header("content-type", JSON)
                .header("content-encoding", coding);
            response.body(bytes::Bytes::from(body.clone()).into()).unwrap()
        })
    };
    for (coding, body) in [
        ("gzip", gzip(data)),
        ("x-gzip", gzip(data)),
        ("deflate", zlib),
        ("deflate", bare),
        ("zstd", zstd),
        ("br", brotli),
        ("gzip, gzip", gzip(&gzip(data))),
        ("identity", data.to_vec()),
        // No codings at all, but servers say so.
        ("utf-8", data.to_vec()),
        ("none", data.to_vec()),
        ("UTF-8, gzip", gzip(data)),
    ] {
        let server = answering(coding, body).await;
        let tool = with(
            &server.origin,
            "GET",
            "/",
            &json!({}),
            &json!({"response": {"compressed": true}}),
        );
        let result = call(&tool, &json!({})).await;
        assert_eq!(text(&result).as_bytes(), data, "{coding}");
        assert_eq!(
            server.take().header("accept-encoding"),
            Some("gzip, br, zstd, deflate")
        );
    }
    let bomb = answering("gzip", gzip(&vec![b' '; 50 << 20])).await;
    let limits = json!({"limits": {"max_response_bytes": "1MiB"}});
    let result = call(&with(&bomb.origin, "GET", "/", &json!({}), &limits), &json!({})).await;
    assert_eq!(result.outcome, Outcome::TooLarge);
    assert_eq!(bomb.take().header("accept-encoding"), None);
    for (coding, body) in [
        ("gzip", data.to_vec()),
        ("zstd", vec![1, 2, 3]),
        ("gzip, gzip, gzip", data.to_vec()),
        ("compress", data.to_vec()),
    ] {
        let server = answering(coding, body).await;
        let result = call(
            &with(&server.origin, "GET", "/", &json!({}), &json!({})),
            &json!({}),
        )
        .await;
        assert!(
            result.is_error && result.outcome == Outcome::BadAnswer,
            "{coding}"
        );
        if coding == "compress" {
            let said = "`Content-Encoding: compress`, which is none of gzip, deflate, br and zstd";
            assert!(text(&result).contains(said), "{}", text(&result));
        }
    }
}

#[tokio::test]
async fn of_two_content_types_the_last_one_is_what_the_answer_is() {
    let kinds = [
        ["text/html", "application/json"],
        ["application/json, application/json", "application/json"],
        ["text/plain", "application/problem+json; charset=utf-8"],
    ];
    for kinds in kinds {
        let server = Server::answering(move |_| {
            let response = Response::builder()
                .header("content-type", kinds[0])
                .header("content-type", kinds[1]);
            response.body(bytes::Bytes::from(ORDERS).into()).unwrap()
        })
        .await;
        let tool = with(&server.origin, "GET", "/", &json!({}), &json!({}));
        let result = call(&tool, &json!({})).await;
        assert_eq!(structured(&result).unwrap()["code"], 0, "{kinds:?}");
    }
}

/// RFC 7932: window bits 16, one uncompressed meta-block, one empty last one.
fn stored_brotli(data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() - 1).unwrap();
    // Bits, lowest first: WBITS 0; ISLAST 0; MNIBBLES 00 (four); MLEN-1 in 16 bits; ISUNCOMPRESSED 1.
    let bits = (length << 4) | (1 << 20);
    let mut out = bits.to_le_bytes()[..3].to_vec();
    out.extend_from_slice(data);
    out.push(3);
    out
}
