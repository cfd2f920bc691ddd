//! What URLs of hosts say to libpq, PostgreSQL's own client, and the driver does not know
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).

use std::time::Duration;

/// A URL without these parameters, and what they ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Libpq {
    pub(super) url: String,
    /// `connect_timeout`: how long a connection may take to be made.
    pub(super) connect: Option<Duration>,
    /// `channel_binding=require`: the server has to prove who it is. The driver binds no channels, so the server's
    /// certificate does that.
    pub(super) proves_itself: bool,
    /// `sslrootcert=system`: the server's certificate is checked with the authorities that the system knows.
    pub(super) knows_system: bool,
    /// What changes nothing here: how sockets, Kerberos and encodings are set, which the gateway does itself.
    pub(super) ignored: Vec<String>,
}

impl Libpq {
    /// The reason why it cannot be used holds no value but of the parameters that are read here.
    pub(super) fn read(url: &str) -> Result<Self, String> {
        let mut read = Self::default();
        let (address, query) = match url.split_once('?') {
            None => (url, ""),
            Some((address, query)) => (address, query),
        };
        let mut kept = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !read.take(name, value)? {
                kept.push(part);
            }
        }
        read.url = address.to_owned();
        if !kept.is_empty() {
            read.url = format!("{address}?{}", kept.join("&"));
        }
        Ok(read)
    }

    /// Whether the parameter is one of these.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, String> {
        let wrong = |expected: &str| Err(format!("the URL's `{name}` is `{value}`; {expected}"));
        match (name, value) {
            ("connect_timeout", seconds) => match seconds.parse::<u32>() {
                // No bound, for libpq; ours stays.
                Ok(0) => {}
                Ok(seconds) => self.connect = Some(Duration::from_secs(seconds.into())),
                Err(_) => return wrong("expected a number of seconds"),
            },
            ("channel_binding", "require") => self.proves_itself = true,
            ("channel_binding", "prefer" | "disable") => {}
            ("channel_binding", _) => return wrong("expected `require`, `prefer` or `disable`"),
            ("target_session_attrs", "any" | "read-write" | "primary" | "prefer-standby") => {}
            ("target_session_attrs", "read-only" | "standby") => {
                return wrong("definitions are written, so expected `read-write`, `primary` or `any`");
            }
            ("target_session_attrs", _) => return wrong("expected `read-write`, `primary` or `any`"),
            ("sslrootcert", "system") => self.knows_system = true,
            ("sslnegotiation", "" | "postgres") => {}
            ("sslnegotiation", _) => return wrong("expected `postgres`: the driver asks for TLS first"),
            // Of drivers of other languages.
            ("pgbouncer", "true" | "1") => {
                return wrong(
                    "a pooler does not carry the announcements of changes: give the address of the server itself, without this parameter",
                );
            }
            ("schema", "" | "public") | ("pgbouncer" | "uselibpqcompat", _) => {
                self.ignored.push(name.to_owned())
            }
            ("schema", _) => {
                return wrong(
                    "the tables are in `public`; for another schema use `options=-csearch_path=NAME`",
                );
            }
            ("gssencmode" | "requirepeer", value) if !matches!(value, "" | "prefer" | "disable") => {
                return Ok(false);
            }
            (
                "gssencmode"
                | "requirepeer"
                | "keepalives"
                | "keepalives_idle"
                | "keepalives_interval"
                | "keepalives_count"
                | "tcp_user_timeout"
                | "client_encoding"
                | "fallback_application_name"
                | "sslcompression"
                | "sslsni"
                | "krbsrvname"
                | "gsslib"
                | "gssdelegation"
                | "load_balance_hosts",
                _,
            ) => self.ignored.push(name.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hosts_write_is_read() {
        let url = "postgresql://u:p@h/db?sslmode=require&channel_binding=require&connect_timeout=15\
                   &target_session_attrs=read-write&keepalives_idle=30&application_name=a";
        let expected = Libpq {
            url: "postgresql://u:p@h/db?sslmode=require&application_name=a".to_owned(),
            connect: Some(Duration::from_secs(15)),
            proves_itself: true,
            knows_system: false,
            ignored: vec!["keepalives_idle".to_owned()],
        };
        assert_eq!(Libpq::read(url), Ok(expected));
        let system =
            Libpq::read("postgres://h/db?sslmode=verify-full&sslrootcert=system&sslnegotiation=postgres")
                .unwrap();
        assert!(system.knows_system);
        assert_eq!(system.url, "postgres://h/db?sslmode=verify-full");
        let plain = "postgres://h/db?channel_binding=prefer&target_session_attrs=any&connect_timeout=0";
        let expected = Libpq {
            url: "postgres://h/db".to_owned(),
            ..Libpq::default()
        };
        assert_eq!(Libpq::read(plain), Ok(expected));
    }

    #[test]
    fn what_cannot_be_honoured_is_not_ignored() {
        for (query, expected) in [
            ("target_session_attrs=standby", "definitions are written"),
            ("channel_binding=maybe", "expected `require`"),
            ("connect_timeout=soon", "a number of seconds"),
            ("sslnegotiation=direct", "expected `postgres`"),
            ("pgbouncer=true", "the server itself"),
            ("schema=other", "search_path"),
        ] {
            let reason = Libpq::read(&format!("postgres://u:geheim@h/db?{query}")).unwrap_err();
            assert!(
                reason.contains(expected) && !reason.contains("geheim"),
                "{reason}"
            );
        }
        // The caller says that there is no such parameter.
        for query in ["gssencmode=require", "requirepeer=postgres", "service=x"] {
            let url = format!("postgres://h/db?{query}");
            assert_eq!(Libpq::read(&url).unwrap().url, url);
        }
    }
}
