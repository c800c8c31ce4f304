//! picoserve: it answers the request on a stream that it is lent, and a callback that does nothing ends its part. Its
//! own WebSocket keeps the two halves of the stream to itself, so they are not joined here.

use std::cell::Cell;

use embedded_io_adapters::tokio_1::FromTokio;
use picoserve::io::{Read, Socket, Write};
use picoserve::response::ws::{SocketRx, SocketTx, WebSocketCallback, WebSocketUpgrade};
use picoserve::routing::get;
use picoserve::{Timeouts, Timer, TokioRuntime};
use tokio::net::TcpStream;

/// Serves one connection, and echoes when its last request was an upgrade.
pub async fn serve(mut stream: TcpStream) {
    let upgraded = Cell::new(false);
    let app = picoserve::Router::new()
        .route("/", get(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(HandOver(&upgraded))));
    let config = picoserve::Config::const_default();
    let mut buffer = [0; 1024];
    let served = picoserve::Server::new_tokio(&app, &config, &mut buffer).serve(Lent(&mut stream)).await;
    if served.is_ok() && upgraded.get() {
        // A client sends nothing before the response has come (RFC 6455 section 4.1), so nothing was read too much.
        let _ = crate::echo(FromTokio::new(stream)).await;
    }
}

/// The response has left: the stream is open.
struct HandOver<'f>(&'f Cell<bool>);

impl WebSocketCallback for HandOver<'_> {
    async fn run<R: Read, W: Write<Error = R::Error>>(
        self,
        _: SocketRx<R>,
        _: SocketTx<W>,
    ) -> Result<(), W::Error> {
        self.0.set(true);
        Ok(())
    }
}

/// A stream that picoserve does not end. With embassy-net's socket it is the same.
struct Lent<'s>(&'s mut TcpStream);

impl Socket<TokioRuntime> for Lent<'_> {
    type Error = <TcpStream as Socket<TokioRuntime>>::Error;
    type ReadHalf<'a>
        = <TcpStream as Socket<TokioRuntime>>::ReadHalf<'a>
    where
        Self: 'a;
    type WriteHalf<'a>
        = <TcpStream as Socket<TokioRuntime>>::WriteHalf<'a>
    where
        Self: 'a;

    fn split(&mut self) -> (Self::ReadHalf<'_>, Self::WriteHalf<'_>) {
        Socket::split(self.0)
    }

    async fn abort<T: Timer<TokioRuntime>>(
        self,
        _: &Timeouts,
        _: &T,
    ) -> Result<(), picoserve::Error<Self::Error>> {
        Ok(())
    }

    async fn shutdown<T: Timer<TokioRuntime>>(
        self,
        _: &Timeouts,
        _: &T,
    ) -> Result<(), picoserve::Error<Self::Error>> {
        Ok(())
    }
}
