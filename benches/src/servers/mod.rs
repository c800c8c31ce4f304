//! Echo servers to compare with, each single-threaded and written as its library's documents show.

use std::{
    error::Error,
    io::Write,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use clap::Parser;
use rustls::{
    ServerConfig,
    crypto::ring::{Ticketer, default_provider},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};
use tokio_rustls::TlsAcceptor;

mod fastwebsockets;
mod floor;
#[cfg(feature = "host")]
mod microws;
#[cfg(feature = "deflate")]
mod sockudo_ws;
mod soketto;
mod tokio_tungstenite;
mod tokio_websockets;
#[cfg(feature = "deflate")]
mod yawc;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// An echo server on any free port of the loopback address; its address goes to standard error.
#[derive(Debug, Parser)]
pub struct Arguments {
    #[arg(value_parser = [NAMES, NAMES_DEFLATE].concat())]
    name: String,
    /// TLS with this certificate (PEM), for all but the floor.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// What can be served.
pub const NAMES: &[&str] = &[
    "floor",
    #[cfg(feature = "host")]
    "microws",
    "fastwebsockets",
    "tokio-websockets",
    "tokio-tungstenite",
    "soketto",
];

/// With permessage-deflate.
const NAMES_DEFLATE: &[&str] = &[
    #[cfg(feature = "deflate")]
    "sockudo-ws",
    #[cfg(feature = "deflate")]
    "sockudo-ws-takeover",
    #[cfg(feature = "deflate")]
    "yawc",
    #[cfg(feature = "deflate")]
    "yawc-takeover",
    #[cfg(feature = "soketto-deflate")]
    "soketto-deflate",
];

const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

fn say(address: SocketAddr) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "listening on ws://{address}/")
}

/// Serve until killed.
pub fn run(arguments: &Arguments) -> Outcome {
    #[cfg(feature = "host")]
    if arguments.name == "microws" {
        return microws::serve(arguments);
    }
    let listener = TcpListener::bind(ANY_PORT)?;
    listener.set_nonblocking(true)?;
    say(listener.local_addr()?)?;
    let tls = arguments.acceptor()?;
    match arguments.name.as_str() {
        "fastwebsockets" => each_client::<fastwebsockets::Server>(listener, tls),
        "tokio-websockets" => each_client::<tokio_websockets::Server>(listener, tls),
        "tokio-tungstenite" => each_client::<tokio_tungstenite::Server>(listener, tls),
        "soketto" => each_client::<soketto::Server<false>>(listener, tls),
        #[cfg(feature = "soketto-deflate")]
        "soketto-deflate" => each_client::<soketto::Server<true>>(listener, tls),
        #[cfg(feature = "deflate")]
        "sockudo-ws" => each_client::<sockudo_ws::Server<false>>(listener, tls),
        #[cfg(feature = "deflate")]
        "sockudo-ws-takeover" => each_client::<sockudo_ws::Server<true>>(listener, tls),
        #[cfg(feature = "deflate")]
        "yawc" => each_client::<yawc::Server<false>>(listener, tls),
        #[cfg(feature = "deflate")]
        "yawc-takeover" => each_client::<yawc::Server<true>>(listener, tls),
        _ => floor::serve(listener),
    }
}

impl Arguments {
    /// As microws has it: rustls with ring, and session tickets.
    fn acceptor(&self) -> Outcome<Option<TlsAcceptor>> {
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
        config.ticketer = Ticketer::new()?;
        Ok(Some(Arc::new(config).into()))
    }
}

/// What a peer is served on, without a detour for the sake of TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// A peer.
trait Peer {
    /// Echoes until the client goes.
    fn serve(stream: impl Stream) -> impl Future<Output = Outcome>;
}

/// A task for each client on a single-threaded runtime.
fn each_client<P: Peer + 'static>(listener: TcpListener, tls: Option<TlsAcceptor>) -> Outcome {
    // sockudo-ws has timers.
    let runtime = match cfg!(feature = "deflate") {
        true => runtime::Builder::new_current_thread().enable_all().build()?,
        false => runtime::Builder::new_current_thread().enable_io().build()?,
    };
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A client that goes away is no news.
            match tls.clone() {
                None => tokio::task::spawn_local(async move { P::serve(stream).await.unwrap_or(()) }),
                Some(tls) => tokio::task::spawn_local(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        P::serve(stream).await.unwrap_or(());
                    }
                }),
            };
        }
    })
}
