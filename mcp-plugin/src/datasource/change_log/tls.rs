//! TLS: what the URL says of it is looked at before the driver does, and what to do where it fails.

use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// What the parameters of a server's URL are called.
#[derive(Debug)]
pub(crate) struct Names {
    /// How much TLS.
    pub(crate) mode: &'static str,
    /// The option's value that checks everything.
    pub(crate) verified: &'static str,
    /// Authority, our certificate, our key; with the other names that the driver knows them by.
    pub(crate) authority: &'static [&'static str],
    pub(crate) certificate: &'static [&'static str],
    pub(crate) key: &'static [&'static str],
}

impl Names {
    /// What is wrong with the files that the URL names. `verifies`: the mode checks the server's certificate.
    pub(crate) fn check(&self, url: &str, verifies: bool) -> Result<(), String> {
        let authority = parameter(url, self.authority);
        let ours = (parameter(url, self.certificate), parameter(url, self.key));
        if authority.is_some() && !verifies {
            return Err(format!(
                "the URL names `{}`, but its `{}` does not check the server's certificate; set `{}={}`",
                self.authority[0], self.mode, self.mode, self.verified
            ));
        }
        if ours.0.is_some() != ours.1.is_some() {
            return Err(format!(
                "the URL names only one of `{}` and `{}`, which belong together",
                self.certificate[0], self.key[0]
            ));
        }
        for (names, file, holds) in [
            (self.authority, &authority, "CERTIFICATE-----"),
            (self.certificate, &ours.0, "CERTIFICATE-----"),
            (self.key, &ours.1, "PRIVATE KEY-----"),
        ] {
            if let Some(file) = file {
                check_file(file, holds).map_err(|reason| format!("`{}` of the URL: {reason}", names[0]))?;
            }
        }
        Ok(())
    }

    /// What to do about a connection that failed for this reason.
    pub(crate) fn advice(&self, said: &str) -> String {
        let (authority, mode, verified) = (self.authority[0], self.mode, self.verified);
        // The second: an authority of the same name is known, with another key.
        if said.contains("UnknownIssuer") || said.contains("BadSignature") {
            return format!(
                "neither the system nor the URL's `{authority}` knows the authority that signed its certificate; name \
                 that authority's file: `{authority}=FILE`"
            );
        }
        if said.contains("not valid for name") || said.contains("NotValidForName") {
            return "its certificate is for other names; write one of them as the host in the URL, or have it made for \
                    this one"
                .to_owned();
        }
        if said.contains("does not support TLS") {
            return format!(
                "the server has no TLS, and the URL's `{mode}` demands it; switch it on there (certificate and key)"
            );
        }
        if said.contains("insecure transport") {
            return format!("the server wants TLS: set `{mode}={verified}` in the URL");
        }
        format!(
            "the certificate has to be valid for the host in the URL and signed by an authority that the system or the \
             URL's `{authority}` trusts; where the server wants one of ours, set `{}` and `{}`",
            self.certificate[0], self.key[0]
        )
    }
}

/// The last one counts, as for the driver.
fn parameter<'a>(url: &'a str, names: &[&str]) -> Option<Cow<'a, str>> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = query.rsplit('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| names.contains(name))?;
    percent_decode_str(value).decode_utf8().ok()
}

/// The driver takes PEM text in the file's place, too.
fn check_file(file: &str, holds: &str) -> Result<(), String> {
    if file.trim_start().starts_with("-----BEGIN") {
        return Ok(());
    }
    let content =
        std::fs::read_to_string(file).map_err(|error| format!("`{file}` cannot be read ({error})"))?;
    let is_there = content
        .lines()
        .any(|line| line.starts_with("-----BEGIN ") && line.trim_end().ends_with(holds));
    if is_there {
        Ok(())
    } else {
        Err(format!(
            "`{file}` has no line `-----BEGIN … {holds}` (it has to be PEM)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: Names = Names {
        mode: "sslmode",
        verified: "verify-full",
        authority: &["sslrootcert", "ssl-ca"],
        certificate: &["sslcert"],
        key: &["sslkey"],
    };

    #[test]
    fn parameters_are_found_by_all_their_names() {
        let url = "postgres://u:p@h/db?ssl-ca=%2Fa%20b.pem&sslmode=verify-full";
        assert_eq!(parameter(url, NAMES.authority).as_deref(), Some("/a b.pem"));
        assert_eq!(parameter(url, NAMES.key), None);
        assert_eq!(parameter("postgres://h", NAMES.key), None);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let check = |query: &str, verifies| {
            let url = format!("postgres://u:geheim@h/db?{query}");
            let reason = NAMES.check(&url, verifies).err().unwrap_or_default();
            assert!(!reason.contains("geheim"));
            reason
        };
        assert_eq!(check("", false), "");
        assert!(check("sslrootcert=/x", false).contains("does not check the server's certificate"));
        assert!(check("sslrootcert=/nowhere.pem", true).contains("`/nowhere.pem` cannot be read"));
        assert!(check("sslcert=/x", true).contains("only one of `sslcert` and `sslkey`"));
    }
}
