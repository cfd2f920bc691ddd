//! Descriptions made to hurt: small ones that name much, deep ones, endless ones. Each comes back within seconds, costs the
//! operation and not the document where it can, and the report says why.

use super::{Format, ImportOptions, Report, import};
use crate::{
    authoring::change_plan::{Plan, Stored},
    growth,
    tool::ToolCompiler,
};
use mcp_common::bounds::Bounds;
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn options() -> ImportOptions {
    ImportOptions {
        instance: "i".to_owned(),
        base_url: Some("http://a.example".to_owned()),
        ..ImportOptions::default()
    }
}

fn run(format: Format, text: &str) -> Result<(Plan, Report), String> {
    import(format, text, &options(), &Stored::default()).map_err(|error| error.to_string())
}

/// An operation `GET /hurt` with these members, and a harmless one beside it.
fn document(operation: Value, components: Value) -> Value {
    json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": {
        "/hurt": {"post": operation}, "/fine": {"get": {}}}, "components": components})
}

/// The report says this of the one, and the other one has a tool.
#[track_caller]
fn costs_the_operation(document: &Value, reason: &str) {
    let (_, report) = run(Format::OpenApi, &document.to_string()).unwrap();
    assert_eq!(report.created, ["i.get_fine"], "{report}");
    assert!(report.skipped[0].reason.contains(reason), "{report}");
}

/// Both have tools.
#[track_caller]
fn costs_nothing(document: &Value) {
    let (_, report) = run(Format::OpenApi, &document.to_string()).unwrap();
    assert_eq!(report.created.len(), 2, "{report}");
}

/// The tool has none of them, and the report says why.
fn costs_the_patterns(document: &Value, bound: &str) {
    let (plan, report) = run(Format::OpenApi, &document.to_string()).unwrap();
    let is_said = |note: &String| {
        let is_about_patterns =
            note.contains("its patterns are left out: ") || note.contains(" patterns are left out, ");
        note.starts_with("POST /hurt: ") && is_about_patterns && note.contains(bound)
    };
    assert_eq!(report.created.len(), 2, "{report}");
    assert!(report.notes.iter().any(is_said), "{report}");
    assert!(!format!("{plan:?}").contains("p{L}"), "a pattern is kept");
}

fn body(schema: Value) -> Value {
    json!({"requestBody": {"content": {"application/json": {"schema": schema}}}})
}

fn answer(schema: Value) -> Value {
    json!({"responses": {"200": {"content": {"application/json": {"schema": schema}}}}})
}

/// Definitions of which each refers to the next one so many times.
fn multiplying(times: usize) -> Value {
    let definition = |n: usize| {
        let next = json!({"$ref": format!("#/components/schemas/d{}", n + 1)});
        (
            format!("d{n}"),
            json!({"type": "object", "allOf": vec![next; times]}),
        )
    };
    let mut definitions: Map<_, _> = (0..26).map(definition).collect();
    definitions.insert("d26".to_owned(), json!({"type": "object"}));
    json!({ "schemas": definitions })
}

#[test]
fn references_that_multiply_or_go_round_cost_the_operation() {
    let first = json!({"$ref": "#/components/schemas/d0"});
    costs_the_operation(
        &document(body(first.clone()), multiplying(2)),
        "bounds.schema_expansion",
    );
    costs_the_operation(
        &document(body(first.clone()), multiplying(12)),
        "bounds.schema_expansion",
    );
    costs_nothing(&document(answer(first), multiplying(12)));
    let round = json!({"schemas": {"n": {"allOf": [{"$ref": "#/components/schemas/n"}]}}});
    let node = json!({"$ref": "#/components/schemas/n"});
    costs_the_operation(
        &document(body(node.clone()), round.clone()),
        "leads back to itself",
    );
    costs_nothing(&document(answer(node), round));
}

