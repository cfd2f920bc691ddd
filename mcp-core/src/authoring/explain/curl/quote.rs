//! Words of a POSIX shell.

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text as it is.
    Text(String),
    /// The value of the shell's variable of that name.
    Variable(String),
}

/// One word that the shell takes for exactly this text.
pub(crate) fn word(pieces: &[Piece]) -> String {
    let has_variable = pieces.iter().any(|piece| matches!(piece, Piece::Variable(_)));
    if !has_variable {
        let text: String = pieces.iter().map(as_text).collect();
        return single(&text);
    }
    // `!` is the history in interactive shells, also between these quotes.
    let special = ['"', '\\', '$', '`', '!'];
    if pieces.iter().all(|piece| !as_text(piece).contains(special)) {
        return format!("\"{}\"", inside(pieces));
    }
    let one = |piece: &Piece| match piece {
        Piece::Text(text) if text.is_empty() => String::new(),
        Piece::Text(text) => single(text),
        Piece::Variable(name) => format!("\"${name}\""),
    };
    pieces.iter().map(one).collect()
}

/// The pieces between double quotes.
fn inside(pieces: &[Piece]) -> String {
    let mut out = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Variable(name) => {
                let next = pieces.get(index + 1).map(as_text).unwrap_or_default();
                let goes_on = next.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
                if goes_on {
                    out.extend(["${", name, "}"]);
                } else {
                    out.extend(["$", name]);
                }
            }
        }
    }
    out
}

fn as_text(piece: &Piece) -> &str {
    match piece {
        Piece::Text(text) => text,
        Piece::Variable(_) => "",
    }
}

fn single(text: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    if !text.is_empty() && text.chars().all(is_bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether the text can be pasted: no control character but line feeds.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}

/// The text for `printf`, which is part of every shell and has no bound.
pub(super) fn format(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (index, c) in text.chars().enumerate() {
        match c {
            '\\' => out.push_str(r"\\"),
            '%' => out.push_str("%%"),
            '\n' => out.push_str(r"\n"),
            '\r' => out.push_str(r"\r"),
            // It would be taken for an option.
            '-' if index == 0 => out.push_str(r"\055"),
            c if c.is_control() => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    out.push_str(&format!("\\{byte:03o}"));
                }
            }
            c => out.push(c),
        }
    }
    format!("'{}'", out.replace('\'', r"'\''"))
}

/// A name for a variable, made of another name.
pub(crate) fn variable_name(text: &str) -> String {
    let upper = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(upper).collect();
    let name = name.trim_matches('_');
    match name.chars().next() {
        None => "SECRET".to_owned(),
        Some('0'..='9') => format!("_{name}"),
        // Changing these would change what the shell does.
        Some(_)
            if matches!(
                name,
                "PATH" | "HOME" | "IFS" | "PWD" | "USER" | "SHELL" | "ENV" | "LANG"
            ) =>
        {
            format!("{name}_VALUE")
        }
        Some(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let key = Piece::Variable("KEY".to_owned());
        let table = [
            (vec![text("a=b")], "a=b"),
            (vec![text("")], "''"),
            (vec![text("it's $HOME")], r"'it'\''s $HOME'"),
            (vec![text("X-Key: "), key.clone()], "\"X-Key: $KEY\""),
            (vec![key.clone(), text("x")], "\"${KEY}x\""),
            (vec![text("a\"b!"), key.clone()], "'a\"b!'\"$KEY\""),
            (vec![text(""), key], "\"$KEY\""),
        ];
        for (pieces, expected) in table {
            assert_eq!(word(&pieces), expected);
        }
    }

    #[test]
    fn names_of_variables_are_names() {
        let table = [
            ("X-API-Key", "X_API_KEY"),
            ("billing-token.txt", "BILLING_TOKEN_TXT"),
            ("2fa", "_2FA"),
            ("path", "PATH_VALUE"),
            ("ü", "SECRET"),
        ];
        for (text, expected) in table {
            assert_eq!(variable_name(text), expected);
        }
    }
}
