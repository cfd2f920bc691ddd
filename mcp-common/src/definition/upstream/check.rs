//! What in an upstream's document does not go together, with the member that is to change.

mod endpoints;
mod http_service;
mod oauth;

pub use endpoints::same_place;

use super::{
    UpstreamAuth, UpstreamDefinition, UpstreamProtocol, UpstreamTransport,
    bounds::{LONGEST_WAIT_MS as LONGEST_QUEUE_MS, MOST_WAITING},
};
use crate::{
    definition::{
        name::check_tool_name,
        tool::{MaybeSecret, SecretReference},
    },
    problem::Problem,
};
use http::Uri;
use std::{collections::BTreeMap, path::Path};

/// The longest id, and the longest prefix: names of tools begin with them and have 64 characters at the most.
const LONGEST: usize = 32;
/// The longest tag.
const LONGEST_WORD: usize = 128;
/// More tags are no words any more.
const MOST_WORDS: usize = 64;
/// Longer waits are not waits any more.
const LONGEST_WAIT_MS: u64 = 24 * 60 * 60 * 1000;
/// What the gateway writes itself, or what the connection is made of.
const OWN_HEADERS: [&str; 19] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// What depends on how its messages travel.
const WAY: [&str; 5] = ["protocol", "transport", "url", "endpoints", "command"];

/// Whether the later place may be wrong only because the earlier one is.
pub(super) fn follows(later: &str, earlier: &str) -> bool {
    let depends = ["headers", "auth", "tls", "proxy", "egress", "args", "env", "cwd"];
    let later = later.split(['.', '[']).next().unwrap_or_default();
    WAY.contains(&earlier) && (WAY.contains(&later) || depends.contains(&later))
}

pub(super) fn problems(id: &str, definition: &UpstreamDefinition) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !is_id(id) {
        let reason = format!("must have 1 to {LONGEST} of a-z 0-9 - and begin with a letter or digit");
        problems.push(Problem::at("id", reason));
    }
    match (definition.protocol, definition.transport()) {
        (UpstreamProtocol::Http, _) => {
            http(definition, &mut problems);
            http_service::check(definition, &mut problems);
        }
        (UpstreamProtocol::Mcp, UpstreamTransport::Stdio) => stdio(definition, &mut problems),
        (UpstreamProtocol::Mcp, _) => http(definition, &mut problems),
    }
    endpoints::check(definition, &mut problems);
    oauth::check(definition, &mut problems);
    bounds(definition, &mut problems);
    words(definition, &mut problems);
    tools(definition, &mut problems);
    pin(definition, &mut problems);
    problems
}

fn is_group(name: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(is_part) && !name.starts_with(['-', '_'])
}

/// Whether it can be the id of an upstream.
pub fn is_id(id: &str) -> bool {
    let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_part) && !id.starts_with('-')
}

fn http(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let of_programs = [
        ("command", definition.command.is_some()),
        ("args", !definition.args.is_empty()),
        ("env", !definition.env.is_empty()),
        ("cwd", definition.cwd.is_some()),
    ];
    for (member, _) in of_programs.iter().filter(|(_, is_there)| *is_there) {
        let reason = "is for servers that are programs (`transport: stdio`), and this one has a URL";
        problems.push(Problem::at(*member, reason));
    }
    match &definition.url {
        None if definition.is_fleet() => {}
        None => {
            let reason = "is missing: give the `url` of a server that runs, or the `command` that starts one";
            problems.push(Problem::at("url", reason));
        }
        Some(url) => problems.extend(
            check_url(url, definition.transport())
                .err()
                .map(|reason| Problem::at("url", reason)),
        ),
    }
    for (name, value) in &definition.headers {
        let field = || format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        if !is_token(name) {
            problems.push(Problem::at(field(), "is not the name of a header"));
        } else if OWN_HEADERS.contains(&&*lower) || lower.starts_with("mcp-param-") {
            problems.push(Problem::at(field(), "is written by the gateway itself"));
        }
        if let MaybeSecret::Plain(text) = value {
            let is_credential = ["authorization", "cookie", "proxy-authorization"].contains(&&*lower);
            if is_credential {
                let reason = "is a credential: put it into the store, into an environment variable or a file of the gateway and write \"${secret:name}\", \"${env:NAME}\" or \"${file:/path}\", or use `auth`";
                problems.push(Problem::at(field(), reason));
            } else if !text.bytes().all(|b| b == b'\t' || (0x20..0x7f).contains(&b)) {
                problems.push(Problem::at(
                    field(),
                    "has characters that cannot stand in a header",
                ));
            }
        }
    }
    if let Some(tls) = &definition.tls {
        tls.check("", problems);
    }
    if let Some(proxy) = &definition.proxy {
        proxy.check("", problems);
    }
    match &definition.auth {
        Some(UpstreamAuth::ApiKey { name: Some(name), .. }) if !is_token(name) => {
            problems.push(Problem::at("auth.name", "is not the name of a header"));
        }
        Some(UpstreamAuth::Basic {
            username: MaybeSecret::Plain(name),
            ..
        }) if name.contains(':') => {
            problems.push(Problem::at("auth.username", "must not have a colon (RFC 7617)"));
        }
        Some(UpstreamAuth::AwsSigV4(_) | UpstreamAuth::Hmac(_))
            if definition.protocol != UpstreamProtocol::Http =>
        {
            let reason = "is for HTTP services (`protocol: http`): requests to MCP servers are not signed";
            problems.push(Problem::at("auth.type", reason));
        }
        Some(UpstreamAuth::AwsSigV4(binding)) => binding.check("auth.", problems),
        Some(UpstreamAuth::Hmac(binding)) => binding.check("auth.", problems),
        _ => {}
    }
}

