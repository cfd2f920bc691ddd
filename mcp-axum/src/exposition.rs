//! Prometheus' text format, as far as this gateway writes it: a name, labels, a number.

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    labels: Vec<(&'a str, String)>,
    pub(crate) value: f64,
}

impl Line<'_> {
    /// Names and values.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (*name, &**value))
    }

    /// The label's value; empty where there is none.
    pub(crate) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or("", |(_, value)| value)
    }
}

/// The lines that are series; what cannot be read is passed over.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(line)
}

/// One line; `None` where it cannot be read.
pub(crate) fn line(text: &str) -> Option<Line<'_>> {
    let end = text.find(['{', ' '])?;
    let (name, rest) = text.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Line { name, labels, value })
}

/// `a="b",c="d"} …`: the labels, and what stands behind the brace.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, quoted) = rest.trim_start_matches(',').split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((name, value));
        rest = &quoted[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_apart_into_name_labels_and_number() {
        let text = "# HELP a b\na 1\nb{le=\"+Inf\",tool=\"x \\\"y\\\" {,\\\\\"} 2.5 1700000000\nc{} NaN\nd\n";
        let read: Vec<_> = lines(text).collect();
        assert_eq!(read.len(), 3);
        assert_eq!((read[0].name, read[0].value), ("a", 1.0));
        assert_eq!(
            (read[1].label("le"), read[1].label("tool")),
            ("+Inf", "x \"y\" {,\\")
        );
        assert_eq!((read[1].value, read[1].label("none")), (2.5, ""));
        assert!(read[2].value.is_nan());
    }
}
