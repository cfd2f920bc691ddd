//! The Test Anything Protocol (version 14), which people can read and CI systems do.

use super::{PlacedRun, Results};
use mcp_core::authoring::examples::Verdict;
use std::fmt::Write;

pub(super) fn text(results: &Results) -> String {
    let mut out = String::from("TAP version 14\n");
    // Writing to a text cannot fail.
    let _ = match results.examples.len() {
        0 => writeln!(out, "1..0 # SKIP there are no examples"),
        count => writeln!(out, "1..{count}"),
    };
    for (number, PlacedRun { place, run }) in (1..).zip(&results.examples) {
        let verdict = if run.verdict == Verdict::Failed {
            "not ok"
        } else {
            "ok"
        };
        let _ = write!(out, "{verdict} {number} - {} {}", escaped(&run.tool), run.example);
        if let Some(description) = &run.description {
            let _ = write!(out, " {}", escaped(description));
        }
        match run.verdict {
            Verdict::Skipped => {
                let _ = writeln!(out, " # SKIP {}", one_line(&run.details.join("; ")));
                continue;
            }
            Verdict::Passed => out.push('\n'),
            Verdict::Failed => {
                out.push('\n');
                if let Some(place) = place {
                    let _ = writeln!(out, "  # {place}");
                }
                for line in run.details.iter().flat_map(|detail| detail.lines()) {
                    let _ = writeln!(out, "  # {line}");
                }
            }
        }
    }
    let Results {
        passed,
        failed,
        skipped,
        ..
    } = results;
    let _ = writeln!(out, "# {passed} passed, {failed} failed, {skipped} skipped");
    out
}

/// A `#` would begin a directive.
fn escaped(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
