//! Revision 2026-07-28: every request stands alone, its headers are checked against its body. The steps and
//! their order are those of `docs/PROTOCOL.md`, chapter 4.

use super::{
    Exchange, Way,
    envelope::Request,
    fault::Fault,
    headers,
    params::{Meta, as_string, is_object},
};
use crate::{
    relay::LogLevel,
    spec::{Legacy, MODERN},
};
use serde_json::value::RawValue;

/// Steps 5 to 8 of chapter 4: `_meta`, version, mirrored headers.
pub(super) fn check(
    exchange: &Exchange<'_>,
    request: &Request<'_>,
    mirrored_name: Option<&RawValue>,
    meta: Option<&Meta<'_>>,
) -> Result<(), Fault> {
    if meta.is_none_or(|meta| !meta.is_claim()) {
        check_header(exchange)?;
    }
    let missing = |what: &str| Fault::invalid_envelope(format!("params._meta: {what}"));
    let meta = meta.ok_or_else(|| {
        missing("this revision needs an object with protocolVersion and clientCapabilities")
    })?;
    let version = meta.protocol_version.and_then(as_string);
    let version =
        version.ok_or_else(|| missing("`io.modelcontextprotocol/protocolVersion` must be a string"))?;
    if !meta.client_capabilities.is_some_and(is_object) {
        return Err(missing(
            "`io.modelcontextprotocol/clientCapabilities` must be an object",
        ));
    }
    let repeats = exchange.way == Way::Request;
    if repeats {
        same_version(exchange, &version)?;
    }
    if !MODERN.contains(&&*version) {
        return Err(Fault::unsupported_version(&version, MODERN));
    }
    if repeats {
        headers::must_equal(exchange.headers, &headers::METHOD, &request.method, false)?;
    }
    if let Some(name) = mirrored_name.and_then(as_string).filter(|_| repeats) {
        headers::must_equal(exchange.headers, &headers::NAME, &name, true)?;
    }
    if let Some(level) = meta.log_level
        && as_string(level).is_none_or(|level| LogLevel::parse(&level).is_none())
    {
        let levels = LogLevel::ALL.map(LogLevel::as_str).join(", ");
        let message = format!("params._meta: logLevel must be one of {levels}");
        return Err(Fault::invalid_params(message));
    }
    Ok(())
}

/// Where the body names no revision, the header is what the client asks for; one that is not served is told which ones are.
pub(super) fn check_header(exchange: &Exchange<'_>) -> Result<(), Fault> {
    match headers::protocol_version(exchange.headers)? {
        Some(named)
            if exchange.way == Way::Request && !MODERN.contains(&named) && Legacy::parse(named).is_none() =>
        {
            Err(Fault::unsupported_version(named, MODERN))
        }
        _ => Ok(()),
    }
}

fn same_version(exchange: &Exchange<'_>, version: &str) -> Result<(), Fault> {
    match headers::protocol_version(exchange.headers)? {
        Some(header) if header == version => Ok(()),
        Some(_) => Err(Fault::header_mismatch(
            "MCP-Protocol-Version differs from params._meta",
        )),
        None => Err(Fault::header_mismatch(
            "the header MCP-Protocol-Version is missing",
        )),
    }
}
