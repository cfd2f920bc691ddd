//! Values of the right type that are wrong all the same: found before anything is opened.

use super::{
    AutoSize, List, Network, SecretSettings, Settings, SettingsError, access, audit_sinks, limits, otlp,
    sign_in, webhooks,
};
use http::HeaderName;
use mcp_common::secret::ExposeSecret;
use mcp_common::{byte_size::ByteSize, definition::name::check_id};
use mcp_core::{
    egress::{EgressRule, ProxyAddress},
    secrets::{SecretKeys, holds_identity},
    tool::{NoRequestHeader, RequestHeader},
    via::Via,
};
use mcp_plugin::authenticator::api_key;
use std::path::Path;
use tracing_subscriber::filter::LevelFilter;

/// The paths that `app.public_paths` chooses from.
pub const OPERATOR_PATHS: [&str; 5] = ["/healthz", "/livez", "/readyz", "/health", "/metrics"];

/// What a definition's own `timeout_ms` may be.
const HOUR_MS: u64 = 3_600_000;
const HOUR_SECONDS: u64 = 3_600;
/// Less is not enough for the largest answer that is allowed by default.
const LEAST_MEMORY: u64 = 64 << 20;
/// Less would be a file, or a loss, for a few records.
const LEAST_AUDIT: u64 = 64 << 10;
/// In seconds: less often they say little.
const LONGEST_CHECKPOINT: u64 = 86_400;
const YEAR_SECONDS: u64 = 365 * 24 * 3_600;
/// Each of them has dozens of lines, which somebody has to store.
const MOST_SERIES: u64 = 1_000_000;

