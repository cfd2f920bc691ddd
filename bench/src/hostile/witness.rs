//! What is tried.

use serde_json::Value;

/// One way to hurt a gateway.
pub(super) struct Witness {
    pub(super) name: &'static str,
    /// Its tools beside the plain one; they share an instance.
    pub(super) tools: Vec<Value>,
    /// Further tools like the plain one, each of them called once.
    pub(super) more_tools: usize,
    /// More lines of `[app]`.
    pub(super) app: &'static str,
    /// Open files that the gateway may have.
    pub(super) files: Option<u32>,
    /// Which result the tool has that an MCP server offers, where one does.
    pub(super) server: Option<&'static str>,
    pub(super) attack: Attack,
}

impl Witness {
    pub(super) fn new(name: &'static str, attack: Attack) -> Self {
        Self {
            name,
            tools: Vec::new(),
            more_tools: 0,
            app: "",
            files: None,
            server: None,
            attack,
        }
    }

    /// Calls of one tool, some at once; `binding` are the members of its `tds_ext_info` and `members` its own.
    pub(super) fn calls(name: &'static str, members: Value, binding: Value, arguments: Value) -> Self {
        let mut tool = serde_json::json!({"name": Self::TOOL, "description": "Hurts.", "input_schema": {}, "tds_ext_info": {"method": "POST"}});
        merge(&mut tool, members);
        merge(&mut tool["tds_ext_info"], binding);
        Self {
            tools: vec![tool],
            ..Self::new(
                name,
                Attack::Calls {
                    arguments,
                    at_once: 4,
                },
            )
        }
    }

    /// The name of the tool that hurts.
    pub(super) const TOOL: &str = "hurt";
    /// In texts of definitions: where the upstream is.
    pub(super) const UPSTREAM: &str = "http://UPSTREAM";
    /// In texts of definitions: where the gateway is.
    pub(super) const GATEWAY: &str = "http://GATEWAY";
}

fn merge(to: &mut Value, from: Value) {
    if let (Value::Object(to), Value::Object(from)) = (to, from) {
        to.extend(from);
    }
}

/// What is done to the gateway.
pub(super) enum Attack {
    /// Nothing: the yardstick.
    Nothing,
    /// Calls of the tool, each on a connection of its own.
    Calls { arguments: Value, at_once: usize },
    /// Requests to the admin API.
    Admin {
        method: &'static str,
        path: &'static str,
        body: String,
        at_once: usize,
    },
    /// A definition that the store has when the gateway starts.
    Stored(Value),
    /// Heads of requests that come slowly and never end.
    Heads { connections: usize },
    /// Bodies of requests of which the last byte does not come.
    Bodies { connections: usize },
    /// Calls of the tool whose answers nobody reads.
    Unread { connections: usize },
    /// Requests for `/metrics` on one HTTP/2 connection that reads nothing.
    UnreadMetrics { requests: usize },
    /// Calls of older revisions whose client goes away at once.
    Abandoned { at_once: usize },
    /// Connections that do nothing.
    Connections { count: usize },
}
