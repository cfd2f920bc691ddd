//! Spans and metrics, as a collector gets them.

mod answers;

use crate::{
    test_app::{Client, DEADLINE, McpClient, TestApp, eventually},
    upstreams::offered,
};
use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use mcp_axum::settings::{Layers, Settings};
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::ExportMetricsServiceRequest,
        trace::v1::{ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse},
    },
    common::v1::{KeyValue, any_value},
    metrics::v1::{Metric, metric, number_data_point},
    resource::v1::Resource,
    trace::v1::{Span, span::SpanKind, status::StatusCode as SpanStatus},
};
use prost::Message;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, task::JoinHandle};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

#[derive(Default)]
struct Received {
    spans: Mutex<Vec<(Resource, Span)>>,
    metrics: Mutex<Vec<Vec<Metric>>>,
    headers: Mutex<Option<HeaderMap>>,
    /// What it answers; 0 is 200.
    status: AtomicU16,
    /// How many spans it takes not, of each message.
    refuses: AtomicU16,
    /// It answers nothing.
    hangs: AtomicBool,
    /// When messages came.
    came: Mutex<Vec<Instant>>,
}

/// A server that speaks the protocol.
struct Collector {
    received: Arc<Received>,
    url: String,
    server: JoinHandle<()>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::<Received>::default();
        let router = Router::new().fallback(take).with_state(received.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            received,
            url,
            server,
        }
    }

    /// Spans of this name; waits until there are so many.
    async fn spans(&self, name: &str, number: usize) -> Vec<Span> {
        let found = || {
            let spans = self.received.spans.lock().unwrap();
            let named = spans.iter().filter(|(_, span)| span.name == name);
            named.map(|(_, span)| span.clone()).collect::<Vec<_>>()
        };
        eventually(name, || found().len() >= number).await;
        let found = found();
        assert_eq!(found.len(), number, "{name}: {found:#?}");
        found
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(received): State<Arc<Received>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    received.came.lock().unwrap().push(Instant::now());
    if received.hangs.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let status = received.status.load(Ordering::Relaxed);
    if status != 0 {
        let status = StatusCode::from_u16(status).unwrap();
        return (status, [("retry-after", "2")]).into_response();
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    *received.headers.lock().unwrap() = Some(headers);
    match uri.path() {
        "/v1/traces" => {
            let message = ExportTraceServiceRequest::decode(body).unwrap();
            for of in message.resource_spans {
                let resource = of.resource.unwrap();
                let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
                let mut all = received.spans.lock().unwrap();
                all.extend(spans.map(|span| (resource.clone(), span)));
            }
        }
        "/v1/metrics" => {
            let message = ExportMetricsServiceRequest::decode(body).unwrap();
            let scopes = message
                .resource_metrics
                .into_iter()
                .flat_map(|of| of.scope_metrics);
            let metrics = scopes.flat_map(|scope| scope.metrics).collect();
            received.metrics.lock().unwrap().push(metrics);
        }
        other => panic!("{other}"),
    }
    let refused = received.refuses.load(Ordering::Relaxed);
    let partly = (refused > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: refused.into(),
        error_message: "too many".to_owned(),
    });
    ExportTraceServiceResponse {
        partial_success: partly,
    }
    .encode_to_vec()
    .into_response()
}

fn attribute<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a any_value::Value> {
    let found = attributes.iter().find(|known| known.key == name)?;
    found.value.as_ref()?.value.as_ref()
}

