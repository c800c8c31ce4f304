//! fastwebsockets after hyper, messages whole: its `echo_server` example.

use fastwebsockets::{FragmentCollector, OpCode, WebSocketError, upgrade};
use http_body_util::Empty;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::task;

use super::{Outcome, Peer, Stream};

async fn echo(upgrade: upgrade::UpgradeFut) -> Result<(), WebSocketError> {
    let mut socket = FragmentCollector::new(upgrade.await?);
    loop {
        let frame = socket.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await?,
            _ => {}
        }
    }
}

async fn answer(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgrade) = upgrade::upgrade(&mut request)?;
    task::spawn_local(async move { task::unconstrained(echo(upgrade)).await.unwrap_or(()) });
    Ok(response)
}

pub(super) struct Server;

impl Peer for Server {
    async fn serve(stream: impl Stream) -> Outcome {
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        Ok(connection.with_upgrades().await?)
    }
}