/// What makes a tool of an operation looks into members before any schema is compiled.
#[test]
fn what_multiplies_inside_of_members_and_forms_comes_back() {
    let first = json!({"$ref": "#/components/schemas/d0"});
    let member = json!({"type": "object", "properties": {"a": first}});
    let (_, report) = run(
        Format::OpenApi,
        &document(body(member.clone()), multiplying(12)).to_string(),
    )
    .unwrap();
    assert!(report.created.contains(&"i.get_fine".to_owned()), "{report}");
    run(
        Format::OpenApi,
        &document(answer(member), multiplying(12)).to_string(),
    )
    .unwrap();
    // Of a form, alternatives of alternatives, with much beside them that nobody reads; and names without end.
    let definition = |n: usize| {
        let next = json!({"$ref": format!("#/components/schemas/d{}", n + 1)});
        let schema = match n {
            12 => json!({"type": "object", "properties": {"a": {}}, "x-more": "x".repeat(1 << 20)}),
            _ => json!({"anyOf": vec![next; 12], "x-more": "x".repeat(1 << 10)}),
        };
        (format!("d{n}"), schema)
    };
    let definitions: Map<_, _> = (0..=12).map(definition).collect();
    let form =
        |schema: &Value| json!({"requestBody": {"content": {"multipart/form-data": {"schema": schema}}}});
    run(
        Format::OpenApi,
        &document(form(&first), json!({"schemas": definitions})).to_string(),
    )
    .unwrap();
    let names: Vec<_> = (0..50_000).map(|n| format!("name{n}")).collect();
    let part = |n: usize| json!({"type": "object", "properties": {format!("p{n}"): {}}, "required": names});
    let several: Vec<_> = (0..8).map(part).collect();
    let definitions = json!({"schemas": {"d0": {"anyOf": several}}});
    run(Format::OpenApi, &document(form(&first), definitions).to_string()).unwrap();
}

#[test]
fn what_is_named_many_times_is_copied_within_bounds() {
    let many: Vec<String> = (0..100_000).map(|n| format!("value {n}")).collect();
    let parameter = |n: usize| json!({"$ref": "#/components/parameters/p", "n": n});
    let parameters: Vec<_> = (0..400).map(parameter).collect();
    let large = json!({"parameters": {"p": {"name": "p", "in": "query", "schema": {"enum": many}}}});
    costs_the_operation(&document(json!({ "parameters": parameters }), large), "MiB");
    let example = json!({"schemas": {"s": {"type": "string"}}, "examples": {"e": {"value": many}}});
    let with_example = |n: usize| {
        json!({"name": format!("p{n}"), "in": "query", "schema": {"type": "string"},
            "examples": {"e": {"$ref": "#/components/examples/e"}}})
    };
    let parameters: Vec<_> = (0..400).map(with_example).collect();
    costs_nothing(&document(json!({ "parameters": parameters }), example));
    let enums = json!({"schemas": {"s": {"type": "object", "properties": {"a": {"enum": many}}}}});
    let large = document(body(json!({"$ref": "#/components/schemas/s"})), enums);
    // What is larger than a model can use is left open where it is far, and refused where it is an argument itself.
    costs_nothing(&large);
    let near = json!({"name": "p", "in": "query", "schema": {"enum": many}});
    costs_the_operation(
        &document(json!({"parameters": [near]}), json!({})),
        "input_schema",
    );
    let parameters: Vec<_> = (0..600)
        .map(|n| json!({"name": format!("p{n}"), "in": "query"}))
        .collect();
    costs_the_operation(
        &document(json!({ "parameters": parameters }), json!({})),
        "500 parameters",
    );
    let members: Map<_, _> = (0..3_000)
        .map(|n| (format!("m{n}"), json!({"type": "string"})))
        .collect();
    let required: Vec<_> = members.keys().cloned().collect();
    let flat = json!({"type": "object", "properties": members, "required": required});
    costs_nothing(&document(body(flat), json!({})));
}

