//! What the log says of requests.

use super::{Gateway, KEY, Sandbox, gateway::request};
use serde_json::json;

#[test]
fn a_line_of_mcp_names_the_instance_and_the_caller_also_where_it_is_refused() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    gateway.put("ids/desk", &json!({"name": "desk", "tool_ids": []}));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let post = |instance: &str| {
        reqwest::Client::new()
            .post(format!("{}/mcp/{instance}", gateway.origin))
            .header("accept", "application/json, text/event-stream")
            .json(&list)
    };
    assert_eq!(request(post("desk")).unwrap().0, 401);
    assert_eq!(request(post("desk").bearer_auth(KEY)).unwrap().0, 200);
    let long = "x".repeat(500);
    assert_eq!(request(post(&long).bearer_auth(KEY)).unwrap().0, 404);
    let line = |text: &str| {
        let output = gateway.output();
        output.lines().find(|line| line.contains(text)).map(str::to_owned)
    };
    gateway.wait("the last line", |_| line("status=404").is_some());
    let refused = line("status=401").unwrap();
    assert!(
        refused.contains(" instance=desk ") && !refused.contains("principal="),
        "{refused}"
    );
    let served = line("method=tools/list").unwrap();
    assert!(served.contains(" instance=desk principal=admin "), "{served}");
    let unknown = line("status=404").unwrap();
    assert!(
        unknown.contains(&format!(" instance={} ", &long[..64])),
        "{unknown}"
    );
}

#[test]
fn a_line_of_mcp_names_address_client_revision_and_bytes() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    gateway.put("ids/desk", &json!({"name": "desk", "tool_ids": []}));
    let post = |message: &serde_json::Value| {
        reqwest::Client::new()
            .post(format!("{}/mcp/desk", gateway.origin))
            .header("accept", "application/json, text/event-stream")
            .header("user-agent", "curl/8")
            .json(message)
    };
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "My client\n", "version": "1.2"}}});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let ping = json!({"jsonrpc": "2.0", "id": 3, "method": "ping"});
    assert_eq!(request(post(&initialize).bearer_auth(KEY)).unwrap().0, 200);
    let older = post(&list).header("mcp-protocol-version", "2025-03-26");
    let (status, body) = request(older.bearer_auth(KEY)).unwrap();
    assert_eq!(status, 200);
    let refused = request(post(&ping)).unwrap();
    assert_eq!(refused.0, 401);
    let line = |text: &str| {
        let output = gateway.output();
        let line = output
            .lines()
            .find(|line| line.contains("dynmcp::request") && line.contains(text));
        line.map(str::to_owned)
    };
    gateway.wait("the last line", |_| line("status=401").is_some());
    let first = line("method=initialize").unwrap();
    for part in [
        " address=127.0.0.1 ",
        r#" client="My client\n/1.2" "#,
        " revision=2025-06-18 ",
    ] {
        assert!(first.contains(part), "{part}: {first}");
    }
    let second = line("method=tools/list").unwrap();
    let bytes = format!(" bytes={} ", body.len());
    for part in [" client=curl/8 ", " revision=2025-03-26 ", &bytes] {
        assert!(second.contains(part), "{part}: {second}");
    }
    // A refusal has the same shape.
    let third = line("status=401").unwrap();
    let bytes = format!(" bytes={} ", refused.1.len());
    for part in [
        " address=127.0.0.1 ",
        " instance=desk ",
        " client=curl/8 ",
        &bytes,
    ] {
        assert!(third.contains(part), "{part}: {third}");
    }
}

/// The id that `initialize` is answered with.
fn session(initialize: reqwest::RequestBuilder) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let response = runtime.block_on(initialize.send()).unwrap();
    response.headers()["mcp-session-id"].to_str().unwrap().to_owned()
}

