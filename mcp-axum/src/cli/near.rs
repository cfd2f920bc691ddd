//! Names that could have been meant.

/// How many are worth reading.
const MOST: usize = 3;
/// Below this two names have little in common (Jaro-Winkler, 0 to 1).
const LIKENESS: f64 = 0.75;

/// `; did you mean …?`, or nothing.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let lower = name.to_lowercase();
    let score = |other: &str| {
        let other = other.to_lowercase();
        let is_part = lower.len() > 2 && (other.contains(&lower) || lower.contains(&other));
        let likeness = strsim::jaro_winkler(&lower, &other);
        if is_part { likeness.max(LIKENESS) } else { likeness }
    };
    let mut found: Vec<(f64, &str)> = known.into_iter().map(|other| (score(other), other)).collect();
    found.retain(|(score, _)| *score >= LIKENESS);
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<String> = found
        .iter()
        .take(MOST)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    match names.join(" or ") {
        none if none.is_empty() => none,
        names => format!("; did you mean {names}?"),
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn what_was_meant_is_named() {
        let known = ["get_order", "search_orders", "weather"];
        assert_eq!(hint("get_ordre", known), "; did you mean `get_order`?");
        assert_eq!(
            hint("order", known),
            "; did you mean `get_order` or `search_orders`?"
        );
        assert_eq!(hint("zzz", known), "");
    }
}
