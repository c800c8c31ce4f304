//! yawc after hyper, with permessage-deflate as its options make it by default, and one pool of deflaters and inflaters
//! as its documents advise for many clients.

use std::sync::LazyLock;

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
use yawc::{DeflatePool, OpCode, Options, WebSocket, WebSocketError};

use super::{Outcome, Peer, Stream};

/// One thread has one message at a time in work.
static POOL: LazyLock<DeflatePool> = LazyLock::new(|| DeflatePool::new(1));

async fn answer(
    mut request: Request<Incoming>,
    takeover: bool,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let options = Options::default()
        .with_balanced_compression()
        .client_no_context_takeover()
        .with_deflate_pool(POOL.clone())
        .with_utf8();
    let options = if takeover { options } else { options.server_no_context_takeover() };
    let (response, upgrade) = WebSocket::upgrade_with_options(&mut request, options)?;
    task::spawn_local(async move {
        let Ok(mut socket) = upgrade.await else { return };
        while let Some(frame) = socket.next().await {
            let echoed = match frame.opcode() {
                OpCode::Text | OpCode::Binary => socket.send(frame).await,
                _ => Ok(()),
            };
            if echoed.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

/// With context takeover for what it sends, or without.
pub(super) struct Server<const TAKEOVER: bool>;

impl<const TAKEOVER: bool> Peer for Server<TAKEOVER> {
    async fn serve(stream: impl Stream) -> Outcome {
        let service = service_fn(|request| answer(request, TAKEOVER));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        Ok(connection.with_upgrades().await?)
    }
}
