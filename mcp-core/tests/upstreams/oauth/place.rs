//! An MCP server that wants tokens, and the authorization server that gives them.

use crate::{
    behaviour::{TOOLS, modern},
    server::{Received, Reply, Server},
    setup,
};
use mcp_core::{
    oauth::{Accounts, Seal},
    secrets::{SecretSettings, Secrets},
    upstream::HubSettings,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// The secret of the client.
pub(crate) const SECRET: &str = "hunter2 & more";

/// What the authorization server has given, and what both say.
pub(crate) struct Book {
    pub(crate) server: String,
    pub(crate) issuer: String,
    /// The scopes of each token that is good.
    tokens: Mutex<HashMap<String, Vec<String>>>,
    given: Mutex<u32>,
    /// The scopes that a call needs.
    needed: Mutex<Vec<String>>,
    /// Members of the authorization server's metadata, over the usual ones.
    pub(crate) metadata: Mutex<Value>,
    /// Members of the server's metadata, over the usual ones.
    pub(crate) resource: Mutex<Value>,
    /// The lifetime of tokens.
    pub(crate) seconds: Mutex<u64>,
}

type Twist = dyn Fn(&Book, &Received) -> Option<Reply> + Send + Sync;

/// Both of them.
pub(crate) struct Place {
    pub(crate) mcp: Server,
    pub(crate) authorization: Server,
    pub(crate) book: Arc<Book>,
    pub(crate) folder: TempDir,
}

impl Book {
    /// A token that is good from now on.
    pub(crate) fn issue(&self, scopes: &str) -> String {
        let mut given = self.given.lock().unwrap();
        *given += 1;
        let token = format!("token-{given}");
        let scopes = scopes.split_whitespace().map(str::to_owned).collect();
        self.tokens.lock().unwrap().insert(token.clone(), scopes);
        token
    }

    /// No token that was given is good any more.
    pub(crate) fn revoke(&self) {
        self.tokens.lock().unwrap().clear();
    }

    /// Whether the token of a request is good.
    pub(crate) fn knows(&self, received: &Received) -> bool {
        let token = received.header("authorization").strip_prefix("Bearer ");
        token.is_some_and(|token| self.tokens.lock().unwrap().contains_key(token))
    }

    /// From now on a call needs these.
    pub(crate) fn need(&self, scopes: &[&str]) {
        *self.needed.lock().unwrap() = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    }

    pub(crate) fn protected(&self) -> String {
        format!("{}/.well-known/oauth-protected-resource/mcp", self.server)
    }

    fn mcp(&self, received: &Received) -> Reply {
        let json = |value: &Value| Reply::Json(200, value.to_string());
        if received.path == "/.well-known/oauth-protected-resource/mcp" {
            let usual = json!({
                "resource": format!("{}/mcp", self.server),
                "authorization_servers": [self.issuer],
                "scopes_supported": ["all"],
            });
            return json(&over(usual, &self.resource.lock().unwrap()));
        }
        if received.path != "/mcp" {
            return Reply::With(404, Vec::new(), "nothing".to_owned());
        }
        let token = received.header("authorization").strip_prefix("Bearer ");
        let tokens = self.tokens.lock().unwrap();
        let Some(scopes) = token.and_then(|token| tokens.get(token)) else {
            let error = token.map_or("", |_| "error=\"invalid_token\", ");
            let metadata = self.protected();
            let challenge = format!("Bearer {error}scope=\"read\", resource_metadata=\"{metadata}\"");
            return Reply::With(401, vec![("www-authenticate", challenge)], String::new());
        };
        let needed = self.needed.lock().unwrap();
        if received.rpc() == "tools/call" && !needed.iter().all(|scope| scopes.contains(scope)) {
            let challenge = format!(
                "Bearer error=\"insufficient_scope\", scope=\"{}\"",
                needed.join(" ")
            );
            return Reply::With(403, vec![("www-authenticate", challenge)], String::new());
        }
        modern(received, TOOLS)
    }

    fn authorization(&self, received: &Received) -> Reply {
        let json = |status: u16, value: &Value| Reply::Json(status, value.to_string());
        match &*received.path {
            "/.well-known/oauth-authorization-server" => {
                let issuer = &self.issuer;
                let usual = json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "registration_endpoint": format!("{issuer}/register"),
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": true,
                    "scopes_supported": ["read", "write", "offline_access"],
                });
                json(200, &over(usual, &self.metadata.lock().unwrap()))
            }
            "/register" => {
                let method = &received.message["token_endpoint_auth_method"];
                json(
                    201,
                    &json!({"client_id": "registered", "client_secret": "of it", "token_endpoint_auth_method": method}),
                )
            }
            "/token" => {
                let form = received.form();
                let scope = form.get("scope").map_or("read", String::as_str);
                let mut answer = json!({
                    "access_token": self.issue(scope), "token_type": "bearer", "expires_in": *self.seconds.lock().unwrap(),
                });
                if form["grant_type"] != "client_credentials" {
                    let number = self.given.lock().unwrap();
                    answer["refresh_token"] = json!(format!("refresh-{number}"));
                }
                json(200, &answer)
            }
            _ => Reply::With(404, Vec::new(), String::new()),
        }
    }
}