/// That revision has no header that says it, and only `initialize` has the client's name.
#[test]
fn every_line_of_a_session_names_its_revision_and_its_client() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    let desk = json!({"name": "desk", "tool_ids": [], "metadata": {"proto_type": "streamable-stateful"}});
    gateway.put("ids/desk", &desk);
    // Each is asked in a runtime of its own, which ends with its connections.
    let client = reqwest::Client::new;
    let to_desk = |request: reqwest::RequestBuilder| {
        request
            .header("accept", "application/json, text/event-stream")
            .header("user-agent", "curl/8")
            .bearer_auth(KEY)
    };
    let url = format!("{}/mcp/desk", gateway.origin);
    let post = |message: &serde_json::Value| to_desk(client().post(&url)).json(message);
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "older", "version": "1.2"}}});
    let id = session(post(&initialize));
    for (message, status) in [
        (
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            202,
        ),
        (json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"}), 200),
        (json!({"jsonrpc": "2.0", "id": 3, "method": "no/such"}), 200),
        (json!([{"jsonrpc": "2.0", "id": 4, "method": "ping"}]), 200),
    ] {
        let answered = request(post(&message).header("mcp-session-id", &id)).unwrap();
        assert_eq!(answered.0, status, "{message}: {}", answered.1);
    }
    // Most of these are refused before anybody asks whose session it is.
    let raw = |kind: &'static str, body: String| {
        to_desk(client().post(&url))
            .header("content-type", kind)
            .body(body)
    };
    let json = "application/json";
    let ping = json!({"jsonrpc": "2.0", "id": 5, "method": "ping"}).to_string();
    let large = "x".repeat(5 << 20);
    let refused = [
        (raw(json, "{x".to_owned()), 400),
        (raw(json, "[]".to_owned()), 400),
        (raw(json, ping.replace("2.0", "1.0")), 400),
        (raw("text/plain", ping.clone()), 415),
        (raw(json, ping.clone()).header("content-encoding", "gzip"), 415),
        (raw(json, large), 413),
        (
            raw(json, ping.clone()).header("origin", "https://elsewhere.example"),
            403,
        ),
        (
            raw(json, ping)
                .header("mcp-protocol-version", "2025-03-26")
                .header("mcp-protocol-version", "2025-06-18"),
            400,
        ),
        (to_desk(client().put(&url)), 405),
        (
            client()
                .get(&url)
                .bearer_auth(KEY)
                .header("accept", "application/json"),
            406,
        ),
    ];
    let many = refused.len();
    for (asked, status) in refused {
        let answered = request(asked.header("mcp-session-id", &id)).unwrap();
        assert_eq!(answered.0, status, "{}", answered.1);
    }
    let ended = to_desk(client().delete(&url)).header("mcp-session-id", &id);
    assert_eq!(request(ended).unwrap().0, 204);
    gateway.wait("the last line", |gateway| {
        gateway.output().contains("method=DELETE")
    });
    let output = gateway.output();
    let lines: Vec<_> = output
        .lines()
        .filter(|line| line.contains("dynmcp::request"))
        .collect();
    assert_eq!(lines.len(), 6 + many, "{lines:#?}");
    for line in lines {
        assert!(
            line.contains(" client=older/1.2 ") && line.contains(" revision=2025-03-26 "),
            "{line}"
        );
    }
}

/// What is answered over a stream is not what its POST is answered with.
#[test]
fn lines_of_the_older_transport_have_the_method_and_the_size_of_the_answer() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    let desk = json!({"name": "desk", "tool_ids": [], "metadata": {"proto_type": "legacy"}});
    gateway.put("ids/desk", &desk);
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "older", "version": "1.2"}}});
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answers: Vec<String> = runtime.block_on(async {
        let client = reqwest::Client::new();
        let open = client.get(format!("{}/sse/desk", gateway.origin));
        let mut stream = open.bearer_auth(KEY).send().await.unwrap();
        let mut read = String::new();
        let mut answers = Vec::new();
        let mut place = None;
        for message in [None, Some(&initialize), Some(&list)] {
            if let (Some(message), Some(place)) = (message, &place) {
                let post = client.post(format!("{}{place}", gateway.origin)).json(message);
                assert_eq!(post.bearer_auth(KEY).send().await.unwrap().status(), 202);
            }
            let event = loop {
                if let Some((event, rest)) = read.split_once("\n\n") {
                    let (event, rest) = (event.to_owned(), rest.to_owned());
                    read = rest;
                    if event.contains("data: ") {
                        break event;
                    }
                    continue;
                }
                read += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
            };
            let data = event.split_once("data: ").unwrap().1.to_owned();
            match message {
                None => place = Some(data),
                Some(_) => answers.push(data),
            }
        }
        answers
    });
    let line = |text: &str| {
        let output = gateway.output();
        let line = output
            .lines()
            .find(|line| line.contains("dynmcp::request") && line.contains(text));
        line.map(str::to_owned)
    };
    gateway.wait("the last line", |_| line("method=tools/list").is_some());
    let opened = line("method=GET").unwrap();
    assert!(opened.contains(" instance=desk "), "{opened}");
    for (text, answer) in ["method=initialize", "method=tools/list"].iter().zip(&answers) {
        let line = line(text).unwrap();
        let bytes = format!(" bytes={} ", answer.len());
        assert!(
            line.contains(&bytes)
                && line.contains(" client=older/1.2 ")
                && line.contains(" revision=2024-11-05 "),
            "{bytes}: {line}"
        );
    }
}