/// All of them.
pub(super) fn problems(settings: &Settings) -> Vec<SettingsError> {
    let mut found = Vec::new();
    let mut note = |checked: Result<(), SettingsError>| found.extend(checked.err());
    let app = &settings.app;
    note(not_empty("app.host", &app.host));
    note(not_empty("app.data_source", &app.data_source));
    if app.data_dir.as_os_str().is_empty() {
        note(Err(SettingsError::value("app.data_dir", "must name a directory")));
    }
    if let Some(key) = &app.api_key {
        let checked = api_key::check_length(key.expose_secret());
        note(checked.map_err(|reason| SettingsError::value("app.api_key", reason)));
    }
    if app.authenticators.is_empty() {
        let reason = "must name at least one authenticator; [\"none\"] lets everybody in";
        note(Err(SettingsError::value("app.authenticators", reason)));
    }
    for path in app.public_paths.iter() {
        if !OPERATOR_PATHS.contains(&path.as_str()) {
            let reason = format!(
                "`{path}` cannot be public; choose from {}",
                OPERATOR_PATHS.join(", ")
            );
            note(Err(SettingsError::value("app.public_paths", reason)));
        }
    }
    if let Some(url) = &app.public_url
        && !is_public_url(url)
    {
        let reason = format!(
            "`{url}` is no URL of a gateway; write \"https://gateway.example.com\", without a slash at the end"
        );
        note(Err(SettingsError::value("app.public_url", reason)));
    }
    note(origins("app.allowed_origins", &app.allowed_origins));
    note(origins("app.cors_origins", &app.cors_origins));
    if let Some(Err(problem)) = app.default_instance.as_deref().map(check_id) {
        note(Err(SettingsError::value("app.default_instance", problem.reason)));
    }
    note(egress_rules("egress.allow", &settings.egress.allow));
    note(egress_rules("egress.deny", &settings.egress.deny));
    note(proxies("egress.proxies", &settings.egress.proxies));
    note(secret_directories("secrets.file_dir", &settings.secrets.file_dir));
    note(secret_keys(&settings.secrets));
    note(within(
        "metrics.max_series",
        settings.metrics.max_series as u64,
        MOST_SERIES,
    ));
    if !(1..=65_536).contains(&settings.stdio.max_programs) {
        note(Err(SettingsError::value(
            "stdio.max_programs",
            "must be 1 to 65536",
        )));
    }
    note(commands("stdio.allow", &settings.stdio.allow));
    note(request_headers(
        "templates.request_headers",
        &settings.templates.request_headers,
    ));
    if app.workers > 1024 {
        note(Err(SettingsError::value(
            "app.workers",
            "at most 1024; 0 means one per CPU",
        )));
    }
    if let Some(name) = &app.config_revision_header
        && name.parse::<HeaderName>().is_err()
    {
        note(Err(SettingsError::value(
            "app.config_revision_header",
            format!("`{name}` is not a header name"),
        )));
    }
    if app.drain_seconds > YEAR_SECONDS {
        let reason = format!("at most {YEAR_SECONDS}; 0 means not to wait");
        note(Err(SettingsError::value("app.drain_seconds", reason)));
    }
    let watchdog = &settings.watchdog;
    note(within(
        "watchdog.stuck_seconds",
        watchdog.stuck_seconds,
        HOUR_SECONDS,
    ));
    if watchdog.restart_seconds != 0 && watchdog.restart_seconds < watchdog.stuck_seconds {
        let reason = "must not be less than watchdog.stuck_seconds; 0 means never";
        note(Err(SettingsError::value("watchdog.restart_seconds", reason)));
    }
    note(log_level(&settings.log.log_level));
    note(not_empty("log.log_name", &settings.log.log_name));
    if settings.log.log_name.contains(['/', '\\']) {
        note(Err(SettingsError::value(
            "log.log_name",
            "is the beginning of file names, without directories",
        )));
    }
    note(at_least_one("app.max_body_bytes", app.max_body_bytes.0));
    note(at_least_one("app.max_connections", app.max_connections.into()));
    note(within(
        "app.client_timeout_seconds",
        app.client_timeout_seconds,
        3_600,
    ));
    note(memory_budget(app.memory_budget, app.max_body_bytes));
    note(networks("app.front_proxies", &app.front_proxies));
    if let Some(address) = &app.admin_listen
        && address
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        let reason = format!("`{address}` is no address to listen on; write \"127.0.0.1:9090\"");
        note(Err(SettingsError::value("app.admin_listen", reason)));
    }
    note(at_least_one("log.max_files", settings.log.max_files as u64));
    let audit = &settings.audit;
    if audit.max_file_bytes.0 < LEAST_AUDIT {
        note(Err(SettingsError::value(
            "audit.max_file_bytes",
            "must be at least 64KiB",
        )));
    }
    if audit.buffer.0 < LEAST_AUDIT {
        note(Err(SettingsError::value(
            "audit.buffer",
            "must be at least 64KiB",
        )));
    }
    if !(1..=LONGEST_CHECKPOINT).contains(&audit.checkpoint_seconds) {
        note(Err(SettingsError::value(
            "audit.checkpoint_seconds",
            format!("must be 1 to {LONGEST_CHECKPOINT}"),
        )));
    }
    note(audited("audit.arguments", &audit.arguments));
    let upstream = &settings.upstream;
    note(within("upstream.timeout_ms", upstream.timeout_ms, HOUR_MS));
    note(within(
        "upstream.connect_timeout_ms",
        upstream.connect_timeout_ms,
        HOUR_MS,
    ));
    note(at_least_one(
        "upstream.max_request_bytes",
        settings.upstream.max_request_bytes.0,
    ));
    note(at_least_one(
        "upstream.max_response_bytes",
        settings.upstream.max_response_bytes.0,
    ));
    note(at_least_one(
        "upstream.max_result_bytes",
        settings.upstream.max_result_bytes.0,
    ));
    note(settings.bounds.read().map(drop));
    let work = &settings.work;
    if work.threads > 1024 {
        note(Err(SettingsError::value(
            "work.threads",
            "at most 1024; 0 means one per CPU",
        )));
    }
    note(at_least_one("work.waiting", work.waiting as u64));
    note(within("work.time_ms", work.time_ms, HOUR_MS));
    if work.memory.0 < LEAST_MEMORY {
        note(Err(SettingsError::value("work.memory", "must be at least 64MiB")));
    }
    note(via("upstream.via", &upstream.via));
    note(at_least_one(
        "upstream.max_gateways",
        upstream.max_gateways as u64,
    ));
    if settings.mcp.abandoned_seconds > HOUR_MS / 1_000 {
        let reason = "at most 3600; 0 means that a client that goes away cancels its requests";
        note(Err(SettingsError::value("mcp.abandoned_seconds", reason)));
    }
    note(at_least_one("mcp.page_size", settings.mcp.page_size as u64));
    note(within(
        "mcp.session_seconds",
        settings.mcp.session_seconds,
        YEAR_SECONDS,
    ));
    if settings.mcp.session_idle_seconds > YEAR_SECONDS {
        let reason = "must be 0 to 31536000; 0 means that sessions end by `mcp.session_seconds` alone";
        note(Err(SettingsError::value("mcp.session_idle_seconds", reason)));
    }
    found.extend(access::problems(&settings.access));
    found.extend(limits::problems(&settings.limits));
    found.extend(audit_sinks::problems(
        &settings.audit.sinks,
        settings.audit.enabled,
    ));
    found.extend(otlp::problems(&settings.otlp));
    found.extend(webhooks::problems(&settings.webhooks));
    found.extend(crate::register::problems(settings));
    found.extend(sign_in::problems(
        &settings.sign_in,
        settings.app.public_url.as_deref(),
        &settings.authenticator,
    ));
    found
}

