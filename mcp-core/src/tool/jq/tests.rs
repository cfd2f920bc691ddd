use super::{Effort, Ended, Program, SHORT_INPUT};
use mcp_common::bounds::Bounds;

fn run(code: &str, json: &str) -> Result<String, String> {
    match Program::compile(code, &Bounds::default())?.run(json, 1 << 20, Effort::Full) {
        Err(Ended::Failed(reason)) => Err(reason),
        Err(Ended::Long) => panic!("a full run was ended as a short one"),
        Ok(data) => Ok(data),
    }
}

#[test]
fn programs_do_what_jq_does() {
    let orders = r#"{"data":[{"id":1,"name":"a","total":1.10,"x":{}},{"id":2,"name":"b","total":20}]}"#;
    let table = [
        (
            ".",
            orders,
            r#"{"data":[{"id":1,"name":"a","total":1.10,"x":{}},{"id":2,"name":"b","total":20}]}"#,
        ),
        (
            ".data | map({id, total})",
            orders,
            r#"[{"id":1,"total":1.10},{"id":2,"total":20}]"#,
        ),
        (".data[].id", orders, "[1,2]"),
        ("[.data[] | select(.total > 5) | .name]", orders, r#"["b"]"#),
        (".data | length", orders, "2"),
        (
            "[.data[].total] | add * 2",
            r#"{"data":[{"total":1},{"total":2}]}"#,
            "6",
        ),
        ("\"n=\\(.data | length) \" * 2", orders, r#""n=2 n=2 ""#),
        (".data |= map(.id)", r#"{"data":[{"id":7}]}"#, r#"{"data":[7]}"#),
        (".a *= 3", r#"{"a":2}"#, r#"{"a":6}"#),
        ("del(.a, .b)", r#"{"a":1,"b":2,"c":3}"#, r#"{"c":3}"#),
        (
            "to_entries | map(.key) | sort | join(\",\")",
            r#"{"b":1,"a":2}"#,
            r#""a,b""#,
        ),
        ("reduce .[] as $x (0; . + $x)", "[1,2,3]", "6"),
        ("def f(x): x * 2; f(.[0])", "[21]", "42"),
        ("[limit(3; repeat(1))]", "null", "[1,1,1]"),
        ("[paths]", r#"{"a":{"b":1}}"#, r#"[["a"],["a","b"]]"#),
        (
            "group_by(.k) | map({k: .[0].k, n: length})",
            r#"[{"k":1},{"k":2},{"k":1}]"#,
            r#"[{"k":1,"n":2},{"k":2,"n":1}]"#,
        ),
        (".a // \"none\"", "{}", r#""none""#),
        ("try error(\"x\") catch .", "1", r#""x""#),
        ("map(select(test(\"^a\")))", r#"["ab","ba"]"#, r#"["ab"]"#),
        (
            "123456789012345678901234567890",
            "1",
            "123456789012345678901234567890",
        ),
        (
            "[.[] | tostring]",
            "[1,\"a\",{\"b\":[1]}]",
            r#"["1","a","{\"b\":[1]}"]"#,
        ),
        (
            "walk(if type == \"number\" then . + 1 else . end)",
            "[1,[2]]",
            "[2,[3]]",
        ),
    ];
    for (code, json, expected) in table {
        assert_eq!(run(code, json).as_deref(), Ok(expected), "{code}");
    }
}

#[test]
fn programs_that_cannot_run_are_found_when_they_are_written() {
    let table = [
        (".a |", "is not jq: expected"),
        ("{a", "is not jq: expected"),
        ("fooo(.a)", "uses the filter `fooo`"),
        ("$x", "uses the variable `$x`"),
        ("env", "uses the filter `env`"),
        ("$ENV", "uses the variable `$ENV`"),
        ("halt", "uses the filter `halt`"),
        ("input", "uses the filter `input`"),
        ("import \"a\" as a; .", "modules"),
    ];
    for (code, expected) in table {
        let reason = Program::compile(code, &Bounds::default()).unwrap_err();
        assert!(reason.contains(expected), "{code}: {reason}");
    }
}

#[test]
fn what_does_not_end_or_grows_is_ended() {
    let table = [
        ("def f: f; f", "takes "),
        ("def f: try error(\"x\") catch f; f", ""),
        ("[range(1e12)] | length", "takes "),
        ("repeat(.)", "bytes"),
        ("[repeat(.)]", "takes "),
        ("last(range(1e12))", "takes "),
        ("reduce range(1e12) as $i (0; . + 1)", "takes "),
        ("def f: 1 + f; f", "recurses"),
        ("def f: [f]; f", "recurses"),
        ("reduce range(100000) as $i (0; [.])", "nested"),
        ("reduce range(60) as $i (\"x\"; . + .)", "larger than 16 MiB"),
        ("\"x\" * 1000000000", "larger than 16 MiB"),
        ("reduce range(60) as $i (1; [., .]) | tojson", "takes "),
        ("reduce range(60) as $i (1; [., .])", "takes "),
        ("reduce range(60) as $i (1; [., .]) | [..] | length", "takes "),
        ("reduce range(60) as $i (1; [., .]) | . == .", "takes "),
        ("reduce range(60) as $i (3; . * .)", "digits"),
        (
            "[range(1000) as $a | range(1000) as $b | range(1000) as $c | $a] | length",
            "takes ",
        ),
        ("[range(100000) | [range(100)]]", "takes "),
        ("empty", "no value"),
        ("error(\"broken\")", "failed: \"broken\""),
        ("infinite", "not JSON"),
    ];
    for (code, expected) in table {
        // A thread as small as those that calls run on.
        let ended = std::thread::Builder::new()
            .stack_size(2 << 20)
            .spawn(move || run(code, "{}"))
            .unwrap()
            .join();
        let reason = ended.unwrap().unwrap_err();
        // On a busy machine the time may be over first.
        let is_expected = reason.contains(expected) || reason.contains("longer than 3 seconds");
        assert!(is_expected, "{code}: {reason}");
    }
    let deep = "[".repeat(100_000);
    assert!(run(".", &deep).unwrap_err().contains("nested"));
}

#[test]
fn ordinary_work_on_a_large_answer_is_within_the_bounds() {
    let items: Vec<_> = (0..1_000)
        .map(|id| serde_json::json!({"id": id, "name": format!("name {id}"), "tags": ["a", "b"]}))
        .collect();
    let json = serde_json::json!({ "items": items }).to_string();
    let shaped = run(
        "[.items[] | select(.id % 2 == 0) | {id, name, first: .tags[0]}] | sort_by(-.id)",
        &json,
    );
    assert!(
        shaped
            .unwrap()
            .starts_with(r#"[{"id":998,"name":"name 998","first":"a"}"#)
    );
}

#[test]
fn a_short_run_gives_up_early_and_says_that_a_full_one_may_do() {
    let short = |code: &str, json: &str| {
        Program::compile(code, &Bounds::default())
            .unwrap()
            .run(json, 1 << 20, Effort::Short)
    };
    assert_eq!(short("map(. + 1)", "[1,2]"), Ok("[2,3]".to_owned()));
    assert_eq!(short("[range(20000)] | length", "null"), Err(Ended::Long));
    assert_eq!(run("[range(20000)] | length", "null"), Ok("20000".to_owned()));
    let long = format!("\"{}\"", "x".repeat(SHORT_INPUT));
    assert_eq!(short("length", &long), Err(Ended::Long));
    // More time changes nothing about these.
    for code in ["error(\"x\")", "\"x\" * 100000000", "def f: 1 + f; f"] {
        assert!(matches!(short(code, "null"), Err(Ended::Failed(_))), "{code}");
    }
}

#[test]
fn native_filters_take_what_their_input_and_argument_cost() {
    let deep = format!("\"{}1{}\"", "[".repeat(3_500), "]".repeat(3_500));
    let digits = format!("\"{}\"", "7".repeat(100_000));
    let text = format!("\"{}\"", "a".repeat(5_000_000));
    let ones = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    let table = [
        ("fromjson", deep.as_str(), "nested more than 256 times"),
        ("tonumber", &digits, "a number of more than 4096 digits"),
        (
            ". + \"7\" | fromjson",
            &digits,
            "a number of more than 4096 digits",
        ),
        (".", &"7".repeat(5_000), "a number of more than 4096 digits"),
        ("gsub(\"a\"; \"b\")", &text, "takes more"),
        ("[match(\"a\"; \"g\")] | length", &text, "takes more"),
        (
            "[.,.,.,.] | tojson | test(\"(a{1000}){1000}b\")",
            "\"aaaaaaaaaaaaaaaa\"",
            "takes more",
        ),
        (". as $all | contains([$all[] + 1])", &ones(5_000), "takes more"),
        (". as $all | indices($all[1:])", &ones(5_000), "takes more"),
        (". as $all | .[$all[1:]]", &ones(5_000), "takes more"),
        (
            "(reduce range(22) as $i ([1]; . + .)) | . - [2, 3]",
            "null",
            "takes more",
        ),
    ];
    for (code, json, expected) in table {
        let reason = run(code, json).unwrap_err();
        assert!(reason.contains(expected), "{code}: {reason}");
    }
    // They do what they did, and a definition of the same name is another filter.
    let table = [
        ("[.[] | fromjson]", r#"["1","[2]"]"#, "[1,[2]]"),
        ("map(tonumber)", r#"["1","2.5"]"#, "[1,2.5]"),
        ("contains([1]), inside([1,2,3])", "[1,2]", "[true,true]"),
        (
            "indices(1), indices([1,2]), .[[1,2]], index(2)",
            "[1,2,1,2]",
            "[[0,2],[0,2],[0,2],1]",
        ),
        (
            "split(\", *\"; null), gsub(\"a\";\"b\"), [scan(\"[a-z]\")]",
            "\"a, b\"",
            r#"[["a","b"],"b, b",["a","b"]]"#,
        ),
        ("[test(\"A\"), test(\"A\"; \"i\")]", "\"a\"", "[false,true]"),
        ("def contains(f): [f, f]; contains(1, 2)", "null", "[1,2,1,2]"),
        ("[1,2,3] - [2] | .[0] -= 1", "null", "[0,3]"),
    ];
    for (code, json, expected) in table {
        assert_eq!(run(code, json).as_deref(), Ok(expected), "{code}");
    }
}
