//! A file of variables (`.env`) in the place of a configuration: the gateway's own variables, and those by which the older servers were configured.

use super::{SettingsError, sections::OLDER_SECRET_KEY};
use std::{collections::HashMap, path::Path};
use toml::{Table, Value};

/// What the gateway reads of the environment by itself.
const OWN: &str = "APP__";
const LEVEL: &str = "RUST_LOG";

/// What the older servers call the data source, the secret of tokens, and where they listen.
const DATABASE: &str = "DATABASE_URL";
const TOKENS: &str = "JWT_SECRET";
const HOST: &str = "SERVER_HOST";
const PORT: &str = "SERVER_PORT";

/// The shortest secret that tokens are signed with.
const SHORTEST_SECRET: usize = 32;

/// What a file says.
#[derive(Default)]
pub(super) struct EnvFile {
    /// Of the older names, as keys of the configuration.
    pub(super) table: Table,
    /// Variables that mean the same in the environment.
    pub(super) variables: HashMap<String, String>,
    /// Names that mean nothing here.
    pub(super) strangers: Vec<String>,
}

/// By its name: such files have nothing in them that would tell.
pub(super) fn is_meant(file: &Path) -> bool {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    name == ".env" || name.starts_with(".env.") || name.ends_with(".env")
}

pub(super) fn read(file: &Path, text: &str) -> Result<EnvFile, SettingsError> {
    let mut read = EnvFile::default();
    let mut problems = Vec::new();
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        let (name, value) = entry.map_err(|error| unreadable(file, text, &error))?;
        match read.take(&name, value) {
            Ok(()) => {}
            Err(reason) => problems.push(SettingsError::value(name, reason)),
        }
    }
    match problems.is_empty() {
        true => Ok(read),
        false => Err(SettingsError::together(problems)),
    }
}

impl EnvFile {
    /// The whole of it as a configuration.
    pub(super) fn into_table(mut self) -> Table {
        for (name, value) in self.variables {
            let path = match name.as_str() {
                LEVEL => vec!["log".to_owned(), "log_level".to_owned()],
                OLDER_SECRET_KEY => vec!["secrets".to_owned(), "key".to_owned()],
                own => own[OWN.len()..].split("__").map(str::to_lowercase).collect(),
            };
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            set(&mut self.table, &path, value);
        }
        self.table
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), String> {
        let is_needed = [DATABASE, TOKENS, HOST, PORT, OLDER_SECRET_KEY].contains(&name);
        if is_needed && value.is_empty() {
            return Err("is empty; give it a value, or leave it out".to_owned());
        }
        match name {
            DATABASE => return self.take_database(value),
            HOST => set(&mut self.table, &["app", "host"], value),
            PORT => {
                if value.parse::<u16>().is_err() {
                    return Err("must be a port, 0 to 65535".to_owned());
                }
                set(&mut self.table, &["app", "port"], value);
            }
            TOKENS => {
                let length = value.len();
                if length < SHORTEST_SECRET {
                    return Err(format!(
                        "has {length} bytes, at least {SHORTEST_SECRET} are needed: `openssl rand -hex 32` makes one"
                    ));
                }
                set(&mut self.table, &["mcp", "session_secret"], value);
            }
            own if own.starts_with(OWN) || own == LEVEL || own == OLDER_SECRET_KEY => {
                self.variables.insert(own.to_owned(), value);
            }
            stranger => self.strangers.push(stranger.to_owned()),
        }
        Ok(())
    }

    fn take_database(&mut self, url: String) -> Result<(), String> {
        // The value may have a password in it, so that no message has the value.
        let scheme = url.split(':').next().unwrap_or_default();
        let (source, key, place) = match scheme {
            "postgres" | "postgresql" => ("postgres", "url", url.as_str()),
            "mysql" | "mariadb" => ("mysql", "url", url.as_str()),
            "sqlite" => {
                let path = url["sqlite:".len()..].split('?').next().unwrap_or_default();
                ("sqlite", "path", path.strip_prefix("//").unwrap_or(path))
            }
            _ => {
                return Err("must begin with postgres://, mysql:// or sqlite:".to_owned());
            }
        };
        set(&mut self.table, &["data_source", source, key], place.to_owned());
        set(&mut self.table, &["app", "data_source"], source.to_owned());
        Ok(())
    }
}

