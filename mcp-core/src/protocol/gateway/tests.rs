use super::*;
use crate::{
    engine::Outcome,
    view::{Callee, InstanceView, NoInventories},
};
use mcp_common::{
    datasource::{Batch, Change, Load, Record},
    key::{Key, Revision},
};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

/// `cargo xtask bench size` asserts the same over HTTP with a hundred thousand tools and ten thousand instances, which an
/// unoptimised build takes minutes for.
const TOOLS: usize = 2_000;
const INSTANCES: usize = 200;

fn record(key: Key, revision: Revision, document: &Value) -> Record {
    Record {
        key,
        revision,
        updated_at: None,
        body: document.to_string().into(),
    }
}

fn tool(number: usize, revision: Revision) -> Record {
    let document = json!({
        "name": format!("t{number}"), "description": format!("Of revision {revision}."),
        "input_schema": {"type": "object", "properties": {"id": {"type": "string"}}},
        "tds_ext_info": {"domain": "api.example.com", "method": "GET", "path": "/"},
    });
    record(Key::tool(format!("t{number}")), revision, &document)
}

fn gateway() -> (Arc<Catalog<ToolCompiler>>, Arc<Gateway>) {
    let catalog = Arc::new(Catalog::new(ToolCompiler::default()));
    let gateway = Gateway::new(GatewayParts {
        catalog: catalog.clone(),
        settings: ProtocolSettings {
            view: ViewSettings::default(),
            session_secret: [0; 32],
            session_lifetime: Duration::from_secs(1),
            session_idle: None,
            max_streams: 1,
            max_streams_per_client: 1,
            abandoned: AbandonedSettings::default(),
            via: None,
        },
        inventories: Arc::new(NoInventories),
        policy: Policy::default(),
        metrics: Metrics::register(&mut Registry::default()),
        shutdown: CancellationToken::new(),
    });
    let instance = |number: usize| {
        let ids: Vec<_> = (0..10).map(|place| format!("t{}", number * 10 + place)).collect();
        let document = json!({"name": "An instance", "tool_ids": ids});
        record(Key::instance(format!("i{number}")), 1, &document)
    };
    let tools = (0..TOOLS).map(|number| tool(number, 1));
    catalog.replace(Load {
        revision: 1,
        records: tools.chain((0..INSTANCES).map(instance)).collect(),
        ..Load::default()
    });
    (catalog, gateway)
}

fn all_views(gateway: &Gateway) -> Vec<Arc<InstanceView>> {
    let view = |number| gateway.views.get(&format!("i{number}")).unwrap();
    (0..INSTANCES).map(view).collect()
}

#[test]
fn a_change_leaves_the_views_that_it_does_not_touch() {
    let (catalog, gateway) = gateway();
    let before = all_views(&gateway);
    assert_eq!(gateway.metrics.views_built.get(), INSTANCES as u64);
    let changes = vec![Change::Put(tool(42, 2))];
    catalog.apply(Batch { revision: 2, changes });
    let after = all_views(&gateway);
    assert_eq!(gateway.metrics.views_built.get(), INSTANCES as u64 + 1);
    for (number, (before, after)) in before.iter().zip(&after).enumerate() {
        let stays = Arc::ptr_eq(before, after);
        assert_eq!(stays, number != 4, "instance {number}");
        // And of its own view everything but the tool.
        for tool in number * 10..number * 10 + 10 {
            let compiled = |view: &InstanceView| match &view.tool(&format!("t{tool}")).unwrap().callee {
                Callee::Defined(tool) => tool.kept().unwrap(),
                Callee::Origin(..) => panic!("nobody offers tools here"),
            };
            let stays = Arc::ptr_eq(&compiled(before), &compiled(after));
            assert_eq!(stays, tool != 42, "tool {tool}");
        }
    }
}

#[test]
fn a_view_that_is_invalidated_is_gone_with_its_last_user() {
    let (_catalog, gateway) = gateway();
    let weak = Arc::downgrade(&gateway.views.get("i1").unwrap());
    let before = gateway.views.invalidate("i1");
    drop(before);
    assert!(weak.upgrade().is_none(), "the cache keeps it");
}

/// One call of a tool of this view.
fn called(view: &InstanceView, tool: &str) {
    view.tool(tool).unwrap().metrics.record(Outcome::Timeout, 0.1, 1);
}

fn deleted(instance: &str, revision: Revision) -> Batch {
    let key = Key::instance(instance);
    Batch {
        revision,
        changes: vec![Change::Delete { key, revision }],
    }
}

#[test]
fn series_go_with_their_tools_also_where_nobody_looked_since_the_last_change() {
    let (catalog, gateway) = gateway();
    called(&gateway.views.get("i4").unwrap(), "t42");
    // Only the first change finds a view.
    for revision in [2, 3] {
        let changes = vec![Change::Put(tool(43, revision))];
        catalog.apply(Batch { revision, changes });
        assert!(gateway.metrics.has_any_of("i4"), "the tool is still there");
    }
    let document = json!({"name": "An instance", "tool_ids": ["t41"]});
    let changes = vec![Change::Put(record(Key::instance("i4"), 4, &document))];
    catalog.apply(Batch { revision: 4, changes });
    assert!(!gateway.metrics.has_any_of("i4"));

    called(&gateway.views.get("i4").unwrap(), "t41");
    let changes = vec![Change::Put(tool(41, 5))];
    catalog.apply(Batch { revision: 5, changes });
    catalog.apply(deleted("i4", 6));
    assert!(!gateway.metrics.has_any_of("i4"));
}

#[test]
fn a_call_that_ends_after_its_instance_brings_no_series_back() {
    let (catalog, gateway) = gateway();
    let view = gateway.views.get("i4").unwrap();
    called(&view, "t42");
    catalog.apply(deleted("i4", 2));
    for tool in ["t42", "t43"] {
        called(&view, tool);
    }
    assert!(!gateway.metrics.has_any_of("i4"));
}
