//! `dynmcp upstreams login`: the address, and the word when somebody came back from there.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    thread,
};

/// An MCP server with an authorization server at its own origin, that lets everybody in.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let own = origin.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let own = own.clone();
            thread::spawn(move || answer(stream.unwrap(), &own));
        }
    });
    origin
}

fn answer(mut stream: TcpStream, origin: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let (mut length, mut is_known) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        is_known |= line == "authorization: bearer a-token";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = first.split([' ', '?']).nth(1).unwrap_or_default();
    let mut head = "200 OK".to_owned();
    let value = match path {
        "/.well-known/oauth-protected-resource/mcp" => {
            json!({"resource": format!("{origin}/mcp"), "authorization_servers": [origin]})
        }
        "/.well-known/oauth-authorization-server" => json!({
            "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"), "token_endpoint": format!("{origin}/token"),
            "registration_endpoint": format!("{origin}/register"), "code_challenge_methods_supported": ["S256"],
        }),
        "/register" => json!({"client_id": "registered"}),
        "/token" => json!({"access_token": "a-token", "token_type": "Bearer"}),
        "/mcp" if is_known => {
            let result = match message["method"].as_str() {
                Some("server/discover") => {
                    json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "resultType": "complete"})
                }
                _ => json!({"tools": [], "resultType": "complete"}),
            };
            json!({"jsonrpc": "2.0", "id": message["id"], "result": result})
        }
        "/mcp" => {
            "401 Unauthorized\r\nwww-authenticate: Bearer".clone_into(&mut head);
            json!({})
        }
        _ => {
            "404 Not Found".clone_into(&mut head);
            json!({})
        }
    };
    let text = value.to_string();
    write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{text}",
        text.len()
    )
}

#[test]
fn it_prints_the_address_and_waits_until_somebody_came_back() {
    let (sandbox, server) = (Sandbox::new(), server());
    let data = sandbox.path().join("data");
    let config = format!(
        "[app]\napi_key = \"{KEY}\"\ndata_source = \"memory\"\ndata_dir = {data:?}\n[log]\nlog_level = \"trace\"\n"
    );
    let gateway = Gateway::start(&sandbox, &config);
    let document = json!({"url": format!("{server}/mcp"), "auth": {"type": "oauth2_authorization_code"}});
    gateway.put("uds/tickets", &document);
    let target = ["--server", &gateway.origin, "--key", KEY];
    let mut login = sandbox
        .command(&[&["upstreams", "login", "tickets"], &target[..]].concat())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(login.stdout.take().unwrap()).lines();
    let mut line = || printed.next().unwrap().unwrap();
    assert_eq!(line(), "Open this address to log in to tickets:");
    let url = line();
    assert!(
        url.starts_with(&format!(
            "{server}/authorize?response_type=code&client_id=registered&"
        )),
        "{url}"
    );
    let (_, state) = url.split_once("&state=").unwrap();
    let state = state.split('&').next().unwrap();
    let back = format!(
        "{}/oauth/callback/tickets?code=the-secret-code&state={state}",
        gateway.origin
    );
    // Whoever comes with anything fills no log.
    let nobody = format!("{}/oauth/callback/tickets?code=x", gateway.origin);
    let (status, text) = request(reqwest::Client::new().get(nobody)).unwrap();
    assert_eq!(status, 400, "{text}");
    let (status, text) = request(reqwest::Client::new().get(back)).unwrap();
    assert_eq!(status, 200, "{text}");
    assert_eq!(line(), "the gateway is logged in to tickets");
    assert!(login.wait().unwrap().success());
    gateway.wait("the upstream", |gateway| {
        let asked = reqwest::Client::new()
            .get(format!("{}/admin/upstreams", gateway.origin))
            .bearer_auth(KEY);
        request(asked).unwrap().1.contains("\"state\":\"ready\"")
    });

    let run = |words: &[&str]| {
        let output = sandbox.run(&[words, &target[..]].concat());
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = run(&["upstreams", "logout", "tickets"]);
    assert_eq!(
        (code, &*text),
        (Some(0), "the gateway has forgotten its login to tickets\n")
    );
    let (code, text) = run(&["upstreams", "login", "tickets", "--no-wait"]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&["upstreams", "login", "nobody"]);
    assert!(code == Some(1) && text.contains("nobody"), "{code:?} {text}");
    // The most talkative log says nothing that somebody else could log in with.
    let log = gateway.output();
    assert!(log.contains("somebody has logged in to an upstream"), "{log}");
    assert!(!log.contains("came to nothing"), "{log}");
    for secret in ["the-secret-code", "a-token", state] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
