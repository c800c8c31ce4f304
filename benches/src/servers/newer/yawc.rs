//! yawc after hyper: its `echo_server` example, but text is checked, as by all others.

use futures_util::{SinkExt, StreamExt};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::task;
use yawc::{OpCode, Options, UpgradeFut, WebSocket, WebSocketError};

use super::{Outcome, Peer, Stream};

async fn echo(upgrade: UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = upgrade.await?;
    while let Some(frame) = socket.next().await {
        if matches!(frame.opcode(), OpCode::Text | OpCode::Binary) {
            socket.send(frame).await?;
        }
    }
    Ok(())
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let options =
        Options::default().with_utf8().with_max_payload_read(100 << 20).with_max_read_buffer(200 << 20);
    let (response, upgrade) = WebSocket::upgrade_with_options(&mut request, options)?;
    task::spawn_local(async move { task::unconstrained(echo(upgrade)).await.unwrap_or(()) });
    Ok(response)
}

pub(in super::super) struct Server;

impl Peer for Server {
    const NODELAY: bool = false;

    async fn serve(stream: impl Stream) -> Outcome {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        Ok(connection.with_upgrades().await?)
    }
}