/// Whether a server with this transport can be there.
fn check_url(text: &str, transport: UpstreamTransport) -> Result<(), &'static str> {
    if text.contains('#') {
        return Err("must not have a fragment (`#…`), which is not sent");
    }
    let url: Uri = text.parse().map_err(|_| match text.contains("://") {
        true => "is not a URL",
        false => "is not a URL; write http:// or https:// before it",
    })?;
    match (transport, url.scheme_str()) {
        (UpstreamTransport::Websocket, Some("ws" | "wss")) => {}
        (UpstreamTransport::Websocket, _) => {
            return Err("must begin with ws:// or wss:// (`transport: websocket`)");
        }
        (_, Some("http" | "https")) => {}
        (_, Some("ws" | "wss")) => {
            return Err("must begin with http:// or https://, or `transport` must be `websocket`");
        }
        _ => return Err("must begin with http:// or https://"),
    }
    match url.authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err("must not carry credentials: they belong into `auth`")
        }
        Some(authority) if !authority.host().is_empty() => Ok(()),
        _ => Err("names no host"),
    }
}

/// RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_part)
}

fn stdio(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let of_urls = [
        ("url", definition.url.is_some()),
        ("headers", !definition.headers.is_empty()),
        ("auth", definition.auth.is_some()),
        ("tls", definition.tls.is_some()),
        ("proxy", definition.proxy.is_some()),
        ("egress", definition.egress.is_some()),
    ];
    for (member, _) in of_urls.iter().filter(|(_, is_there)| *is_there) {
        let reason = "is for servers that have a URL, and this one is a program (`command`)";
        problems.push(Problem::at(*member, reason));
    }
    match definition.command.as_deref() {
        None => problems.push(Problem::at(
            "command",
            "is missing: the program that is the server",
        )),
        Some("") => problems.push(Problem::at("command", "must not be empty")),
        Some(command) if command.contains('\0') => {
            problems.push(Problem::at("command", "must not have the character NUL"));
        }
        Some(command) if command.contains('/') && !Path::new(command).is_absolute() => {
            let reason = "must be a name that PATH leads to, or an absolute path";
            problems.push(Problem::at("command", reason));
        }
        Some(_) => {}
    }
    for (index, argument) in definition.args.iter().enumerate() {
        if argument.contains('\0') {
            problems.push(Problem::at(
                format!("args[{index}]"),
                "must not have the character NUL",
            ));
        } else if is_reference(argument) {
            let reason =
                "other users of the machine can read arguments of programs: give the secret in `env`";
            problems.push(Problem::at(format!("args[{index}]"), reason));
        }
    }
    for (name, value) in &definition.env {
        let is_variable = !name.is_empty() && !name.contains(['=', '\0']);
        let has_nul = matches!(value, MaybeSecret::Plain(text) if text.contains('\0'));
        if !is_variable || has_nul {
            let reason = "is not an environment variable: its name has no `=`, and there is no NUL in it";
            problems.push(Problem::at(format!("env.{name}"), reason));
        }
    }
    if definition
        .cwd
        .as_deref()
        .is_some_and(|cwd| !Path::new(cwd).is_absolute())
    {
        problems.push(Problem::at("cwd", "must be an absolute path"));
    }
}

fn is_reference(text: &str) -> bool {
    SecretReference::parse(text).is_ok()
}

