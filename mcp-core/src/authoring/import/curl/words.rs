//! A shell's words, as far as curl lines have them: also `$'…'`, which browsers copy.

pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    if line.contains("^\"") {
        return Err("it is for the Windows prompt (^\"); copy it as cURL for bash");
    }
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.trim().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted(&mut chars, word.get_or_insert_default(), '\'')?,
            '"' => quoted(&mut chars, word.get_or_insert_default(), '"')?,
            '$' if chars.peek() == Some(&'\'') => {
                chars.next();
                ansi(&mut chars, word.get_or_insert_default())?;
            }
            // `^` and a line break: copied from a Windows prompt.
            '\\' | '^' if matches!(chars.peek(), Some('\n' | '\r')) => {
                while chars.next_if(|c| matches!(c, '\n' | '\r')).is_some() {}
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '|' | ';' | '>' | '<' => break,
            '&' if chars
                .peek()
                .is_none_or(|next| next.is_whitespace() || *next == '&') =>
            {
                break;
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn quoted(chars: &mut Chars<'_>, word: &mut String, end: char) -> Result<(), &'static str> {
    while let Some(c) = chars.next() {
        match c {
            c if c == end => return Ok(()),
            '\\' if end == '"' => match chars.next() {
                Some('\n') => {}
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("a quotation mark is not closed")
}

fn ansi(chars: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    while let Some(c) = chars.next() {
        match c {
            '\'' => return Ok(()),
            '\\' => match chars.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some('u') => {
                    let code: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_hexdigit))
                        .take(4)
                        .collect();
                    let read = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    word.push(read.ok_or("`\\u` names no character")?);
                }
                Some(other) => word.push(other),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("a quotation mark is not closed")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_those_of_a_shell() {
        let table: [(&str, &[&str]); 6] = [
            (
                "curl  -H 'a: b' \"c \\\"d\\\" \\x\"",
                &["curl", "-H", "a: b", "c \"d\" \\x"],
            ),
            ("curl \\\n  x\\ y ''", &["curl", "x y", ""]),
            ("curl $'a\\'b\\u0041\\n'", &["curl", "a'bA\n"]),
            ("curl x?a=1&b=2 | jq .", &["curl", "x?a=1&b=2"]),
            ("curl ^\r\n x", &["curl", "x"]),
            ("", &[]),
        ];
        for (line, words) in table {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert!(
            split("curl ^\"https://a.example^\"")
                .unwrap_err()
                .contains("bash")
        );
        assert!(split("curl 'x").is_err() && split("curl \"x").is_err());
    }
}
