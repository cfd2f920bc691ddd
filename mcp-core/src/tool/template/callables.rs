//! Filters and tests are looked up when a template runs; a misspelt one has to be found when it is written.

use super::words::{Word, Words};
use minijinja::{Environment, ErrorKind};

/// Checks every `| filter` and `is test` inside the template's tags.
pub(super) fn check(environment: &Environment<'_>, source: &str) -> Result<(), String> {
    let mut state = environment.empty_state();
    let mut before = Word::Edge;
    for word in Words::of(source) {
        match (before, word) {
            (Word::Symbol('|'), Word::Name(name)) => {
                let unknown = state
                    .apply_filter(name, &[])
                    .is_err_and(|e| e.kind() == ErrorKind::UnknownFilter);
                if unknown {
                    return Err(format!("uses the filter `{name}`, which is unknown"));
                }
            }
            (Word::Name("is"), Word::Name("not")) => continue,
            (Word::Name("is"), Word::Name(name)) => {
                let unknown = state
                    .perform_test(name, &[])
                    .is_err_and(|e| e.kind() == ErrorKind::UnknownTest);
                if unknown {
                    return Err(format!("uses the test `{name}`, which is unknown"));
                }
            }
            _ => {}
        }
        before = word;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use minijinja::Environment;

    #[test]
    fn unknown_filters_and_tests_are_found_also_where_they_are_not_reached() {
        let environment = Environment::new();
        for known in [
            "{{ a | upper }}",
            "a | b",
            "{{ '| x' }}",
            "{{ a is defined and b is not none }}",
            "{{ \"\\\"|x\" }}",
        ] {
            assert_eq!(check(&environment, known), Ok(()), "{known}");
        }
        let refusal = |text: &str| check(&environment, text).unwrap_err();
        assert_eq!(
            refusal("{{ a | uper }}"),
            "uses the filter `uper`, which is unknown"
        );
        assert_eq!(
            refusal("x {% if false %}{{ a|lower|uper }}{% endif %}"),
            "uses the filter `uper`, which is unknown"
        );
        assert_eq!(
            refusal("{{ a is not definde }}"),
            "uses the test `definde`, which is unknown"
        );
    }
}
