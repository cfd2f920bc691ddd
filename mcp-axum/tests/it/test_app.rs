//! A whole gateway for a test: the real router over a real socket, started as `dynmcp serve` starts it (data plane,
//! control plane and all), on a free port of the loopback interface. Dropping it ends it.
//!
//! ```ignore
//! let app = TestApp::start().await;                        // definitions in memory
//! let app = TestApp::sqlite().await;                       // in a SQLite file of its own; `restart()` keeps it
//! let app = TestApp::with(&[("mcp.page_size", "2")]).await; // any keys of the configuration
//!
//! let upstream = app.upstream().await;                     // an API that records what it is asked
//! app.admin().put("/admin/tds/t", &json!({ … })).await.ok(); // role clients: admin(), user(), anonymous()
//! let answer = app.mcp("i").call("t", json!({"id": 1})).await; // MCP in the modern era; `legacy(…)` in the older one
//! ```

mod answer;
mod client;
mod mcp;
mod upstream;

pub use answer::Answer;
pub use client::Client;
pub use mcp::{MODERN, McpClient};
use mcp_axum::{
    app::{App, Phase},
    reload::Followed,
    runtime::server::Server,
    settings::{Layers, Settings},
};
use mcp_common::{
    datasource::{Expected, Write},
    key::{Key, Revision},
};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
pub use upstream::{Recorded, Reply, Upstream};

/// Nothing that a test waits for may take longer.
pub const DEADLINE: Duration = Duration::from_secs(10);

const ADMIN_KEY: &str = "admin-key-of-tests";
const USER_KEY: &str = "user-key-of-tests";
/// What templates may name of the user; the administrator has none of it.
const USER_ATTRIBUTES: &str = "roles = ['billing', 'ops'], claims = { Tenant = 'acme', account = 9007199254740993, org = { id = 7, plan = 'pro' }, 'https://a.example/region' = 'eu' }";

/// A running gateway.
pub struct TestApp {
    server: Option<Server>,
    layers: Layers,
    admin_key: String,
    upstreams: Mutex<Vec<Arc<Upstream>>>,
    directory: TempDir,
}

impl TestApp {
    /// With definitions in memory.
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With definitions in a SQLite file.
    pub async fn sqlite() -> Self {
        Self::with(&[("app.data_source", "sqlite")]).await
    }

