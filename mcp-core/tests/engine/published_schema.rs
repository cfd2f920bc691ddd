//! The published JSON Schemas beside what reads the documents: neither refuses what the other accepts.

mod documents;
mod fields;
mod variants;

use documents::{INSTANCE, STATIC, TOOL, put};
use fields::fields_of;
use mcp_common::{
    definition::{
        self, Access, CallLimits, InstanceDefinition, ToolDefinition, UnknownMembers, instance, tool,
    },
    document::Document,
    key::Kind,
};
use mcp_core::tool::ToolCompiler;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn validator(kind: Kind) -> jsonschema::Validator {
    jsonschema::draft202012::new(&definition::schema(kind, UnknownMembers::Kept)).unwrap()
}

fn document(value: &Value) -> Document {
    Document::parse(value.to_string().as_bytes()).unwrap()
}

/// What the gateway says of it.
#[derive(Debug)]
struct Verdict {
    /// Whether it can be read, with the warnings.
    read: Result<Vec<String>, String>,
    /// Whether it can be used.
    works: Result<(), String>,
}

fn verdict(kind: Kind, value: &Value) -> Verdict {
    let read = if kind == Kind::TOOL {
        ToolDefinition::read("t", &document(value)).map(|read| {
            let compiled = ToolCompiler::default().compile(&read.definition);
            (read.warnings, compiled.map(drop))
        })
    } else {
        InstanceDefinition::read("i", &document(value)).map(|read| (read.warnings, Ok(())))
    };
    match read {
        Ok((warnings, works)) => Verdict {
            read: Ok(warnings),
            works: works.map_err(|problems| problems.to_string()),
        },
        Err(problems) => Verdict {
            read: Err(problems.to_string()),
            works: Err(problems.to_string()),
        },
    }
}

fn accepted(kind: Kind, validator: &jsonschema::Validator, value: &Value) {
    let findings: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    let works = verdict(kind, value).works;
    assert!(
        findings.is_empty() && works.is_ok(),
        "{value}: schema {findings:?}, gateway {works:?}"
    );
}

/// The members that the schema knows, by the place of their object in `documents.rs`.
fn described(kind: Kind) -> Vec<(String, Vec<String>)> {
    let schema = definition::schema(kind, UnknownMembers::Kept);
    let members = |node: &Value| -> Vec<String> {
        let properties = node["properties"].as_object().unwrap_or_else(|| panic!("{node}"));
        properties.keys().cloned().collect()
    };
    // Those of another target: `answers_of_definitions_…` is about them.
    let elsewhere_too = ["StaticAnswer", "ContentBlock", "ResourceContents"];
    let places: &[(&str, &str)] = if kind == Kind::TOOL {
        &[
            ("", ""),
            ("Access", "/access"),
            ("CallLimits", "/limits"),
            ("Example", "/examples/0"),
            ("Expectation", "/examples/0/expect"),
            ("Mock", "/examples/0/mock"),
            ("HttpBinding", "/tds_ext_info"),
            ("Limits", "/tds_ext_info/limits"),
            ("Param", "/tds_ext_info/params/0"),
            ("BodyBinding", "/tds_ext_info/body"),
            ("Part", "/tds_ext_info/body/parts/0"),
            ("Encoding", "/tds_ext_info/body/encoding/note"),
            ("RetryBinding", "/tds_ext_info/retry"),
            ("Backoff", "/tds_ext_info/retry/backoff"),
            ("RedirectBinding", "/tds_ext_info/redirect"),
            ("TlsBinding", "/tds_ext_info/tls"),
            ("ProxyBinding", "/tds_ext_info/proxy"),
            ("EgressBinding", "/tds_ext_info/egress"),
            ("ResponseBinding", "/tds_ext_info/response"),
            ("ErrorRule", "/tds_ext_info/response/errors/0"),
        ]
    } else {
        &[
            ("", ""),
            ("Access", "/access"),
            ("CallLimits", "/limits"),
            ("ToolReference", "/tool_ids/1"),
            ("RemoteOutput", "/tool_ids/1/output"),
            ("Include", "/include"),
            ("Exclude", "/exclude"),
            ("Metadata", "/metadata"),
        ]
    };
    // Members of other languages, and those that depend on the kind of credential.
    let elsewhere = ["ArgumentSchema", "AuthBinding"];
    let known: BTreeSet<&str> = places
        .iter()
        .map(|(name, _)| *name)
        .chain(elsewhere)
        .chain(elsewhere_too)
        .collect();
    let parts = schema["$defs"].as_object().unwrap();
    for (name, part) in parts {
        let has_members = part.get("properties").is_some();
        assert!(
            !has_members || known.contains(name.as_str()),
            "{name} stands nowhere in this test"
        );
    }
    places
        .iter()
        .map(|(name, place)| {
            let node = if name.is_empty() { &schema } else { &parts[*name] };
            ((*place).to_owned(), members(node))
        })
        .collect()
}