fn is_public_url(url: &str) -> bool {
    let parsed = url.parse::<http::Uri>().ok();
    let is_web =
        parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.query().is_none());
    is_web && !url.ends_with('/') && !url.contains(['#', '@'])
}

/// `Targets` would take a misspelt level for the name of a part of the program.
fn log_level(text: &str) -> Result<(), SettingsError> {
    let level = |directive: &str| {
        directive
            .rsplit_once('=')
            .map_or(directive, |(_, level)| level)
            .trim()
            .to_owned()
    };
    match text
        .split(',')
        .map(level)
        .find(|level| level.parse::<LevelFilter>().is_err())
    {
        None => Ok(()),
        Some(wrong) => Err(SettingsError::value(
            "log.log_level",
            format!(
                "`{wrong}` is not a level; write error, warn, info, debug or trace, or \"info,mcp_plugin=debug\""
            ),
        )),
    }
}

/// A body of the largest size has to fit into the part of one client.
fn memory_budget(budget: AutoSize, max_body: ByteSize) -> Result<(), SettingsError> {
    let least = max_body.0.saturating_mul(4);
    match budget {
        AutoSize::Bytes(ByteSize(bytes)) if bytes < least => {
            let reason = format!(
                "{bytes} bytes are too few for bodies of {max_body} (app.max_body_bytes): four times that, {least}, at least"
            );
            Err(SettingsError::value("app.memory_budget", reason))
        }
        _ => Ok(()),
    }
}

fn networks(key: &str, list: &List) -> Result<(), SettingsError> {
    for text in list.iter() {
        if let Err(reason) = text.parse::<Network>() {
            return Err(SettingsError::value(key, format!("`{text}`: {reason}")));
        }
    }
    Ok(())
}

fn not_empty(key: &str, text: &str) -> Result<(), SettingsError> {
    if text.trim().is_empty() {
        Err(SettingsError::value(key, "must not be empty"))
    } else {
        Ok(())
    }
}

fn within(key: &str, number: u64, most: u64) -> Result<(), SettingsError> {
    if (1..=most).contains(&number) {
        Ok(())
    } else {
        Err(SettingsError::value(key, format!("must be 1 to {most}")))
    }
}

fn at_least_one(key: &str, number: u64) -> Result<(), SettingsError> {
    if number == 0 {
        Err(SettingsError::value(key, "must be at least 1"))
    } else {
        Ok(())
    }
}

