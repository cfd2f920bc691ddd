//! Parsing a request and rendering an instance.

use criterion::{BatchSize, Criterion};
use mcp_common::{
    catalog::Catalog,
    datasource::{Load, Record},
    key::Key,
};
use mcp_core::{
    protocol::envelope,
    telemetry::Metrics,
    tool::ToolCompiler,
    view::{InstanceView, NoInventories, ViewSettings},
};
use prometheus_client::registry::Registry;
use std::hint::black_box;

/// The frame of a `tools/call` as a 2026-07-28 client sends it.
pub(crate) fn envelopes(criterion: &mut Criterion) {
    let body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_item","arguments":{"id":1,"q":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
    criterion.bench_function("parse the envelope of a tools/call", |bencher| {
        bencher.iter(|| envelope::parse(black_box(body)).is_ok());
    });
}

/// What a change costs the first request after it.
pub(crate) fn views(criterion: &mut Criterion) {
    let catalog = Catalog::new(ToolCompiler::default());
    let tools = (0..100).map(|number| {
        let body = format!(
            r#"{{"name":"tool_{number}","description":"Tool number {number}","input_schema":{{"type":"object","properties":{{"id":{{"type":"integer"}},"q":{{"type":"string"}}}},"required":["id"]}},"tds_ext_info":{{"domain":"api.example.com","method":"GET","path":"/v1/items/{{id}}"}}}}"#
        );
        record(Key::tool(format!("t{number}")), body)
    });
    let ids: Vec<String> = (0..100).map(|number| format!("\"t{number}\"")).collect();
    let instance = record(
        Key::instance("i"),
        format!(r#"{{"name":"i","tool_ids":[{}]}}"#, ids.join(",")),
    );
    let records = tools.chain([instance]).collect();
    catalog.replace(Load {
        revision: 1,
        records,
        unreadable: Vec::new(),
    });
    let entry = catalog
        .snapshot()
        .instances
        .get("i")
        .cloned()
        .expect("the instance is good");
    let metrics = Metrics::register(&mut Registry::default());
    criterion.bench_function("build the view of an instance with 100 tools", |bencher| {
        let build = |entry| {
            InstanceView::build(
                entry,
                catalog.compiler(),
                &NoInventories,
                Default::default(),
                &ViewSettings::default(),
                &metrics,
            )
        };
        bencher.iter_batched(|| entry.clone(), build, BatchSize::SmallInput);
    });
}

fn record(key: Key, body: String) -> Record {
    Record {
        key,
        revision: 1,
        updated_at: None,
        body: body.into(),
    }
}
