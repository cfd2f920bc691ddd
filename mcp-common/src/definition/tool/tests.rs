use super::*;

fn read(text: &str) -> Result<Read<ToolDefinition>, Problems> {
    ToolDefinition::read("t1", &Document::parse(text.as_bytes())?)
}

fn declared(text: &str) -> Vec<Param> {
    match read(text).unwrap().definition.target() {
        Ok(TargetDefinition::Http(binding)) => binding.params.clone(),
        other => panic!("{other:?}"),
    }
}

fn with_binding(members: &str) -> String {
    format!(
        r#"{{"name":"n","description":"d","tds_ext_info":{{"domain":"a","method":"GET","path":"/x"{members}}}}}"#
    )
}

#[test]
fn the_v1_document_is_read_and_its_key_wins() {
    let text = r#"{"id":"tool123","name":"example_tool","description":"An example tool","input_schema":{},
        "tds_ext_info":{"domain":"api.example.com","method":"GET","path":"/v1/example","required_params":{},"ext_info":{}}}"#;
    let read = read(text).unwrap();
    assert_eq!(&*read.definition.id, "t1");
    assert_eq!(
        read.warnings,
        ["id: the document says `tool123`, it is served under its key `t1`"]
    );
}

#[test]
fn reserved_members_are_refused_by_name_and_unknown_ones_reported() {
    for name in ["cache", "pagination"] {
        let problems = read(&with_binding(&format!(r#","{name}":{{"x":1}}"#))).unwrap_err();
        assert_eq!(
            problems.to_string(),
            format!("tds_ext_info.{name}: not supported yet")
        );
    }
    let problems = read(&with_binding(r#","limits":{"concurrency":0}"#)).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "tds_ext_info.limits.concurrency: must be from 1 to 10000"
    );
    assert!(read(&with_binding(r#","auth":{"type":"none"}"#)).is_ok());
    let warnings = read(&with_binding(
        r#","limits":{"max_response_bytes":"1MiB","soft":1},"foo":1"#,
    ))
    .unwrap()
    .warnings;
    assert_eq!(
        warnings,
        [
            "tds_ext_info.limits.soft: unknown member, kept but not used",
            "tds_ext_info.foo: unknown member, kept but not used"
        ]
    );
}

#[test]
fn limits_are_read_and_what_would_limit_nothing_is_refused() {
    let with = |member: &str| read(&with_binding("").replacen('{', &format!("{{{member},"), 1));
    let limits = with(r#""limits":{"rate":"5/s","burst":9,"concurrent":2,"per_day":100}"#);
    let limits = limits.unwrap().definition.limits;
    assert_eq!(limits.rate.map(|rate| rate.to_string()).as_deref(), Some("5/s"));
    assert_eq!(limits.per_day.map(|most| most.get()), Some(100));
    for (member, problem) in [
        (
            r#""limits":{"rate":"fast"}"#,
            "limits.rate: must be a number and a time",
        ),
        (r#""limits":{"burst":2}"#, "limits.burst: means nothing without"),
        (r#""limits":{"concurrent":0}"#, "limits.concurrent: "),
        (r#""limits":{"per_hour":1}"#, "limits.per_hour: "),
        (r#""limits":null"#, "limits: "),
        (
            r#""limit":{"rate":"5/s"}"#,
            "limit: unknown member; did you mean `limits`? Under this name it limits nothing",
        ),
    ] {
        let problems = with(member).unwrap_err().to_string();
        assert!(problems.starts_with(problem), "{member}: {problems}");
    }
}

#[test]
fn a_misspelt_member_is_told_what_was_meant() {
    let warnings = |members: &str| read(&with_binding(members)).unwrap().warnings;
    assert_eq!(
        warnings(r#","timeoutms":5,"limits":{"concurency":1},"entirely":1"#),
        [
            "tds_ext_info.timeoutms: unknown member, kept but not used; did you mean `timeout_ms`?",
            "tds_ext_info.limits.concurency: unknown member, kept but not used; did you mean `concurrency`?",
            "tds_ext_info.entirely: unknown member, kept but not used",
        ]
    );
    let outside = with_binding("").replacen('{', r#"{"timeoutms":5,"zone":1,"#, 1);
    assert_eq!(
        read(&outside).unwrap().warnings,
        [
            "timeoutms: unknown member, kept but not used; did you mean `tds_ext_info.timeout_ms`?",
            "zone: unknown member, kept but not used",
        ]
    );
    let problem = read(&with_binding(
        r#","params":[{"name":"a","in":"query","expload":true}]"#,
    ))
    .unwrap_err();
    assert!(
        problem.to_string().ends_with("; did you mean `explode`?"),
        "{problem}"
    );
    let schema = |name: &str| {
        format!(
            r#"{{"name":"n","description":"d","{name}":{{}},"tds_ext_info":{{"domain":"a","method":"GET","path":"/x"}}}}"#
        )
    };
    let problem = read(&schema("inputSchema")).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "inputSchema: is what MCP calls it; in a definition it is `input_schema`"
    );
    let both = |theirs: &str| {
        let binding = r#""tds_ext_info":{"domain":"a","method":"GET","path":"/x"}"#;
        format!(
            r#"{{"name":"n","description":"d","input_schema":{{"type":"object"}},"inputSchema":{theirs},{binding}}}"#
        )
    };
    assert_eq!(
        read(&both(r#"{"type":"object","required":["a"]}"#))
            .unwrap_err()
            .to_string(),
        "inputSchema: is what MCP calls `input_schema`, which says something else here; keep one of them, as `input_schema`"
    );
    assert_eq!(
        read(&both(r#"{ "type": "object" }"#)).unwrap().warnings,
        ["inputSchema: unknown member, kept but not used; did you mean `input_schema`?"]
    );
    assert_eq!(
        read(&schema("anotations")).unwrap().warnings,
        ["anotations: unknown member, kept but not used; did you mean `annotations`?"]
    );
}

#[test]
fn a_misspelt_member_is_told_beside_what_is_missing() {
    let text = r#"{"name":"n","decription":"d","inputSchema":{},"own":1,"tds_ext_info":{"domain":"a","method":"GET","path":"/x","timeoutms":5}}"#;
    assert_eq!(
        read(text).unwrap_err().to_string(),
        "missing field `description`; decription: unknown member; did you mean `description`?; tds_ext_info.timeoutms: \
         unknown member; did you mean `timeout_ms`?; inputSchema: is what MCP calls it; in a definition it is `input_schema`"
    );
}

#[test]
fn all_mistakes_of_a_document_are_named_at_once() {
    let text = r#"{"description":5,"title":7,"tags":"x","tds_ext_info":{"method":1,"path":"/","params":[
        {"name":"a"},{"name":"b","in":"qery"},{"name":"c","in":"query","explode":"yes"}],"timeout_ms":"soon"}}"#;
    let Problems(problems) = read(text).unwrap_err();
    let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
    for field in [
        "description",
        "title",
        "tags",
        "tds_ext_info.method",
        "tds_ext_info.params[0]",
        "tds_ext_info.params[1].in",
        "tds_ext_info.params[2].explode",
        "tds_ext_info.timeout_ms",
    ] {
        assert!(fields.contains(&field), "{field} in {problems:?}");
    }
    let missing = problems.iter().find(|problem| problem.field.is_empty());
    assert!(
        missing.is_some_and(|problem| problem.reason == "missing field `name`"),
        "{problems:?}"
    );
    assert!(problems.len() <= 10, "{problems:?}");
}

#[test]
fn the_members_of_params_and_body_are_a_closed_set() {
    let table = [
        (
            r#","response":{"jqq":"."}"#,
            "tds_ext_info.response.jqq: unknown field `jqq`, expected one of",
        ),
        (
            r#","retry":{"max":1,"on":["timeout"]}"#,
            "tds_ext_info.retry.on[0]: expected \"connect\" or a status from 400 to 599",
        ),
        (
            r#","retry":{"max":100}"#,
            "tds_ext_info.retry.max: must be from 0 to 10",
        ),
        (
            r#","redirect":{"follow":100}"#,
            "tds_ext_info.redirect.follow: must be from 0 to 10",
        ),
        (
            r#","tls":{"cert":"${file:/a}"}"#,
            "tds_ext_info.tls.cert: unknown field `cert`, expected one of `ca`, `certificate`, `key`, `server_name`",
        ),
        (
            r#","tls":{"certificate":"${file:/a}"}"#,
            "tds_ext_info.tls.key: is missing",
        ),
        (
            r#","tls":{"key":"${file:/a}"}"#,
            "tds_ext_info.tls.certificate: is missing",
        ),
        (
            r#","tls":{"certificate":"${file:/a}","key":"-----BEGIN PRIVATE KEY-----"}"#,
            "tds_ext_info.tls.key: must be a reference",
        ),
        (
            r#","tls":{"ca":"-----BEGIN EC PRIVATE KEY-----\ns3cr3t"}"#,
            "tds_ext_info.tls.ca: has a private key in it, which never stands in a definition: put it",
        ),
        (
            r#","proxy":7"#,
            "tds_ext_info.proxy: invalid type: integer `7`, expected \"http://host:port\" or {url, username, password}",
        ),
        (
            r#","proxy":{"url":"http://p:1","user":"a"}"#,
            "tds_ext_info.proxy.user: unknown field `user`",
        ),
        (
            r#","proxy":{"url":"http://p:1","username":"a"}"#,
            "tds_ext_info.proxy.password: is missing",
        ),
        (
            r#","proxy":{"url":"http://p:1","username":"a","password":"s3cr3t"}"#,
            "tds_ext_info.proxy.password: must be a reference",
        ),
        (
            r#","egress":{"alow":["a"]}"#,
            "tds_ext_info.egress.alow: unknown field `alow`, expected `allow` or `deny`",
        ),
        (
            r#","egress":{"deny":["a",7]}"#,
            "tds_ext_info.egress.deny[1]: invalid type: integer `7`",
        ),
        (
            r#","connect_timeout_ms":0"#,
            "tds_ext_info.connect_timeout_ms: must be from 1 to",
        ),
        (
            r#","params":[{"name":"a","in":"query","expload":true}]"#,
            "tds_ext_info.params[0].expload: unknown field `expload`, expected one of",
        ),
        (
            r#","params":[{"name":"a","in":"qery"}]"#,
            "tds_ext_info.params[0].in: unknown variant `qery`, expected one of",
        ),
        (
            r#","params":[{"name":"a","in":"query","style":"csv"}]"#,
            "tds_ext_info.params[0].style: unknown variant `csv`",
        ),
        (
            r#","params":[{"name":"a"}]"#,
            "tds_ext_info.params[0]: missing field `in`",
        ),
        (
            r#","body":{"mode":"xml"}"#,
            "tds_ext_info.body.mode: unknown variant `xml`",
        ),
        (
            r#","body":{"parts":[{"name":"f","form":"/f"}]}"#,
            "tds_ext_info.body.parts[0].form: unknown field `form`",
        ),
        (
            r#","body":{"encoding":{"a":{"styl":"form"}}}"#,
            "tds_ext_info.body.encoding.a.styl: unknown field `styl`",
        ),
    ];
    for (members, expected) in table {
        let problems = read(&with_binding(members)).unwrap_err().to_string();
        assert!(problems.starts_with(expected), "{problems}");
        assert!(!problems.contains("s3cr3t"), "{problems}");
    }
    let members =
        r#","params":[{"name":"a","in":"body","const":null},{"name":"b","in":"body","default":1.10}]"#;
    let params = declared(&with_binding(members));
    assert_eq!(params[0].constant.as_ref().map(|raw| raw.get()), Some("null"));
    assert_eq!(params[1].default.as_ref().map(|raw| raw.get()), Some("1.10"));
    assert!(params[1].constant.is_none());
    // In YAML nobody quotes it.
    for (members, expected) in [
        (r#","omit_if":null"#, Some(OmitIf::Null)),
        (r#","omit_if":"null""#, Some(OmitIf::Null)),
        ("", None),
    ] {
        let members = format!(r#","params":[{{"name":"a","in":"body"{members}}}]"#);
        assert_eq!(declared(&with_binding(&members))[0].omit_if, expected);
    }
}

#[test]
fn refusals_name_the_field_and_the_reason() {
    let table = [
        (
            r#"{"name":"a b","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
            "name: has the character ' '",
        ),
        (
            r#"{"name":"n","description":" ","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
            "description: must say",
        ),
        (
            r#"{"name":"n","tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#,
            "missing field `description`",
        ),
        (
            r#"{"name":"n","description":"d","tds_ext_info":{"method":"GET","path":"/"}}"#,
            "tds_ext_info.domain: is missing",
        ),
        (
            r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","base_url":"b","method":"GET","path":"/"}}"#,
            "tds_ext_info.base_url: is given together with",
        ),
        (
            r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/","timeout_ms":0}}"#,
            "tds_ext_info.timeout_ms: must be from 1",
        ),
        (
            r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":1,"path":"/"}}"#,
            "tds_ext_info.method: invalid type: integer `1`",
        ),
        (
            r#"{"name":"n","description":"d","tds_ext_info":{"domain":"a","method":"GET","path":"/","limits":{"max_request_bytes":"lots"}}}"#,
            "tds_ext_info.limits.max_request_bytes: invalid value: string \"lots\"",
        ),
    ];
    for (text, expected) in table {
        let problems = read(text).unwrap_err().to_string();
        assert!(problems.starts_with(expected), "{problems}");
    }
}
