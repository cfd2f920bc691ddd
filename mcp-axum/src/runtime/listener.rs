//! Where connections come in.

use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that nobody has taken up yet; the system may allow fewer (`net.core.somaxconn`). Whoever comes when there are more is not answered, and
/// tries again a second later.
const WAITING: u32 = 4096;

/// At the first address of this name where one can listen.
pub(super) async fn open(name: &str, port: u16) -> io::Result<TcpListener> {
    let mut why_not = None;
    for address in lookup_host((name, port)).await? {
        match at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => why_not = Some(error),
        }
    }
    Err(why_not.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the name has no address")))
}

fn at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Or a gateway that starts again would wait for connections of the one before. Elsewhere it means that others may take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{fs, time::Duration};
    use tokio::{net::TcpStream, time::timeout};

    #[tokio::test]
    async fn many_may_come_before_anybody_takes_them_up() {
        let allowed = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let many = allowed.trim().parse::<usize>().unwrap().min(300);
        let listener = open("localhost", 0).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connections = Vec::new();
        for number in 0..many {
            let connecting = timeout(Duration::from_millis(900), TcpStream::connect(address));
            let connected = connecting.await;
            let connected = connected.unwrap_or_else(|_| panic!("{number} of {many} found a place"));
            connections.push(connected.unwrap());
        }
    }
}
