//! All of them: one of each kind that was seen to hurt.

use super::witness::{Attack, Witness};
use serde_json::{Value, json};

pub(super) fn all() -> Vec<Witness> {
    let mut all = vec![Witness::new("nothing", Attack::Nothing)];
    all.extend(arguments());
    all.extend(answers());
    all.extend(servers());
    all.extend(definitions());
    all.extend(connections());
    all
}

/// A tool that gets this path of the upstream.
fn at(path: &str, more: Value) -> Value {
    let mut binding = json!({"base_url": Witness::UPSTREAM, "path": path, "method": "GET"});
    if let (Value::Object(binding), Value::Object(more)) = (&mut binding, more) {
        binding.extend(more);
    }
    binding
}

fn one(schema: Value) -> Value {
    json!({"input_schema": {"type": "object", "properties": {"x": schema}}})
}

/// What a client can send.
fn arguments() -> Vec<Witness> {
    let text = || one(json!({"type": "string"}));
    let climbing = |bytes: usize| json!({"x": format!("%{}2e", "25".repeat(bytes / 2))});
    vec![
        Witness::calls(
            "path argument `%2525…`, 40 KB",
            text(),
            at("/p/{x}", json!({})),
            climbing(40_000),
        ),
        Witness::calls(
            "path argument `%2525…`, 160 KB",
            text(),
            at("/p/{x}", json!({})),
            climbing(160_000),
        ),
        Witness::calls(
            "path argument `%2525…`, 2 MB",
            text(),
            at("/p/{x}", json!({})),
            climbing(2_000_000),
        ),
        Witness::calls(
            "3.8 MB of numbers for a list of texts",
            json!({"input_schema": {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "string"}}}}}),
            at("/", json!({"method": "POST"})),
            json!({"ids": vec![1; 1_900_000]}),
        ),
        Witness::calls(
            "3.8 MB of brackets for a tool without a schema",
            json!({}),
            at("/", json!({"method": "POST"})),
            json!({"ids": vec![json!([]); 1_200_000]}),
        ),
        Witness::calls(
            "pattern with look-around over 100 KB",
            one(json!({"type": "string", "pattern": "(?=.*x)y"})),
            at("/", json!({"method": "POST"})),
            json!({"x": "a".repeat(100_000)}),
        ),
        Witness::calls(
            "unique items, 100,000 objects",
            one(json!({"type": "array", "uniqueItems": true})),
            at("/", json!({"method": "POST"})),
            json!({"x": (0..100_000).map(|number| json!({"a": number})).collect::<Vec<_>>()}),
        ),
        Witness::calls(
            "template of a body over 100,000 objects",
            json!({}),
            at(
                "/",
                json!({"method": "POST", "body": {"mode": "json", "template": {"n": "{{ args.x | length }}"}}}),
            ),
            json!({"x": vec![json!({"a": 1}); 100_000]}),
        ),
        Witness::calls(
            "110 levels of brackets in 220 bytes",
            json!({}),
            at("/", json!({"method": "POST"})),
            json!({"x": (0..109).fold(json!([]), |inner, _| json!([inner]))}),
        ),
        Witness::calls(
            "template that sorts 200,000 items in each of 1,000 steps",
            json!({}),
            at(
                "/",
                json!({"method": "POST", "query": {"q": "{% for i in range(1000) %}{% if (args.x | sort) %}{% endif %}{% endfor %}a"}}),
            ),
            json!({"x": (0..200_000).rev().collect::<Vec<_>>()}),
        ),
    ]
}

