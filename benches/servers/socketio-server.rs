//! socketioxide as its documents write an echo server, on axum and a single-threaded runtime.

use std::error::Error;

use axum::{
    Router,
    serve::{self, ListenerExt},
};
use socketioxide::{
    SocketIo,
    extract::{AckSender, Data, SocketRef},
};

/// What an event carries, read as `serde_json` reads any JSON.
type Argument = Data<serde_json::Value>;

async fn on_connect(socket: SocketRef) {
    socket.on("message", async |socket: SocketRef, Data(argument): Argument| {
        // A client that goes away is no news.
        let _gone = socket.emit("message", &argument);
    });
    socket.on("question", async |Data(argument): Argument, ack: AckSender| {
        let _gone = ack.send(&argument);
    });
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (layer, io) = SocketIo::new_layer();
        io.ns("/", on_connect);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        eprintln!("listening on ws://{}/", listener.local_addr()?);
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap_or(()));
        Ok(serve::serve(listener, Router::new().layer(layer)).await?)
    })
}
