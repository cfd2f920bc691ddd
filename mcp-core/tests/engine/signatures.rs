//! Signed requests, seen by upstreams that make the signature anew of what arrived. (The published vectors stand beside the code.)

use crate::{
    calling::{call_text, compile, definition, text, with},
    credentials::{SECRET, SecretDir},
    explaining::explain,
    upstream::{Seen, Server},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use mcp_core::engine::{Engine, EngineServices, EngineSettings, Lane};
use prometheus_client::registry::Registry;
use ring::{digest, hmac};
use serde_json::{Value, json};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn mac(algorithm: hmac::Algorithm, key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithm, key), text)
        .as_ref()
        .to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hexadecimal(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn fine() -> Response<Full<Bytes>> {
    Response::builder()
        .header("content-type", "application/json")
        .body("{}".into())
        .unwrap()
}

fn forbidden(why: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(403)
        .body(why.to_owned().into())
        .unwrap()
}

/// Everything that an argument can bring to a request.
fn schema() -> Value {
    json!({"type": "object", "properties": {"id": {"type": "string"}, "trace": {"type": "string"}, "q": {}, "note": {"type": "string"}}})
}

const ARGUMENTS: &str = r#"{"id": "a b/ü$", "trace": "t  1", "q": ["x y", "z&"], "note": "Grüße\n😀"}"#;

fn params() -> Value {
    json!([
        {"name": "trace", "in": "header", "as": "X-Trace"},
        {"name": "q", "in": "query"},
        {"name": "v", "in": "query", "const": "2024-10"}
    ])
}

/// As AWS does it, by what arrived: the names in `SignedHeaders` say what was signed.
fn is_signed_by_aws(seen: &Seen) -> Result<(), String> {
    let said = seen.header("authorization").ok_or("no Authorization")?;
    let part = |name: &str| {
        let (_, rest) = said.split_once(&format!("{name}=")).ok_or(format!("no {name}"))?;
        Ok::<_, String>(rest.split(',').next().unwrap_or_default().to_owned())
    };
    let (credential, names, signature) = (part("Credential")?, part("SignedHeaders")?, part("Signature")?);
    let (_, scope) = credential.split_once('/').ok_or("no scope")?;
    let encoded = |text: &str, bare: &str| -> String {
        let one = |byte: u8| match byte.is_ascii_alphanumeric() || bare.contains(char::from(byte)) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(one).collect()
    };
    let mut pairs: Vec<String> = seen
        .query()
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name, "-._~"), encoded(value, "-._~")))
        .collect();
    pairs.sort();
    let mut lines = String::new();
    for name in names.split(';') {
        let value = seen
            .header(name)
            .ok_or(format!("{name} is signed and did not arrive"))?;
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.push_str(&format!("{name}:{value}\n"));
    }
    let canonical = [
        seen.method.as_str(),
        &encoded(seen.path(), "-._~/"),
        &pairs.join("&"),
        &lines,
        &names,
        &sha256(&seen.body),
    ]
    .join("\n");
    let moment = seen.header("x-amz-date").ok_or("no X-Amz-Date")?;
    let text = format!(
        "AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}",
        sha256(canonical.as_bytes())
    );
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in scope.split('/') {
        key = mac(hmac::HMAC_SHA256, &key, part.as_bytes());
    }
    match hexadecimal(&mac(hmac::HMAC_SHA256, &key, text.as_bytes())) == signature {
        true => Ok(()),
        false => Err(format!("not the signature of {canonical}")),
    }
}