#[test]
fn patterns_of_one_operation_share_one_memory() {
    let pattern = |n: usize| {
        (
            format!("p{n}"),
            json!({"type": "string", "pattern": format!("\\p{{L}}{{200}}{n}")}),
        )
    };
    let patterns = |count: usize| json!({"type": "object", "properties": (0..count).map(pattern).collect::<Map<_, _>>()});
    let with_example = |schema: Value| {
        let mut operation = body(schema);
        operation["requestBody"]["content"]["application/json"]["example"] = json!({"p1": "a"});
        document(operation, json!({}))
    };
    costs_the_patterns(&with_example(patterns(300)), "bounds.schema_pattern_memory");
    costs_the_patterns(
        &document(body(patterns(700)), json!({})),
        "bounds.schema_patterns",
    );
}

#[test]
fn documents_of_many_values_levels_or_operations_are_refused_with_the_bound() {
    let deep = format!(
        "{{\"openapi\":\"3.0.0\",\"x\":{}{}}}",
        "[".repeat(110),
        "]".repeat(110)
    );
    assert!(
        run(Format::OpenApi, &deep)
            .unwrap_err()
            .contains("bounds.description_depth")
    );
    let wide = format!("{{\"openapi\":\"3.0.0\",\"x\":[{}1]}}", "1,".repeat(4_100_000));
    for format in [Format::OpenApi, Format::Postman, Format::Har] {
        assert!(
            run(format, &wide)
                .unwrap_err()
                .contains("bounds.description_nodes")
        );
    }
    let references: Map<_, _> = (0..7_000)
        .map(|n| (format!("/p{n}"), json!({"$ref": "#/components/pathItems/x"})))
        .collect();
    let item = json!({"get": {}, "put": {}, "post": {}});
    let many = json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": references, "components": {"pathItems": {"x": item}}});
    let reason = run(Format::OpenApi, &many.to_string()).unwrap_err();
    assert!(reason.contains("bounds.description_operations"), "{reason}");
}

#[test]
fn all_tools_together_have_a_bound() {
    let members: Map<_, _> = (0..400)
        .map(|n| (format!("m{n}"), json!({"description": "x".repeat(200)})))
        .collect();
    let shared = json!({"schemas": {"s": {"type": "object", "properties": members}}});
    let operation = body(json!({"type": "array", "items": {"$ref": "#/components/schemas/s"}}));
    let paths: Map<_, _> = (0..400)
        .map(|n| (format!("/p{n}"), json!({"post": operation})))
        .collect();
    let document = json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": paths, "components": shared});
    let mut bounds = Bounds::default();
    bounds.set("description_tools_bytes", 16 << 20).unwrap();
    let compiler = ToolCompiler::default().with_bounds(Arc::new(bounds));
    let options = options().compiled_by(compiler);
    let (_, report) = import(
        Format::OpenApi,
        &document.to_string(),
        &options,
        &Stored::default(),
    )
    .unwrap();
    assert!(report.created.len() > 50 && report.skipped.len() > 50, "{report}");
    assert!(
        report.skipped[0]
            .reason
            .contains("bounds.description_tools_bytes"),
        "{report}"
    );
}

#[test]
fn variables_that_multiply_are_left_as_they_are() {
    let servers = json!([{"url": "{a}".repeat(600), "variables": {"a": {"default": "x".repeat(100_000)}}}]);
    let mut document = document(json!({}), json!({}));
    document["servers"] = servers;
    let options = ImportOptions {
        base_url: None,
        ..options()
    };
    let (_, report) = import(
        Format::OpenApi,
        &document.to_string(),
        &options,
        &Stored::default(),
    )
    .unwrap();
    assert!(report.skipped[0].reason.contains("2048 bytes"), "{report}");
    let variables: Vec<_> = (0..40)
        .map(|n| json!({"key": format!("v{n}"), "value": format!("{{{{v{}}}}}", n + 1).repeat(40)}))
        .collect();
    let request = json!({"method": "POST", "url": "http://a.example/x?a={{v0}}", "body": {"mode": "raw", "raw": "{{v0}}".repeat(1_000)}});
    let collection = json!({"info": {"name": "n", "schema": "v2.1"}, "variable": variables, "item": [{"name": "x", "request": request}]});
    run(Format::Postman, &collection.to_string()).unwrap();
}

