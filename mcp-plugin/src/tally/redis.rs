//! Redis, or Valkey: one script for each call, in one round trip, by the server's own clock.

use async_trait::async_trait;
use mcp_common::{
    secret::{ExposeSecret, Secret},
    tally::{Count, Counting, Most, Place, Taken, Tally, Wanted},
};
use redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, RedisError, Script, TlsCertificates,
    aio::MultiplexedConnection,
};
use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// A whole connection, TLS and all; whoever calls bounds it, too.
const CONNECTING: Duration = Duration::from_secs(2);
/// Whose calls the probe counts: it writes, as a call does.
const PROBE: &str = "probe";

/// Where it is, and how it is spoken to.
#[derive(Clone, Debug, Default)]
pub struct RedisSettings {
    /// `redis://host:port/database`, or `rediss://` for TLS; without credentials.
    pub url: String,
    /// Of an ACL; the server's default one without it.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// A file with the password, read for each connection.
    pub password_file: Option<PathBuf>,
    /// Authorities that sign the server's certificate; those of the system without it.
    pub ca_file: Option<PathBuf>,
    /// How its keys begin.
    pub prefix: String,
}

/// What is wrong with settings: the key, and why.
pub type Problem = (&'static str, String);

/// Counts in one Redis.
pub struct RedisTally {
    settings: RedisSettings,
    /// Without the password, which may change.
    place: ConnectionInfo,
    connection: Mutex<Option<MultiplexedConnection>>,
    take: Script,
    keep: Script,
}

impl RedisSettings {
    /// What can be known to be wrong before anybody connects.
    pub fn problem(&self) -> Option<Problem> {
        let place = match self.place() {
            Ok(place) => place,
            Err(reason) => return Some(("url", reason)),
        };
        if self.ca_file.is_some() && !self.url.starts_with("rediss://") {
            return Some(("ca_file", "is for rediss:// alone".to_owned()));
        }
        if self.password.is_some() && self.password_file.is_some() {
            return Some((
                "password_file",
                "give one of password and password_file".to_owned(),
            ));
        }
        if self.username.is_some() && self.password.is_none() && self.password_file.is_none() {
            return Some(("username", "means nothing without a password".to_owned()));
        }
        if let Err(reason) = self.password() {
            return Some(("password_file", reason));
        }
        self.client(place).err().map(|reason| ("ca_file", reason))
    }

    fn place(&self) -> Result<ConnectionInfo, String> {
        let written =
            "write \"redis://HOST:6379\" (or \"rediss://\", with TLS), and \"/1\" for another database";
        let is_known = self.url.starts_with("redis://") || self.url.starts_with("rediss://");
        if !is_known || self.url.contains(['?', '#']) {
            return Err(format!("is no URL of a Redis; {written}"));
        }
        if self.url.contains('@') {
            return Err("has credentials in it; they are `username` and `password`".to_owned());
        }
        self.url
            .parse()
            .map_err(|error: RedisError| format!("is no URL of a Redis ({error}); {written}"))
    }

    fn password(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.password_file else {
            return Ok(self.password.clone());
        };
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(format!("`{}` is empty", file.display()));
        }
        Ok(Some(Secret::from(text)))
    }

    /// For the next connection.
    fn client(&self, place: ConnectionInfo) -> Result<Client, String> {
        let mut redis = place.redis_settings().clone();
        if let Some(password) = self.password()? {
            redis = redis.set_password(password.expose_secret());
        }
        if let Some(username) = &self.username {
            redis = redis.set_username(username);
        }
        let place = place.set_redis_settings(redis);
        let Some(file) = &self.ca_file else {
            return Client::open(place).map_err(said);
        };
        let authorities =
            std::fs::read(file).map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
        if !authorities.windows(11).any(|bytes| bytes == b"CERTIFICATE") {
            return Err(format!("`{}` has no certificate in PEM form", file.display()));
        }
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(authorities),
        };
        Client::build_with_tls(place, certificates).map_err(said)
    }
}

impl RedisTally {
    /// Nobody connects before the first probe.
    pub fn new(settings: RedisSettings) -> Result<Self, Problem> {
        if let Some(problem) = settings.problem() {
            return Err(problem);
        }
        let place = settings.place().map_err(|reason| ("url", reason))?;
        Ok(Self {
            place,
            settings,
            connection: Mutex::default(),
            take: Script::new(include_str!("redis/take.lua")),
            keep: Script::new(include_str!("redis/keep.lua")),
        })
    }

    async fn connect(&self) -> Result<MultiplexedConnection, String> {
        let client = self.settings.client(self.place.clone())?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            // Whoever calls knows how long to wait.
            .set_response_timeout(None);
        let connected = client.get_multiplexed_async_connection_with_config(&config).await;
        connected.map_err(said)
    }

