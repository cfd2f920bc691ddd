//! `dynmcp demo`

use super::{Failure, serve};
use crate::{
    clients::{Client, ServerEntry},
    demo::{self, Demo, DemoError},
    runtime::{server::StartError, shutdown::Unheard},
    telemetry::logging,
};
use mcp_common::secret::ExposeSecret;
use serde_json::json;

pub(super) fn demo(port: u16, aggregate: bool) -> Result<(), Failure> {
    let unheard = Unheard::begin()?;
    let demo = demo::start(port, aggregate)?;
    report(&demo);
    let _log = logging::start(&demo.server.app().settings.log)?;
    let Demo { server, runtime, .. } = demo;
    let ended = serve::stay(server, unheard);
    runtime.shutdown_background();
    ended
}

fn report(demo: &Demo) {
    let (gateway, key) = (demo.server.address(), demo.key.expose_secret());
    let client_key = demo.client_key.expose_secret();
    let program = std::env::current_exe().ok();
    let entry = ServerEntry::of(&format!("http://{gateway}"), demo.instance, client_key)
        .named("dynmcp-demo")
        .with_program(program.map(|program| program.display().to_string()));
    let request = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "search_orders", "arguments": {"q": "ada"}},
    });
    println!(
        "\nDynMCP {version} demo\n
  sample API   http://{api}   a small shop, in memory
  gateway      http://{gateway}   definitions in {store}\n
  Stored {tools} tools and the instance `{instance}` through the admin API, then called {what}
  through the MCP endpoint:\n
{calls}
  For MCP clients, with a key that opens no /admin:\n
{clients}    Into a client's own file ({words}), with a copy of what was there:\n
      dynmcp connect {instance} --client claude-code --write --name dynmcp-demo --url http://{gateway} --client-key {client_key}\n
  Admin key    {key}   (new at every start of the demo)
  Console      http://{gateway}/console
  Admin API    http://{gateway}/admin/docs\n
  Try a call yourself:\n
    curl http://{gateway}/mcp/{instance} -H 'Authorization: Bearer {client_key}' \\
      -H 'Content-Type: application/json' \\
      -d '{request}'\n
  Your calls are logged below. Ctrl-C ends the demo.\n",
        version = env!("CARGO_PKG_VERSION"),
        api = demo.sample_api,
        store = demo.store.display(),
        tools = demo.tools,
        instance = demo.instance,
        what = match demo.calls.len() {
            1 => "one of them",
            _ => "one of the sample API,\n  one of a program and one of a server with a URL",
        },
        calls = calls(demo),
        clients = entry.blocks(&USUAL, "    "),
        words = words(),
    );
}

/// Clients whose text is shown; for the others there is `dynmcp connect`.
const USUAL: [Client; 4] = [
    Client::ClaudeCode,
    Client::ClaudeDesktop,
    Client::Vscode,
    Client::Cursor,
];

fn words() -> String {
    let words: Vec<String> = Client::ALL.iter().map(|client| client.word()).collect();
    words.join(", ")
}

fn calls(demo: &Demo) -> String {
    let calls = demo.calls.iter();
    let calls = calls.map(|(call, answer)| {
        // What another server says is on its own lines.
        let answer = answer.replace('\n', "\n       ");
        format!("    tools/call {call}\n    => {answer}\n")
    });
    calls.collect()
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Settings(error) => error.into(),
            DemoError::Start(StartError::Listen { address, cause, .. }) => Self::runtime(format_args!(
                "cannot listen on {address}: {cause}; choose another port with --port"
            )),
            DemoError::Start(error) => error.into(),
            other => Self::runtime(other),
        }
    }
}
