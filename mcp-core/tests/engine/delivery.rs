//! Further attempts, redirects, and the queue before a tool.

use crate::{
    calling::{call, call_text, compile, definition, engine, text, with},
    credentials::SecretDir,
    upstream::{Seen, Server, read_request, serve, silent},
};
use http::Response;
use http_body_util::Full;
use mcp_core::{
    egress::EgressSettings,
    engine::{Engine, EngineServices, EngineSettings, Outcome},
    tool::{Callable, ToolState},
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

fn status(status: u16) -> Response<Full<bytes::Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    response.body("{}".into()).unwrap()
}

/// Answers 503 until it was asked `failures` times.
async fn flaky(failures: usize) -> Server {
    let count = AtomicUsize::new(0);
    Server::answering(move |_| {
        status(if count.fetch_add(1, Ordering::SeqCst) < failures {
            503
        } else {
            200
        })
    })
    .await
}

fn retry(more: Value) -> Value {
    let mut retry = json!({"max": 2, "backoff": {"base_ms": 1, "max_ms": 5}});
    for (name, value) in more.as_object().unwrap() {
        retry[name] = value.clone();
    }
    json!({"retry": retry})
}

#[tokio::test]
async fn what_failed_is_tried_again_so_many_times() {
    for (failures, is_error, requests) in [(0, false, 1), (2, false, 3), (3, true, 3)] {
        let server = flaky(failures).await;
        let result = call(
            &with(&server.origin, "GET", "/", &json!({}), &retry(json!({}))),
            &json!({}),
        )
        .await;
        assert_eq!(
            (result.is_error, server.seen().len()),
            (is_error, requests),
            "{failures}"
        );
        let asked = result.asked.unwrap();
        assert_eq!(asked.retries as usize, requests - 1);
        assert!(!asked.took.unwrap().is_zero());
    }
    let server = flaky(1).await;
    let result = call(
        &with(
            &server.origin,
            "GET",
            "/",
            &json!({}),
            &retry(json!({"on": ["connect", 429]})),
        ),
        &json!({}),
    )
    .await;
    assert!(result.is_error && server.seen().len() == 1);
}

