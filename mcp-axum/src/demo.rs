//! What `dynmcp demo` does: a gateway of its own beside a sample API, definitions stored through the admin API, and
//! one real call. The command line prints what came of it.

mod aggregate;
mod definitions;
pub mod sample_api;
mod sample_server;

pub(crate) use sample_server::clock;

use crate::{
    client::{ClientError, Gateway, Mcp},
    runtime::{
        control_plane::generate_key,
        server::{Server, StartError},
        tasks::SAMPLE_API,
    },
    settings::{Layers, Settings, SettingsError},
};
use aggregate::Clock;
use http::Method;
use mcp_common::{
    secret::{ExposeSecret, Secret},
    tasks::{Ends, Tasks},
};
use serde_json::{Value, json, value::to_raw_value};
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// Where the demo keeps its store: not where a real one would.
const DIRECTORY: &str = "data/demo";
/// The instance with everything of the sample API.
const INSTANCE: &str = "demo";

/// A gateway on a quiet machine is ready in milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A demo that runs.
pub(crate) struct Demo {
    pub(crate) server: Server,
    pub(crate) key: Secret,
    /// What clients get, which opens no `/admin`.
    pub(crate) client_key: Secret,
    pub(crate) sample_api: SocketAddr,
    pub(crate) store: PathBuf,
    pub(crate) tools: usize,
    /// The instance whose tools were called.
    pub(crate) instance: &'static str,
    /// Calls that were made, and what was answered.
    pub(crate) calls: Vec<(Value, String)>,
    /// The sample API lives here.
    pub(crate) runtime: Runtime,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{0}")]
    Failed(String),
}

/// Starts everything and makes the calls. With `aggregate` there are other MCP servers, too.
pub(crate) fn start(port: u16, aggregate: bool) -> Result<Demo, DemoError> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("sample-api")
        .enable_all()
        .build()?;
    let key = generate_key().map_err(|error| DemoError::Failed(error.to_string()))?;
    let client_key = generate_key().map_err(|error| DemoError::Failed(error.to_string()))?;
    let clock = aggregate.then(Clock::find).transpose()?;
    let directory = match &clock {
        Some(_) => Path::new(DIRECTORY).join("aggregate"),
        None => DIRECTORY.into(),
    };
    let store = directory.join("demo.db");
    let server = Server::start(settings(
        port,
        (&key, &client_key),
        (&directory, &store),
        clock.as_ref(),
    )?)?;
    let sample_api = runtime.block_on(serve_sample_api(port, &server.app().tasks))?;
    let client = Gateway::new(&format!("http://{}", server.address()), key.expose_secret())?;
    let work = async {
        wait_until_ready(&client).await?;
        let tools = store_definitions(&client, sample_api).await?;
        let (instance, calls) = match &clock {
            Some(clock) => {
                aggregate::store(&client, sample_api, clock).await?;
                (aggregate::INSTANCE, clock.calls().to_vec())
            }
            None => (INSTANCE, vec![("get_order", json!({"id": "1001"}))]),
        };
        let calls = call_tools(client, instance, calls).await?;
        Ok::<_, DemoError>((tools, instance, calls))
    };
    let (tools, instance, calls) = runtime.block_on(work)?;
    Ok(Demo {
        server,
        key,
        client_key,
        sample_api,
        store,
        tools,
        instance,
        calls,
        runtime,
    })
}

/// The settings of the demo, with nothing of the operator's own configuration: a demo must not write to a real store.
fn settings(
    port: u16,
    (key, client_key): (&Secret, &Secret),
    (directory, store): (&Path, &Path),
    clock: Option<&Clock>,
) -> Result<Settings, DemoError> {
    let keys = json!([{"name": "demo-client", "key": client_key.expose_secret()}]);
    let mut overrides = vec![
        ("app.port", port.to_string()),
        ("app.api_key", key.expose_secret().to_owned()),
        ("authenticator.api_key.keys", keys.to_string()),
        ("app.data_dir", directory.display().to_string()),
        ("data_source.sqlite.path", store.display().to_string()),
        // The demo tells its own story; of the log only what the visitor's calls do.
        ("log.log_level", "warn,dynmcp::request=info".to_owned()),
    ];
    overrides.extend(clock.map(|clock| ("stdio.allow", clock.command.clone())));
    let mut settings = Settings::load(&Layers {
        overrides,
        ..Layers::default()
    })?;
    settings.work.program = crate::cli::own_program();
    Ok(settings)
}

