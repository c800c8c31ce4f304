//! The load's side of a connection, plain or with TLS.

use std::{
    error::Error,
    fs,
    io::{self, ErrorKind, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with, sockopt::set_socket_linger};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore,
    client::Resumption,
    crypto::ring::{self, cipher_suite::TLS13_AES_256_GCM_SHA384},
    pki_types::ServerName,
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const STALL: Duration = Duration::from_secs(20);

/// Connections from one address of the loopback network, fewer than it has ports (28,232, if nobody set another range).
const FROM_ONE_ADDRESS: usize = 10_000;

/// A certificate for the servers, which the load trusts.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    config: Arc<ClientConfig>,
}

impl Tls {
    /// Made now, and written to `directory`. One version and one cipher, so that all servers do the same work.
    pub(crate) fn new(directory: &Path) -> Outcome<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        fs::create_dir_all(directory)?;
        let (certificate, key) = (directory.join("certificate.pem"), directory.join("key.pem"));
        fs::write(&certificate, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let mut provider = ring::default_provider();
        provider.cipher_suites = vec![TLS13_AES_256_GCM_SHA384];
        let config = ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { certificate, key, config: Arc::new(config) })
    }

    /// The same, but every handshake is a full one.
    pub(crate) fn without_resumption(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config), ..self.clone() }
    }
}

/// Connects from an address of its own for each so many connections.
fn connect(address: SocketAddr, index: usize) -> io::Result<std::net::TcpStream> {
    let host = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + (index / FROM_ONE_ADDRESS) as u32);
    if host == Ipv4Addr::LOCALHOST {
        return std::net::TcpStream::connect(address);
    }
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    bind(&socket, &SocketAddrV4::new(host, 0))?;
    // Its end is a reset: a port that waits out its time (TIME-WAIT) could not be bound again in the next round.
    set_socket_linger(&socket, Some(Duration::ZERO))?;
    rustix::net::connect(&socket, &address)?;
    Ok(socket.into())
}

/// One connection.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<(ClientConnection, TcpStream)>),
}

impl Wire {
    /// Connects as number `index` and has `begin` talk over the stream while it still waits.
    pub(crate) fn open(
        address: SocketAddr,
        index: usize,
        tls: Option<&Tls>,
        begin: impl FnOnce(&mut dyn ReadWrite) -> Outcome,
    ) -> Outcome<Self> {
        let mut stream = connect(address, index)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(STALL))?;
        let Some(tls) = tls else {
            begin(&mut stream)?;
            stream.set_nonblocking(true)?;
            return Ok(Self::Plain(TcpStream::from_std(stream)));
        };
        let mut connection =
            ClientConnection::new(Arc::clone(&tls.config), ServerName::try_from("localhost")?)?;
        connection.set_buffer_limit(None);
        begin(&mut rustls::Stream::new(&mut connection, &mut stream))?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tls(Box::new((connection, TcpStream::from_std(stream)))))
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let stream = match self {
            Self::Plain(stream) => stream,
            Self::Tls(both) => &mut both.1,
        };
        registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Whether a read that does not fill its buffer has taken all there is.
    pub(crate) const fn short_read_drains(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (tls, stream) = match self {
            Self::Plain(stream) => return stream.read(buffer),
            Self::Tls(both) => &mut **both,
        };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
            tls.read_tls(stream)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(both) => {
                let len = both.0.writer().write(bytes)?;
                match self.flush() {
                    // They are taken, and go later.
                    Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(len),
                    flushed => flushed.map(|()| len),
                }
            }
        }
    }

    /// Writes out what was taken; `WouldBlock` if that does not go now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Self::Tls(both) = self else { return Ok(()) };
        let (tls, stream) = &mut **both;
        while tls.wants_write() {
            tls.write_tls(stream)?;
        }
        Ok(())
    }

    /// Whether its handshake was shortened by an earlier one.
    pub(crate) fn is_resumed(&self) -> bool {
        matches!(self, Self::Tls(both) if both.0.handshake_kind() == Some(HandshakeKind::Resumed))
    }
}

/// A stream that waits.
pub(crate) trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}
