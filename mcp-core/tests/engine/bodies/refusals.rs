//! Bodies that cannot be: what does not go together is refused when the definition is written.

use crate::calling::{compile, definition};
use serde_json::{Value, json};

#[test]
fn what_does_not_go_together_is_refused_when_it_is_written() {
    let schema = json!({"type": "object", "properties": {"a": {}, "b": {}}, "additionalProperties": false});
    let b = |body: Value| json!({"body": body});
    let field = "tds_ext_info.body.";
    let table = [
        (
            b(json!({"mode": "none", "root": "/a"})),
            format!("{field}root: is given together with mode `none`"),
        ),
        (
            b(json!({"root": "/a", "template": {"b": "{{ args.b }}"}})),
            format!("{field}template: is given together with `root`"),
        ),
        (
            b(json!({"root": "a"})),
            format!("{field}root: `a` is not a JSON Pointer"),
        ),
        (
            b(json!({"root": "/x"})),
            format!("{field}root: input_schema has no property `x`"),
        ),
        (
            b(json!({"root": "/a"})),
            format!("{field}root: leaves no place for the argument `b`"),
        ),
        (
            b(json!({"template": {"x": "{{ args.a }}"}})),
            format!("{field}template: leaves no place for the argument `b`"),
        ),
        (
            b(json!({"template": {"x": {"y": ["{{ args.nope }}"]}}})),
            format!("{field}template.x.y[0]: names `args.nope`"),
        ),
        (
            b(json!({"template": {"x": "{{ args.a | nope }}"}})),
            format!("{field}template.x: uses the filter `nope`"),
        ),
        (
            b(json!({"template": {"{{ args.a }}": 1}})),
            format!("{field}template.{{{{ args.a }}}}: a member's name"),
        ),
        (
            b(json!({"template": {"x": "${file:/etc/key}"}})),
            format!("{field}template.x: `${{file:…}}` is read in `auth` only"),
        ),
        (
            b(json!({"mode": "json", "parts": [{"name": "a"}]})),
            format!("{field}parts: need mode `multipart`"),
        ),
        (
            b(json!({"mode": "json", "encoding": {"a": {}}})),
            format!("{field}encoding: needs mode"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"x": {}}})),
            format!("{field}encoding.x: the body has no property `x`"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"a": {"style": "label"}}})),
            format!("{field}encoding.a.style: `label` is not a style for fields"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"a": {"style": "deepObject", "explode": false}}})),
            format!("{field}encoding.a.explode: "),
        ),
        (
            b(json!({"mode": "multipart", "encoding": {"a": {"allow_reserved": true}}})),
            format!("{field}encoding.a.allow_reserved: nothing is percent-encoded"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"a": {"style": "json", "allow_reserved": true}}})),
            format!("{field}encoding.a.allow_reserved: JSON is one text"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"a": {"headers": {"X": 1}}}})),
            format!("{field}encoding.a.headers: a form has no headers"),
        ),
        (
            b(json!({"mode": "form", "encoding": {"a": {"content_type": "image/png"}}})),
            format!("{field}encoding.a.content_type: "),
        ),
        (
            b(json!({"mode": "form", "template": ["{{ args.a }}", "{{ args.b }}"]})),
            format!("{field}template: must be an object: its members are the fields"),
        ),
        (
            b(json!({"mode": "raw"})),
            format!("{field}mode: `raw` needs `root` or `template`"),
        ),
        (
            b(json!({"mode": "json", "content_type": "json"})),
            format!("{field}content_type: `json` is not a media type"),
        ),
        (
            b(json!({"mode": "multipart", "content_type": "text/plain"})),
            format!("{field}content_type: "),
        ),
        (
            b(json!({"parts": [{"name": "f", "from": "/x"}]})),
            format!("{field}parts[0].from: input_schema has no property `x`"),
        ),
        (
            b(json!({"parts": [{"name": "x"}]})),
            format!("{field}parts[0].name: input_schema has no property `x`"),
        ),
        (
            b(json!({"parts": [{"name": "a", "filename": "{{ args.x }}"}]})),
            format!("{field}parts[0].filename: names `args.x`"),
        ),
        (
            b(json!({"parts": [{"name": "a", "content_type": "a\nb"}]})),
            format!("{field}parts[0].content_type: has a line break"),
        ),
        (
            b(json!({"parts": [{"name": "a", "headers": {"Content-Type": "x/y"}}]})),
            format!("{field}parts[0].headers.Content-Type: is given by the part"),
        ),
        (
            b(json!({"parts": [{"name": "a", "max_bytes": 0}]})),
            format!("{field}parts[0].max_bytes: "),
        ),
        (
            json!({"body": {"parts": [{"name": "a"}]}, "headers": {"Content-Type": "multipart/form-data"}}),
            "tds_ext_info.headers.Content-Type: is given together with a multipart body".into(),
        ),
        (
            json!({"body": {"root": "/a"}, "params": [{"name": "b", "in": "body"}]}),
            "tds_ext_info.params[0].in: cannot go to the body, which `body.root` fills alone".into(),
        ),
        (
            json!({"headers": {"Authorization": "Bearer ${env:TOKEN}"}}),
            "tds_ext_info.headers.Authorization: `${env:…}` is read in `auth` only".into(),
        ),
    ];
    for (more, expected) in table {
        let mut binding = json!({"domain": "api.example.com", "method": "POST", "path": "/x"});
        for (name, value) in more.as_object().unwrap() {
            binding[name] = value.clone();
        }
        let refusal = compile(&definition(&schema, &binding)).err();
        assert!(
            refusal.as_ref().is_some_and(|text| text.starts_with(&expected)),
            "{more}: {refusal:?}, expected {expected}"
        );
    }
    let grouped =
        json!({"type": "object", "properties": {"body": {"type": "object", "properties": {"a": {}}}}});
    let binding = json!({"domain": "a", "method": "POST", "path": "/", "body": {"mode": "none"}});
    let refusal = compile(&definition(&grouped, &binding)).unwrap_err();
    assert!(
        refusal.starts_with("tds_ext_info.body.mode: leaves no place for the argument `body`"),
        "{refusal}"
    );
}
