//! `dynmcp import …`

mod files;
mod mcp;
mod remote;

use super::{
    Failure,
    add::StoringArguments,
    foreign,
    gateway::GatewayArguments,
    output::{OutputFormat, print, print_json},
    progress::{Progress as Shown, can_draw},
    store::{LocalStore, PRINCIPAL, Use},
};
use crate::{
    client,
    runtime::control_plane,
    settings::{Layers, Settings},
};
use clap::{Args, Subcommand};
use files::Files;
use mcp_common::catalog::Catalog;
use mcp_core::authoring::{
    import::{
        Format, GivenHeader, ImportError, ImportOptions, Limits, Pattern, Progress, Rename, Report, known_by,
    },
    writer::Writer,
};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Subcommand)]
pub(super) enum ImportCommand {
    /// An OpenAPI 3.0 or 3.1 or Swagger 2.0 document, JSON or YAML.
    Openapi {
        /// A file, a URL, or `-` for standard input.
        document: String,
        #[command(flatten)]
        options: ImportArguments,
    },
    /// A curl command line, in quotation marks.
    Curl {
        /// The line, or `-` for standard input.
        line: String,
        #[command(flatten)]
        options: ImportArguments,
    },
    /// A Postman collection v2.1.
    Postman {
        /// A file, a URL, or `-` for standard input.
        document: String,
        #[command(flatten)]
        options: ImportArguments,
    },
    /// A file in which an MCP client keeps its servers (`mcpServers`, `servers`): each becomes an upstream.
    ///
    /// Values that may be secrets are not copied: the upstream refers to an environment variable of the gateway, and the report
    /// says which to set.
    Mcp {
        /// A file, or `-` for standard input.
        document: String,
        #[command(flatten)]
        storing: StoringArguments,
    },
    /// An HTTP archive, as browsers save it.
    Har {
        /// A file, a URL, or `-` for standard input.
        document: String,
        #[command(flatten)]
        options: ImportArguments,
    },
}

#[derive(Args)]
pub(super) struct ImportArguments {
    /// The instance that gets the tools; made if it is not there.
    #[arg(long, value_name = "ID")]
    instance: String,
    #[command(flatten)]
    gateway: GatewayArguments,
    /// Write files to this folder (DIR/tds/ID.json, DIR/ids/ID.json), for git, and nothing to a store. What stands there is
    /// updated, and what was edited by hand stays.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    out: Option<PathBuf>,
    /// Say what would be done, write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Only these operations: tag:NAME, path:/x/*, an operation id, or "GET /x". Can be repeated.
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// Not these operations. Can be repeated.
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Another name for a tool; {name} in it is the name it would have. Can be repeated.
    #[arg(long, value_name = "PATTERN=NAME")]
    rename: Vec<String>,
    /// Delete the tools of this document whose operations are gone.
    #[arg(long)]
    prune: bool,
    /// Where the API is, instead of what the document says.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The credential of every tool, instead of what the document says: bearer:${env:NAME}, basic:USER:${env:NAME},
    /// header:NAME:${env:NAME}, query:NAME:${env:NAME}, cookie:NAME:${env:NAME}, passthrough:HEADER or none.
    #[arg(long, value_name = "AUTH")]
    auth: Option<String>,
    /// A header of every call, "Name: value". Can be repeated.
    #[arg(long, value_name = "HEADER")]
    header: Vec<String>,
    /// What the document is known by from one import to the next [default: its URL without credentials, or file name].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(config: Option<PathBuf>, command: ImportCommand) -> Result<(), Failure> {
    let (format, document, arguments) = match command {
        ImportCommand::Openapi { document, options } => (Format::OpenApi, document, options),
        ImportCommand::Curl { line, options } => (Format::Curl, line, options),
        ImportCommand::Postman { document, options } => (Format::Postman, document, options),
        ImportCommand::Mcp { document, storing } => return mcp::run(config, &document, &storing),
        ImportCommand::Har { document, options } => (Format::Har, document, options),
    };
    let mut options = arguments.options(format, &document)?;
    let gateway = arguments.gateway.gateway()?;
    if gateway.is_none() {
        // A gateway has its own.
        let settings = Settings::load(&Layers::of_process(config.clone()))?;
        options.limits = Limits::from(&*control_plane::bounds(&settings));
    }
    let shown = Shown::of("importing");
    options.progress = match can_draw() {
        true => {
            let bar = shown.bar();
            Progress::new(move |text| bar.set_message(foreign::line(text)))
        }
        false => Progress::new(|text| eprintln!("{}", foreign::line(text))),
    };
    let report = super::run(async {
        let text = read(format, &document, &options.limits).await?;
        match (gateway, &arguments.out) {
            (_, Some(folder)) => to_files(config, folder, (format, text, options), arguments.dry_run).await,
            (Some(gateway), None) => {
                Ok(remote::import(&gateway, format, text, &options, arguments.dry_run).await?)
            }
            (None, None) => directly(config, format, text, options, arguments.dry_run).await,
        }
    })?;
    drop(shown);
    print_report(&report, &arguments)?;
    let has_tools = !(report.created.is_empty() && report.changed.is_empty() && report.unchanged.is_empty());
    let is_all_lost = !has_tools && (!report.skipped.is_empty() || !report.conflicts.is_empty());
    if is_all_lost {
        return Err(Failure::runtime(
            "no operation could be imported; the report says why",
        ));
    }
    Ok(())
}