#[tokio::test]
async fn a_service_of_aws_finds_the_signature_of_what_arrived() {
    let dir = SecretDir::new("aws");
    let engine = dir.engine();
    let server = Server::answering(|seen| match is_signed_by_aws(seen) {
        Ok(()) => fine(),
        Err(why) => forbidden(&why),
    })
    .await;
    let auth = json!({
        "type": "aws_sigv4", "access_key": "AKIDEXAMPLE", "secret_key": dir.reference("token"), "session_token": dir.reference("token"),
        "region": "eu-central-1", "service": "execute-api",
    });
    for (method, more) in [
        ("GET", json!({})),
        (
            "POST",
            json!({"headers": {"X-Fixed": "a  b"}, "retry": {"max": 1, "idempotency_key": "Idempotency-Key"}}),
        ),
        ("PUT", json!({"body": {"mode": "form"}})),
        ("DELETE", json!({"redirect": {"follow": 1}})),
    ] {
        let mut more = more;
        more["auth"] = auth.clone();
        more["params"] = params();
        let tool = with(&server.origin, method, "/things/{id}/x", &schema(), &more);
        let result = call_text(&engine, &tool, ARGUMENTS).await;
        assert!(!result.is_error, "{method}: {}", text(&result));
        let seen = server.take();
        assert_eq!(seen.header("x-amz-security-token"), Some(SECRET));
        let signed = seen.header("authorization").unwrap();
        assert!(
            signed.contains("Credential=AKIDEXAMPLE/")
                && signed.contains("/eu-central-1/execute-api/aws4_request")
                && signed.contains("x-trace"),
            "{signed}"
        );
        assert!(!signed.contains(SECRET) && seen.header("x-amz-content-sha256").is_none());
    }
    let of_s3 = json!({
        "type": "aws_sigv4", "access_key": "A", "secret_key": dir.reference("token"), "region": "eu-central-1", "service": "s3",
    });
    let tool = with(
        &server.origin,
        "PUT",
        "/bucket/key",
        &json!({"type": "object", "properties": {"note": {}}}),
        &json!({"auth": of_s3}),
    );
    let result = call_text(&engine, &tool, r#"{"note": 1}"#).await;
    assert!(!result.is_error, "{}", text(&result));
    let seen = server.take();
    assert_eq!(seen.header("x-amz-content-sha256").unwrap(), sha256(&seen.body));
}

#[tokio::test]
async fn an_upstream_finds_the_signature_of_the_declared_text() {
    let dir = SecretDir::new("hmac");
    let engine = dir.engine();
    let server = Server::answering(|seen| {
        let (Some(at), Some(nonce)) = (seen.header("x-timestamp"), seen.header("x-nonce")) else {
            return forbidden("no time or nonce");
        };
        let query = seen.target.split_once('?').map_or("", |(_, query)| query);
        let host = seen.header("host").unwrap_or_default();
        let message = format!(
            "{}\n{}\n{query}\n{}\n{host}\n{at}\n{nonce}\n{{{}}}\n{}\n",
            seen.method,
            seen.path(),
            seen.target,
            sha256(&seen.body),
            hexadecimal(digest::digest(&digest::SHA512, &seen.body).as_ref()),
        );
        let message = [message.as_bytes(), &seen.body].concat();
        let expected = STANDARD.encode(mac(hmac::HMAC_SHA512, SECRET.as_bytes(), &message));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let age = now.abs_diff(Duration::from_millis(at.parse().unwrap()));
        match seen.header("x-sig") == Some(&format!("v1={expected}")) && age < Duration::from_secs(60) {
            true => fine(),
            false => forbidden("another signature"),
        }
    })
    .await;
    let auth = json!({
        "type": "hmac", "key": dir.reference("token"), "algorithm": "sha512", "encoding": "base64", "header": "X-Sig", "prefix": "v1=",
        "message": "{method}\n{path}\n{query}\n{target}\n{host}\n{timestamp}\n{nonce}\n{{{body_sha256}}}\n{body_sha512}\n{body}",
        "timestamp_header": "X-Timestamp", "timestamp_format": "milliseconds", "nonce_header": "X-Nonce",
        "key_id": "key-1", "key_id_header": "X-Key-Id",
    });
    let mut nonces = Vec::new();
    for (method, more) in [
        ("GET", json!({})),
        ("POST", json!({})),
        (
            "POST",
            json!({"body": {"parts": [{"name": "note", "filename": "n.txt"}]}}),
        ),
    ] {
        let mut more = more;
        more["auth"] = auth.clone();
        more["params"] = params();
        let tool = with(&server.origin, method, "/things/{id}", &schema(), &more);
        let result = call_text(&engine, &tool, ARGUMENTS).await;
        assert!(!result.is_error, "{method}: {}", text(&result));
        let seen = server.take();
        assert_eq!(seen.header("x-key-id"), Some("key-1"));
        nonces.push(seen.header("x-nonce").unwrap().to_owned());
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
    // Another method, another key: nothing that this upstream takes.
    let mut other = auth.clone();
    other["algorithm"] = json!("sha256");
    let tool = with(&server.origin, "GET", "/x", &json!({}), &json!({"auth": other}));
    assert!(call_text(&engine, &tool, "{}").await.is_error);
}

/// The second attempt is another request, and so is the one that a redirect leads to; another origin gets no signature.
#[tokio::test]
async fn each_request_has_a_signature_of_its_own() {
    let dir = SecretDir::new("each");
    let engine = dir.engine();
    let stranger = Server::start().await;
    let away = format!("{}/away", stranger.origin);
    let server = Server::answering(move |seen| {
        let message = format!("{} {}", seen.target, seen.header("x-nonce").unwrap_or_default());
        let expected = hexadecimal(&mac(hmac::HMAC_SHA256, SECRET.as_bytes(), message.as_bytes()));
        if seen.header("x-signature") != Some(&expected) {
            return forbidden("another signature");
        }
        let to = |status: u16, location: &str| {
            let response = Response::builder().status(status).header("location", location);
            response.body(Full::default()).unwrap()
        };
        match seen.path() {
            "/from" => to(302, "/to?x=1"),
            "/leave" => to(302, &away),
            "/busy" => Response::builder().status(503).body(Full::default()).unwrap(),
            _ => fine(),
        }
    })
    .await;
    let auth = json!({"type": "hmac", "key": dir.reference("token"), "message": "{target} {nonce}", "nonce_header": "X-Nonce"});
    let tool = |path: &str| {
        let more = json!({
            "auth": auth, "redirect": {"follow": 2, "same_origin_only": false},
            "retry": {"max": 1, "backoff": {"base_ms": 1}},
        });
        with(&server.origin, "GET", path, &json!({}), &more)
    };
    let followed = call_text(&engine, &tool("/from"), "{}").await;
    assert!(!followed.is_error, "{}", text(&followed));
    let seen = server.seen();
    assert_eq!(seen.last().unwrap().target, "/to?x=1");
    assert_ne!(seen[0].header("x-nonce"), seen[1].header("x-nonce"));
    let left = call_text(&engine, &tool("/leave"), "{}").await;
    assert!(!left.is_error, "{}", text(&left));
    let seen = stranger.take();
    assert!(
        seen.header("x-signature").is_none() && seen.header("x-nonce").is_none(),
        "{seen:?}"
    );
    let before = server.seen().len();
    assert!(call_text(&engine, &tool("/busy"), "{}").await.is_error);
    let tried = &server.seen()[before..];
    assert_eq!(tried.len(), 2);
    assert_ne!(tried[0].header("x-nonce"), tried[1].header("x-nonce"));
}

#[tokio::test]
async fn what_cannot_be_signed_is_not_sent_and_what_cannot_be_meant_is_refused() {
    let dir = SecretDir::new("unsigned");
    let engine = dir.engine();
    let server = Server::start().await;
    let hex =
        json!({"type": "hmac", "key": dir.reference("token"), "key_encoding": "hex", "message": "{body}"});
    let gone = json!({
        "type": "aws_sigv4", "access_key": "A", "secret_key": dir.reference("gone"), "region": "r", "service": "s",
    });
    for auth in [hex, gone] {
        let result = call_text(
            &engine,
            &with(&server.origin, "GET", "/", &json!({}), &json!({"auth": auth})),
            "{}",
        )
        .await;
        let said = text(&result);
        assert!(
            result.is_error && said.contains("nothing was sent") && !said.contains(SECRET),
            "{said}"
        );
    }
    assert!(server.seen().is_empty());
    let key = "${env:DYNMCP_SECRET_X}";
    let hmac = |more: Value| {
        let mut auth = json!({"type": "hmac", "key": key, "message": "{method}{body}"});
        for (name, value) in more.as_object().unwrap() {
            auth[name] = value.clone();
        }
        auth
    };
    for (auth, more, expected) in [
        (
            hmac(json!({"message": "{methd}"})),
            json!({}),
            "auth.message: `{methd}` is nothing of a request",
        ),
        (
            hmac(json!({"message": "x"})),
            json!({}),
            "auth.message: has nothing of the request",
        ),
        (
            hmac(json!({"message": "{nonce}{body}"})),
            json!({}),
            "auth.nonce_header: is missing",
        ),
        (
            hmac(json!({"timestamp_header": "X-T"})),
            json!({}),
            "auth.message: does not have `{timestamp}`",
        ),
        (hmac(json!({"header": "X y"})), json!({}), "auth.header: "),
        (
            hmac(json!({"key_id": "a"})),
            json!({}),
            "auth.key_id_header: is missing",
        ),
        (hmac(json!({"key": "s3cr3t"})), json!({}), "must be a reference"),
        (hmac(json!({"algorithm": "md5"})), json!({}), "md5"),
        (
            hmac(json!({"message": "{nonce}{timestamp}", "nonce_header": "X-A", "timestamp_header": "x-a"})),
            json!({}),
            "`x-a` is the name of two headers",
        ),
        (
            hmac(json!({})),
            json!({"headers": {"x-signature": "1"}}),
            "the header `x-signature` is given elsewhere",
        ),
        (
            json!({"type": "aws_sigv4", "access_key": "A", "secret_key": key, "region": "eu west", "service": "s3"}),
            json!({}),
            "auth.region: must have letters",
        ),
        (
            json!({"type": "aws_sigv4", "access_key": "A", "secret_key": key, "region": "r", "service": "s3"}),
            json!({"headers": {"X-Amz-Date": "now"}}),
            "the header `x-amz-date` is given elsewhere",
        ),
    ] {
        let mut binding = json!({"domain": "a.example", "method": "GET", "path": "/", "auth": auth});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let refused = compile(&definition(&json!({}), &binding))
            .err()
            .unwrap_or_default();
        assert!(
            refused.contains(expected) && !refused.contains("s3cr3t"),
            "{auth}: {refused}"
        );
    }
}

/// curl knows how AWS signs; of a declared text there are only the places.
#[tokio::test]
async fn what_explains_a_signed_request_shows_no_key() {
    let dir = SecretDir::new("explained");
    let engine = dir.engine();
    let server = Server::start().await;
    let aws = json!({
        "type": "aws_sigv4", "access_key": "AKIDEXAMPLE", "secret_key": dir.reference("token"), "region": "eu-central-1", "service": "execute-api",
    });
    let schema = json!({"type": "object", "properties": {"note": {}}});
    let tool = with(&server.origin, "POST", "/things", &schema, &json!({"auth": aws}));
    let explained = explain(&engine, &tool, r#"{"note": "x"}"#, true).await;
    let line = &explained.curl.as_ref().unwrap().line;
    assert!(
        line.contains("--aws-sigv4 aws:amz:eu-central-1:execute-api")
            && line.contains("--user \"AKIDEXAMPLE:$"),
        "{line}"
    );
    let shown = serde_json::to_string(&explained).unwrap();
    assert!(
        !shown.contains(SECRET) && shown.contains("AWS4-HMAC-SHA256 ***"),
        "{shown}"
    );
    assert_eq!(server.seen().len(), 1);

    let hmac = json!({
        "type": "hmac", "key": dir.reference("token"), "message": "{method}{nonce}", "nonce_header": "X-Nonce", "prefix": "sha256=",
        "key_id": "key-1", "key_id_header": "X-Key-Id",
    });
    let tool = with(
        &server.origin,
        "GET",
        "/things",
        &json!({}),
        &json!({"auth": hmac}),
    );
    let explained = explain(&engine, &tool, "{}", true).await;
    let shown = serde_json::to_string(&explained).unwrap();
    assert!(
        !shown.contains(SECRET) && shown.contains("sha256=***") && shown.contains("X-Nonce"),
        "{shown}"
    );
}

/// Its hash is made once, however often it is sent, and where no other calls wait for it.
#[tokio::test]
async fn a_large_body_is_hashed_once_for_all_attempts() {
    let dir = SecretDir::new("large");
    let lane = Lane::default();
    let engine = Engine::new(
        EngineSettings::default(),
        EngineServices {
            secrets: dir.secrets(),
            lane: lane.clone(),
            ..EngineServices::default()
        },
    );
    let attempts = AtomicUsize::new(0);
    let server = Server::answering(move |seen| match is_signed_by_aws(seen) {
        Err(why) => forbidden(&why),
        Ok(()) if attempts.fetch_add(1, Ordering::SeqCst) < 2 => {
            Response::builder().status(503).body("".into()).unwrap()
        }
        Ok(()) => fine(),
    })
    .await;
    let auth = json!({
        "type": "aws_sigv4", "access_key": "A", "secret_key": dir.reference("token"), "region": "eu-central-1", "service": "s3",
    });
    let retry = json!({"max": 2, "on": ["connect", 503], "backoff": {"base_ms": 1, "max_ms": 5}});
    let schema = json!({"type": "object", "properties": {"note": {}}});
    let tool = with(
        &server.origin,
        "PUT",
        "/k",
        &schema,
        &json!({"auth": auth, "retry": retry}),
    );
    let arguments = json!({"note": "x".repeat(400_000)}).to_string();
    let result = call_text(&engine, &tool, &arguments).await;
    assert!(!result.is_error, "{}", text(&result));
    let mut registry = Registry::default();
    lane.metrics().register(&mut registry);
    let mut counted = String::new();
    prometheus_client::encoding::text::encode(&mut counted, &registry).unwrap();
    // Once for the request's making, and once for the hash.
    assert!(
        counted.contains("work_runs_total{place=\"thread\"} 2\n"),
        "{counted}"
    );
}