fn text<'a>(span: &'a Span, name: &str) -> &'a str {
    match attribute(&span.attributes, name) {
        Some(any_value::Value::StringValue(text)) => text,
        other => panic!("{name}: {other:?}: {span:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn traced(collector: &Collector, more: &[(&'static str, &str)]) -> TestApp {
    let mut settings = vec![
        ("otlp.endpoint", &*collector.url),
        ("otlp.metrics_seconds", "1"),
        ("otlp.headers.authorization", "Bearer collector-secret"),
        ("audit.enabled", "true"),
    ];
    settings.extend(more);
    TestApp::with(&settings).await
}

/// The user, as part of that trace.
fn part_of(app: &TestApp, instance: &str, traceparent: &str) -> McpClient {
    let client = Client::new(app.address(), Some(app.user_key().to_owned()));
    let client = client.with_header("traceparent", traceparent);
    McpClient::new(client.with_header("tracestate", "vendor=1"), instance)
}

#[tokio::test]
async fn a_call_is_a_span_and_the_request_to_its_upstream_one_beneath_it() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[]).await;
    let upstream = app.with_item_tools("shop").await;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    part_of(&app, "shop", &parent)
        .call("get_item", json!({"id": 7}))
        .await;
    let call = collector.spans("tools/call get_item", 1).await.remove(0);
    assert_eq!(
        (hex(&call.trace_id), hex(&call.parent_span_id)),
        (TRACE.to_owned(), PARENT.to_owned())
    );
    assert_eq!(call.kind, i32::from(SpanKind::Server));
    assert_eq!(call.trace_state, "vendor=1");
    assert_eq!(text(&call, "mcp.method.name"), "tools/call");
    assert_eq!(text(&call, "gen_ai.tool.name"), "get_item");
    assert_eq!(text(&call, "dynmcp.instance"), "shop");
    assert_eq!(text(&call, "enduser.id"), "user");
    assert_eq!(text(&call, "dynmcp.outcome"), "ok");
    assert!(call.status.is_none() && call.end_time_unix_nano > call.start_time_unix_nano);

    let beneath = collector.spans("GET", 1).await.remove(0);
    assert_eq!(beneath.kind, i32::from(SpanKind::Client));
    assert_eq!(
        (&beneath.trace_id, &beneath.parent_span_id),
        (&call.trace_id, &call.span_id)
    );
    assert_eq!(text(&beneath, "server.address"), "127.0.0.1");
    let status = attribute(&beneath.attributes, "http.response.status_code");
    assert_eq!(status, Some(&any_value::Value::IntValue(200)));
    assert!(beneath.start_time_unix_nano >= call.start_time_unix_nano);
    let asked = upstream.last().headers;
    assert_eq!(
        asked["traceparent"],
        format!("00-{TRACE}-{}-01", hex(&beneath.span_id))
    );
    assert_eq!(asked["tracestate"], "vendor=1");

    // What is sent says who sends it, and carries the operator's headers.
    let resource = collector.received.spans.lock().unwrap()[0].0.clone();
    let service = attribute(&resource.attributes, "service.name");
    assert_eq!(service, Some(&any_value::Value::StringValue("dynmcp".to_owned())));
    // The numbers of two replicas are not those of one.
    let other = traced(&collector, &[]).await;
    other.put_instance("shop", &[]).await;
    other.mcp("shop").modern("tools/list", json!({})).await;
    collector.spans("tools/list", 1).await;
    let ids: BTreeSet<String> = collector
        .received
        .spans
        .lock()
        .unwrap()
        .iter()
        .map(
            |(resource, _)| match attribute(&resource.attributes, "service.instance.id") {
                Some(any_value::Value::StringValue(id)) => id.clone(),
                other => panic!("{other:?}"),
            },
        )
        .collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| id.len() == 36), "{ids:?}");
    let headers = collector.received.headers.lock().unwrap().clone().unwrap();
    assert_eq!(headers["authorization"], "Bearer collector-secret");
}

#[tokio::test]
async fn what_fails_says_so_and_the_admin_api_has_spans_too() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[]).await;
    let upstream = app.with_item_tools("shop").await;
    upstream.reply_json(503, &json!({}));
    app.mcp("shop").call("get_item", json!({"id": 7})).await;
    let call = collector.spans("tools/call get_item", 1).await.remove(0);
    assert!(call.parent_span_id.is_empty(), "it begins here");
    assert_eq!(call.status.as_ref().unwrap().code(), SpanStatus::Error);
    assert_eq!(text(&call, "error.type"), "upstream_5xx");
    let beneath = collector.spans("GET", 1).await.remove(0);
    assert_eq!(text(&beneath, "error.type"), "503");
    app.mcp("shop").call("get_item", json!({"id": "x"})).await;
    let calls = collector.spans("tools/call get_item", 2).await;
    assert_eq!(text(&calls[1], "error.type"), "invalid_arguments");
    let put = collector.spans("PUT /admin/ids", 1).await.remove(0);
    assert_eq!(text(&put, "url.path"), "/admin/ids/shop");
    // A trace that begins here is in the audit log, too.
    let trace = hex(&call.trace_id);
    let started = std::time::Instant::now();
    loop {
        let records = app.admin().get("/admin/audit?action=tools/call").await.data();
        if records
            .as_array()
            .unwrap()
            .iter()
            .any(|record| record["trace_id"] == *trace)
        {
            break;
        }
        assert!(started.elapsed() < DEADLINE, "{records}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[tokio::test]
async fn servers_hear_of_the_trace_in_headers_and_in_meta() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[]).await;
    for (id, is_modern) in [("new", true), ("old", false)] {
        let server = offered::server(is_modern).await;
        offered::with(&app, id, &server, &json!({})).await;
        let instance = json!({"name": "Docs", "include": {"upstreams": [id]}});
        app.admin().put(&format!("/admin/ids/{id}"), &instance).await.ok();
        let parent = format!("00-{TRACE}-{PARENT}-01");
        let client = part_of(&app, id, &parent);
        let read = client.modern("resources/read", json!({"uri": "test://a"})).await;
        assert_eq!(read.status, 200, "{read:?}");
        let asked = server.received("resources/read").pop().unwrap();
        let header = asked.headers["traceparent"].to_str().unwrap();
        assert!(
            header.starts_with(&format!("00-{TRACE}-")) && !header.contains(PARENT),
            "{header}"
        );
        assert_eq!(asked.params()["_meta"]["traceparent"], *header);
    }
    let spans = collector.spans("resources/read", 4).await;
    let of = |kind: SpanKind| spans.iter().filter(move |span| span.kind == i32::from(kind));
    for beneath in of(SpanKind::Client) {
        assert!(of(SpanKind::Server).any(|span| span.span_id == beneath.parent_span_id));
        assert_eq!(text(beneath, "mcp.method.name"), "resources/read");
    }
    assert_eq!(of(SpanKind::Client).count(), 2);
}

