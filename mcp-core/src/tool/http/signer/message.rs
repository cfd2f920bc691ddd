//! The text that is signed, with what of the request stands in it.

/// A text with places.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message(pub(crate) Vec<Piece>);

/// A part of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Of(Placeholder),
}

/// What of the request stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placeholder {
    Method,
    Path,
    Query,
    Target,
    Host,
    Timestamp,
    Nonce,
    Body,
    BodySha256,
    BodySha512,
}

const PLACEHOLDERS: [(&str, Placeholder); 10] = [
    ("method", Placeholder::Method),
    ("path", Placeholder::Path),
    ("query", Placeholder::Query),
    ("target", Placeholder::Target),
    ("host", Placeholder::Host),
    ("timestamp", Placeholder::Timestamp),
    ("nonce", Placeholder::Nonce),
    ("body", Placeholder::Body),
    ("body_sha256", Placeholder::BodySha256),
    ("body_sha512", Placeholder::BodySha512),
];

impl Message {
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                plain.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                plain.push('}');
                rest = after;
            } else if let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
                let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
                let (_, placeholder) = known.ok_or_else(|| unknown(name))?;
                // A body may be large, and a text has room for hundreds of them.
                if pieces.contains(&Piece::Of(*placeholder)) {
                    return Err(format!("`{{{name}}}` stands there twice"));
                }
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Of(*placeholder));
                rest = after;
            } else {
                return Err(
                    "has a brace that opens or closes nothing; write `{{` or `}}` for the character"
                        .to_owned(),
                );
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        if !pieces.iter().any(|piece| matches!(piece, Piece::Of(_))) {
            return Err(
                "has nothing of the request in it: its signature would be good for every request".to_owned(),
            );
        }
        Ok(Self(pieces))
    }
}

fn unknown(name: &str) -> String {
    let known: Vec<String> = PLACEHOLDERS
        .iter()
        .map(|(known, _)| format!("`{{{known}}}`"))
        .collect();
    format!(
        "`{{{name}}}` is nothing of a request; there are {}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_braces_can_be_written() {
        let message = Message::compile("{method}\n{{x}}{body_sha256}").unwrap();
        assert_eq!(
            message.0,
            [
                Piece::Of(Placeholder::Method),
                Piece::Text("\n{x}".to_owned()),
                Piece::Of(Placeholder::BodySha256)
            ]
        );
        for (text, expected) in [
            ("{methd}", "`{methd}` is nothing of a request"),
            ("{method", "a brace that opens or closes nothing"),
            ("method}", "a brace that opens or closes nothing"),
            ("always the same", "nothing of the request"),
            ("{body}{body}", "`{body}` stands there twice"),
            ("", "nothing of the request"),
        ] {
            let reason = Message::compile(text).unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }
}