impl Place {
    pub(crate) async fn start() -> Self {
        Self::twisted(|_, _| None).await
    }

    /// With other answers than the usual ones.
    pub(crate) async fn twisted(
        twist: impl Fn(&Book, &Received) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listen = || TcpListener::bind("127.0.0.1:0");
        let (mcp, authorization) = (listen().await.unwrap(), listen().await.unwrap());
        let at = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Book {
            server: at(&mcp),
            issuer: at(&authorization),
            tokens: Mutex::default(),
            given: Mutex::default(),
            needed: Mutex::default(),
            metadata: Mutex::new(json!({})),
            resource: Mutex::new(json!({})),
            seconds: Mutex::new(3600),
        });
        let twist: Arc<Twist> = Arc::new(twist);
        let (its, own) = (book.clone(), twist.clone());
        let mcp = Server::on(mcp, move |received| {
            own(&its, received).unwrap_or_else(|| its.mcp(received))
        });
        let its = book.clone();
        let authorization = Server::on(authorization, move |received| {
            twist(&its, received).unwrap_or_else(|| its.authorization(received))
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self {
            mcp,
            authorization,
            book,
            folder,
        }
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        format!("${{file:{}}}", self.folder.path().join(name).display())
    }

    /// The document, with these members of `auth`.
    pub(crate) fn document(&self, auth: &Value) -> Value {
        let mut document = self.mcp.document();
        document["auth"] = auth.clone();
        document
    }

    /// The same of a client with a secret.
    pub(crate) fn with_secret(&self, more: &Value) -> Value {
        let usual = json!({
            "type": "oauth2_client_credentials", "client_id": "gate way", "client_secret": self.secret("secret"),
        });
        self.document(&over(usual, more))
    }

    /// Secrets are in the folder, and so are logins.
    pub(crate) fn settings(&self) -> HubSettings {
        HubSettings {
            secrets: Secrets::new(SecretSettings {
                file_dirs: vec![self.folder.path().to_owned()],
                ..SecretSettings::default()
            }),
            accounts: Accounts::kept_in(Some((self.logins(), seal()))),
            ..setup::settings()
        }
    }

    pub(crate) fn logins(&self) -> std::path::PathBuf {
        self.folder.path().join("logins")
    }

    /// What the token endpoint was asked, in order.
    pub(crate) fn asked(&self) -> Vec<Received> {
        let all = self.authorization.received().into_iter();
        all.filter(|received| received.path == "/token").collect()
    }
}

/// What logins are sealed with.
fn seal() -> Seal {
    Seal::of_secret(b"the secret of sessions")
}

/// Keeps this text in a file as the gateway would.
pub(crate) fn write_sealed(file: &Path, text: &str) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let sealed = seal().close(name, text.as_bytes().to_vec()).unwrap();
    std::fs::write(file, sealed).unwrap();
}

/// What is kept in a folder: names and texts, which nobody finds there as they are.
pub(crate) fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let read = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        // What is being written is not kept yet.
        if !name.ends_with(".login") {
            return None;
        }
        let sealed = std::fs::read(entry.path()).unwrap();
        for secret in ["refresh", "token", "http"] {
            assert!(!sealed.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
        let text = String::from_utf8(seal().open(&name, &sealed).unwrap()).unwrap();
        Some((name, text))
    };
    entries.filter_map(read).collect()
}

/// Members of the other one win, and `null` takes away.
pub(crate) fn over(mut usual: Value, other: &Value) -> Value {
    for (name, value) in other.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(usual.as_object_mut().unwrap().remove(name)),
            value => usual[name] = value.clone(),
        }
    }
    usual
}
