//! Numbers of things, for people.

use std::fmt::Display;

/// `1 tool`, `2 tools`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_not_many() {
        let all = [0_usize, 1, 2].map(|count| counted(count, "tool"));
        assert_eq!(all, ["0 tools", "1 tool", "2 tools"]);
    }
}