#[tokio::test]
async fn a_broken_connection_is_tried_again_for_idempotent_methods_only() {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let origin = serve(move |mut stream| {
        let counter = counter.clone();
        async move {
            if read_request(&mut stream).await.is_some() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let result = call(
        &with(&origin, "GET", "/", &json!({}), &retry(json!({}))),
        &json!({}),
    )
    .await;
    assert_eq!(
        (result.outcome, count.swap(0, Ordering::SeqCst)),
        (Outcome::Connect, 3)
    );
    let result = call(&with(&origin, "POST", "/", &json!({}), &json!({})), &json!({})).await;
    assert_eq!(
        (result.outcome, count.load(Ordering::SeqCst)),
        (Outcome::Connect, 1)
    );
    let binding = json!({"domain": origin, "method": "POST", "path": "/", "retry": {"max": 1}});
    let reason = compile(&definition(&json!({}), &binding)).unwrap_err();
    assert!(reason.contains("a POST could be done twice"), "{reason}");
}

#[tokio::test]
async fn an_idempotency_key_is_the_same_for_each_attempt_and_another_for_each_call() {
    let server = flaky(1).await;
    let tool = with(
        &server.origin,
        "POST",
        "/",
        &json!({}),
        &retry(json!({"idempotency_key": "Idempotency-Key"})),
    );
    for _ in 0..2 {
        assert!(!call(&tool, &json!({"a": 1})).await.is_error);
    }
    let seen = server.seen();
    let keys: Vec<&str> = seen
        .iter()
        .map(|seen| seen.header("idempotency-key").unwrap())
        .collect();
    assert!(keys.len() == 3 && keys[0] == keys[1] && keys[1] != keys[2] && keys[0].len() == 32);
    assert_eq!((seen[0].text(), seen[1].text()), (r#"{"a":1}"#, r#"{"a":1}"#));
}

#[tokio::test]
async fn a_retry_never_outlives_the_call() {
    let pauses = [
        "30",
        "9300000000000000000",
        "18446744073709551615",
        "99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ];
    for (pause, requests) in pauses.into_iter().zip([1, 1, 1, 3, 1]) {
        let server = Server::answering(move |_| {
            let response = Response::builder().status(503).header("retry-after", pause);
            response.body("later".into()).unwrap()
        })
        .await;
        let started = Instant::now();
        let mut binding = retry(json!({}));
        binding["timeout_ms"] = json!(2_000);
        let result = call(
            &with(&server.origin, "GET", "/", &json!({}), &binding),
            &json!({}),
        )
        .await;
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{pause}: the pause is not even begun"
        );
        assert_eq!(
            (result.outcome, server.seen().len()),
            (Outcome::Upstream5xx, requests),
            "{pause}"
        );
        let ignoring = retry(json!({"respect_retry_after": false}));
        call(
            &with(&server.origin, "GET", "/", &json!({}), &ignoring),
            &json!({}),
        )
        .await;
        assert_eq!(server.seen().len(), requests + 3, "{pause}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_down_is_not_called_twice_as_often() {
    let server = flaky(usize::MAX).await;
    let tool = with(&server.origin, "GET", "/", &json!({}), &retry(json!({})));
    let engine = engine();
    let state = ToolState::of(&tool);
    let shared = Callable {
        tool: &tool,
        state: Some(&state),
    };
    for _ in 0..50 {
        call_text(&engine, shared, "{}").await;
    }
    let requests = server.seen().len();
    assert!(
        (60..=66).contains(&requests),
        "{requests}: ten retries in stock, a tenth more for each call"
    );
}

/// Redirects as its path says: `/301/target`.
async fn redirecting() -> Server {
    Server::answering(|seen: &Seen| {
        let mut parts = seen.target.splitn(3, '/').skip(1);
        match parts.next().and_then(|code| code.parse::<u16>().ok()) {
            Some(code) if (300..400).contains(&code) => {
                let location = format!("/{}", parts.next().unwrap_or_default());
                Response::builder()
                    .status(code)
                    .header("location", location)
                    .body("moved".into())
                    .unwrap()
            }
            _ => status(200),
        }
    })
    .await
}

#[tokio::test]
async fn redirects_are_followed_as_the_definition_says() {
    let server = redirecting().await;
    let follow = |follow: u32| json!({"redirect": {"follow": follow}, "headers": {"X-Key": "1"}});
    let never = call(
        &with(&server.origin, "GET", "/302/x", &json!({}), &json!({})),
        &json!({}),
    )
    .await;
    assert!(never.is_error && server.seen().len() == 1);
    server.take();
    // Method, status, what is called next.
    for (method, code, next) in [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 302, "PUT"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
    ] {
        let tool = with(
            &server.origin,
            method,
            &format!("/{code}/{code}/x"),
            &json!({}),
            &follow(2),
        );
        let result = call(
            &tool,
            &if method == "HEAD" {
                json!({})
            } else {
                json!({"a": 1})
            },
        )
        .await;
        assert!(!result.is_error, "{method} {code}: {}", text(&result));
        let seen = server.seen();
        let last = seen.last().unwrap();
        assert_eq!(
            (last.method.as_str(), last.target.as_str()),
            (next, "/x"),
            "{method} {code}"
        );
        assert_eq!(last.header("x-key"), Some("1"));
        assert_eq!(last.body.is_empty(), next != method || method == "HEAD");
        assert_eq!(
            last.header("content-type").is_some(),
            next == method && method != "HEAD"
        );
        drop(seen);
    }
    let looping = call(
        &with(
            &server.origin,
            "GET",
            "/302/302/302/302/x",
            &json!({}),
            &follow(3),
        ),
        &json!({}),
    )
    .await;
    assert!(
        looping.is_error && text(&looping).contains("3 redirects were followed already"),
        "{}",
        text(&looping)
    );
}

#[tokio::test]
async fn another_origin_gets_no_credentials_and_only_if_it_is_allowed() {
    let other = Server::start().await;
    let location = format!("{}/y", other.origin);
    let first = Server::answering(move |_| {
        let response = Response::builder()
            .status(307)
            .header("location", location.clone());
        response.body("".into()).unwrap()
    })
    .await;
    let dir = SecretDir::new("redirect");
    let engine = dir.engine();
    let mut binding = json!({"redirect": {"follow": 1}, "headers": {"X-Key": "1", "Cookie": "a=b", "Accept": "text/x"},
        "auth": {"type": "bearer", "credential": "${env:CARGO_PKG_NAME}"}});
    let tool = |binding: &Value| with(&first.origin, "GET", "/", &json!({}), binding);
    let result = call_text(&engine, &tool(&binding), "{}").await;
    assert!(
        result.is_error && text(&result).contains("redirect.same_origin_only"),
        "{}",
        text(&result)
    );
    assert!(other.seen().is_empty());
    binding["redirect"]["same_origin_only"] = json!(false);
    let result = call_text(&engine, &tool(&binding), "{}").await;
    assert!(!result.is_error, "{}", text(&result));
    assert_eq!(
        first.seen().last().unwrap().header("authorization"),
        Some("Bearer mcp-core")
    );
    let seen = other.take();
    for name in ["authorization", "cookie", "x-key"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert_eq!(seen.header("accept"), Some("text/x"));
    assert_eq!(seen.header("host"), other.origin.strip_prefix("http://"));
}

#[tokio::test]
async fn each_hop_is_checked_against_the_egress_policy() {
    let server = Server::answering(|_| {
        let response = Response::builder()
            .status(302)
            .header("location", "http://169.254.169.254/latest/meta-data");
        response.body("".into()).unwrap()
    })
    .await;
    let binding = json!({"redirect": {"follow": 3, "same_origin_only": false}});
    let result = call(
        &with(&server.origin, "GET", "/", &json!({}), &binding),
        &json!({}),
    )
    .await;
    assert_eq!(result.outcome, Outcome::Refused);
    assert!(
        text(&result).contains("169.254.169.254 is not called"),
        "{}",
        text(&result)
    );
    let settings = EngineSettings {
        egress: EgressSettings {
            deny: vec!["localhost".parse().unwrap()],
            ..EgressSettings::default()
        },
        ..EngineSettings::default()
    };
    let port = server.origin.rsplit(':').next().unwrap().to_owned();
    let server = Server::answering(move |_| {
        let response = Response::builder()
            .status(302)
            .header("location", format!("http://localhost:{port}/"));
        response.body("".into()).unwrap()
    })
    .await;
    let tool = with(&server.origin, "GET", "/", &json!({}), &binding);
    assert_eq!(
        call_text(&Engine::new(settings, EngineServices::default()), &tool, "{}")
            .await
            .outcome,
        Outcome::Refused
    );
}

#[tokio::test]
async fn a_busy_tool_says_so_and_disturbs_no_other() {
    let (origin, _events) = silent().await;
    let binding = json!({"limits": {"concurrency": 1}, "timeout_ms": 700});
    let slow = with(&origin, "GET", "/", &json!({}), &binding);
    let server = Server::start().await;
    let quick = with(&server.origin, "GET", "/", &json!({}), &json!({}));
    let engine = engine();
    let state = ToolState::of(&slow);
    let shared = Callable {
        tool: &slow,
        state: Some(&state),
    };
    let calls = futures_util::future::join_all((0..7).map(|_| call_text(&engine, shared, "{}")));
    let others = async {
        for _ in 0..20 {
            assert!(!call_text(&engine, &quick, "{}").await.is_error);
        }
        Instant::now()
    };
    let started = Instant::now();
    let (results, done) = tokio::join!(calls, others);
    let outcomes: Vec<Outcome> = results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes[0], Outcome::Timeout);
    assert!(
        outcomes[1..5]
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Overloaded | Outcome::Timeout)),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[5..], [Outcome::Overloaded, Outcome::Overloaded]);
    assert!(text(&results[6]).contains("1 calls are under way (limits.concurrency) and its queue is full"));
    assert!(done - started < Duration::from_millis(700));
    // The places are free again.
    let server = Server::start().await;
    let tool = with(
        &server.origin,
        "GET",
        "/",
        &json!({}),
        &json!({"limits": {"concurrency": 2}}),
    );
    let state = ToolState::of(&tool);
    let shared = Callable {
        tool: &tool,
        state: Some(&state),
    };
    let results = futures_util::future::join_all((0..10).map(|_| call_text(&engine, shared, "{}"))).await;
    assert!(results.iter().all(|result| !result.is_error));
}
