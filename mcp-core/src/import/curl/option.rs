//! curl's options and whether a value follows them.

/// Of one letter, with a value.
const LETTERS: &str = "AbcCdDeEFHKmoPQrtTuUwxXyYz";

/// Long ones with a value that say nothing about the request.
const WITH_VALUE: [&str; 46] = [
    "--aws-sigv4",
    "--cacert",
    "--capath",
    "--cert",
    "--cert-type",
    "--ciphers",
    "--config",
    "--connect-timeout",
    "--connect-to",
    "--continue-at",
    "--cookie-jar",
    "--crlfile",
    "--dns-servers",
    "--dump-header",
    "--expect100-timeout",
    "--interface",
    "--keepalive-time",
    "--key",
    "--key-type",
    "--limit-rate",
    "--max-filesize",
    "--max-redirs",
    "--max-time",
    "--netrc-file",
    "--noproxy",
    "--output",
    "--output-dir",
    "--pass",
    "--pinnedpubkey",
    "--preproxy",
    "--proxy",
    "--proxy-header",
    "--proxy-user",
    "--range",
    "--referer",
    "--resolve",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--socks5-hostname",
    "--stderr",
    "--tls-max",
    "--trace-ascii",
    "--unix-socket",
    "--user-agent",
    "--write-out",
];

/// Whether the next word is its value, for an option that is not looked at.
pub(super) fn takes_value(option: &str) -> bool {
    match option.strip_prefix('-') {
        Some(letter) if letter.len() == 1 => LETTERS.contains(letter),
        _ => WITH_VALUE.contains(&option),
    }
}

/// The options of one word with the value that stands in it: `--request=POST`, `-XPOST`, `-sSXPOST`. Other words as
/// they are.
pub(super) fn split(word: &str) -> Vec<(String, Option<String>)> {
    if word.starts_with("--") {
        return match word.split_once('=') {
            Some((name, value)) => vec![(name.to_owned(), Some(value.to_owned()))],
            None => vec![(word.to_owned(), None)],
        };
    }
    let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
        return vec![(word.to_owned(), None)];
    };
    let mut options = Vec::new();
    for (at, letter) in letters.char_indices() {
        let value = &letters[at + letter.len_utf8()..];
        let has_value = LETTERS.contains(letter);
        let value = Some(value.to_owned()).filter(|value| has_value && !value.is_empty());
        options.push((format!("-{letter}"), value));
        if has_value {
            break;
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::{split, takes_value};

    #[test]
    fn letters_may_stand_together_and_the_last_may_have_its_value() {
        let table = [
            ("-XPOST", "-X=POST"),
            ("-sSX", "-s -S -X"),
            ("-sGd", "-s -G -d"),
            ("-kHA:b", "-k -H=A:b"),
            ("--request=PUT", "--request=PUT"),
            ("--get", "--get"),
            ("-", "-"),
            ("https://a.example/?x=-d", "https://a.example/?x=-d"),
        ];
        for (word, expected) in table {
            let shown = |(name, value): &(String, Option<String>)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            };
            let options: Vec<String> = split(word).iter().map(shown).collect();
            assert_eq!(options.join(" "), expected);
        }
        assert!(
            takes_value("-o") && takes_value("--resolve") && !takes_value("-L") && !takes_value("--location")
        );
    }
}
