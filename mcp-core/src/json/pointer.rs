//! JSON Pointers (RFC 6901) in definitions.

/// The member names that the pointer steps through.
pub(crate) fn parse(text: &str) -> Result<Vec<String>, String> {
    let Some(steps) = text.strip_prefix('/') else {
        return Err(format!(
            "`{text}` is not a JSON Pointer: it does not begin with `/`"
        ));
    };
    steps.split('/').map(unescape).collect()
}

fn unescape(step: &str) -> Result<String, String> {
    let mut out = String::with_capacity(step.len());
    let mut rest = step;
    while let Some((before, after)) = rest.split_once('~') {
        out.push_str(before);
        let c = match after.as_bytes().first() {
            Some(b'0') => '~',
            Some(b'1') => '/',
            _ => {
                return Err(format!(
                    "`{step}` is not a step of a JSON Pointer: `~` is written `~0`"
                ));
            }
        };
        out.push(c);
        rest = &after[1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The pointer that steps through these names.
pub(crate) fn pointer_of<S: AsRef<str>>(path: &[S]) -> String {
    let escaped = path
        .iter()
        .map(|step| step.as_ref().replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |out, step| out + "/" + &step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_read_and_written() {
        for (text, path) in [
            ("/a", vec!["a"]),
            ("/a/b c/0", vec!["a", "b c", "0"]),
            ("/a~1b/m~0n/~01", vec!["a/b", "m~n", "~1"]),
            ("/", vec![""]),
        ] {
            assert_eq!(parse(text).unwrap(), path);
            assert_eq!(pointer_of(&path), text);
        }
        for text in ["", "a", "/~", "/a~2"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
