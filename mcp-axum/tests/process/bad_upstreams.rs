//! Upstreams that answer too much, too long or in circles: each call ends with its reason, and the gateway's memory
//! stays what it was.

use super::{Gateway, KEY, Sandbox, egress::call, gateway::request};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// Each 100 MiB of zeros.
const BROTLI: &str = "z///f/gnAOKxQCD3/p/////wTwDEYQGA7v0/////4Z8AiMMiAN37f/7//8M/ARCHBQC69//8//+HfwIgDgsAdO//+f//D/8EQBwWAOje/+f//w/+CYA4LADQvf8B";
const GZIP_GZIP: &str = "H4sIAAAAAAACA+3cLU4DYRCA4a8/IZsKKKIKQZMajoBpspgaDAIshANwhm7SVNVgSLgFigPUIXEF1wMQBKIKWNg9xjfPo0aPnEze41WRGt3ex7rT+Z+q+9+nz2KQAAAAgMxV74tecwxI43ozu7gCAAAAcnd7sN9vjwLfN0dn1gEAAADZW05Ph+2HwNf8rm8dAAAAkL3Rblu2t4CX+vnw0j4AAAAge2+CAQAAABCKYAAAAADEIhgAAAAAsQgGAAAAQDCCAQAAABCLYAAAAADEIhgAAAAAsQgGAAAAQDCCAQAAABCLYAAAAADEIhgAAAAAsQgGAAAAQDCCAQAAABCLYAAAAADEIhgAAAAAsQgGAAAAQDCCAQAAABCLYAAAAADEIhgAAAAAsTzstlXzGFC+1pufYpQAAAAydN19nJycp1Tu/QGGjKQJNY4BAA==";
const ZSTD_GZIP: &str = "H4sIAAAAAAACA9PYqv+3IYOBwYHNh4GBg4GR4c9/SwEmJgYBhlE8ikfxyMMuDAzAYuDv/zPcAqPBMYpH8WgxMBoco3gUjxYDA+MEZiAGAHsxja+nDAAA";
/// The decoder is told to keep 128 MiB of its output.
const ZSTD_WINDOW_GZIP: &str =
    "H4sIAAAAAAACA+3DsREAEBBFwe8kwitDdrEeFKYh3TFoQvZ2ZuuMrdGloqR1mpvJRZIkSZI/5/cCQF0xi44MAAA=";

/// Answers as the path says.
fn upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(|| {
                // The gateway goes away in the middle of most answers.
                let _ = answer(stream.unwrap());
            });
        }
    });
    address
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    while lines
        .next()
        .is_some_and(|line| line.is_ok_and(|line| !line.is_empty()))
    {}
    let mut coded = |coding: &str, body: &str| {
        let body = STANDARD.decode(body).unwrap();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        stream.write_all(&body)
    };
    match first.split(' ').nth(1).unwrap() {
        "/gzip" => coded("gzip, gzip", GZIP_GZIP),
        "/brotli" => coded("br", BROTLI),
        "/zstd" => coded("zstd, gzip", ZSTD_GZIP),
        "/zstd-window" => coded("zstd, gzip", ZSTD_WINDOW_GZIP),
        "/large" => {
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 100 << 20)?;
            (0..1600).try_for_each(|_| stream.write_all(&[b'x'; 64 << 10]))
        }
        "/endless" => {
            write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                write!(stream, "10000\r\n{}\r\n", "x".repeat(64 << 10))?;
            }
        }
        "/drip" => {
            write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
            loop {
                write!(stream, "1\r\nx\r\n")?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        "/head" => {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            loop {
                write!(stream, "x: {}\r\n", "x".repeat(1000))?;
            }
        }
        "/lines" => {
            write!(stream, "HTTP/1.1 200 OK\r\n")?;
            (0..101).try_for_each(|line| write!(stream, "x-{line}: y\r\n"))?;
            write!(stream, "content-length: 0\r\n\r\n")
        }
        "/interim" => loop {
            write!(stream, "HTTP/1.1 103 Early Hints\r\n\r\n")?;
        },
        "/circle" => write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: /circle\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        ),
        "/metadata" => write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        ),
        "/private" => write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: http://[::ffff:10.0.0.1]/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        ),
        _ => write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        ),
    }
}