#[test]
fn samples_that_are_too_large_cost_the_request() {
    let url = format!("http://a.example{}", "/12345".repeat(20_000));
    let curl = run(Format::Curl, &format!("curl '{url}'")).unwrap().1;
    assert!(curl.skipped[0].reason.contains("URL has more than"), "{curl}");
    let fields = "-F a=b ".repeat(2_000);
    let curl = run(Format::Curl, &format!("curl http://a.example {fields}"))
        .unwrap()
        .1;
    assert!(curl.skipped[0].reason.contains("2000 fields"), "{curl}");
    let body = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let entry = json!({"request": {"method": "POST", "url": "http://a.example/x", "headers": [],
        "postData": {"mimeType": "application/json", "text": body}}});
    let archive = json!({"log": {"entries": [entry]}});
    run(Format::Har, &archive.to_string()).unwrap();
}

#[test]
fn an_import_takes_time_that_grows_with_the_description() {
    let operations = |bytes: usize| -> Value {
        let paths: Map<_, _> = (0..bytes / 256)
            .map(|n| {
                let parameters = json!([{"name": "id", "in": "path", "schema": {"type": "integer"}}]);
                (
                    format!("/p{n}/{{id}}"),
                    json!({"get": {"parameters": parameters, "summary": "x".repeat(80)}}),
                )
            })
            .collect();
        json!({"openapi": "3.0.0", "info": {"title": "t"}, "paths": paths})
    };
    growth::is_linear_from(
        16 << 10,
        "operations",
        256 << 10,
        |bytes| operations(bytes).to_string(),
        |text| {
            run(Format::OpenApi, text).unwrap();
        },
    );
    let same_names = |bytes: usize| {
        let schema = |n: usize| {
            (
                format!("s{n}"),
                json!({"x": {"type": "string", "title": format!("t{n}")}}),
            )
        };
        let schemas: Map<_, _> = (0..bytes / 64).map(schema).collect();
        let all: Vec<_> = schemas
            .keys()
            .map(|name| json!({"$ref": format!("#/components/schemas/{name}/x")}))
            .collect();
        document(body(json!({"anyOf": all})), json!({ "schemas": schemas })).to_string()
    };
    growth::is_linear_from(16 << 10, "names", 512 << 10, same_names, |text: &String| {
        drop(run(Format::OpenApi, text))
    });
    // Of each body, a hundred fields that each are one of twelve to the power of ten files.
    let files = |bytes: usize| {
        let definition = |n: usize| {
            let next = json!({"$ref": format!("#/components/schemas/d{}", n + 1)});
            let schema = match n {
                10 => json!({"type": "string", "format": "binary"}),
                _ => json!({"anyOf": vec![next; 12]}),
            };
            (format!("d{n}"), schema)
        };
        let definitions: Map<_, _> = (0..=10).map(definition).collect();
        let field = |n: usize| (format!("f{n}"), json!({"$ref": "#/components/schemas/d0"}));
        let fields: Map<_, _> = (0..100).map(field).collect();
        let form = json!({"schema": {"type": "object", "properties": fields}});
        let operation = json!({"requestBody": {"content": {"multipart/form-data": form}}});
        let paths: Map<_, _> = (0..bytes / (8 << 10))
            .map(|n| (format!("/p{n}"), json!({"post": operation})))
            .collect();
        json!({"openapi": "3.1.0", "info": {"title": "t"}, "paths": paths, "components": {"schemas": definitions}}).to_string()
    };
    growth::is_linear_from(32 << 10, "files", 128 << 10, files, |text: &String| {
        drop(run(Format::OpenApi, text))
    });
    let yaml = |bytes: usize| {
        format!(
            "openapi: 3.0.0\nx:\n{}",
            "  - {a: 1, b: [2, 3]}\n".repeat(bytes / 24)
        )
    };
    growth::is_linear_from(32 << 10, "YAML", 2 << 20, yaml, |text: &String| {
        drop(run(Format::OpenApi, text))
    });
    let header = |bytes: usize| format!("curl http://a.example/x {}", "-d a=b ".repeat(bytes / 7));
    growth::is_linear_from(32 << 10, "curl", 2 << 20, header, |text: &String| {
        drop(run(Format::Curl, text))
    });
    let requests = |bytes: usize| {
        let item = |n: usize| json!({"name": format!("r{n}"), "request": {"method": "GET", "url": format!("http://a.example/x{n}")}});
        let items: Vec<_> = (0..bytes / 96).map(item).collect();
        json!({"info": {"name": "n", "schema": "v2.1"}, "item": items}).to_string()
    };
    growth::is_linear_from(16 << 10, "requests", 128 << 10, requests, |text: &String| {
        drop(run(Format::Postman, text))
    });
}

