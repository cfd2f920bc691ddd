//! Replicas of one server (`endpoints`), how requests are spread over them (`balance`), and when one of them is let alone (`breaker`, `failover`,
//! `health`).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One replica of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamEndpoint {
    /// Its address, as in `url`.
    #[schemars(example = &"https://eu.billing.example/v1")]
    pub url: String,
    /// How much it takes beside the others, for the algorithms that know weights.
    #[serde(default = "usual_weight")]
    #[schemars(range(min = 1, max = MOST_WEIGHT))]
    pub weight: u32,
    /// Its tier. Those with the lowest number are used; others only while none of these can be.
    #[serde(default)]
    pub priority: u32,
    /// The region that it is in, see `balance.prefer_region`.
    pub region: Option<String>,
    /// `false`: nothing is sent to it.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// The highest weight.
pub(super) const MOST_WEIGHT: u32 = 10_000;

/// How requests are spread over `endpoints`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Balance {
    /// Which endpoint of a tier gets a request.
    #[schemars(extend("default" = "p2c"))]
    pub algorithm: Algorithm,
    /// Whose requests go to the same endpoint until it cannot be called.
    #[schemars(extend("default" = "none"))]
    pub sticky: Sticky,
    /// What `consistent_hash` tells requests apart by.
    #[schemars(extend("default" = "principal"))]
    pub hash_on: HashOn,
    /// Points on the ring of `consistent_hash` for the endpoint with the highest weight; the others have theirs in proportion.
    #[schemars(range(min = 1, max = 1_000))]
    pub virtual_nodes: u32,
    /// Endpoints of this region go before others of their tier.
    pub prefer_region: Option<String>,
}

/// Which endpoint gets a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Of two by chance the one with less to do, by requests under way, latency and weight.
    #[default]
    P2c,
    /// One after the other; weights do not count.
    RoundRobin,
    /// The one with the fewest requests under way for its weight.
    LeastConnections,
    /// The same for the same key (`hash_on`); few keys move when endpoints come or go.
    ConsistentHash,
    /// Any, by chance; weights do not count.
    Random,
    /// Any, by chance, in proportion to the weights.
    WeightedRandom,
}

/// Whose requests stay together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// Nobody's.
    #[default]
    None,
    /// Those of a client's session; without a session, those of whoever calls.
    Session,
    /// Those of whoever calls.
    Principal,
}

/// What a request is told apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashOn {
    /// Who calls.
    #[default]
    Principal,
    /// The client's session; without a session, who calls.
    Session,
    /// The arguments of the call, as the client wrote them.
    Arguments,
}

/// When an endpoint that fails is let alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures one after the other that open it: no connection, a connection that broke, no answer in time, a status of 500 and above.
    #[schemars(range(min = 1, max = 1_000))]
    pub failures: u32,
    /// The seconds in which they count together.
    #[schemars(range(min = 1, max = MOST_SECONDS))]
    pub window_seconds: u32,
    /// The seconds in which nothing is sent. One request follows, which closes it or opens it again.
    #[schemars(range(min = 1, max = MOST_SECONDS))]
    pub cool_down_seconds: u32,
}

/// When a request goes to another endpoint. Only what certainly was not sent, or may be done twice, ever does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Failover {
    /// The most further endpoints that one request goes to.
    #[schemars(range(min = 0, max = 63))]
    pub attempts: u32,
    /// Milliseconds after which a request goes on to another endpoint, where it may. Half of the time that is left where nothing is said.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub attempt_ms: Option<u64>,
}

/// How endpoints are looked at beside requests, and what happens when they come back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Health {
    /// Whether endpoints are asked how they are. What requests find out counts in any case (`breaker`).
    pub enabled: bool,
    /// The seconds between two probes.
    #[schemars(range(min = 1, max = MOST_SECONDS))]
    pub interval_seconds: u32,
    /// The seconds that a probe may take.
    #[schemars(range(min = 1, max = MOST_SECONDS))]
    pub timeout_seconds: u32,
    /// Good probes, one after the other, that bring an endpoint back.
    #[schemars(range(min = 1, max = 100))]
    pub healthy_threshold: u32,
    /// Bad probes, one after the other, that take an endpoint out.
    #[schemars(range(min = 1, max = 100))]
    pub unhealthy_threshold: u32,
    /// A path of the endpoint that is asked for with GET, instead of what `probe` asks for.
    #[schemars(example = &"/health")]
    pub path: Option<String>,
    /// What is asked: `mcp` (a request of MCP), `http` (a request of HTTP, which any status below 500 answers well), `exec` (a program), or another probe
    /// that is linked into the gateway.
    #[schemars(
        regex(pattern = "^[a-z0-9_]{1,64}$"),
        example = &"mcp",
        example = &"http",
        example = &"exec"
    )]
    pub probe: Option<Arc<str>>,
    /// What a probe other than `mcp` and `http` is told. `exec` takes `command`: a program that `stdio.allow` of the gateway's configuration names, and its
    /// arguments.
    #[schemars(example = serde_json::json!({"command": ["check-billing", "--deep"]}))]
    pub settings: BTreeMap<String, Value>,
    /// Probes do not count while fewer endpoints of a tier than this percentage would be left: rather all than too few.
    #[schemars(range(min = 0, max = 100))]
    pub panic_percent: u32,
    /// The seconds in which an endpoint that came back gets more and more of its share.
    #[schemars(range(min = 0, max = 3_600))]
    pub slow_start_seconds: u32,
}

/// What is asked of an endpoint to know how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe<'a> {
    /// A request of MCP.
    Mcp,
    /// A request of HTTP, which any status below 500 answers well.
    Http,
    /// What the probe of this name asks.
    Named(&'a str),
}

/// Longer times are not meant.
pub(super) const MOST_SECONDS: u32 = 86_400;

impl UpstreamEndpoint {
    /// One of which only the address is said.
    pub(super) fn at(url: String) -> Self {
        Self {
            url,
            weight: usual_weight(),
            priority: 0,
            region: None,
            enabled: true,
        }
    }
}

fn usual_weight() -> u32 {
    100
}

fn yes() -> bool {
    true
}

impl Default for Balance {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            sticky: Sticky::default(),
            hash_on: HashOn::default(),
            virtual_nodes: 160,
            prefer_region: None,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 5,
            window_seconds: 30,
            cool_down_seconds: 30,
        }
    }
}

impl Default for Failover {
    fn default() -> Self {
        Self {
            attempts: 3,
            attempt_ms: None,
        }
    }
}

impl Failover {
    /// How long a request waits for one endpoint where it may go on to another.
    pub fn attempt(&self) -> Option<Duration> {
        self.attempt_ms.map(Duration::from_millis)
    }
}

impl Health {
    /// What is asked; `None` where the document leaves it to the kind of server.
    pub fn probe(&self) -> Option<Probe<'_>> {
        Some(match self.probe.as_deref()? {
            "mcp" => Probe::Mcp,
            "http" => Probe::Http,
            name => Probe::Named(name),
        })
    }

    /// The name of the probe that asks, where it is none of the gateway's own.
    pub fn named_probe(&self) -> Option<&str> {
        match self.probe()? {
            Probe::Named(name) => Some(name),
            Probe::Mcp | Probe::Http => None,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            enabled: false,
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
            path: None,
            probe: None,
            settings: BTreeMap::new(),
            panic_percent: 30,
            slow_start_seconds: 10,
        }
    }
}