#[test]
fn each_ends_with_its_reason_within_bounded_memory() {
    let (sandbox, upstream) = (Sandbox::new(), upstream());
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\nworkers = 1\n[egress]\nallow_private = false\n",
    );
    let too_large = "larger than the limit of 8388608 bytes";
    let follow = json!({"redirect": {"follow": 5, "same_origin_only": false}});
    let doubling = "{% set n = namespace(x='x') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x | length }}";
    let table = [
        ("/large", json!({}), too_large),
        ("/endless", json!({}), too_large),
        ("/gzip", json!({}), too_large),
        ("/brotli", json!({}), too_large),
        ("/zstd", json!({}), too_large),
        ("/zstd-window", json!({}), "zstd content that is broken"),
        (
            "/drip",
            json!({"timeout_ms": 500}),
            "no complete answer within 500ms",
        ),
        (
            "/interim",
            json!({"timeout_ms": 500}),
            "no complete answer within 500ms",
        ),
        (
            "/head",
            json!({"timeout_ms": 30_000}),
            "answer is larger than the gateway reads: more than 100 header lines, or 64 KiB",
        ),
        (
            "/lines",
            json!({}),
            "answer is larger than the gateway reads: more than 100 header lines, or 64 KiB",
        ),
        ("/circle", follow.clone(), "5 redirects were followed already"),
        (
            "/metadata",
            follow.clone(),
            "link-local or cloud metadata address",
        ),
        ("/private", follow, "egress.allow_private"),
        (
            "/",
            json!({"response": {"jq": "[range(1e12)] | length"}}),
            "takes ",
        ),
        (
            "/",
            json!({"response": {"jq": "reduce range(60) as $i (\"x\"; . + .)"}}),
            "larger than 16 MiB",
        ),
        (
            "/",
            json!({"response": {"template": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"}}),
            "response.template",
        ),
        (
            "/",
            json!({"response": {"template": doubling}}),
            "takes too much work",
        ),
        ("/", json!({"query": {"q": doubling}}), "takes too much work"),
        (
            "/",
            json!({"response": {"template": "{% set n = namespace(l=[1]) %}{% for a in range(60) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}"}}),
            "the result is larger than 8388608 bytes",
        ),
        (
            "/",
            json!({"response": {"template": "{{ 'x' * (99999999 + status) }}"}}),
            "only numbers can be multiplied",
        ),
        (
            "/",
            json!({"response": {"template": "{{ [1] | batch(999999999, 'x') }}"}}),
            "makes more than 10000 parts",
        ),
        (
            "/",
            json!({"response": {"template": "{% set x = 'x' | replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx') %}{{ range(99999) | map('replace', '', x) | list }}"}}),
            "takes too much work",
        ),
        (
            "/",
            json!({"query": {"q": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}"}}),
            "tds_ext_info.query",
        ),
        (
            "/",
            json!({"auth": {"type": "bearer", "credential": "${env:DYNMCP_SECRET_NOT_SET}"}}),
            "${env:DYNMCP_SECRET_NOT_SET} is not set",
        ),
    ];
    let binding = |path: &str, more: &Value| {
        let mut binding = json!({"domain": upstream, "method": "GET", "path": path});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        binding
    };
    assert_eq!(call(&gateway, &binding("/", &json!({})), false), "{}");
    let before = gateway.peak();
    for (path, more, expected) in &table {
        let text = call(&gateway, &binding(path, more), true);
        assert!(text.contains(expected), "{path} {more}: {text:.500}");
    }
    // A document of 100 MiB is not taken in.
    let import = reqwest::Client::new()
        .post(format!("{}/admin/import/openapi?instance=i", gateway.origin))
        .bearer_auth(KEY)
        .body(vec![b' '; 100 << 20]);
    // It is told so, unless it is still sending when the connection ends.
    if let Some((status, body)) = request(import) {
        assert_eq!(status, 413, "{body}");
    }
    let grown = (gateway.peak() - before) / 1024;
    // One answer of 8 MiB at a time, several times over while it is joined, unpacked and written; and the import's 32 MiB.
    assert!(grown < 160, "{grown} MiB more than before");
    assert_eq!(call(&gateway, &binding("/", &json!({})), false), "{}");
    println!("peak {} MiB, {grown} MiB over the start", gateway.peak() / 1024);
}

#[test]
fn what_does_not_compile_is_not_stored() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, "[app]\napi_key = \"process-test-key\"\n");
    for (member, value, expected) in [
        (
            "response",
            json!({"jq": ".a | nosuch"}),
            "tds_ext_info.response.jq",
        ),
        ("response", json!({"jq": ".a |"}), "tds_ext_info.response.jq"),
        (
            "response",
            json!({"template": "{{ data"}),
            "tds_ext_info.response.template",
        ),
        (
            "response",
            json!({"success": "stat < 400"}),
            "tds_ext_info.response.success",
        ),
        (
            "query",
            json!({"q": "{{ args.a | nosuch }}"}),
            "tds_ext_info.query.q",
        ),
        (
            "auth",
            json!({"type": "bearer", "credential": "s3cr3t"}),
            "tds_ext_info.auth",
        ),
        ("tls", json!({"ca": "no certificate"}), "tds_ext_info.tls.ca"),
        ("proxy", json!("proxy:3128"), "tds_ext_info.proxy"),
    ] {
        let mut binding = json!({"domain": "a.example", "method": "GET", "path": "/"});
        binding[member] = value;
        let put = reqwest::Client::new()
            .put(format!("{}/admin/tds/t", gateway.origin))
            .bearer_auth(KEY)
            .json(&json!({"name": "t", "description": "d", "tds_ext_info": binding}));
        let (status, body) = request(put).unwrap();
        assert_eq!(status, 400, "{body}");
        assert!(body.contains(expected) && !body.contains("s3cr3t"), "{body}");
    }
    let tools = reqwest::Client::new()
        .get(format!("{}/admin/tds", gateway.origin))
        .bearer_auth(KEY);
    assert!(request(tools).unwrap().1.contains("\"data\":[]"));
}

#[test]
fn an_answer_that_breaks_its_promise_is_logged_by_its_place_without_what_stands_there() {
    let (sandbox, upstream) = (Sandbox::new(), upstream());
    let gateway = Gateway::start(
        &sandbox,
        "[app]\napi_key = \"process-test-key\"\n[upstream]\non_output_mismatch = \"log\"\n",
    );
    let tool = json!({
        "name": "t", "description": "d",
        "tds_ext_info": {"domain": upstream, "method": "GET", "path": "/", "response": {"jq": "{items: [{card: \"4111-1111\"}]}"}},
        "output_schema": {"type": "object", "properties": {"items": {"items": {"properties": {"card": {"type": "null"}}}}}},
    });
    gateway.put("tds/t", &tool);
    gateway.put("ids/desk", &json!({"name": "i", "tool_ids": ["t"]}));
    let message =
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": {}}});
    let call = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = call
        .post(format!("{}/mcp/desk", gateway.origin))
        .bearer_auth(KEY)
        .json(&message);
    let (_, answer) = request(call).unwrap();
    assert!(
        answer.contains("4111-1111") && answer.contains("\"isError\":false"),
        "{answer}"
    );
    gateway.wait("the log line", |gateway| {
        gateway.output().contains("not what output_schema promises")
    });
    let output = gateway.output();
    let line = output
        .lines()
        .find(|line| line.contains("not what output_schema promises"))
        .unwrap();
    for expected in [
        "WARN",
        "\"desk\"",
        "\"t\"",
        "/items/0/card",
        "/properties/card/type",
    ] {
        assert!(line.contains(expected), "{expected}: {line}");
    }
    assert!(!output.contains("4111"), "{output}");
}
