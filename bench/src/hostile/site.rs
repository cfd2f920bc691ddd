//! One gateway with what a witness needs, inside bounds of the system's own.

use super::{
    Options, bystander, client, server, upstream,
    witness::{Attack, Witness},
};
use crate::{request::Request, upstream::Upstream};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::{Gateway, Setup};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// A running gateway.
pub(super) struct Site {
    gateway: Gateway,
    pub(super) port: u16,
    answer: Vec<u8>,
    _directory: TempDir,
}

/// The instance that has all tools, and the plain one among them.
pub(super) const INSTANCE: &str = "hostile";
const PLAIN: &str = "plain";
/// The upstream that hurts.
const SERVER: &str = "server";

/// How long the gateway may take to answer when everything is over.
const CALM: Duration = Duration::from_secs(5);

impl Site {
    pub(super) async fn start(witness: &Witness, options: &Options) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let program = options.program.clone();
        let program = program.map_or_else(dynmcp_harness::dynmcp, |path| Ok(fs::canonicalize(path)?))?;
        let bounded = directory.path().join("dynmcp");
        let files = witness
            .files
            .map_or_else(String::new, |files| format!("ulimit -n {files}\n"));
        let script = format!(
            "#!/bin/sh\nulimit -c 0\nulimit -v {}\n{files}exec '{}' \"$@\"\n",
            options.address_space << 10,
            program.display()
        );
        fs::write(&bounded, script)?;
        fs::set_permissions(&bounded, fs::Permissions::from_mode(0o755))?;
        let mut setup = Setup {
            program: Some(bounded),
            app: witness.app.to_owned(),
            ..Setup::default()
        };
        if knows(&program, "front_proxies") {
            setup.app += "front_proxies = []\n";
        }
        if knows(&program, "memory_budget") {
            setup.app += &format!("memory_budget = '{}MiB'\n", options.budget);
        }
        let (plain, hostile) = (Upstream::start()?.port(), upstream::start()?);
        let mut tools = vec![tool(PLAIN, plain)];
        tools.extend((0..witness.more_tools).map(|number| tool(&format!("more_{number}"), plain)));
        if let Attack::Stored(document) = &witness.attack {
            // What it keeps stays from one try to the next.
            let (data, folder) = (
                directory.path().join("data"),
                directory.path().join("definitions"),
            );
            setup.app += &format!("data_source = 'file'\ndata_dir = '{}'\n", data.display());
            setup.tables += &format!("[data_source.file]\npath = '{}'\n", folder.display());
            let ids = [PLAIN, Witness::TOOL];
            let instance = json!({"name": INSTANCE, "tool_ids": ids});
            for (kind, id, document) in [
                ("tds", PLAIN, &tools[0]),
                ("tds", Witness::TOOL, document),
                ("ids", INSTANCE, &instance),
            ] {
                fs::create_dir_all(folder.join(kind))?;
                fs::write(folder.join(kind).join(format!("{id}.json")), document.to_string())?;
            }
        }
        let gateway = Gateway::start_as(&setup).await?;
        let (_, port) = gateway.origin().rsplit_once(':').context("no port")?;
        let port: u16 = port.parse()?;
        if !matches!(witness.attack, Attack::Stored(_)) {
            let here = |tool: &Value| -> Result<Value> {
                let text = tool.to_string();
                let text = text.replace(Witness::UPSTREAM, &format!("http://127.0.0.1:{hostile}"));
                Ok(serde_json::from_str(
                    &text.replace(Witness::GATEWAY, gateway.origin()),
                )?)
            };
            tools.extend(witness.tools.iter().map(here).collect::<Result<Vec<_>>>()?);
            let server = witness
                .server
                .map(|what| format!("http://127.0.0.1:{hostile}{}{what}", server::AT));
            store(&gateway, &tools, server).await?;
        }
        let mut site = Self {
            gateway,
            port,
            answer: Vec::new(),
            _directory: directory,
        };
        for number in 0..witness.more_tools {
            site.answered(&site.call(&format!("more_{number}"), &json!({})))
                .await?;
        }
        site.answer = site.answered(&site.plain()).await?;
        if witness.server.is_some() {
            timeout(CALM, site.offers(Witness::TOOL))
                .await
                .context("the server's tool")??;
        }
        Ok(site)
    }

    /// Waits until a tool is there whose server is found out first.
    async fn offers(&self, tool: &str) -> Result<()> {
        loop {
            let list = Request::rpc(self.port, INSTANCE, "tools/list", None, json!({}));
            if String::from_utf8_lossy(&self.answered(&list).await?).contains(&format!(r#""{tool}""#)) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(super) fn pid(&self) -> Result<u32> {
        self.gateway.pid().context("the gateway has ended")
    }

    /// The bystander's call.
    pub(super) fn plain(&self) -> Request {
        self.call(PLAIN, &json!({}))
    }

    /// What it is always answered.
    pub(super) fn plain_answer(&self) -> &[u8] {
        &self.answer
    }

    pub(super) fn call(&self, tool: &str, arguments: &Value) -> Request {
        Request::tool(self.port, INSTANCE, tool, arguments)
    }

    async fn answered(&self, request: &Request) -> Result<Vec<u8>> {
        let answer = client::exchange(self.port, &request.0).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 200 && !text.contains(r#""isError":true"#),
            "{text}"
        );
        Ok(answer.body)
    }

    /// Whether it lives, and answers new connections as ever.
    pub(super) async fn afterwards(&self) -> Result<(), String> {
        let check = async {
            bystander::look(self.port).await.context("/healthz")?;
            self.answered(&self.plain()).await.context("tools/call")
        };
        match timeout(CALM, check).await {
            _ if self.has_ended() => Err(cause(&self.gateway.output())),
            Ok(Ok(answer)) if answer == self.answer => Ok(()),
            Ok(Ok(_)) => Err("another answer".to_owned()),
            Ok(Err(error)) => Err(format!("refuses: {error:#}")),
            Err(_) => Err(format!("no answer in {} s", CALM.as_secs())),
        }
    }

    fn has_ended(&self) -> bool {
        let stat = self
            .pid()
            .map(|pid| fs::read_to_string(format!("/proc/{pid}/stat")));
        // `Z` is the state of who has ended and was not asked how.
        !stat.is_ok_and(|stat| stat.is_ok_and(|stat| !stat.contains(") Z ")))
    }
}

/// Why a process has ended, from its last words.
pub(super) fn cause(output: &str) -> String {
    let causes = [
        ("overflowed its stack", "aborted: stack overflow"),
        ("memory allocation of", "aborted: out of memory"),
        ("not ready after", "not ready in 30 s"),
        ("panicked", "ended by a panic"),
    ];
    let found = causes.iter().find(|(words, _)| output.contains(words));
    found.map_or("ended", |(_, cause)| cause).to_owned()
}

/// Whether there is such a key in its configuration. Older gateways lack some.
fn knows(program: &Path, key: &str) -> bool {
    let output = Command::new(program).args(["config", "default"]).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(key))
}

fn tool(name: &str, port: u16) -> Value {
    json!({"name": name, "description": "Plain.", "input_schema": {}, "tds_ext_info": {
        "base_url": format!("http://127.0.0.1:{port}"), "method": "POST", "path": "/orders"}})
}

async fn store(gateway: &Gateway, tools: &[Value], server: Option<String>) -> Result<()> {
    let mut ids = Vec::with_capacity(tools.len());
    for tool in tools {
        let id = tool["name"].as_str().unwrap_or_default();
        gateway.admin().write("tds", id, tool).await?;
        ids.push(id);
    }
    let mut instance = json!({"name": INSTANCE, "tool_ids": ids});
    if let Some(url) = server {
        gateway.admin().write("uds", SERVER, &json!({"url": url})).await?;
        instance["include"] = json!({"upstreams": [SERVER]});
    }
    gateway.admin().put_instance(INSTANCE, &instance).await
}
