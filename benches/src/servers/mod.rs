//! Echo servers to compare with, each single-threaded and written as its library's documents show.

use std::{
    alloc::System,
    error::Error,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
    path::PathBuf,
    sync::Arc,
    thread,
};

use clap::Parser;
use rustls::{
    ServerConfig,
    crypto::ring::{Ticketer, default_provider},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use stats_alloc::StatsAlloc;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};
use tokio_rustls::TlsAcceptor;

mod fastwebsockets;
mod floor;
#[cfg(feature = "host")]
mod microws;
#[cfg(feature = "newer")]
mod newer;
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
    #[arg(value_parser = [NAMES, NAMES_DEFLATE, if cfg!(feature = "newer") { NAMES_NEWER } else { &[] }].concat())]
    name: String,
    /// TLS with this certificate (PEM), for all but the floor.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// TCP_NODELAY also for a server whose documents leave it off.
    #[arg(long)]
    nodelay: bool,
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

/// Those of the feature `newer`.
pub const NAMES_NEWER: &[&str] = &["sockudo-ws", "wtx", "yawc"];

/// Those of them whose documents leave TCP_NODELAY off.
pub const WITHOUT_NODELAY: &[&str] = &["wtx", "yawc"];

/// With permessage-deflate.
const NAMES_DEFLATE: &[&str] = &[
    #[cfg(feature = "deflate")]
    "sockudo-ws-deflate",
    #[cfg(feature = "deflate")]
    "sockudo-ws-takeover",
    #[cfg(feature = "deflate")]
    "yawc-deflate",
    #[cfg(feature = "deflate")]
    "yawc-takeover",
    #[cfg(feature = "soketto-deflate")]
    "soketto-deflate",
];

const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

fn say(address: SocketAddr) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "listening on ws://{address}/")
}

/// Starts a thread that replies to each line on standard input with the number of allocations so far.
pub fn tell_allocations(allocator: &'static StatsAlloc<System>) {
    thread::spawn(|| {
        let mut line = String::new();
        while io::stdin().read_line(&mut line).is_ok_and(|len| len > 0) {
            line.clear();
            let stats = allocator.stats();
            println!("{}", stats.allocations + stats.reallocations);
        }
    });
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
    let (tls, nodelay) = (arguments.acceptor()?, arguments.nodelay);
    match arguments.name.as_str() {
        "fastwebsockets" => each_client::<fastwebsockets::Server>(listener, tls, nodelay),
        "tokio-websockets" => each_client::<tokio_websockets::Server>(listener, tls, nodelay),
        "tokio-tungstenite" => each_client::<tokio_tungstenite::Server>(listener, tls, nodelay),
        "soketto" => each_client::<soketto::Server<false>>(listener, tls, nodelay),
        #[cfg(feature = "soketto-deflate")]
        "soketto-deflate" => each_client::<soketto::Server<true>>(listener, tls, nodelay),
        #[cfg(feature = "deflate")]
        "sockudo-ws-deflate" => each_client::<sockudo_ws::Server<false>>(listener, tls, nodelay),
        #[cfg(feature = "deflate")]
        "sockudo-ws-takeover" => each_client::<sockudo_ws::Server<true>>(listener, tls, nodelay),
        #[cfg(feature = "deflate")]
        "yawc-deflate" => each_client::<yawc::Server<false>>(listener, tls, nodelay),
        #[cfg(feature = "deflate")]
        "yawc-takeover" => each_client::<yawc::Server<true>>(listener, tls, nodelay),
        #[cfg(feature = "newer")]
        "sockudo-ws" => each_client::<newer::sockudo_ws::Server>(listener, tls, nodelay),
        #[cfg(feature = "newer")]
        "wtx" => each_client::<newer::wtx::Server>(listener, tls, nodelay),
        #[cfg(feature = "newer")]
        "yawc" => each_client::<newer::yawc::Server>(listener, tls, nodelay),
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
    /// Whether it has timers.
    const TIMERS: bool = false;
    /// Whether its documents set TCP_NODELAY, or say nothing about sockets.
    const NODELAY: bool = true;

    /// Echoes until the client goes.
    fn serve(stream: impl Stream) -> impl Future<Output = Outcome>;
}

/// A task for each client on a single-threaded runtime.
fn each_client<P: Peer + 'static>(listener: TcpListener, tls: Option<TlsAcceptor>, nodelay: bool) -> Outcome {
    let runtime = match P::TIMERS {
        true => runtime::Builder::new_current_thread().enable_all().build()?,
        false => runtime::Builder::new_current_thread().enable_io().build()?,
    };
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            if P::NODELAY || nodelay {
                stream.set_nodelay(true)?;
            }
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
