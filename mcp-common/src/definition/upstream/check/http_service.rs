//! What an HTTP service (`protocol: http`) cannot have.

use super::check_url;
use crate::{
    definition::upstream::{
        UpstreamDefinition, UpstreamEra, UpstreamLimits, UpstreamPin, UpstreamPrompts, UpstreamResources,
        UpstreamSessions, UpstreamTimeouts, UpstreamTransport,
    },
    problem::Problem,
};

pub(super) fn check(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let of_mcp = [
        ("transport", definition.transport.is_some()),
        ("auto_connect", !definition.auto_connect),
        ("era", definition.era != UpstreamEra::Auto),
        ("sessions", definition.sessions != UpstreamSessions::Auto),
        ("tools", !definition.tools.says_nothing()),
        ("resources", definition.resources != UpstreamResources::default()),
        ("prompts", definition.prompts != UpstreamPrompts::default()),
        ("pin", definition.pin != UpstreamPin::default()),
    ];
    for (member, _) in of_mcp.iter().filter(|(_, is_there)| *is_there) {
        let reason = "is for MCP servers, and this is an HTTP service (`protocol: http`), which tools with definitions name in `tds_ext_info.upstream`";
        problems.push(Problem::at(*member, reason));
    }
    let usual = UpstreamTimeouts::default();
    let own = UpstreamTimeouts {
        connect_ms: usual.connect_ms,
        ..definition.timeouts.clone()
    };
    if own != usual {
        let reason = "but `connect_ms` are for MCP servers: how long a call takes is the tool's own (`tds_ext_info.timeout_ms`)";
        problems.push(Problem::at("timeouts", reason));
    }
    let usual = UpstreamLimits::default();
    let of_queue = |limits: &UpstreamLimits| (limits.queue, limits.queue_ms);
    if definition.limits.endpoint_concurrency.is_none() && of_queue(&definition.limits) != of_queue(&usual) {
        let reason = "`queue` and `queue_ms` are about `endpoint_concurrency`, and there is none";
        problems.push(Problem::at("limits", reason));
    }
    let own = UpstreamLimits {
        endpoint_concurrency: None,
        queue: usual.queue,
        queue_ms: usual.queue_ms,
        ..definition.limits.without_calls()
    };
    if own != usual {
        let reason = "but `rate`, `burst`, `concurrent`, `per_day`, `endpoint_concurrency`, `queue` and `queue_ms` are for MCP servers: how many calls are under way, and how large answers may be, is the tool's own (`tds_ext_info.limits`)";
        problems.push(Problem::at("limits", reason));
    }
    if let Some(url) = definition.url.as_deref().filter(|_| !definition.is_fleet()) {
        problems.extend(check_base(url).err().map(|reason| Problem::at("url", reason)));
    }
}

/// What the paths of tools are put behind.
pub(super) fn check_base(url: &str) -> Result<(), &'static str> {
    check_url(url, UpstreamTransport::StreamableHttp)?;
    match url.contains('?') {
        true => Err("must not have a query: it is what the paths of tools are put behind"),
        false => Ok(()),
    }
}