/// Up to as many as there may be, and twice as many bytes for each as they need: the requests of one operation, those that are no
/// operations of an API, and those that nobody selects.
#[test]
fn samples_take_time_that_grows_with_their_number() {
    const MOST: usize = 2 << 20;
    let archive = |method: &'static str, path: fn(usize) -> String| {
        move |bytes: usize| {
            let entry = |n: usize| {
                let url = format!("http://a.example/{}", path(n));
                json!({"request": {"method": method, "url": url}, "response": {"content": {"mimeType": "application/json"}}})
            };
            let entries: Vec<_> = (0..bytes / 128).map(entry).collect();
            json!({"log": {"entries": entries}}).to_string()
        }
    };
    let none = ImportOptions {
        include: vec!["tag:none".parse().unwrap()],
        ..options()
    };
    let import_all = |text: &String, options: &ImportOptions| {
        import(Format::Har, text, options, &Stored::default()).unwrap();
    };
    let distinct: fn(usize) -> String = |n| {
        format!(
            "name{}x",
            (0..12)
                .map(|bit| (b'a' + (n >> bit & 1) as u8) as char)
                .collect::<String>()
                + &"y".repeat(n >> 12)
        )
    };
    let same: fn(usize) -> String = |_| "same?a=b".to_owned();
    for (what, method, path) in [
        ("requests of one operation", "GET", same),
        ("requests that are no operations", "OPTIONS", distinct),
    ] {
        growth::is_linear_from(64 << 10, what, MOST, archive(method, path), |text: &String| {
            import_all(text, &options());
        });
    }
    growth::is_linear_from(
        64 << 10,
        "requests that nobody selects",
        MOST,
        archive("GET", distinct),
        |text: &String| {
            import_all(text, &none);
        },
    );
    let collection = |bytes: usize| {
        let item = |n: usize| json!({"name": "r", "request": {"method": "GET", "url": format!("http://a.example/{}", distinct(n))}});
        let items: Vec<_> = (0..bytes / 128).map(item).collect();
        json!({"info": {"name": "n", "schema": "v2.1"}, "item": items}).to_string()
    };
    growth::is_linear_from(
        64 << 10,
        "a collection that nobody selects",
        MOST,
        collection,
        |text: &String| {
            import(Format::Postman, text, &none, &Stored::default()).unwrap();
        },
    );
    let paths = |bytes: usize| {
        let paths: Map<_, _> = (0..bytes / 128)
            .map(|n| {
                (
                    format!("/{}", distinct(n)),
                    json!({"get": {"summary": "x".repeat(40)}}),
                )
            })
            .collect();
        json!({"openapi": "3.0.0", "info": {"title": "t"}, "paths": paths}).to_string()
    };
    growth::is_linear_from(
        64 << 10,
        "paths that nobody selects",
        MOST,
        paths,
        |text: &String| {
            import(Format::OpenApi, text, &none, &Stored::default()).unwrap();
        },
    );
}