/// What an upstream can answer.
fn answers() -> Vec<Witness> {
    let shaped = |name, path, response: Value| {
        Witness::calls(
            name,
            json!({}),
            at(path, json!({"response": response})),
            json!({}),
        )
    };
    vec![
        shaped(
            "`format: text` of 1 MiB of `&`",
            "/ampersands",
            json!({"format": "text"}),
        ),
        shaped(
            "`format: text` of 1 MB of open tags",
            "/tags",
            json!({"format": "text"}),
        ),
        shaped(
            "jq `tonumber` of 5 MB of digits",
            "/digits",
            json!({"jq": ".t | tonumber"}),
        ),
        shaped(
            "jq `gsub` over 6.8 MB",
            "/letters",
            json!({"jq": ".t | gsub(\"a\"; \"b\")"}),
        ),
        shaped(
            "jq `fromjson` of a text of 7 KB, deeply nested",
            "/nested",
            json!({"jq": ".t | fromjson"}),
        ),
        shaped(
            "template over 490,000 objects in 3.9 MB",
            "/objects",
            json!({"template": "{{ body | length }}", "content": ["text"]}),
        ),
        shaped(
            "condition over 490,000 objects in 3.9 MB",
            "/objects",
            json!({"success": "(body | length) > 7"}),
        ),
        Witness::calls(
            "490,000 objects in 3.9 MB held against `output_schema`",
            json!({"output_schema": {"type": "array"}}),
            at(
                "/objects",
                json!({"response": {"max_bytes": 8_000_000, "content": ["structured"]}}),
            ),
            json!({}),
        ),
        Witness::calls(
            "3.8 MB of numbers where `output_schema` says texts",
            json!({"output_schema": {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "string"}}}}}),
            at("/numbers", json!({})),
            json!({}),
        ),
    ]
}

/// What an MCP server can answer.
fn servers() -> Vec<Witness> {
    let serving = |name, what| Witness {
        server: Some(what),
        ..Witness::new(
            name,
            Attack::Calls {
                arguments: json!({}),
                at_once: 4,
            },
        )
    };
    vec![
        serving("7.6 MB of numbers from an MCP server", "numbers"),
        serving("7.6 MB of line ends in a text of an MCP server", "text"),
    ]
}

/// What an author of definitions can write.
fn definitions() -> Vec<Witness> {
    let with = |members: Value, response: Value| {
        let mut tool = json!({"name": Witness::TOOL, "description": "Hurts.", "input_schema": {},
            "tds_ext_info": {"domain": "localhost", "method": "GET", "path": "/", "response": response}});
        if let (Value::Object(tool), Value::Object(members)) = (&mut tool, members) {
            tool.extend(members);
        }
        tool
    };
    let jq = with(json!({}), json!({"jq": format!("{}1", "-".repeat(1200))}));
    let template = with(
        json!({}),
        json!({"template": format!("{{{{ {}1 }}}}", "-".repeat(12_000))}),
    );
    let nested = with(
        json!({}),
        json!({"template": format!("{}{}", "{% if 1 %}".repeat(3_000), "{% endif %}".repeat(3_000))}),
    );
    let patterns: serde_json::Map<_, _> = (0..1000)
        .map(|number| {
            let pattern = format!("\\p{{L}}{{200}}{number}");
            (
                format!("x{number}"),
                json!({"type": "string", "pattern": pattern}),
            )
        })
        .collect();
    let patterns = with(
        json!({"input_schema": {"type": "object", "properties": patterns}}),
        json!({}),
    );
    let schema =
        json!({"type": "object", "$defs": doubling("#/$defs/"), "properties": {"x": {"$ref": "#/$defs/d0"}}});
    let example = json!([{"arguments": {"x": 5}}]);
    let doubled = with(json!({"input_schema": schema, "examples": example}), json!({}));
    let put = |name, document: &Value| {
        let attack = Attack::Admin {
            method: "PUT",
            path: "/admin/tds/hurt?dry_run=true",
            body: document.to_string(),
            at_once: 2,
        };
        Witness::new(name, attack)
    };
    let openapi = json!({"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://a.example"}],
        "paths": {"/x": {"post": {"operationId": "x", "requestBody": {"content": {"application/json": {"schema":
            {"$ref": "#/components/schemas/d0"}}}}, "responses": {"200": {"description": "ok"}}}}},
        "components": {"schemas": doubling("#/components/schemas/")}});
    let import = Attack::Admin {
        method: "POST",
        path: "/admin/import/openapi?instance=i&dry_run=true",
        body: openapi.to_string(),
        at_once: 2,
    };
    vec![
        put("PUT: 1,200 × `-` in jq", &jq),
        put("PUT: 12,000 × `-` in a template", &template),
        put("PUT: 3,000 nested blocks in a template", &nested),
        put("PUT: 1,000 patterns `\\p{L}{200}`", &patterns),
        put("PUT: 26 doubling `$ref`s with an example", &doubled),
        Witness::new("import: 26 doubling `$ref`s", import),
        importing(
            "import: 1.9 million members in JSON",
            format!(
                r#"{{"openapi":"3.0.0","x":{{{}"z":0}}}}"#,
                members(|number| format!("\"{number:x}\":1,"))
            ),
        ),
        importing(
            "import: 1.9 million members in YAML",
            format!(
                "openapi: 3.0.0\nx:\n{}",
                members(|number| format!(" {number:x}: 1\n"))
            ),
        ),
        Witness::new(
            "plan: 900,000 definitions that are none",
            Attack::Admin {
                method: "POST",
                path: "/admin/plan",
                body: format!(
                    r#"{{"definitions":[{}{{}}]}}"#,
                    r#"{"kind":"a","id":"","document":0},"#.repeat(900_000)
                ),
                at_once: 2,
            },
        ),
        Witness::new("start: 1,200 × `-` in jq in the store", Attack::Stored(jq)),
        Witness::new(
            "start: 1,000 patterns `\\p{L}{200}` in the store",
            Attack::Stored(patterns),
        ),
        Witness::new("start: 26 doubling `$ref`s in the store", Attack::Stored(doubled)),
    ]
}

