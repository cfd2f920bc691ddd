use super::*;
use crate::engine::{Asked, Outcome};
use std::time::Duration;

/// The registry's text.
fn text(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
    text
}

/// The value of the series with these labels.
fn value(text: &str, series: &str) -> Option<String> {
    let value = |line: &str| Some(line.strip_prefix(series)?.strip_prefix(' ')?.to_owned());
    text.lines().find_map(value)
}

#[test]
fn what_is_beyond_the_bound_is_counted_together() {
    let mut registry = Registry::default();
    let metrics = Metrics::register_for(&mut registry, 2);
    let called = |tool: &ToolMetrics| {
        tool.record(Outcome::Ok, 0.1, 10);
        tool.record(Outcome::Timeout, 0.1, 10);
        tool.mismatch("(root)");
    };
    // One that stands for another view of the same instance has the series of the first.
    let [a, b, c, d, again] = ["a", "b", "c", "d", "a"].map(|tool| metrics.tool("i", tool));
    for tool in [&a, &b, &c, &d, &again] {
        called(tool);
    }
    let calls = |tool: &str, outcome: &str, instance: &str| {
        let labels = format!(r#"mcp_instance="{instance}",tool="{tool}",outcome="{outcome}""#);
        value(&text(&registry), &format!("tool_calls_total{{{labels}}}"))
    };
    assert_eq!(calls("a", "ok", "i").as_deref(), Some("2"));
    assert_eq!(calls("b", "timeout", "i").as_deref(), Some("1"));
    assert_eq!(calls("c", "ok", "i"), None);
    assert_eq!(calls(OTHER, "ok", OTHER).as_deref(), Some("2"));
    assert_eq!(calls(OTHER, "timeout", OTHER).as_deref(), Some("2"));
    let names = text(&registry);
    assert!(
        !names.contains(r#"tool="c""#) && !names.contains(r#"tool="d""#),
        "{names}"
    );

    // A place that becomes free is the next one's; what is counted together stays.
    metrics.keep("i", |tool| tool == "b" || tool == "d");
    metrics.keep(OTHER, |_| false);
    assert_eq!(calls("a", "ok", "i"), None);
    called(&d);
    assert_eq!(calls("d", "ok", "i").as_deref(), Some("1"));
    assert_eq!(calls("d", "timeout", "i").as_deref(), Some("1"));
    assert_eq!(calls(OTHER, "ok", OTHER).as_deref(), Some("2"));
}

#[test]
fn what_ends_after_its_tool_left_brings_no_series_back() {
    let mut registry = Registry::default();
    let metrics = Metrics::register_for(&mut registry, 2);
    let [called, uncalled, unannounced] =
        ["called", "uncalled", "unannounced"].map(|tool| metrics.tool("i", tool));
    for tool in [&called, &unannounced] {
        tool.record(Outcome::Ok, 0.1, 10);
    }
    for tool in [&called, &uncalled] {
        tool.leave();
    }
    metrics.keep("i", |_| false);
    for tool in [&called, &uncalled, &unannounced] {
        tool.record(Outcome::Ok, 0.1, 10);
        tool.record(Outcome::Timeout, 0.1, 10);
        tool.mismatch("(root)");
        tool.asked(Asked {
            took: Some(Duration::from_millis(1)),
            retries: 1,
        });
    }
    let told = text(&registry);
    assert!(!told.contains("mcp_instance="), "{told}");
    // Nor do they have the places of others.
    for tool in ["x", "y"] {
        metrics.tool("j", tool).record(Outcome::Ok, 0.1, 10);
        let labels = format!(r#"mcp_instance="j",tool="{tool}",outcome="ok""#);
        let counted = value(&text(&registry), &format!("tool_calls_total{{{labels}}}"));
        assert_eq!(counted.as_deref(), Some("1"), "{tool}");
    }
}

#[test]
fn the_upstreams_time_and_retries_are_told_apart_from_the_call() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let tool = metrics.tool("i", "t");
    tool.record(Outcome::Ok, 0.5, 10);
    assert!(
        !text(&registry).contains("tool_upstream_duration_seconds_count"),
        "nobody was asked"
    );
    for retries in [0, 2] {
        let took = Duration::from_millis(250);
        tool.asked(Asked {
            took: Some(took),
            retries,
        });
    }
    // Nothing was sent.
    tool.asked(Asked::default());
    let labels = r#"{mcp_instance="i",tool="t"}"#;
    let of = |name: &str| value(&text(&registry), &format!("{name}{labels}"));
    assert_eq!(of("tool_upstream_duration_seconds_sum").as_deref(), Some("0.5"));
    assert_eq!(of("tool_upstream_duration_seconds_count").as_deref(), Some("2"));
    assert_eq!(of("tool_call_duration_seconds_count").as_deref(), Some("1"));
    assert_eq!(of("tool_retries_total").as_deref(), Some("2"));
    metrics.keep("i", |_| false);
    assert_eq!(of("tool_retries_total"), None);
    assert_eq!(of("tool_upstream_duration_seconds_count"), None);
}
