//! `dynmcp config doctor`: what is wrong with a configuration and with where it is to run, and what could be better.

use crate::{
    cli::{
        Failure,
        output::{OutputFormat, print, print_json},
        pid_file,
        progress::Progress,
        store,
    },
    runtime::{control_plane, tls},
    settings::{AppSettings, Fail, Layers, Settings},
    telemetry::logging,
};
use serde::Serialize;
use std::{net::TcpListener, path::PathBuf};

/// Something that was found.
#[derive(Serialize)]
struct Finding {
    /// Nothing runs, or not as it is meant.
    is_problem: bool,
    text: String,
}

/// Exit code 1 where there is a problem; advice alone is none.
pub(in crate::cli) fn run(file: Option<PathBuf>, format: OutputFormat) -> Result<(), Failure> {
    let layers = Layers::of_process(file);
    let (settings, wrong) = Settings::examine(&layers)?;
    let mut found: Vec<Finding> = Vec::new();
    let mut problem = |text: String| {
        found.push(Finding {
            is_problem: true,
            text,
        });
    };
    wrong.iter().for_each(|wrong| problem(wrong.to_string()));
    for wrong in control_plane::problems(&settings) {
        problem(wrong.to_string());
    }
    if let Some(wrong) = control_plane::admin_key_warning(&settings) {
        problem(wrong);
    }
    for wrong in tls::warnings(&settings.app.tls) {
        problem(format!("app.tls.client_revocation_lists: {wrong}"));
    }
    if let Some(wrong) = logging::problem(&settings.log) {
        problem(wrong.to_string());
    }
    let runs = pid_file::holder(&settings.app.data_dir).ok().flatten();
    if runs.is_none() {
        taken(&settings.app).into_iter().for_each(&mut problem);
    }
    if settings.app.data_source != "memory" {
        let _progress = Progress::of("asking the data source");
        match crate::cli::run(store::load(&settings)) {
            Ok(_) => {}
            Err(failure) => problem(format!("app.data_source: {failure}")),
        }
    }
    let shared = async { Ok(control_plane::shared_limits_problem(&settings).await) };
    if let Some(wrong) = crate::cli::run(shared)? {
        problem(format!("limits.redis: {wrong}"));
    }
    found.extend(advice(&settings).into_iter().map(|text| Finding {
        is_problem: false,
        text,
    }));
    let problems = found.iter().filter(|finding| finding.is_problem).count();
    match format {
        OutputFormat::Json => print_json(&found)?,
        OutputFormat::Text => {
            for finding in &found {
                let word = if finding.is_problem { "problem" } else { "advice" };
                print(&format!("{word}: {}\n", finding.text))?;
            }
            match &runs {
                Some(holder) => {
                    print(&format!("a gateway runs with this configuration ({holder})\n"))?;
                }
                None if found.is_empty() => print("nothing found\n")?,
                None => {}
            }
        }
    }
    match problems {
        0 => Ok(()),
        1 => Err(Failure::runtime("one problem")),
        count => Err(Failure::runtime(format_args!("{count} problems"))),
    }
}

/// Where nobody can listen now, of all places where the gateway would. One that has been found is kept for the next: two of them may be the same.
fn taken(app: &AppSettings) -> Vec<String> {
    let clients = ("app.port", (app.host.as_str(), app.port));
    let operators = app.admin_address().map(|address| ("app.admin_listen", address));
    let mut kept = Vec::new();
    let mut problems = Vec::new();
    for (key, (host, port)) in [clients].into_iter().chain(operators) {
        // Any that is free will do.
        if port == 0 {
            continue;
        }
        let name = host.trim_start_matches('[').trim_end_matches(']');
        match TcpListener::bind((name, port)) {
            Ok(listener) => kept.push(listener),
            Err(error) => problems.push(format!("{key}: nobody can listen on {host}:{port} now: {error}")),
        }
    }
    problems
}

fn advice(settings: &Settings) -> Vec<String> {
    let app = &settings.app;
    let reachable = !app.bound_to_loopback();
    let mut advice = Vec::new();
    let mut say = |is: bool, text: &str| {
        if is {
            advice.push(text.to_owned());
        }
    };
    say(
        app.authenticators.iter().any(|name| name == "none"),
        "app.authenticators: everybody who reaches this address may use all tools and /admin",
    );
    say(
        reachable && app.allowed_hosts.is_empty(),
        "app.allowed_hosts: name what clients call the gateway, so that no other name leads to it",
    );
    say(
        reachable && app.admin_listen.is_none(),
        "app.admin_listen: /admin, the console and /metrics are where clients come to; give them an address of their own",
    );
    say(
        app.authenticators.iter().any(|name| name == "jwt") && app.public_url.is_none(),
        "app.public_url: without it no token can name this gateway",
    );
    say(
        settings.access.external.authorizer.is_some() && settings.access.external.fail == Fail::Open,
        "access.external.fail: calls are made while the policy service does not answer",
    );
    say(
        reachable && !settings.audit.enabled,
        "audit.enabled: nobody remembers who did what",
    );
    say(
        ["etcd", "mysql", "postgres"].contains(&app.data_source.as_str())
            && settings.mcp.session_secret.is_none(),
        "mcp.session_secret: sessions of one replica are unknown to the others",
    );
    advice
}
