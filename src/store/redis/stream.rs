//! Bytes to and from a server: over TCP, with TLS or without, or over a Unix socket.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A name or an address without brackets, and a port.
    Tcp(String, u16),
    Socket(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Went wrong while the connection was made a secure one.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0)]
pub(super) struct Handshake(#[source] io::Error);

/// An open connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    #[cfg(unix)]
    Socket(UnixStream),
}

impl Stream {
    /// Connects within `limit`, the handshake of TLS included. An error of TLS is a [`rustls::Error`]
    /// within the other.
    pub fn connect(
        address: &Address,
        tls: Option<&Arc<ClientConfig>>,
        limit: Duration,
    ) -> io::Result<Self> {
        let deadline = Instant::now() + limit;
        match (address, tls) {
            (Address::Tcp(host, port), None) => Ok(Self::Plain(dial(host, *port, deadline)?)),
            (Address::Tcp(host, port), Some(config)) => {
                let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
                let session =
                    ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
                let tcp = dial(host, *port, deadline)?;
                shake_hands(session, tcp, deadline)
            }
            #[cfg(unix)]
            (Address::Socket(path), _) => Ok(Self::Socket(UnixStream::connect(path)?)),
            #[cfg(not(unix))]
            (Address::Socket(_), _) => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this system has no Unix sockets",
            )),
        }
    }

    /// How long it may take to send something, and to receive something.
    pub fn set_limit(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => set_limits(tcp, limit),
            Self::Tls(tls) => set_limits(&tls.sock, limit),
            #[cfg(unix)]
            Self::Socket(socket) => {
                socket.set_read_timeout(Some(limit))?;
                socket.set_write_timeout(Some(limit))
            }
        }
    }
}

fn set_limits(tcp: &TcpStream, limit: Duration) -> io::Result<()> {
    tcp.set_read_timeout(Some(limit))?;
    tcp.set_write_timeout(Some(limit))
}

/// Tries every address of a name, one after another.
fn dial(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("its name stands for no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn shake_hands(
    mut session: ClientConnection,
    mut tcp: TcpStream,
    deadline: Instant,
) -> io::Result<Stream> {
    while session.is_handshaking() {
        set_limits(&tcp, left(deadline)?)?;
        let done = session.complete_io(&mut tcp);
        done.map_err(|error| io::Error::new(error.kind(), Handshake(error)))?;
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(session, tcp))))
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
            #[cfg(unix)]
            Self::Socket(socket) => socket.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
            #[cfg(unix)]
            Self::Socket(socket) => socket.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.flush(),
            #[cfg(unix)]
            Self::Socket(socket) => socket.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_written_as_in_a_url() {
        for (host, shown) in [("h", "h:1"), ("10.0.0.1", "10.0.0.1:1"), ("::1", "[::1]:1")] {
            assert_eq!(Address::Tcp(host.to_owned(), 1).to_string(), shown);
        }
    }
}
