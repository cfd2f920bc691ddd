//! Programs that nest as deep as their text allows. One that overflows a stack ends the process, tests and all, so that
//! each has to come back from compiling, running and being dropped on the 2 MiB of a thread.

use super::{Effort, Program};
use crate::growth;
use mcp_common::bounds::Bounds;

/// What is opened, what stands in the middle, what is closed.
const KINDS: [(&str, &str, &str); 42] = [
    ("-", "1", ""),
    ("(", ".", ")"),
    ("[", ".", "]"),
    ("{a:", ".", "}"),
    ("{(.|tostring):", ".", "}"),
    ("{", "a", "}"),
    (".[", "0", "]"),
    (".[.", "", "]"),
    (".a[", "0", ":1]"),
    ("if . then ", ".", " else . end"),
    ("if ", ".", " then . else . end"),
    ("if . then . else ", ".", " end"),
    ("if . then . elif ", ". then .", " end"),
    ("try ", ".", ""),
    ("try error catch ", ".", ""),
    ("try (", "error", ") catch ."),
    ("reduce . as $x (", ".", "; .)"),
    ("reduce . as $x (0; ", ".", ")"),
    ("reduce ", ".", " as $x (0; .)"),
    ("foreach . as $x (0; ", ".", "; .)"),
    ("label $x | ", ".", ""),
    ("def f: ", ".", "; ."),
    ("def f: .; ", "f", ""),
    ("def f(g): g; f(", ".", ")"),
    ("map(", ".", ")"),
    ("first(", ".", ")"),
    ("select(", ".", ")"),
    ("\"\\(", ".", ")\""),
    ("@base64 \"\\(", ".", ")\""),
    (". as [", "$x", "] | ."),
    (". as {a: ", "$x", "} | ."),
    (". as {(", "\"a\"", "): $x} | ."),
    (". as $x | ", ".", ""),
    (".|", ".", ""),
    (".,", ".", ""),
    (".+", ".", ""),
    (".//", ".", ""),
    (". and ", ".", ""),
    (".a|=", ".", ""),
    (".a", ".b", ""),
    ("", ".", "?"),
    ("", ".", "[0]"),
];

fn nested((open, middle, close): (&str, &str, &str), times: usize) -> String {
    [&open.repeat(times), middle, &close.repeat(times)].concat()
}

fn survives(code: &str, bounds: &Bounds) -> Result<(), String> {
    let program = Program::compile(code, bounds)?;
    let _ = program.run(r#"{"a":[1,{"a":2}]}"#, 1 << 16, Effort::Full);
    Ok(())
}

#[test]
fn every_way_to_nest_is_survived_up_to_the_bound_of_the_text() {
    for bounds in [Bounds::default(), Bounds::widest()] {
        for kind in KINDS {
            let (open, _, close) = kind;
            let most = (bounds.jq_bytes.most - 16) / (open.len() + close.len());
            for times in [
                10,
                60,
                150,
                bounds.jq_depth.most - 2,
                bounds.jq_depth.most + 2,
                1_200,
                most,
            ] {
                let _ = survives(&nested(kind, times.min(most)), &bounds);
            }
        }
    }
}

#[test]
fn programs_that_are_too_long_or_too_deep_are_refused_with_the_bound() {
    let bounds = Bounds::default();
    let refusal = |code: String| survives(&code, &bounds).unwrap_err();
    for kind in ["-", "[", "{a:", "if . then ", "try ", "map("] {
        let kind = KINDS.into_iter().find(|(open, ..)| *open == kind).unwrap();
        let reason = refusal(nested(kind, 600));
        assert!(reason.contains("bounds.jq_depth"), "{kind:?}: {reason}");
        assert_eq!(survives(&nested(kind, 50), &bounds), Ok(()), "{kind:?}");
    }
    assert!(
        refusal("-".repeat(16 << 10)).contains("not jq"),
        "it ends without a term"
    );
    let long = format!(".{}", " ".repeat(16 << 10));
    assert!(refusal(long).contains("bounds.jq_bytes"));
}

#[test]
fn compiling_takes_time_that_grows_with_the_text() {
    let bounds = Bounds::default();
    for kind in KINDS.into_iter().step_by(3) {
        let (open, _, close) = kind;
        let make = |bytes: usize| nested(kind, bytes / (open.len() + close.len()) - 1);
        growth::is_linear_from(2 << 10, &format!("{kind:?}"), 16 << 10, make, |code: &String| {
            let _ = Program::compile(code, &bounds);
        });
    }
    let members = |bytes: usize| format!("{{{}}}", "a: .b|tostring, ".repeat(bytes / 16 - 1));
    growth::is_linear_from(2 << 10, "an object", 16 << 10, members, |code: &String| {
        assert!(Program::compile(code, &bounds).is_ok());
    });
}
