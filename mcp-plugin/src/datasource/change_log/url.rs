//! Looks at a database URL before the driver does, which would ignore what it does not know.

/// What is wrong with the URL, without a part of it that may be a secret.
pub(crate) fn check(url: &str, schemes: &[&str], parameters: &[&str]) -> Result<(), String> {
    let expected = || format!("expected a URL that begins with `{}://`", schemes[0]);
    let (scheme, rest) = url.split_once("://").ok_or_else(expected)?;
    if !schemes.contains(&scheme) {
        return Err(expected());
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let named = query.split('&').filter(|part| !part.is_empty());
    let names = named.map(|part| part.split_once('=').map_or(part, |(name, _)| name));
    let mut unknown = names.filter(|name| !parameters.contains(name) && !name.starts_with("options["));
    match unknown.next() {
        Some(name) => Err(format!(
            "the URL has an unknown parameter `{name}`; there are: {}",
            parameters.join(", ")
        )),
        None => Ok(()),
    }
}

/// The driver's reason, which may quote a value of the URL only where that is no secret.
pub(crate) fn driver_reason(error: &sqlx::Error) -> String {
    let reason = match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        other => other.to_string(),
    };
    format!(
        "is not a URL that can be used ({reason}); special characters in user name and password have to be percent-encoded"
    )
}

#[cfg(test)]
mod tests {
    use super::check;

    fn checked(url: &str) -> Result<(), String> {
        check(url, &["mysql", "mariadb"], &["ssl-mode", "socket"])
    }

    #[test]
    fn good_urls() {
        assert_eq!(checked("mysql://u:p@h/db"), Ok(()));
        assert_eq!(checked("mariadb://h/db?ssl-mode=REQUIRED&socket=/x"), Ok(()));
    }

    #[test]
    fn bad_urls_are_named_without_their_secrets() {
        for url in [
            "secret",
            "postgres://u:secret@h/db",
            "mysql://u:secret@h/db?sslmod=1",
        ] {
            let reason = checked(url).err();
            assert!(reason.is_some_and(|r| !r.contains("secret")), "{url}");
        }
    }
}