fn importing(name: &'static str, body: String) -> Witness {
    let attack = Attack::Admin {
        method: "POST",
        path: "/admin/import/openapi?instance=i&dry_run=true",
        body,
        at_once: 2,
    };
    Witness::new(name, attack)
}

fn members(written: fn(usize) -> String) -> String {
    (0..1_900_000).map(written).collect()
}

/// Schemas of which each refers to the next one twice; the last one takes texts.
fn doubling(at: &str) -> Value {
    let mut all = serde_json::Map::new();
    for number in 0..26 {
        let next = json!({"$ref": format!("{at}d{}", number + 1)});
        all.insert(format!("d{number}"), json!({"allOf": [next, next]}));
    }
    all.insert("d26".to_owned(), json!({"type": "string"}));
    Value::Object(all)
}

/// What anybody on the network can do.
fn connections() -> Vec<Witness> {
    let calling = |name, path, more: Value, attack| Witness {
        attack,
        ..Witness::calls(name, json!({}), at(path, more), json!({}))
    };
    let itself = json!({"base_url": Witness::GATEWAY, "method": "POST", "headers": {"X-Api-Key": dynmcp_harness::Gateway::KEY},
        "body": {"mode": "json", "template": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": Witness::TOOL, "arguments": {}}}}});
    vec![
        Witness::new(
            "200 heads that never end, 400 KiB each",
            Attack::Heads { connections: 200 },
        ),
        Witness::new(
            "64 bodies of 4 MiB without their last byte",
            Attack::Bodies { connections: 64 },
        ),
        calling(
            "64 unread answers of 7 MiB",
            "/large",
            json!({}),
            Attack::Unread { connections: 64 },
        ),
        Witness {
            more_tools: 2_000,
            ..Witness::new(
                "200 unread `/metrics` of 2,000 tools on one HTTP/2 connection",
                Attack::UnreadMetrics { requests: 200 },
            )
        },
        calling(
            "a tool that calls itself through the gateway",
            "/mcp/hostile",
            itself,
            Attack::Calls {
                arguments: json!({}),
                at_once: 1,
            },
        ),
        calling(
            "calls of an older revision, abandoned",
            "/never",
            json!({"timeout_ms": 60_000}),
            Attack::Abandoned { at_once: 16 },
        ),
        Witness {
            app: "max_connections = 128\n",
            ..Witness::new(
                "200 idle connections where 128 have a place",
                Attack::Connections { count: 200 },
            )
        },
        Witness {
            files: Some(256),
            ..Witness::new(
                "400 idle connections with 256 descriptors",
                Attack::Connections { count: 400 },
            )
        },
    ]
}
