//! Templates that nest as deep as their text allows. One that overflows a stack ends the process, tests and all, so that
//! each has to come back from compiling, running and being dropped on the 2 MiB of a thread.

use super::{AllowedHeaders, AnswerTemplates, AnswerText, Leaf, Templates};
use crate::{growth, tool::input_schema::InputSchema};
use mcp_common::{bounds::Bounds, definition::ToolDefinition, document::Document};
use minijinja::context;
use serde_json::Value;

/// What is opened, what stands in the middle, what is closed.
const KINDS: [(&str, &str, &str); 40] = [
    ("{{ ", "args.a", ""),
    ("(", "args.a", ")"),
    ("[", "args.a", "]"),
    ("{'a':", "args.a", "}"),
    ("-", "args.a", ""),
    ("not ", "args.a", ""),
    ("args.a or not ", "args.a", ""),
    ("-(", "args.a", ")"),
    ("(-", "args.a", ")"),
    ("args.a[", "0", "]"),
    ("", "args.a", "[0]"),
    ("", "args.a", ".a"),
    ("", "args.a", "|upper"),
    ("", "args.a", "|default(1)"),
    ("args.a|default(", "1", ")"),
    ("range(", "1", ")"),
    ("", "args.a", " is defined"),
    ("", "args.a", "()"),
    ("1 if args.a else ", "2", ""),
    ("", "1", " if args.a else 2"),
    ("1 if (", "args.a", ") else 2"),
    ("args.a and ", "args.a", ""),
    ("args.a - ", "args.a", ""),
    ("args.a * ", "args.a", ""),
    ("args.a ** ", "2", ""),
    ("args.a // ", "2", ""),
    ("args.a == ", "2", ""),
    ("args.a < ", "2", ""),
    ("args.a in ", "[]", ""),
    ("args.a is eq ", "1", ""),
    ("", "args.a", "[1:2]"),
    ("args.a[1:", "2", "]"),
    ("'a' 'a' ", "'a'", ""),
    ("{% if args.a %}", "x", "{% endif %}"),
    ("{% if args.a %}x{% else %}", "x", "{% endif %}"),
    ("{% for x in [1] %}", "x", "{% endfor %}"),
    ("{% with x = 1 %}", "x", "{% endwith %}"),
    ("{% if args.a %}", "{% elif args.a %}", "{% endif %}"),
    ("{% autoescape false %}", "x", "{% endautoescape %}"),
    ("{% set x %}", "x", "{% endset %}"),
];

fn nested((open, middle, close): (&str, &str, &str), times: usize) -> String {
    [&open.repeat(times), middle, &close.repeat(times)].concat()
}

fn schema() -> InputSchema {
    let text = r#"{"name":"n","description":"d","input_schema":{"properties":{"a":{}}},"tds_ext_info":{"domain":"a","method":"GET","path":"/"}}"#;
    let document = Document::parse(text.as_bytes()).unwrap();
    let definition = ToolDefinition::read("t", &document).unwrap().definition;
    InputSchema::compile(&definition, &Bounds::default()).unwrap()
}

fn values() -> minijinja::Value {
    context! { args => context! { a => 1 } }
}

/// In each of the three places that templates have.
fn survives(text: &str, schema: &InputSchema, bounds: &Bounds) -> [Option<String>; 3] {
    let is_expression = !text.contains("{%") && !text.contains("{{");
    let braced = if is_expression {
        format!("{{{{ {text} }}}}")
    } else {
        text.to_owned()
    };
    let mut templates = Templates::new(AllowedHeaders::default(), bounds.into());
    let leaf = templates.compile("f", &Value::from(braced.as_str()), schema);
    match &leaf {
        Ok(Leaf::Expression(name)) => drop(templates.evaluate(name, values(), 1 << 16)),
        Ok(Leaf::Text(name)) => drop(templates.render(name, values(), 1 << 16)),
        _ => {}
    }
    let mut answers = AnswerTemplates::new(AllowedHeaders::default(), bounds.into(), &["body"]);
    let of_answer = answers.text("f", &format!("x{braced}"), schema, true);
    if let Ok(text @ AnswerText::Template(_)) = &of_answer {
        drop(answers.render(text, values()));
    }
    let condition = answers.condition("c", text, schema);
    if let Ok(condition) = &condition {
        drop(answers.holds(condition, values()));
    }
    let reason = |problem: mcp_common::problem::Problem| problem.to_string();
    [
        leaf.err().map(reason),
        of_answer.err().map(reason),
        condition.err().map(reason),
    ]
}

#[test]
fn every_way_to_nest_is_survived_up_to_the_bound_of_the_text() {
    let schema = schema();
    for bounds in [Bounds::default(), Bounds::widest()] {
        for kind in KINDS {
            let (open, _, close) = kind;
            let most = (bounds.template_bytes.most - 64) / (open.len() + close.len());
            for times in [100, 149, 990, most] {
                survives(&nested(kind, times.min(most)), &schema, &bounds);
            }
        }
    }
}

#[test]
fn templates_that_are_too_long_are_refused_with_the_bound() {
    let bounds = Bounds::default();
    let text = format!("args.a {}", " ".repeat(bounds.template_bytes.most));
    for reason in survives(&text, &schema(), &bounds) {
        assert!(reason.unwrap().contains("bounds.template_bytes"));
    }
    let plain = "x".repeat(bounds.template_bytes.most + 1);
    let mut templates = Templates::new(AllowedHeaders::default(), (&bounds).into());
    assert!(
        templates.compile("f", &plain.into(), &schema()).is_ok(),
        "it is no template"
    );
}

#[test]
fn compiling_takes_time_that_grows_with_the_text() {
    let (schema, bounds) = (schema(), Bounds::default());
    for tag in [
        "{{ args.a }}",
        "{% if args.a %}x{% endif %}",
        "{# x #}",
        "{ ",
        "{{ ((((-args.a)))) }}",
    ] {
        let make = |bytes: usize| format!("{{{{ args.a }}}}{}", tag.repeat((bytes - 32) / tag.len()));
        growth::is_linear_from(4 << 10, tag, 64 << 10, make, |text: &String| {
            let mut answers = AnswerTemplates::new(AllowedHeaders::default(), (&bounds).into(), &["body"]);
            let compiled = answers.text("f", text, &schema, true);
            assert!(compiled.is_ok(), "{tag}: {compiled:?}");
        });
    }
}