/// Serves the sample API on the port after the gateway's, where `examples/demo` expects it, or on any.
async fn serve_sample_api(port: u16, tasks: &Tasks) -> io::Result<SocketAddr> {
    // Any port for the one is any port for the other.
    let next = if port == 0 { 0 } else { port.saturating_add(1) };
    let listener = match TcpListener::bind(("127.0.0.1", next)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await?,
    };
    let address = listener.local_addr()?;
    let listener = listener.into_std()?;
    tasks.spawn(SAMPLE_API, Ends::WhenTold, move || {
        let listener = listener.try_clone().and_then(TcpListener::from_std);
        async {
            let served = match listener {
                Ok(listener) => {
                    axum::serve(listener, sample_api::router().merge(sample_server::glossary())).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = served {
                tracing::error!(%error, "the sample API has ended");
            }
        }
    });
    Ok(address)
}

async fn wait_until_ready(gateway: &Gateway) -> Result<(), DemoError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = gateway.get("/readyz").await?;
        match answer.status.is_success() {
            true => return Ok(()),
            false if Instant::now() > deadline => return gateway.data(&answer).map_err(DemoError::from),
            false => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn store_definitions(gateway: &Gateway, sample_api: SocketAddr) -> Result<usize, DemoError> {
    for (id, document) in definitions::TOOLS {
        let document = definitions::pointed_at(document, sample_api);
        put(gateway, &format!("/admin/tds/{id}"), document).await?;
    }
    put(
        gateway,
        &format!("/admin/ids/{INSTANCE}"),
        definitions::INSTANCE.to_owned(),
    )
    .await?;
    Ok(definitions::TOOLS.len())
}

async fn put(gateway: &Gateway, path: &str, document: String) -> Result<(), DemoError> {
    let answer = gateway.send_json(Method::PUT, path, document).await?;
    let _: Value = gateway.data(&answer)?;
    Ok(())
}

async fn call_tools(
    gateway: Gateway,
    instance: &str,
    calls: Vec<(&str, Value)>,
) -> Result<Vec<(Value, String)>, DemoError> {
    let client = Mcp::new(gateway, instance, "dynmcp demo");
    let tools = client.tools().await?;
    let mut made = Vec::new();
    for (name, arguments) in calls {
        let failed = |what: &str| DemoError::Failed(format!("the call of `{name}` failed: {what}"));
        let tool = tools.iter().find(|tool| tool.name == name);
        let tool = tool.ok_or_else(|| failed("the instance does not list it"))?;
        let given = to_raw_value(&arguments).map_err(|error| failed(&error.to_string()))?;
        let result = client.call(tool, &given).await?;
        let text = result.content.first().and_then(|block| block["text"].as_str());
        match text {
            Some(text) if !result.is_error => {
                made.push((json!({"name": name, "arguments": arguments}), text.to_owned()));
            }
            _ => return Err(failed(result.raw.get())),
        }
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_sample_api_is_served_again_after_a_panic() {
        let tasks = Tasks::default();
        let address = serve_sample_api(0, &tasks).await.unwrap();
        let answers = || async {
            let answer = reqwest::get(format!("http://{address}/")).await;
            answer.unwrap().status().as_u16()
        };
        let before = answers().await;
        tasks.make_panic(SAMPLE_API);
        let restarts = || tasks.report()[0].restarts;
        while restarts() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(answers().await, before);
        tasks.stop();
        assert!(tasks.wait(Ends::ByItself, Duration::ZERO).is_empty());
    }
}
