//! Records as messages of syslog (RFC 5424), over UDP (RFC 5426), TCP with counted octets (RFC 6587, section 3.4.1), or the socket of this machine.

use super::follow::Batch;
use crate::timestamp::rfc3339;
use std::{path::PathBuf, time::Duration};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
    time::timeout,
};

/// Facility 13 (log audit), severity 6 (informational).
const PRIORITY: u8 = 13 * 8 + 6;
/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longer messages fit into no datagram.
const MOST_OF_A_DATAGRAM: usize = 60_000;

/// Where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SyslogPlace {
    Udp(String),
    Tcp(String),
    Unix(PathBuf),
}

impl SyslogPlace {
    /// `udp://HOST:514`, `tcp://HOST:601` or `unix:/dev/log`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = || "must be udp://HOST:PORT, tcp://HOST:PORT or unix:/PATH".to_owned();
        let (scheme, rest) = text.split_once(':').ok_or_else(wrong)?;
        let address = || {
            let address = rest.strip_prefix("//")?;
            let (host, port) = address.rsplit_once(':')?;
            let is_one = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
            is_one.then(|| address.to_owned())
        };
        match scheme {
            "udp" => address().map(Self::Udp).ok_or_else(wrong),
            "tcp" => address().map(Self::Tcp).ok_or_else(wrong),
            "unix" if cfg!(unix) && rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            _ => Err(wrong()),
        }
    }
}

pub(super) struct Syslog {
    place: SyslogPlace,
    /// Of TCP.
    connection: Option<TcpStream>,
    host: String,
}

impl Syslog {
    pub(super) fn new(place: SyslogPlace) -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .or_else(|| std::env::var("HOSTNAME").ok());
        let host: String = name
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_graphic)
            .take(255)
            .collect();
        Self {
            place,
            connection: None,
            // The sign for what is not known.
            host: if host.is_empty() { "-".to_owned() } else { host },
        }
    }

    pub(super) async fn send(&mut self, batch: &Batch) -> Result<(), String> {
        let messages: Vec<String> = batch.lines.iter().map(|line| self.message(line)).collect();
        let sent = match &self.place {
            SyslogPlace::Udp(address) => timeout(PATIENCE, udp(address, &messages)).await,
            SyslogPlace::Unix(path) => timeout(PATIENCE, unix(path, &messages)).await,
            SyslogPlace::Tcp(address) => {
                let connection = self.connection.take();
                let sent = timeout(PATIENCE, tcp(address, connection, &messages)).await;
                match sent {
                    Ok(Ok(connection)) => {
                        self.connection = Some(connection);
                        Ok(Ok(()))
                    }
                    Ok(Err(error)) => Ok(Err(error)),
                    Err(late) => Err(late),
                }
            }
        };
        match sent {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err(format!("it took longer than {PATIENCE:?}")),
        }
    }

    fn message(&self, line: &str) -> String {
        let (at, host, process) = (
            rfc3339(std::time::SystemTime::now()),
            &self.host,
            std::process::id(),
        );
        format!("<{PRIORITY}>1 {at} {host} dynmcp {process} audit - {line}")
    }
}

/// What does not fit is cut, which is better than nothing of it.
fn datagram(message: &str) -> &[u8] {
    let end = message.floor_char_boundary(MOST_OF_A_DATAGRAM.min(message.len()));
    &message.as_bytes()[..end]
}

async fn udp(address: &str, messages: &[String]) -> std::io::Result<()> {
    let target = tokio::net::lookup_host(address).await?.next();
    let target = target.ok_or_else(|| std::io::Error::other("the host has no address"))?;
    let own = if target.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(own).await?;
    socket.connect(target).await?;
    for message in messages {
        socket.send(datagram(message)).await?;
    }
    Ok(())
}

#[cfg(unix)]
async fn unix(path: &std::path::Path, messages: &[String]) -> std::io::Result<()> {
    let socket = tokio::net::UnixDatagram::unbound()?;
    socket.connect(path)?;
    for message in messages {
        socket.send(datagram(message)).await?;
    }
    Ok(())
}

#[cfg(not(unix))]
async fn unix(_: &std::path::Path, _: &[String]) -> std::io::Result<()> {
    Err(std::io::Error::other("there are no such sockets here"))
}

async fn tcp(
    address: &str,
    connection: Option<TcpStream>,
    messages: &[String],
) -> std::io::Result<TcpStream> {
    // Receivers say nothing: whatever can be read is that it was closed, and what is written then is lost without a word.
    let is_open = |connection: &TcpStream| {
        let read = connection.try_read(&mut [0; 64]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let mut connection = match connection.filter(is_open) {
        Some(connection) => connection,
        None => TcpStream::connect(address).await?,
    };
    let mut text = Vec::new();
    for message in messages {
        text.extend_from_slice(format!("{} ", message.len()).as_bytes());
        text.extend_from_slice(message.as_bytes());
    }
    connection.write_all(&text).await?;
    connection.flush().await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read() {
        assert_eq!(
            SyslogPlace::read("udp://log:514"),
            Ok(SyslogPlace::Udp("log:514".to_owned()))
        );
        assert_eq!(
            SyslogPlace::read("tcp://[::1]:601"),
            Ok(SyslogPlace::Tcp("[::1]:601".to_owned()))
        );
        #[cfg(unix)]
        assert_eq!(
            SyslogPlace::read("unix:/dev/log"),
            Ok(SyslogPlace::Unix("/dev/log".into()))
        );
        for wrong in [
            "log:514",
            "udp://log",
            "udp:log:514",
            "tcp://:601",
            "tcp://log:0",
            "unix:dev/log",
            "tls://log:6514",
        ] {
            assert!(SyslogPlace::read(wrong).is_err(), "{wrong}");
        }
    }
}