    /// With these keys of the configuration; what is not given is as in `config/default.toml`, but the port is free,
    /// definitions are in memory, and there are an admin's key and a user's key.
    pub async fn with(settings: &[(&'static str, &str)]) -> Self {
        let app = Self::unready(settings).await;
        app.until_ready().await;
        app
    }

    /// With a configuration file of its own, which is followed.
    pub async fn of_file(name: &str, text: &str) -> Self {
        Self::of_file_and(name, text, &[]).await
    }

    /// The same, with these keys whatever the file says.
    pub async fn of_file_and(name: &str, text: &str, settings: &[(&'static str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        let mut overrides = vec![
            ("app.port", "0".to_owned()),
            ("app.api_key", ADMIN_KEY.to_owned()),
            ("app.data_dir", directory.path().display().to_string()),
        ];
        overrides.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let layers = Layers {
            file: Some(file),
            overrides,
            ..Layers::default()
        };
        let app = Self {
            server: Some(serve(layers.clone()).await),
            layers,
            admin_key: ADMIN_KEY.to_owned(),
            upstreams: Mutex::default(),
            directory,
        };
        app.until_ready().await;
        app.follow().await;
        app
    }

    /// Like [`with`](Self::with), but accepting connections is all that it is known to do.
    pub async fn unready(settings: &[(&'static str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let file = directory.path().join("test.toml");
        std::fs::write(&file, configuration(&directory)).unwrap();
        let mut overrides = vec![
            ("app.port", "0".to_owned()),
            ("app.data_source", "memory".to_owned()),
            ("app.api_key", ADMIN_KEY.to_owned()),
        ];
        overrides.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let admin_key = overrides
            .iter()
            .rfind(|(key, _)| *key == "app.api_key")
            .unwrap()
            .1
            .clone();
        let layers = Layers {
            file: Some(file),
            overrides,
            ..Layers::default()
        };
        let server = Some(serve(layers.clone()).await);
        Self {
            server,
            layers,
            admin_key,
            upstreams: Mutex::default(),
            directory,
        }
    }

    /// Ends the gateway and starts it again with the same configuration and the same files.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
        self.until_ready().await;
    }

    /// Ends the gateway.
    pub async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(|| server.drain()).await.unwrap();
    }

    /// Starts it again; accepting connections is all that it is known to do.
    pub async fn start_again(&mut self) {
        self.server = Some(serve(self.layers.clone()).await);
    }

    async fn until_ready(&self) {
        eventually("the gateway is ready", || self.app().phase() == Phase::Ready).await;
    }

    /// Changes of the configuration's file come into effect from now on.
    pub async fn follow(&self) {
        self.server
            .as_ref()
            .unwrap()
            .follow(Followed::new(self.layers.clone()));
        eventually("the configuration is followed", || {
            serde_json::json!(self.app().config.report())["followed"] == true
        })
        .await;
    }

    /// Has the configuration read again, as SIGHUP does.
    pub fn reload(&self) {
        self.server.as_ref().unwrap().reload();
    }

    /// The configuration's file.
    pub fn configuration(&self) -> std::path::PathBuf {
        self.layers.file.clone().unwrap()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().address()
    }

    /// An absolute URL.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Where `/admin` and probes are, if that is not where clients go.
    pub fn admin_address(&self) -> SocketAddr {
        self.server.as_ref().unwrap().admin_address()
    }

    /// What its routes share, for what cannot be seen from outside.
    pub fn app(&self) -> &Arc<App> {
        self.server.as_ref().unwrap().app()
    }

    /// What is counted now; `/metrics` may show what was counted a moment ago.
    pub fn metrics(&self) -> String {
        self.app().metrics.encode().unwrap()
    }

    /// Where its files are.
    pub fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Shows an administrator's key.
    pub fn admin(&self) -> Client {
        Client::new(self.address(), Some(self.admin_key.clone()))
    }

    /// Shows a key that may use instances, but not `/admin`.
    pub fn user(&self) -> Client {
        Client::new(self.address(), Some(USER_KEY.to_owned()))
    }

    /// Shows no key.
    pub fn anonymous(&self) -> Client {
        Client::new(self.address(), None)
    }

    /// The key of [`admin`](Self::admin).
    pub fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// The key of [`user`](Self::user).
    pub fn user_key(&self) -> &'static str {
        USER_KEY
    }

    /// Speaks MCP to an instance, with the user's key.
    pub fn mcp(&self, instance: &str) -> McpClient {
        McpClient::new(self.user(), instance)
    }

    /// Has another value of the configuration from the next start on.
    pub fn configure(&mut self, key: &'static str, value: &str) {
        let others = self.layers.overrides.iter().filter(|(known, _)| *known != key);
        let mut overrides: Vec<_> = others.cloned().collect();
        overrides.push((key, value.to_owned()));
        self.layers.overrides = overrides;
    }

    /// An API of its own; it lives as long as the gateway.
    pub async fn upstream(&self) -> Arc<Upstream> {
        let upstream = Arc::new(Upstream::start().await);
        self.upstreams.lock().unwrap().push(upstream.clone());
        upstream
    }

    /// Runs a statement on the SQLite file, as a platform team would.
    pub fn sqlite3(&self, sql: &str) {
        let mut command = std::process::Command::new("sqlite3");
        command.arg(self.directory().join("definitions.db")).arg(sql);
        let status = command.status().expect("`cargo xtask test` installs sqlite3");
        assert!(status.success(), "{sql}");
    }

    /// Writes into the store past the admin API, as a platform team would, and waits until the catalog has it.
    pub async fn store(&self, key: Key, body: &str) -> Revision {
        let write = Write {
            key: &key,
            expected: Expected::Any,
            principal: "platform-team",
        };
        let revision = self
            .app()
            .source
            .put(write, body.to_owned().into())
            .await
            .unwrap();
        assert!(
            self.app().catalog.wait_for(revision, DEADLINE).await,
            "the catalog did not get {key}"
        );
        revision
    }

    /// Stores a tool that calls `method path` of the upstream. `schema` is its input schema.
    pub async fn put_tool(
        &self,
        id: &str,
        upstream: &Upstream,
        method: &str,
        path: &str,
        schema: Value,
    ) -> Answer {
        let binding = json!({"domain": upstream.origin(), "method": method, "path": path});
        let document = json!({
            "name": id, "description": format!("Test tool {id}."), "input_schema": schema, "tds_ext_info": binding,
        });
        self.admin()
            .put(&format!("/admin/tds/{id}"), &document)
            .await
            .ok()
    }

    /// Stores an instance with these tools.
    pub async fn put_instance(&self, id: &str, tool_ids: &[&str]) -> Answer {
        let document = json!({"name": format!("Test instance {id}"), "tool_ids": tool_ids});
        self.admin()
            .put(&format!("/admin/ids/{id}"), &document)
            .await
            .ok()
    }

    /// An instance with two tools of an upstream: `get_item` (`GET /items/{id}`, `id` an integer) and `add_item`
    /// (`POST /items`, a JSON body).
    pub async fn with_item_tools(&self, instance: &str) -> Arc<Upstream> {
        let upstream = self.upstream().await;
        let id = json!({"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]});
        self.put_tool("get_item", &upstream, "GET", "/items/{id}", id)
            .await;
        let name =
            json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]});
        self.put_tool("add_item", &upstream, "POST", "/items", name).await;
        self.put_instance(instance, &["get_item", "add_item"]).await;
        upstream
    }
}

async fn serve(layers: Layers) -> Server {
    let mut settings = Settings::load(&layers).unwrap();
    settings.work.program = Some(env!("CARGO_BIN_EXE_dynmcp").into());
    // It brings its own runtimes.
    tokio::task::spawn_blocking(|| Server::start(settings).unwrap())
        .await
        .unwrap()
}

/// Polls until it is true; fails the test after [`DEADLINE`].
pub async fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn configuration(directory: &TempDir) -> String {
    let path = directory.path().display();
    format!(
        "[app]\ndata_dir = '{path}'\nworkers = 2\ndrain_seconds = 5\n\
         [data_source.sqlite]\npath = '{path}/definitions.db'\n\
         [authenticator.api_key]\nkeys = [{{ name = 'user', key = '{USER_KEY}', {USER_ATTRIBUTES} }}]\n"
    )
}
