//! What balancing, health and breakers add to a call.

use criterion::{Criterion, Throughput};
use mcp_common::{definition::UpstreamDefinition, document::Document};
use mcp_core::fleet::Measured;
use serde_json::{Value, json};
use std::hint::black_box;

/// Calls in one measurement, so that the measuring itself costs next to nothing of it.
const CALLS: usize = 1_000;

fn fleet(endpoints: usize, balance: &Value) -> Measured {
    let endpoints: Vec<_> = (0..endpoints)
        .map(|place| json!({"url": format!("http://replica-{place}.example")}))
        .collect();
    let document =
        json!({"protocol": "http", "endpoints": endpoints, "balance": balance, "health": {"enabled": true}});
    let document = Document::parse(document.to_string().as_bytes()).expect("a JSON object");
    let read = UpstreamDefinition::read("billing", &document).expect("a definition");
    Measured::of(&read.definition)
}

/// By algorithm and number of endpoints, all of them well.
pub(crate) fn balancing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fleet");
    group.throughput(Throughput::Elements(CALLS as u64));
    let algorithms = [
        "p2c",
        "round_robin",
        "least_connections",
        "random",
        "weighted_random",
        "consistent_hash",
    ];
    let mut cases: Vec<(String, usize, Value)> = algorithms
        .iter()
        .map(|algorithm| (format!("{algorithm}/5"), 5, json!({"algorithm": algorithm})))
        .collect();
    cases.push(("p2c/1".to_owned(), 1, json!({})));
    cases.push(("p2c/64".to_owned(), 64, json!({})));
    cases.push(("p2c_sticky_session/5".to_owned(), 5, json!({"sticky": "session"})));
    for (name, endpoints, balance) in cases {
        let fleet = fleet(endpoints, &balance);
        group.bench_function(name, |bencher| {
            bencher.iter(|| assert_eq!(black_box(&fleet).calls(CALLS), CALLS));
        });
    }
    group.finish();
}