fn bounds(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let timeouts = &definition.timeouts;
    for (member, wait) in [
        ("connect_ms", timeouts.connect_ms),
        ("handshake_ms", timeouts.handshake_ms),
        ("list_ms", timeouts.list_ms),
        ("call_total_ms", timeouts.call_total_ms),
    ] {
        if !(1..=LONGEST_WAIT_MS).contains(&wait) {
            let reason = format!("must be 1 to {LONGEST_WAIT_MS}");
            problems.push(Problem::at(format!("timeouts.{member}"), reason));
        }
    }
    let limits = &definition.limits;
    problems.extend(limits.of_calls().problem());
    if limits.queue > MOST_WAITING {
        let reason = format!("must be 0 to {MOST_WAITING}");
        problems.push(Problem::at("limits.queue", reason));
    }
    if !(1..=LONGEST_QUEUE_MS).contains(&limits.queue_ms) {
        let reason = format!("must be 1 to {LONGEST_QUEUE_MS}; `queue: 0` lets calls fail at once");
        problems.push(Problem::at("limits.queue_ms", reason));
    }
    for (member, is_nothing) in [
        ("concurrency", limits.concurrency == 0),
        ("endpoint_concurrency", limits.endpoint_concurrency == Some(0)),
        ("clients", limits.clients == 0),
        ("max_response_bytes", limits.max_response_bytes.0 == 0),
        (
            "max_result_bytes",
            limits.max_result_bytes.is_some_and(|size| size.0 == 0),
        ),
        ("tools", limits.tools == 0),
        ("resources", limits.resources == 0),
        ("prompts", limits.prompts == 0),
    ] {
        if is_nothing {
            problems.push(Problem::at(format!("limits.{member}"), "must be 1 or more"));
        }
    }
}

fn words(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let lists = [
        ("tags", &definition.tags),
        ("capabilities", &definition.capabilities),
    ];
    for (list, words) in lists {
        for (index, word) in words.iter().enumerate() {
            if word.is_empty() || word.len() > LONGEST_WORD {
                let reason = format!("must have 1 to {LONGEST_WORD} bytes");
                problems.push(Problem::at(format!("{list}[{index}]"), reason));
            }
        }
        if words.len() > MOST_WORDS {
            let reason = format!("has {} words, at most {MOST_WORDS} are allowed", words.len());
            problems.push(Problem::at(list, reason));
        }
    }
}

fn pin(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    for (tool, _) in definition.pin.tools.iter().filter(|(_, digest)| !digest.is_one()) {
        let reason = "is no digest: `sha256:` and 64 of 0-9 a-f, as `GET /admin/uds/{id}/drift` shows it";
        problems.push(Problem::at(format!("pin.tools.{tool}"), reason));
    }
}

fn tools(definition: &UpstreamDefinition, problems: &mut Vec<Problem>) {
    let tools = &definition.tools;
    let (resources, prompts) = (&definition.resources, &definition.prompts);
    for (field, prefix) in [
        ("tools.prefix", &tools.prefix),
        ("prompts.prefix", &prompts.prefix),
    ] {
        let Some(prefix) = prefix else { continue };
        problems.extend(check_tool_name(field, prefix).err());
        if prefix.len() > LONGEST {
            let reason = format!("has {} characters, at most {LONGEST} are allowed", prefix.len());
            problems.push(Problem::at(field, reason));
        }
    }
    if let Some(group) = &tools.group
        && !is_group(group)
    {
        let reason = "must have 1 to 64 of a-z 0-9 _ - and begin with a letter or digit";
        problems.push(Problem::at("tools.group", reason));
    }
    for (list, patterns) in [
        ("tools.include", &tools.include),
        ("tools.exclude", &tools.exclude),
        ("resources.include", &resources.include),
        ("resources.exclude", &resources.exclude),
        ("prompts.include", &prompts.include),
        ("prompts.exclude", &prompts.exclude),
    ] {
        for (index, pattern) in patterns.iter().enumerate() {
            if pattern.0.is_empty() {
                let reason = "must not be empty: a name, or a part of it with `*`";
                problems.push(Problem::at(format!("{list}[{index}]"), reason));
            }
        }
    }
    let mut names = BTreeMap::new();
    for (tool, said) in &tools.overrides {
        for (index, example) in said.examples.iter().enumerate() {
            example.check(&format!("tools.overrides.{tool}.examples[{index}]"), problems);
        }
        let Some(name) = &said.name else { continue };
        let field = format!("tools.overrides.{tool}.name");
        problems.extend(check_tool_name(&field, name).err());
        if let Some(other) = names.insert(name, tool) {
            problems.push(Problem::at(field, format!("is also the name of `{other}`")));
        }
    }
}
