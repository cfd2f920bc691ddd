//! The Prometheus text format 0.0.4, for scrapers that do not ask for OpenMetrics: the same lines, but for names and types
//! that differ.

/// Turns OpenMetrics into it.
pub(super) fn plain(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    // The help comes before the type, and both have the name that the type decides.
    let mut help = None;
    for line in open_metrics.lines() {
        let comment = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '));
        match comment {
            None if line == "# EOF" => {}
            Some(("UNIT", _)) => {}
            Some(("HELP", rest)) => help = rest.split_once(' ').map(|(_, words)| words),
            Some(("TYPE", rest)) => {
                let (name, kind) = rest.split_once(' ').unwrap_or((rest, "unknown"));
                let (suffix, kind) = match kind {
                    "counter" => ("_total", "counter"),
                    "info" => ("_info", "gauge"),
                    "unknown" => ("", "untyped"),
                    other => ("", other),
                };
                if let Some(words) = help.take() {
                    text.push_str(&format!("# HELP {name}{suffix} {words}\n"));
                }
                text.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn names_and_types_are_those_of_the_older_format() {
        let open_metrics = "# HELP d_calls Calls.\n# TYPE d_calls counter\nd_calls_total{tool=\"a # b\"} 1\n\
                            # HELP d_build What runs.\n# TYPE d_build info\nd_build_info{version=\"1\"} 1\n\
                            # HELP d_t_seconds Time.\n# TYPE d_t_seconds histogram\n# UNIT d_t_seconds seconds\n\
                            d_t_seconds_sum 0.0\n# HELP d_x X.\n# TYPE d_x gauge\nd_x 2\n# EOF\n";
        let expected = "# HELP d_calls_total Calls.\n# TYPE d_calls_total counter\nd_calls_total{tool=\"a # b\"} 1\n\
                        # HELP d_build_info What runs.\n# TYPE d_build_info gauge\nd_build_info{version=\"1\"} 1\n\
                        # HELP d_t_seconds Time.\n# TYPE d_t_seconds histogram\nd_t_seconds_sum 0.0\n\
                        # HELP d_x X.\n# TYPE d_x gauge\nd_x 2\n";
        assert_eq!(plain(open_metrics), expected);
    }
}
