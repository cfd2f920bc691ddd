//! What the reader of JSON says, in words for people.

/// The reason without line and column, where those would be of a text that nobody has seen.
pub fn reason(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    if text.ends_with(&place) {
        text.truncate(text.len() - place.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn line_and_column_go_and_nothing_else() {
        let read = |text: &str| reason(&serde_json::from_str::<u8>(text).unwrap_err());
        assert_eq!(read("\n ["), "invalid type: sequence, expected u8");
        assert_eq!(
            read("\"x at line 1 column 9\""),
            "invalid type: string \"x at line 1 column 9\", expected u8"
        );
        assert_eq!(
            reason(&serde::de::Error::custom("nothing at line 7 is read")),
            "nothing at line 7 is read"
        );
    }
}
