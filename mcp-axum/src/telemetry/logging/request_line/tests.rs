use super::*;
use crate::settings::LogFormat;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{Layer, Registry, fmt::format, layer::SubscriberExt};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(chosen: LogFormat) -> String {
    let page = Page::default();
    let writer = page.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match chosen {
        LogFormat::Pretty => Box::new(layer.event_format(WithRequestLine {
            other: format::format(),
            json: false,
        })),
        LogFormat::Json => {
            let other = format::format().json().flatten_event(true);
            Box::new(
                layer
                    .fmt_fields(format::JsonFields::new())
                    .event_format(WithRequestLine { other, json: true }),
            )
        }
    };
    tracing::subscriber::with_default(Registry::default().with(layer), || {
        let (upstream, tool): (Option<u16>, Option<&str>) = (None, Some("two words\n\"x\""));
        tracing::info!(target: "dynmcp::request", instance = "demo", tool, status = 200_u16, upstream_status = upstream, duration_us = 12_u64);
        tracing::warn!(count = 1, "something else");
    });
    String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn a_pretty_line_has_the_fields_that_are_there_and_stays_one_line() {
    let text = logged(LogFormat::Pretty);
    let mut lines = text.lines();
    let request = lines.next().unwrap();
    let (time, rest) = request.split_once("  ").unwrap();
    assert!(time.ends_with('Z'), "{request}");
    assert_eq!(
        rest,
        r#"INFO dynmcp::request: instance=demo tool="two words\n\"x\"" status=200 duration_us=12"#
    );
    assert!(
        lines.next().unwrap().ends_with("something else count=1"),
        "{text}"
    );
}

#[test]
fn a_json_line_is_one_json_object() {
    let text = logged(LogFormat::Json);
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["tool"], "two words\n\"x\"");
    assert_eq!(
        (&lines[0]["status"], &lines[0]["duration_us"]),
        (&200.into(), &12.into())
    );
    assert_eq!(lines[0]["level"], "INFO");
    assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(lines[1]["message"], "something else");
}