/// What stands there is text, as in the environment: whoever reads a key makes of it what is wanted there.
fn set(table: &mut Table, path: &[&str], value: String) {
    match path {
        [] => {}
        [name] => drop(table.insert((*name).to_owned(), Value::String(value))),
        [name, rest @ ..] => {
            let inner = table.entry(*name).or_insert_with(|| Table::new().into());
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// Without the line, which may have a secret in it.
fn unreadable(file: &Path, text: &str, error: &dotenvy::Error) -> SettingsError {
    let line = match error {
        dotenvy::Error::LineParse(line, _) => text.lines().position(|one| line.contains(one.trim())),
        _ => None,
    };
    SettingsError::Syntax {
        file: match line {
            Some(line) => format!("{}:{}", file.display(), line + 1),
            None => file.display().to_string(),
        },
        reason: "is no variable: write NAME=value, with quotation marks around what has blanks or quotation marks in it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<EnvFile, String> {
        read(Path::new("x/.env"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn files_of_variables_are_known_by_their_names() {
        for name in [".env", "/srv/.env", ".env.local", "prod.env"] {
            assert!(is_meant(Path::new(name)), "{name}");
        }
        for name in ["env", "a.toml", "environment", "dynmcp.env.toml"] {
            assert!(!is_meant(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn older_names_become_keys_and_own_ones_stay() {
        let text = "# of the older server\nDATABASE_URL='postgres://me:pa$s@db/x'\nexport JWT_SECRET=\"0123456789abcdef0123456789abcdef\"\n\
                    SERVER_HOST=127.0.0.1\nSERVER_PORT=12009\nENCRYPTION_KEY=k\nRUST_LOG=warn\nAPP__MCP__PAGE_SIZE=7\nOTHER=1\n";
        let read = read_text(text).unwrap();
        assert_eq!(read.strangers, ["OTHER"]);
        assert_eq!(read.variables.len(), 3);
        let table = read.into_table();
        let expected = r#"
            app = {data_source = "postgres", host = "127.0.0.1", port = "12009"}
            data_source = {postgres = {url = "postgres://me:pa$s@db/x"}}
            mcp = {session_secret = "0123456789abcdef0123456789abcdef", page_size = "7"}
            secrets = {key = "k"}
            log = {log_level = "warn"}
        "#;
        assert_eq!(table, expected.parse().unwrap());
    }

    #[test]
    fn each_kind_of_database_has_its_source() {
        for (url, source, key, place) in [
            ("mysql://db/x", "mysql", "url", "mysql://db/x"),
            ("mariadb://db/x", "mysql", "url", "mariadb://db/x"),
            ("postgresql://db/x", "postgres", "url", "postgresql://db/x"),
            ("sqlite:data/a.db", "sqlite", "path", "data/a.db"),
            ("sqlite://data/a.db?mode=rwc", "sqlite", "path", "data/a.db"),
            ("sqlite:///srv/a.db", "sqlite", "path", "/srv/a.db"),
        ] {
            let table = read_text(&format!("DATABASE_URL={url}\n")).unwrap().table;
            assert_eq!(table["app"]["data_source"].as_str(), Some(source), "{url}");
            assert_eq!(table["data_source"][source][key].as_str(), Some(place), "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_and_no_value_is_said() {
        for (text, expected) in [
            (
                "DATABASE_URL=oracle://me:hunter2@db",
                "DATABASE_URL: must begin with",
            ),
            ("DATABASE_URL=", "DATABASE_URL: is empty"),
            ("JWT_SECRET=hunter2", "JWT_SECRET: has 7 bytes, at least 32"),
            ("JWT_SECRET=", "JWT_SECRET: is empty"),
            ("ENCRYPTION_KEY=", "ENCRYPTION_KEY: is empty"),
            ("SERVER_PORT=hunter2", "SERVER_PORT: must be a port"),
            ("A=1\nJWT_SECRET hunter2\n", "x/.env:2: is no variable"),
            ("A=\"hunter2\n", "x/.env"),
        ] {
            let error = read_text(text).err().unwrap();
            assert!(
                error.starts_with(expected) && !error.contains("hunter2"),
                "{text}: {error}"
            );
        }
    }
}