impl ImportArguments {
    fn options(&self, format: Format, document: &str) -> Result<ImportOptions, Failure> {
        fn all<T: std::str::FromStr<Err = ImportError>>(texts: &[String]) -> Result<Vec<T>, Failure> {
            texts
                .iter()
                .map(|text| text.parse::<T>().map_err(Failure::configuration))
                .collect()
        }
        let named_by_its_place = || match document {
            "-" => None,
            _ if format == Format::Curl => None,
            url if is_url(url) => Some(known_by(url)),
            // Not the whole path: the file is the same on another machine.
            file => Path::new(file)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned()),
        };
        Ok(ImportOptions {
            instance: self.instance.clone(),
            source: self.source.clone().or_else(named_by_its_place),
            base_url: self.base_url.clone(),
            auth: self
                .auth
                .as_deref()
                .map(str::parse)
                .transpose()
                .map_err(Failure::configuration)?,
            headers: all::<GivenHeader>(&self.header)?,
            include: all::<Pattern>(&self.include)?,
            exclude: all::<Pattern>(&self.exclude)?,
            rename: all::<Rename>(&self.rename)?,
            prune: self.prune,
            progress: Progress::default(),
            ..ImportOptions::default()
        })
    }
}

fn is_url(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

/// What a name with a port in it was probably meant to be.
fn or_url(file: &str) -> String {
    let url = format!("http://{file}");
    let has_port = url.parse::<http::Uri>().is_ok_and(|url| url.port().is_some());
    match has_port {
        true => format!("; for a URL write {url}"),
        false => String::new(),
    }
}

/// The text, never more of it than is read anyway.
async fn read(format: Format, document: &str, limits: &Limits) -> Result<String, Failure> {
    let limit = limits.max_bytes;
    let bytes = match document {
        "-" => limited(std::io::stdin(), limit)?,
        line if format == Format::Curl => line.as_bytes().to_vec(),
        url if is_url(url) => client::http::get(url, limit).await?,
        file => {
            let opened = fs::File::open(file)
                .map_err(|error| Failure::runtime(format_args!("{file}: {error}{}", or_url(file))))?;
            limited(opened, limit)?
        }
    };
    if bytes.len() > limit {
        let reason =
            format!("{document}: has more than {limit} bytes, which is the most that is imported at once");
        return Err(Failure::runtime(reason));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::runtime(format_args!("{document}: is not UTF-8 after byte {at}"))
    })
}

fn limited(input: impl Read, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    input.take(one_more).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Into the configured data source; a gateway that runs on it sees it like any other write, and is waited for.
async fn directly(
    config: Option<PathBuf>,
    format: Format,
    text: String,
    options: ImportOptions,
    dry_run: bool,
) -> Result<Report, Failure> {
    let store = LocalStore::open(config, Use::of(dry_run)).await?;
    let importing = store.writer.import(format, text, options, dry_run, PRINCIPAL);
    let written = importing.await?;
    store.arrived(written.revision).await;
    Ok(written.value)
}

/// Into files; the configuration says what definitions may be.
async fn to_files(
    config: Option<PathBuf>,
    folder: &Path,
    (format, text, options): (Format, String, ImportOptions),
    dry_run: bool,
) -> Result<Report, Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let catalog = Catalog::new(control_plane::compiler(&settings));
    let writer = Writer::alone(Arc::new(catalog), Arc::new(Files::open(folder)?));
    let written = writer.import(format, text, options, dry_run, PRINCIPAL).await?;
    Ok(written.value)
}

fn print_report(report: &Report, arguments: &ImportArguments) -> Result<(), Failure> {
    match arguments.format {
        OutputFormat::Json => print_json(report),
        OutputFormat::Text if arguments.dry_run => print(&format!("dry run: nothing was written\n{report}")),
        OutputFormat::Text => print(&report.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::or_url;

    #[test]
    fn a_file_that_looks_like_a_host_and_port_is_told_how_urls_are_written() {
        assert_eq!(or_url("localhost:1/x"), "; for a URL write http://localhost:1/x");
        for file in ["petstore.yaml", "a/b.json", "C:\\petstore.yaml", "./a:b"] {
            assert_eq!(or_url(file), "", "{file}");
        }
    }
}
