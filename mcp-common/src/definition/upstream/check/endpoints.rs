//! What in the endpoints of an upstream, and in what is said about them, cannot be meant.

use super::{check_url, http_service};
use crate::{
    definition::upstream::{
        Balance, Breaker, Failover, Health, MOST_ENDPOINTS, Probe, UpstreamDefinition, UpstreamProtocol,
        UpstreamTransport,
        fleet::{MOST_SECONDS, MOST_WEIGHT},
    },
    problem::Problem,
};
use std::collections::BTreeMap;

pub(super) fn check(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    if definition.is_fleet() {
        endpoints(definition, problems);
    } else {
        alone(definition, problems);
    }
    numbers(definition, problems);
    let health = &definition.health;
    if let Some(path) = &health.path
        && (!path.starts_with('/') || path.contains(['#', ' ']))
    {
        problems.push(Problem::at("health.path", "must be a path that begins with `/`"));
    }
    if definition.protocol == UpstreamProtocol::Http && health.probe() == Some(Probe::Mcp) {
        problems.push(Problem::at(
            "health.probe",
            "`mcp` is for MCP servers; an HTTP service is asked with `http`",
        ));
    }
    probe(health, problems);
}

/// A probe of another name has settings of its own, and the gateway's own have none.
fn probe(health: &Health, problems: &mut Vec<Problem>) {
    let Some(name) = health.named_probe() else {
        if !health.settings.is_empty() {
            let reason = "are for probes such as `exec` (`health.probe`); what `mcp` and `http` ask for is said by `path`";
            problems.push(Problem::at("health.settings", reason));
        }
        return;
    };
    let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    if !(1..=64).contains(&name.len()) || !name.bytes().all(is_part) {
        let reason = "must be `mcp`, `http`, `exec`, or the name of another probe: 1 to 64 of a-z 0-9 _";
        problems.push(Problem::at("health.probe", reason));
    }
    if health.path.is_some() {
        let reason =
            format!("is what `http` asks for; the probe `{name}` is told in `health.settings` what to ask");
        problems.push(Problem::at("health.path", reason));
    }
}

fn endpoints(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    if definition.url.is_some() {
        let reason = "is given together with `endpoints`; make it one of them, or leave them out";
        problems.push(Problem::at("url", reason));
    }
    let is_mcp = definition.protocol == UpstreamProtocol::Mcp;
    if is_mcp && definition.transport() != UpstreamTransport::StreamableHttp {
        let reason = "are for servers with streamable HTTP; programs, WebSockets and HTTP+SSE of 2024-11-05 have one `command` or `url`";
        problems.push(Problem::at("endpoints", reason));
        return;
    }
    if definition.endpoints.len() > MOST_ENDPOINTS {
        let reason = format!(
            "has {} items, at most {MOST_ENDPOINTS} are allowed",
            definition.endpoints.len()
        );
        problems.push(Problem::at("endpoints", reason));
    }
    if definition.replicas().next().is_none() {
        let reason = "all of them are switched off; `enabled: false` beside them switches the upstream off";
        problems.push(Problem::at("endpoints", reason));
    }
    let mut seen = BTreeMap::new();
    for (index, endpoint) in definition.endpoints.iter().enumerate() {
        let at = |member: &str| format!("endpoints[{index}].{member}");
        let checked = definition.protocol.check_endpoint(&endpoint.url);
        problems.extend(checked.err().map(|reason| Problem::at(at("url"), reason)));
        if let Some(first) = seen.insert(same_place(&endpoint.url), index) {
            let reason =
                format!("is that of endpoints[{first}], too; `weight` gives one endpoint more than others");
            problems.push(Problem::at(at("url"), reason));
        }
        if !(1..=MOST_WEIGHT).contains(&endpoint.weight) {
            let reason = format!("must be 1 to {MOST_WEIGHT}; `enabled: false` takes an endpoint out");
            problems.push(Problem::at(at("weight"), reason));
        }
    }
    if let Some(local) = &definition.balance.prefer_region {
        let mut regions = definition
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.region.as_ref());
        if !regions.any(|region| region == local) {
            let reason = format!("no endpoint has `region: {local}`");
            problems.push(Problem::at("balance.prefer_region", reason));
        }
    }
}

impl UpstreamProtocol {
    /// Why this is not the address of an endpoint.
    pub fn check_endpoint(self, url: &str) -> Result<(), &'static str> {
        match self {
            Self::Mcp => check_url(url, UpstreamTransport::StreamableHttp),
            Self::Http => http_service::check_base(url),
        }
    }
}

/// What two addresses have in common that are one endpoint.
pub fn same_place(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// An MCP server with one address has a connection that is looked after by itself.
fn alone(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let of_several = [
        ("balance", definition.balance != Balance::default()),
        ("failover", definition.failover != Failover::default()),
    ];
    let of_fleets = [
        ("breaker", definition.breaker != Breaker::default()),
        ("health", definition.health != Health::default()),
        (
            "limits.endpoint_concurrency",
            definition.limits.endpoint_concurrency.is_some(),
        ),
    ];
    let is_mcp = definition.protocol == UpstreamProtocol::Mcp;
    let all = of_several.iter().chain(of_fleets.iter().filter(|_| is_mcp));
    for (member, _) in all.filter(|(_, is_there)| *is_there) {
        problems.push(Problem::at(
            *member,
            "is about `endpoints`, and there are none: give them instead of `url`",
        ));
    }
}

fn numbers(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let UpstreamDefinition {
        balance,
        breaker,
        failover,
        health,
        ..
    } = definition;
    let bounds = [
        ("balance.virtual_nodes", balance.virtual_nodes, 1, 1_000),
        ("breaker.failures", breaker.failures, 1, 1_000),
        ("breaker.window_seconds", breaker.window_seconds, 1, MOST_SECONDS),
        (
            "breaker.cool_down_seconds",
            breaker.cool_down_seconds,
            1,
            MOST_SECONDS,
        ),
        ("failover.attempts", failover.attempts, 0, 63),
        (
            "health.interval_seconds",
            health.interval_seconds,
            1,
            MOST_SECONDS,
        ),
        ("health.timeout_seconds", health.timeout_seconds, 1, MOST_SECONDS),
        ("health.healthy_threshold", health.healthy_threshold, 1, 100),
        ("health.unhealthy_threshold", health.unhealthy_threshold, 1, 100),
        ("health.panic_percent", health.panic_percent, 0, 100),
        ("health.slow_start_seconds", health.slow_start_seconds, 0, 3_600),
    ];
    for (field, value, least, most) in bounds {
        if !(least..=most).contains(&value) {
            problems.push(Problem::at(field, format!("must be {least} to {most}")));
        }
    }
    if failover
        .attempt_ms
        .is_some_and(|wait| !(1..=3_600_000).contains(&wait))
    {
        problems.push(Problem::at("failover.attempt_ms", "must be 1 to 3600000"));
    }
}
