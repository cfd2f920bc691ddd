//! `dynmcp explain …`

mod remote;
mod source;

use super::{
    Failure, foreign,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    tool_arguments::ToolArguments,
};
use clap::Args;
use mcp_core::authoring::explain::Explanation;
use serde::Serialize;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use source::Source;
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Args)]
pub(super) struct ExplainArguments {
    /// The id of a stored tool, `upstream/tool` for one of an upstream (with --server), or a file with its definition (.yaml, .json, .toml; FILE#ID where it has several).
    #[arg(value_name = "TOOL|FILE")]
    tool: String,
    #[command(flatten)]
    arguments: ToolArguments,
    /// Make the call too, whatever its method does, and show the answer.
    #[arg(long)]
    send: bool,
    /// The instance that the call comes through, "" for none [default: the first that has the tool].
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Who calls, for templates that name `principal.sub`.
    #[arg(long = "as", value_name = "SUBJECT")]
    subject: Option<String>,
    /// A role of the caller, for templates that name `principal.roles`. Can be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// A claim of the caller, for templates that name `principal.claims`: JSON, or else a text. Can be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<String>,
    /// A header of the client's request, for `auth.type: passthrough` and templates that name `request.headers`. Can be
    /// repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// The explanation and what is odd about the tool.
struct Explained {
    explanation: Explanation,
    warnings: Vec<String>,
}

pub(super) fn run(config: Option<PathBuf>, arguments: &ExplainArguments) -> Result<(), Failure> {
    if let Some((upstream, tool)) = remote::tool_of(&arguments.tool) {
        return remote::run(config, arguments, upstream, tool);
    }
    let explained = super::run(async {
        let gateway = arguments.gateway.gateway()?;
        let needs_store = arguments.instance.is_some();
        let source = Source::open(&arguments.tool, config, gateway, needs_store).await?;
        let schema = source.input_schema().await?;
        let asked = arguments.asked(&schema, source.definition())?;
        source.explain(asked).await
    })?;
    match arguments.format {
        OutputFormat::Json => print_json(&explained.explanation)?,
        OutputFormat::Text => print(&explained.explanation.to_string())?,
    }
    let is_said_below = |warning: &&String| warning.starts_with("nothing was sent");
    for warning in explained
        .warnings
        .iter()
        .filter(|warning| !is_said_below(warning))
    {
        eprintln!("warning: {}", foreign::line(warning));
    }
    let explanation = &explained.explanation;
    if arguments.send && explanation.sent.is_none() && explanation.answer.is_none() {
        return Err(Failure::runtime("nothing was sent: the arguments do not fit"));
    }
    Ok(())
}

impl ExplainArguments {
    /// The body of the request of the admin API.
    fn asked(&self, schema: &Value, definition: Option<&RawValue>) -> Result<String, Failure> {
        let text = self.arguments.to_json(schema)?;
        let mut headers = BTreeMap::new();
        for header in &self.headers {
            // The value may be a secret.
            let wrong = || Failure::configuration("--header: write NAME: VALUE");
            let (name, value) = header.split_once(':').ok_or_else(wrong)?;
            headers.insert(name.trim(), value.trim());
        }
        let asked = Asked {
            arguments: serde_json::from_str(&text).map_err(Failure::runtime)?,
            send: self.send,
            instance: self.instance.as_deref(),
            principal: self.caller()?,
            headers,
            definition,
        };
        serde_json::to_string(&asked).map_err(Failure::runtime)
    }

    /// Who calls, if anything is said about it.
    fn caller(&self) -> Result<Option<Caller<'_>>, Failure> {
        let mut claims = BTreeMap::new();
        for claim in &self.claims {
            let wrong = || Failure::configuration("--claim: write NAME=VALUE");
            let (name, text) = claim.split_once('=').ok_or_else(wrong)?;
            let json = serde_json::from_str::<Box<RawValue>>(text);
            let json = json.or_else(|_| to_raw_value(text)).map_err(Failure::runtime)?;
            claims.insert(name.trim(), json);
        }
        let is_said = self.subject.is_some() || !self.roles.is_empty() || !claims.is_empty();
        Ok(is_said.then(|| Caller {
            sub: self.subject.as_deref(),
            roles: &self.roles,
            claims,
        }))
    }
}

/// As `POST /admin/tds/{id}/explain` reads it.
#[derive(Serialize)]
struct Asked<'a> {
    arguments: &'a RawValue,
    send: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Caller<'a>>,
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Caller<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    roles: &'a [String],
    claims: BTreeMap<&'a str, Box<RawValue>>,
}