#[tokio::test]
async fn a_trace_says_itself_whether_it_is_heard_of_and_is_passed_on_anyway() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[("otlp.sample", "0")]).await;
    let upstream = app.with_item_tools("shop").await;
    // Not sampled: by itself, and because none that begins here is.
    let silent = format!("00-{TRACE}-{PARENT}-00");
    part_of(&app, "shop", &silent)
        .call("get_item", json!({"id": 1}))
        .await;
    let passed = upstream.last().headers["traceparent"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        passed.starts_with(&format!("00-{TRACE}-")) && passed.ends_with("-00"),
        "{passed}"
    );
    app.mcp("shop").call("get_item", json!({"id": 2})).await;
    // What is no place in a trace begins another one, without what belonged to it.
    part_of(&app, "shop", "00-x")
        .call("get_item", json!({"id": 3}))
        .await;
    let asked = upstream.last().headers;
    assert!(asked["traceparent"].to_str().unwrap().ends_with("-00"));
    assert!(!asked.contains_key("tracestate"));
    part_of(&app, "shop", &format!("00-{TRACE}-{PARENT}-01"))
        .call("get_item", json!({"id": 4}))
        .await;
    collector.spans("tools/call get_item", 1).await;
}

#[tokio::test]
async fn metrics_are_those_of_the_page() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[("otlp.traces", "false")]).await;
    let upstream = app.with_item_tools("shop").await;
    for id in 0..3 {
        app.mcp("shop").call("get_item", json!({"id": id})).await;
    }
    assert!(
        !upstream.last().headers.contains_key("traceparent"),
        "no spans, no traces"
    );
    let last = || {
        let all = collector.received.metrics.lock().unwrap();
        all.last().cloned().unwrap_or_default()
    };
    let find = |name: &str| last().into_iter().find(|metric| metric.name == name);
    let calls = || match find("dynmcp_tool_calls").and_then(|metric| metric.data) {
        Some(metric::Data::Sum(sum)) => sum,
        _ => Default::default(),
    };
    eventually("the calls are counted", || {
        let three = Some(number_data_point::Value::AsDouble(3.0));
        calls().data_points.iter().any(|point| point.value == three)
    })
    .await;
    let sum = calls();
    assert!(sum.is_monotonic);
    let tool = attribute(&sum.data_points[0].attributes, "tool");
    assert_eq!(tool, Some(&any_value::Value::StringValue("get_item".to_owned())));
    let Some(metric::Data::Histogram(durations)) =
        find("dynmcp_tool_call_duration_seconds").and_then(|metric| metric.data)
    else {
        panic!("{:?}", last())
    };
    let unit = |name: &str| find(name).unwrap().unit;
    assert_eq!(unit("dynmcp_tool_call_duration_seconds"), "s");
    assert_eq!(unit("dynmcp_tool_calls"), "");
    let point = &durations.data_points[0];
    assert_eq!(point.count, 3);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), 3);
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert!(collector.received.spans.lock().unwrap().is_empty());
}

fn count(app: &TestApp, name: &str) -> u64 {
    let metrics = app.metrics();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn what_is_refused_has_a_span_at_every_door_of_operators() {
    let collector = Collector::start().await;
    let app = traced(&collector, &[("otlp.metrics", "false")]).await;
    app.anonymous().get("/metrics").await.error(401);
    let span = collector.spans("GET /metrics", 1).await.remove(0);
    assert_eq!(text(&span, "url.path"), "/metrics");
    app.anonymous().get("/admin/tds").await.error(401);
    collector.spans("GET /admin/tds", 1).await;
}

#[test]
fn what_is_wrong_is_named_and_headers_are_shown_nowhere() {
    let load = |overrides: &[(&'static str, &str)]| {
        Settings::load(&Layers {
            overrides: overrides
                .iter()
                .map(|(key, value)| (*key, (*value).to_owned()))
                .collect(),
            ..Layers::default()
        })
    };
    for (key, value) in [
        ("otlp.endpoint", "collector:4318"),
        ("otlp.endpoint", "http://user:secret@collector:4318"),
        ("otlp.sample", "1.5"),
        ("otlp.metrics_seconds", "0"),
        ("otlp.timeout_ms", "0"),
        ("otlp.service_name", " "),
        ("otlp.headers.x", "a\nb"),
    ] {
        let error = load(&[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(key) && !error.contains("secret"), "{error}");
    }
    let shown = load(&[
        ("otlp.endpoint", "http://collector:4318"),
        ("otlp.headers.authorization", "Bearer collector-secret"),
    ]);
    let shown = shown.unwrap().to_redacted_toml();
    assert!(
        !shown.contains("collector-secret") && shown.contains("authorization = \"***\""),
        "{shown}"
    );
}