#[test]
fn an_answer_that_is_made_beside_the_handlers_is_logged_as_it_is_sent() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(&sandbox, &format!("[app]\napi_key = '{KEY}'\n"));
    gateway.put("ids/desk", &json!({"name": "desk", "tool_ids": []}));
    let get = |path: &str| reqwest::Client::new().get(format!("{}{path}", gateway.origin));
    let line = |parts: &[&str]| {
        let output = gateway.output();
        let mut lines = output.lines();
        let line = lines.find(|line| parts.iter().all(|part| line.contains(part)));
        line.map(str::to_owned)
    };
    // What the client has is not sent.
    let kept = get("/instances/desk/info").header("if-none-match", "*");
    assert_eq!(request(kept.bearer_auth(KEY)).unwrap().0, 304);
    gateway.wait("its line", |_| line(&["dynmcp::request", "status=304"]).is_some());
    let kept = line(&["dynmcp::request", "status=304"]).unwrap();
    assert!(
        kept.contains(" instance=desk ") && kept.contains(" bytes=0 "),
        "{kept}"
    );
    let failed = request(get("/instances/none/info").bearer_auth(KEY)).unwrap();
    assert_eq!(failed.0, 404);
    gateway.wait("its line", |_| line(&["dynmcp::request", "status=404"]).is_some());
    let bytes = format!(" bytes={} ", failed.1.len());
    assert!(
        line(&["dynmcp::request", "status=404", &bytes]).is_some(),
        "{bytes}"
    );

    let scraper = get("/metrics")
        .header("user-agent", "scraper/1.2")
        .header("mcp-protocol-version", "2025-11-25");
    let refused = request(scraper).unwrap();
    assert_eq!(refused.0, 401);
    gateway.wait("its line", |_| {
        line(&["dynmcp::admin", "path=/metrics"]).is_some()
    });
    let refused_line = line(&["dynmcp::admin", "path=/metrics"]).unwrap();
    let bytes = format!(" bytes={} ", refused.1.len());
    for part in [
        " method=GET ",
        " address=127.0.0.1 ",
        " client=scraper/1.2 revision=2025-11-25 status=401 ",
        &bytes,
    ] {
        assert!(refused_line.contains(part), "{part}: {refused_line}");
    }
}

#[test]
fn who_may_not_read_figures_is_named_where_it_is_refused() {
    let sandbox = Sandbox::new();
    let gateway = Gateway::start(
        &sandbox,
        &format!("[app]\napi_key = '{KEY}'\n[audit]\nenabled = true\ndir = 'audit'\n"),
    );
    let role = json!({"allow": [{"actions": ["admin/status/read"]}]});
    gateway.put("roles/looker", &role);
    let arguments = [
        "keys", "create", "--name", "ann", "--role", "looker", "--key", KEY, "--server",
    ];
    let created = sandbox.run(&[&arguments[..], &[&gateway.origin]].concat());
    let key = String::from_utf8(created.stdout).unwrap();
    let scrape = reqwest::Client::new().get(format!("{}/metrics", gateway.origin));
    let (status, body) = request(scrape.bearer_auth(key.trim())).unwrap();
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("admin/metrics/read"), "{body}");
    let line = || {
        let output = gateway.output();
        let found = |line: &&str| line.contains("path=/metrics") && line.contains("status=403");
        output.lines().find(found).map(str::to_owned)
    };
    gateway.wait("its line", |_| line().is_some());
    let line = line().unwrap();
    let id = &key[4..17];
    assert!(line.contains(" principal=") && line.contains(id), "{id}: {line}");
    // So does the record of it, as any refusal's of whoever has a good key.
    let records = || {
        let folder = std::fs::read_dir(sandbox.path().join("audit"))
            .into_iter()
            .flatten();
        let texts = folder.filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok());
        texts.collect::<String>()
    };
    let record = || {
        let records = records();
        records
            .lines()
            .find(|record| record.contains("GET /metrics"))
            .map(str::to_owned)
    };
    gateway.wait("its record", |_| record().is_some());
    let record = record().unwrap();
    assert!(
        record.contains(id) && record.contains("\"refused\""),
        "{id}: {record}"
    );
}
