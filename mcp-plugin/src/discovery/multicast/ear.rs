//! Listens to a multicast group beside others of the same machine.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
};
use tokio::net::UdpSocket;

/// Longer datagrams are not meant for us.
const LONGEST: usize = 9_000;

pub(super) struct Ear(UdpSocket);

impl Ear {
    pub(super) fn open(group: SocketAddrV4, interface: Ipv4Addr) -> Result<Self, String> {
        socket(group, interface)
            .map(Self)
            .map_err(|error| format!("{group} cannot be listened to at the interface {interface}: {error}"))
    }

    pub(super) async fn is_spoken_to(&self) {
        // What is wrong shows when it is read.
        let _ = self.0.readable().await;
    }

    /// What was said, and from where.
    pub(super) fn said(&self, most: usize) -> impl Iterator<Item = (Vec<u8>, SocketAddr)> {
        let mut buffer = vec![0; LONGEST];
        let next = move |_| match self.0.try_recv_from(&mut buffer) {
            Ok((length, from)) => Some((buffer[..length].to_vec(), from)),
            Err(_) => None,
        };
        (0..most).map_while(next)
    }

    pub(super) async fn say(&self, text: &[u8], group: SocketAddrV4) -> Result<(), String> {
        let sent = self.0.send_to(text, group).await;
        sent.map(drop)
            .map_err(|error| format!("nothing can be sent to {group}: {error}"))
    }
}

fn socket(group: SocketAddrV4, interface: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    // Bound to the group, it hears what is said there and nothing else; not every system can.
    let to = if cfg!(unix) {
        *group.ip()
    } else {
        Ipv4Addr::UNSPECIFIED
    };
    socket.bind(&SocketAddr::from((to, group.port())).into())?;
    socket.join_multicast_v4(group.ip(), &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}
