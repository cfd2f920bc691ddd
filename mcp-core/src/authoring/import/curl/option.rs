//! curl's options and whether a value follows them.

/// The options of one letter, with a value.
const LETTERS: &str = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";

/// Long ones with a value (`curl --help all`): that of one that is missing here would be taken for the URL.
const WITH_VALUE: [&str; 145] = [
    "--abstract-unix-socket",
    "--alt-svc",
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
    "--cookie",
    "--cookie-jar",
    "--create-file-mode",
    "--crlfile",
    "--curves",
    "--data",
    "--data-ascii",
    "--data-binary",
    "--data-raw",
    "--data-urlencode",
    "--delegation",
    "--dns-interface",
    "--dns-ipv4-addr",
    "--dns-ipv6-addr",
    "--dns-servers",
    "--doh-url",
    "--dump-header",
    "--ech",
    "--egd-file",
    "--engine",
    "--etag-compare",
    "--etag-save",
    "--expect100-timeout",
    "--form",
    "--form-string",
    "--ftp-account",
    "--ftp-alternative-to-user",
    "--ftp-method",
    "--ftp-port",
    "--ftp-ssl-ccc-mode",
    "--happy-eyeballs-timeout-ms",
    "--haproxy-clientip",
    "--header",
    "--help",
    "--hostpubmd5",
    "--hostpubsha256",
    "--hsts",
    "--interface",
    "--ip-tos",
    "--ipfs-gateway",
    "--json",
    "--keepalive-cnt",
    "--keepalive-time",
    "--key",
    "--key-type",
    "--knownhosts",
    "--krb",
    "--libcurl",
    "--limit-rate",
    "--local-port",
    "--login-options",
    "--mail-auth",
    "--mail-from",
    "--mail-rcpt",
    "--max-filesize",
    "--max-redirs",
    "--max-time",
    "--netrc-file",
    "--noproxy",
    "--oauth2-bearer",
    "--output",
    "--output-dir",
    "--parallel-max",
    "--parallel-max-host",
    "--pass",
    "--pinnedpubkey",
    "--preproxy",
    "--proto",
    "--proto-default",
    "--proto-redir",
    "--proxy",
    "--proxy-cacert",
    "--proxy-capath",
    "--proxy-cert",
    "--proxy-cert-type",
    "--proxy-ciphers",
    "--proxy-crlfile",
    "--proxy-header",
    "--proxy-key",
    "--proxy-key-type",
    "--proxy-pass",
    "--proxy-pinnedpubkey",
    "--proxy-service-name",
    "--proxy-tls13-ciphers",
    "--proxy-tlsauthtype",
    "--proxy-tlspassword",
    "--proxy-tlsuser",
    "--proxy-user",
    "--proxy1.0",
    "--pubkey",
    "--quote",
    "--random-file",
    "--range",
    "--rate",
    "--referer",
    "--request",
    "--request-target",
    "--resolve",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--sasl-authzid",
    "--service-name",
    "--sigalgs",
    "--socks4",
    "--socks4a",
    "--socks5",
    "--socks5-gssapi-service",
    "--socks5-hostname",
    "--speed-limit",
    "--speed-time",
    "--stderr",
    "--telnet-option",
    "--tftp-blksize",
    "--time-cond",
    "--tls-max",
    "--tls13-ciphers",
    "--tlsauthtype",
    "--tlspassword",
    "--tlsuser",
    "--trace",
    "--trace-ascii",
    "--trace-config",
    "--unix-socket",
    "--upload-file",
    "--upload-flags",
    "--url",
    "--url-query",
    "--user",
    "--user-agent",
    "--variable",
    "--vlan-priority",
    "--write-out",
];

/// Whether the next word is its value, for an option that is not looked at.
pub(super) fn takes_value(option: &str) -> bool {
    match option.strip_prefix('-') {
        Some(letter) if letter.len() == 1 => LETTERS.contains(letter),
        // `--expand-url` is `--url` with variables.
        _ => WITH_VALUE.contains(&option) || option.starts_with("--expand-"),
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
        for name in [
            "-o",
            "-U",
            "-r",
            "-D",
            "--resolve",
            "--proxy-user",
            "--aws-sigv4",
            "--expand-data",
        ] {
            assert!(takes_value(name), "{name}");
        }
        for name in ["-L", "-v", "-:", "--location", "--http2", "--fail", "-", "--"] {
            assert!(!takes_value(name), "{name}");
        }
    }
}