    fn slot(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self) -> Result<MultiplexedConnection, String> {
        let connection = self.slot().clone();
        connection.ok_or_else(|| "there is no connection".to_owned())
    }

    /// What one limit of a holder is called. All of one holder are in one slot of a cluster, should there be one behind a proxy; a call that counts
    /// for limits of others, too, needs one Redis.
    fn key(&self, holder: &str, name: &str) -> String {
        format!("{}{{{holder}}}{name}", self.settings.prefix)
    }

    async fn count(
        &self,
        connection: &mut MultiplexedConnection,
        wanted: &Wanted<'_>,
    ) -> Result<Taken, String> {
        let mut asked = self.take.prepare_invoke();
        for Counting { holder, count } in wanted.counts {
            asked.key(self.key(holder, &count.name));
        }
        asked
            .arg(wanted.counts.len())
            .arg(id(wanted.call))
            .arg(micros(wanted.lease));
        for Counting { count, .. } in wanted.counts {
            let (kind, first, second) = parameters(count);
            asked.arg(kind).arg(first).arg(second);
        }
        for place in wanted.over {
            asked
                .key(self.key(&place.holder, &place.name))
                .arg(id(place.call));
        }
        let answer: Vec<i64> = asked.invoke_async(connection).await.map_err(said)?;
        read(&answer).ok_or_else(|| format!("its script gives {answer:?}"))
    }
}

/// A connection that does not answer is not asked again.
struct Clearing<'a>(&'a RedisTally);

impl Drop for Clearing<'_> {
    fn drop(&mut self) {
        *self.0.slot() = None;
    }
}

#[async_trait]
impl Tally for RedisTally {
    async fn probe(&self) -> Result<(), String> {
        let known = self.slot().clone();
        // It stays where calls find it, and goes where it does not answer, also where nobody waits for that any more.
        let clearing = Clearing(self);
        let mut connection = match known {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let probe = Count {
            name: "day-probe".into(),
            most: Most::PerDay(u32::MAX),
        };
        let wanted = Wanted {
            counts: &[Counting {
                holder: PROBE,
                count: &probe,
            }],
            call: 0,
            over: &[],
            lease: Duration::from_secs(1),
        };
        self.count(&mut connection, &wanted).await?;
        std::mem::forget(clearing);
        *self.slot() = Some(connection);
        Ok(())
    }

    async fn take(&self, wanted: &Wanted<'_>) -> Result<Taken, String> {
        let mut connection = self.connected()?;
        self.count(&mut connection, wanted).await
    }

    async fn give_back(&self, places: &[Place]) -> Result<(), String> {
        if places.is_empty() {
            return Ok(());
        }
        let mut connection = self.connected()?;
        let mut all = redis::pipe();
        for place in places {
            let key = self.key(&place.holder, &place.name);
            all.cmd("ZREM").arg(key).arg(id(place.call)).ignore();
        }
        all.query_async(&mut connection).await.map_err(said)
    }

    async fn keep(&self, places: &[Place], lease: Duration) -> Result<(), String> {
        let mut connection = self.connected()?;
        let mut asked = self.keep.prepare_invoke();
        asked.arg(micros(lease));
        for place in places {
            asked
                .key(self.key(&place.holder, &place.name))
                .arg(id(place.call));
        }
        let _kept: i64 = asked.invoke_async(&mut connection).await.map_err(said)?;
        Ok(())
    }
}

/// As the script wants them.
fn parameters(count: &Count) -> (&'static str, String, u32) {
    match count.most {
        Most::Rate { between, burst } => ("rate", micros(between), burst),
        Most::PerDay(most) => ("day", most.to_string(), 0),
        Most::Concurrent(most) => ("now", most.to_string(), 0),
    }
}

/// With parts of them: many calls a second are few of them apart.
fn micros(time: Duration) -> String {
    format!("{}.{:03}", time.as_micros(), time.subsec_nanos() % 1_000)
}

fn id(call: u128) -> String {
    format!("{call:032x}")
}

fn read(answer: &[i64]) -> Option<Taken> {
    match answer {
        [1, left @ ..] => {
            let left = left.iter().map(|left| u32::try_from(*left).unwrap_or_default());
            Some(Taken::All(left.collect()))
        }
        [0, by, wait] => Some(Taken::Refused {
            by: usize::try_from(*by).ok()?,
            wait: Duration::from_micros(u64::try_from(*wait).ok()?),
        }),
        _ => None,
    }
}

/// One line. The crate says nothing of passwords.
fn said(error: RedisError) -> String {
    error.to_string().replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests;
