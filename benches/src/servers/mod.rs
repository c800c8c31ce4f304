//! Echo servers to compare with, each single-threaded and written as its library's documents show.

use std::{
    error::Error,
    io::Write,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener},
};

use clap::Parser;
use tokio::{net::TcpStream, runtime};

mod fastwebsockets;
mod floor;
#[cfg(feature = "host")]
mod microws;
mod soketto;
mod tokio_tungstenite;
mod tokio_websockets;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// An echo server on any free port of the loopback address; its address goes to standard error.
#[derive(Debug, Parser)]
pub struct Arguments {
    #[arg(value_parser = NAMES.to_vec())]
    name: String,
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

const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

fn say(address: SocketAddr) -> std::io::Result<()> {
    writeln!(std::io::stderr(), "listening on ws://{address}/")
}

/// Serve until killed.
pub fn run(arguments: &Arguments) -> Outcome {
    #[cfg(feature = "host")]
    if arguments.name == "microws" {
        return microws::serve();
    }
    let listener = TcpListener::bind(ANY_PORT)?;
    listener.set_nonblocking(true)?;
    say(listener.local_addr()?)?;
    match arguments.name.as_str() {
        "fastwebsockets" => each_client(listener, fastwebsockets::serve),
        "tokio-websockets" => each_client(listener, tokio_websockets::serve),
        "tokio-tungstenite" => each_client(listener, tokio_tungstenite::serve),
        "soketto" => each_client(listener, soketto::serve),
        _ => floor::serve(listener),
    }
}

/// A task for each client on a single-threaded runtime.
fn each_client<F>(listener: TcpListener, serve: fn(TcpStream) -> F) -> Outcome
where
    F: Future<Output = Outcome> + 'static,
{
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let client = serve(stream);
            // A client that goes away is no news.
            tokio::task::spawn_local(async move { client.await.unwrap_or(()) });
        }
    })
}
