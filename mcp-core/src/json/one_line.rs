//! JSON text on one line: an event stream ends a message at a line break.

/// Leaves the blanks between tokens out; the tokens stay as they were written. The text must be JSON.
pub(crate) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in json.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if !matches!(c, ' ' | '\t' | '\r' | '\n') {
            out.push(c);
            in_string = c == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_blanks_between_tokens_go() {
        let text = "{ \"a b\" :\t[ 1.10 ,\r\n \"x \\\" y\\\\\" , true ] }";
        assert_eq!(super::compact(text), r#"{"a b":[1.10,"x \" y\\",true]}"#);
    }
}
