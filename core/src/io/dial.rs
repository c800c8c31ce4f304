//! From an address to an open WebSocket, over the TCP and the DNS of [`embedded_nal_async`].

use core::fmt;
use core::net::SocketAddr;

use embedded_nal_async::{AddrType, Dns, TcpConnect};

use super::Error;
use super::asynch::{WebSocket, within};
use crate::buffer::Buffer;
use crate::connection::role::Client;
use crate::event::Event;
use crate::http::Url;
use crate::session::Session;

/// Why there is no WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum DialError<N, E> {
    /// The address is wss: [`connect`](Dialer::connect), make a TLS stream of the connection, and then
    /// [`WebSocket::open_with`].
    NeedsTls,
    /// The name has no address.
    Resolve(N),
    /// There is no TCP connection.
    Connect(E),
    /// There was neither name nor TCP connection in time.
    TooLate,
    /// The server does not open a WebSocket; the head of its answer was handed out.
    Open(Error<E>),
}

impl<N: fmt::Debug, E: fmt::Display> fmt::Display for DialError<N, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsTls => f.write_str("wss needs a TLS stream"),
            Self::Resolve(error) => write!(f, "the name has no address: {error:?}"),
            Self::Connect(error) => write!(f, "no TCP connection: {error}"),
            Self::TooLate => f.write_str("no TCP connection in time"),
            Self::Open(error) => write!(f, "no WebSocket: {error}"),
        }
    }
}

impl<N: fmt::Debug, E: core::error::Error + 'static> core::error::Error for DialError<N, E> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Connect(error) => Some(error),
            Self::Open(error) => error.source(),
            Self::NeedsTls | Self::Resolve(_) | Self::TooLate => None,
        }
    }
}

/// What a client connects with, and within which time.
///
/// ```
/// # use embedded_nal_async::{Dns, TcpConnect};
/// use microws::handshake::Refusal;
/// use microws::http::Url;
/// use microws::io::dial::Dialer;
/// use microws::{Buffer, Config, Session};
///
/// # async fn sleep(_: u32) {}
/// # fn random(_: &mut [u8]) {}
/// # async fn run<N: TcpConnect + Dns>(network: &N) -> Result<(), microws::http::UrlError> {
/// let (mut rx, mut tx) = ([0; 256], [0; 256]);
/// let url = Url::parse("ws://example.org/readings")?;
/// let config = Config::new().url(url);
/// let session = Session::client(&config, random);
/// let (rx, tx) = (Buffer::new(&mut rx), Buffer::new(&mut tx));
/// let mut refusal = Refusal::<128>::new();
/// let dialer = Dialer::new(network, network, sleep);
/// match dialer.dial(url, rx, tx, session, |event| refusal.note(&event)).await {
///     Ok(mut socket) => _ = socket.sender().send_text("21.5").await,
///     Err(_) => println!("status {}, again in {:?} s", refusal.status(), refusal.retry_after()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Dialer<'n, T, D, S> {
    /// The TCP stack.
    pub tcp: &'n T,
    /// The resolver of names; addresses in numbers do not need it.
    pub dns: &'n D,
    /// Makes a future that is ready after so many milliseconds: `|ms| Timer::after_millis(ms.into())`.
    pub sleep: S,
    /// Milliseconds for name and TCP connection; 0 waits forever. Default 10 s.
    pub connect_within: u32,
}

impl<'n, T, D, S> Dialer<'n, T, D, S> {
    /// With 10 s for name and TCP connection.
    pub const fn new(tcp: &'n T, dns: &'n D, sleep: S) -> Self {
        Self { tcp, dns, sleep, connect_within: 10_000 }
    }
}

impl<'n, T: TcpConnect, D: Dns, S: Fn(u32) -> F, F: Future<Output = ()>> Dialer<'n, T, D, S> {
    /// Resolves the host of `url` and connects to it: a TCP stream, over which a TLS stream may be made. A future
    /// that is dropped leaves nothing open.
    ///
    /// # Errors
    /// All except [`NeedsTls`](DialError::NeedsTls) and [`Open`](DialError::Open).
    pub async fn connect(&self, url: Url<'_>) -> Result<T::Connection<'n>, DialError<D::Error, T::Error>> {
        let connected = async {
            let ip = match url.ip() {
                Some(ip) => ip,
                None => {
                    let resolved = self.dns.get_host_by_name(url.host(), AddrType::Either).await;
                    resolved.map_err(DialError::Resolve)?
                }
            };
            self.tcp.connect(SocketAddr::new(ip, url.port())).await.map_err(DialError::Connect)
        };
        let within_time = (self.connect_within > 0).then(|| (self.sleep)(self.connect_within));
        within(connected, within_time).await.unwrap_or(Err(DialError::TooLate))
    }

    /// Opens a WebSocket of `session` to `url`: name, TCP connection and opening handshake, the latter within
    /// [`Timeouts::handshake`](crate::Timeouts::handshake). Its configuration has the request: see
    /// [`Config::url`](crate::Config::url). `head` gets the server's answer line by line, status first: a
    /// [`Refusal`](crate::handshake::Refusal) keeps what the next attempt needs.
    ///
    /// # Errors
    /// See [`DialError`]; the stream is dropped.
    pub async fn dial<'a, R: FnMut(&mut [u8])>(
        &self,
        url: Url<'_>,
        rx: Buffer<'a>,
        tx: Buffer<'a>,
        session: Session<'a, Client<R>>,
        head: impl FnMut(Event<'_>),
    ) -> Result<WebSocket<'a, T::Connection<'n>, Client<R>>, DialError<D::Error, T::Error>> {
        if url.is_secure() {
            return Err(DialError::NeedsTls);
        }
        let stream = self.connect(url).await?;
        let mut socket = WebSocket::new(stream, rx, tx, session);
        socket.open_with(&self.sleep, head).await.map_err(DialError::Open)?;
        Ok(socket)
    }
}