#[test]
fn the_schemas_are_complete_in_themselves() {
    for (kind, id) in [
        (Kind::TOOL, "urn:dynmcp:schema:tds"),
        (Kind::INSTANCE, "urn:dynmcp:schema:ids"),
    ] {
        let schema = definition::schema(kind, UnknownMembers::Kept);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], id);
        assert!(jsonschema::meta::is_valid(&schema));
        for (place, members) in described(kind) {
            for name in members {
                let part = place
                    .rsplit('/')
                    .find(|step| step.parse::<usize>().is_err())
                    .unwrap_or_default();
                let text = schema.to_string();
                assert!(text.contains(&format!("\"{name}\":{{")), "{part}.{name}");
            }
        }
        for example in schema["examples"].as_array().unwrap() {
            accepted(kind, &validator(kind), example);
        }
    }
}

/// Whatever stands at a known place: what cannot be read the schema refuses, and what works it accepts.
#[test]
fn the_schema_and_the_gateway_refuse_the_same() {
    let values = [
        json!(null),
        json!(true),
        json!(3),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(100_000_000),
        json!(""),
        json!("GET"),
        json!("text"),
        json!("a b"),
        json!("1MiB"),
        json!("1 PiB"),
        json!("${env:A}"),
        json!("${env:}"),
        json!("/note"),
        json!("json"),
        json!("query"),
        json!([]),
        json!(["text"]),
        json!([1]),
        json!(["connect", 500]),
        json!([399]),
        json!([null]),
        json!({}),
        json!({"a": 1}),
        json!({"a": "x"}),
        json!({"a": null}),
        json!({"a": {}}),
        json!({"a": ["x"]}),
        json!({"tags": "x"}),
        json!([{"id": "x", "nam": 1}]),
    ];
    let mut refused = 0;
    for (kind, text) in [(Kind::TOOL, TOOL), (Kind::INSTANCE, INSTANCE)] {
        let base: Value = serde_json::from_str(text).unwrap();
        let validator = validator(kind);
        let strict =
            jsonschema::draft202012::new(&definition::schema(kind, UnknownMembers::Refused)).unwrap();
        accepted(kind, &validator, &base);
        accepted(kind, &strict, &base);
        for (place, members) in described(kind) {
            for (name, value) in members
                .iter()
                .flat_map(|name| values.iter().map(move |value| (name, value)))
            {
                let changed = put(&base, &place, name, value.clone());
                let Verdict { read, works } = verdict(kind, &changed);
                let valid = validator.is_valid(&changed);
                let what = format!("{place}/{name} = {value}: schema {valid}, gateway {read:?}");
                // A schema does not compare two members.
                let of_two = [
                    "`base_ms` must be at most",
                    "tool_ids[1].output: is for tools of upstreams",
                    "access: is empty",
                ];
                let is_beyond = |reason: &String| of_two.iter().any(|two| reason.contains(two));
                let is_beyond = read.as_ref().is_err_and(is_beyond);
                assert!(
                    !valid || read.is_ok() || is_beyond,
                    "the schema accepts what cannot be read: {what}"
                );
                // serde reads the members of an object from a list as well, by their order; nobody writes them so.
                let is_object = base
                    .pointer(&place)
                    .is_some_and(|object| object[name].is_object());
                let is_positional = value.is_array() && is_object;
                assert!(
                    valid || works.is_err() || is_positional,
                    "the schema refuses what works: {what}"
                );
                refused += usize::from(!valid);
            }
            let changed = put(&base, &place, "misspelt", json!(1));
            let read = verdict(kind, &changed).read;
            assert_eq!(validator.is_valid(&changed), read.is_ok(), "{place}");
            // What a strict write refuses, the strict schema does.
            let is_known =
                read.is_ok_and(|warnings| !warnings.iter().any(|text| text.contains("unknown member")));
            assert_eq!(strict.is_valid(&changed), is_known, "{place}");
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn every_member_that_is_read_is_described_and_every_described_one_is_read() {
    let of = |kind: Kind| described(kind).into_iter();
    for (kind, text) in [(Kind::TOOL, TOOL), (Kind::INSTANCE, INSTANCE)] {
        let base: Value = serde_json::from_str(text).unwrap();
        for (place, members) in of(kind) {
            for name in members {
                let said = match verdict(kind, &put(&base, &place, &name, json!(null))).read {
                    Ok(warnings) => warnings.join("; "),
                    Err(problems) => problems,
                };
                let is_known = !said.contains("unknown member") && !said.contains("unknown field");
                assert!(is_known, "{place}/{name}: {said}");
            }
        }
    }
    let read = [
        ("", fields_of::<ToolDefinition>()),
        ("/access", fields_of::<Access>()),
        ("/limits", fields_of::<CallLimits>()),
        ("/examples/0", fields_of::<tool::Example>()),
        ("/examples/0/expect", fields_of::<tool::Expectation>()),
        ("/examples/0/mock", fields_of::<tool::Mock>()),
        ("/tds_ext_info", fields_of::<tool::HttpBinding>()),
        ("/tds_ext_info/limits", fields_of::<tool::Limits>()),
        ("/tds_ext_info/params/0", fields_of::<tool::Param>()),
        ("/tds_ext_info/body", fields_of::<tool::BodyBinding>()),
        ("/tds_ext_info/body/parts/0", fields_of::<tool::Part>()),
        ("/tds_ext_info/body/encoding/note", fields_of::<tool::Encoding>()),
        ("/tds_ext_info/retry", fields_of::<tool::RetryBinding>()),
        ("/tds_ext_info/retry/backoff", fields_of::<tool::Backoff>()),
        ("/tds_ext_info/redirect", fields_of::<tool::RedirectBinding>()),
        ("/tds_ext_info/tls", fields_of::<tool::TlsBinding>()),
        ("/tds_ext_info/proxy", ["password", "url", "username"].into()),
        ("/tds_ext_info/egress", fields_of::<tool::EgressBinding>()),
        ("/tds_ext_info/response", fields_of::<tool::ResponseBinding>()),
        ("/tds_ext_info/response/errors/0", fields_of::<tool::ErrorRule>()),
    ];
    let described_tool: Vec<_> = of(Kind::TOOL).collect();
    assert_eq!(read.len(), described_tool.len());
    for ((place, fields), (described_place, members)) in read.iter().zip(&described_tool) {
        assert_eq!(place, described_place);
        let members: BTreeSet<&str> = members.iter().map(String::as_str).collect();
        assert_eq!(fields, &members, "{place}");
    }
    let described_instance: Vec<_> = of(Kind::INSTANCE).collect();
    for (place, fields) in [
        ("", fields_of::<InstanceDefinition>()),
        ("/access", fields_of::<Access>()),
        ("/limits", fields_of::<CallLimits>()),
        ("/include", fields_of::<instance::Include>()),
        ("/exclude", fields_of::<instance::Exclude>()),
    ] {
        let (_, members) = described_instance
            .iter()
            .find(|(described, _)| described == place)
            .unwrap();
        assert_eq!(fields, members.iter().map(String::as_str).collect(), "{place}");
    }
}

/// Definitions of the examples (the recipes are called by a gateway's tests, and validated there), and the first version's
/// documents in all their shapes.
#[test]
fn examples_and_documents_of_the_first_version_are_valid() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = Vec::new();
    for folder in ["examples/demo", "examples/first-tool"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                documents.push(serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap());
            }
        }
    }
    assert!(documents.len() > 10, "{}", documents.len());
    let required = [
        json!({}),
        json!({"id": "string"}),
        json!({"path": ["id"], "query": [], "body": []}),
        json!(null),
    ];
    for required_params in required {
        for (domain, path) in [
            ("api.example.com", "/v1/{id}"),
            ("localhost:8000", "/v1/:id"),
            ("http://a.example", "x"),
        ] {
            documents.push(json!({
                "id": "tool123", "name": "example_tool", "description": "An example tool", "input_schema": {},
                "tds_ext_info": {"domain": domain, "method": "get", "path": path, "required_params": required_params, "ext_info": {}},
            }));
        }
    }
    documents.push(json!({"$schema": "x", "id": "i", "name": "example_instance", "tool_ids": ["tool1"], "metadata": null}));
    for metadata in [
        json!({}),
        json!({"proto_type": "streamable-stateful"}),
        json!({"proto_type": "streamable-statefule", "more": 1}),
        json!("{\"proto_type\":\"streamable-stateless\"}"),
        json!(" "),
        json!({"proto_type": "legacy"}),
    ] {
        documents
            .push(json!({"name": "example_instance", "tool_ids": [], "metadata": metadata, "unknown": [1]}));
    }
    let (tools, instances) = (validator(Kind::TOOL), validator(Kind::INSTANCE));
    for document in &documents {
        match document.get("tds_ext_info") {
            Some(_) => accepted(Kind::TOOL, &tools, document),
            None => accepted(Kind::INSTANCE, &instances, document),
        }
    }
}
