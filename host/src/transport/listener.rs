//! Listening sockets, of TCP, of a name in the file system, or from the parent process.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::net::{SocketFlags, acceptfrom_with};
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use super::stream::Stream;
use super::{Address, Start, Transport};
use crate::config::Config;
use crate::listen::Listen;

/// Connections that the kernel holds until they are accepted; it caps this at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: OwnedFd,
    /// Its name in the file system, which goes with it.
    _name: Option<Name>,
    /// Clients without an address so far.
    nameless: u32,
}

impl Listener {
    /// Listens at `listen`; events come as `token`.
    pub(crate) fn bind(
        listen: &Listen,
        config: &Config,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let (socket, name) = match listen {
            Listen::Tcp(address) => (open_tcp(*address, config)?, None),
            Listen::Unix(path) => {
                let (socket, name) = open_unix(path, config)?;
                (socket, Some(name))
            }
            Listen::Inherited(socket) => (inherit(socket)?, None),
        };
        registry.register(&mut SourceFd(&socket.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self { socket: socket.into(), _name: name, nameless: 0 })
    }

    /// The TCP address listened on, with the port that 0 stood for.
    pub(crate) fn tcp_address(&self) -> Option<SocketAddr> {
        SockRef::from(&self.socket).local_addr().ok()?.as_socket()
    }

    /// What a client connects to, with the scheme `ws` or `wss`: `ws://HOST:PORT/`, or `ws+unix:PATH`.
    pub(crate) fn url(&self, scheme: &str) -> String {
        let address = SockRef::from(&self.socket).local_addr().ok();
        match address.as_ref().map(|address| (address.as_socket(), address.as_pathname())) {
            Some((Some(address), _)) => format!("{scheme}://{address}/"),
            Some((None, Some(path))) => format!("{scheme}+unix:{}", path.display()),
            _ => format!("{scheme}+unix:"),
        }
    }

    /// The next client, whose connection starts as `start` says; [`ErrorKind::WouldBlock`] if none waits.
    pub(crate) fn accept(
        &mut self,
        start: impl FnOnce(&Address) -> Start,
    ) -> io::Result<(Transport, Address)> {
        let (socket, address) = acceptfrom_with(&self.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC)?;
        let address = match address.map(SocketAddr::try_from) {
            Some(Ok(address)) => address.into(),
            _ => {
                self.nameless = self.nameless.wrapping_add(1);
                Address::Unix(self.nameless)
            }
        };
        Ok((Transport::new(Stream::new(socket), start(&address)), address))
    }
}

fn open_tcp(address: SocketAddr, config: &Config) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        let takes_ipv4 = address.ip().is_unspecified() && !config.ipv6_only;
        socket.set_only_v6(!takes_ipv4)?;
    }
    socket.set_reuse_address(true)?;
    if config.reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

fn open_unix(path: &Path, config: &Config) -> io::Result<(Socket, Name)> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let address = SockAddr::unix(path)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != ErrorKind::AddrInUse {
            return Err(error);
        }
        remove_stale(path)?;
        socket.bind(&address)?;
    }
    let name = Name::new(path)?;
    // No client can connect before it listens.
    fs::set_permissions(path, Permissions::from_mode(config.unix_mode))?;
    socket.listen(BACKLOG)?;
    Ok((socket, name))
}

/// Removes the name of a socket whose server is gone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let in_use = |what: &str| Err(io::Error::new(ErrorKind::AddrInUse, what));
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return in_use("there is a file of that name, which is no socket");
    }
    match UnixStream::connect(path) {
        Ok(_) => in_use("another server listens there"),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

fn inherit(socket: &OwnedFd) -> io::Result<Socket> {
    let socket = Socket::from(socket.as_fd().try_clone_to_owned()?);
    if !socket.is_listener()? {
        let what = "it does not listen; of a systemd unit for sockets, Accept= must be off";
        return Err(io::Error::new(ErrorKind::InvalidInput, what));
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// The name of a Unix socket, which is removed with it unless another server has taken it meanwhile.
#[derive(Debug)]
struct Name {
    path: PathBuf,
    inode: (u64, u64),
}

impl Name {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { path: std::path::absolute(path)?, inode: inode(path)? })
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            // The next server takes it over if that fails.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}