fn egress_rules(key: &str, list: &List) -> Result<(), SettingsError> {
    for text in list.iter() {
        if let Err(reason) = text.parse::<EgressRule>() {
            return Err(SettingsError::value(
                key,
                format!("`{text}` is no rule; {reason}"),
            ));
        }
    }
    Ok(())
}

/// Checks the proxies. What is wrong is not repeated: it may have a password in it.
fn proxies(key: &str, list: &List) -> Result<(), SettingsError> {
    for (place, text) in list.iter().enumerate() {
        if text.parse::<ProxyAddress>().is_err() {
            let reason = format!(
                "number {} is no proxy; write \"http://host:port\", without credentials",
                place + 1
            );
            return Err(SettingsError::value(key, reason));
        }
    }
    Ok(())
}

/// "auto", "off", or a name that can stand in the header.
fn via(key: &str, text: &str) -> Result<(), SettingsError> {
    match Via::named(text, 1) {
        Some(_) => Ok(()),
        None => Err(SettingsError::value(
            key,
            format!("`{text}` is no name; write \"auto\", \"off\", or letters, digits, `-` and `.`"),
        )),
    }
}

/// Keys in the configuration itself; a file is read when it is needed.
fn secret_keys(secrets: &SecretSettings) -> Result<(), SettingsError> {
    if secrets.key.is_some() && secrets.key_file.is_some() {
        let reason = "stands beside secrets.key; keep one of them";
        return Err(SettingsError::value("secrets.key_file", reason));
    }
    let Some(key) = &secrets.key else {
        return Ok(());
    };
    let keys = SecretKeys::parse(key).map(drop);
    keys.map_err(|reason| SettingsError::value(secrets.key_place(), reason.to_string()))
}

fn secret_directories(key: &str, list: &List) -> Result<(), SettingsError> {
    for text in list.iter() {
        let path = Path::new(text);
        let reason = if !path.is_absolute() {
            "is not absolute"
        } else if holds_identity(path) {
            "says who the machine is, which no definition can use"
        } else {
            continue;
        };
        return Err(SettingsError::value(key, format!("`{text}` {reason}")));
    }
    Ok(())
}

fn commands(key: &str, commands: &List) -> Result<(), SettingsError> {
    let is_path = |command: &&String| command.contains('/') && !Path::new(command.as_str()).is_absolute();
    match commands
        .iter()
        .find(|command| command.is_empty() || is_path(command))
    {
        None => Ok(()),
        Some(wrong) => {
            let reason = format!("`{wrong}` must be a name that PATH leads to, or an absolute path");
            Err(SettingsError::value(key, reason))
        }
    }
}

fn audited(key: &str, list: &List) -> Result<(), SettingsError> {
    match list.iter().find(|text| *text != "*" && !text.contains('/')) {
        None => Ok(()),
        Some(wrong) => {
            let reason = format!("`{wrong}` must be an instance and a tool, `support/refund_*`, or `*`");
            Err(SettingsError::value(key, reason))
        }
    }
}

fn request_headers(key: &str, list: &List) -> Result<(), SettingsError> {
    for name in list.iter() {
        match name.parse::<RequestHeader>() {
            Ok(_) => {}
            Err(NoRequestHeader::Name) => {
                return Err(SettingsError::value(
                    key,
                    format!("`{name}` is not the name of a header"),
                ));
            }
            Err(reason) => return Err(SettingsError::value(key, reason.to_string())),
        }
    }
    Ok(())
}

fn origins(key: &str, list: &List) -> Result<(), SettingsError> {
    for origin in list.iter() {
        let rest = origin.split_once("://").map(|(_, rest)| rest);
        let is_origin = rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
        if origin != "*" && !is_origin {
            let reason = format!(
                "`{origin}` is not an origin; write scheme and host, \"https://console.example.com\""
            );
            return Err(SettingsError::value(key, reason));
        }
    }
    Ok(())
}
